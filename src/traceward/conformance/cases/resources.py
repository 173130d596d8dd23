"""The top-level resources: their lists, their items, and the events of an item."""

from dataclasses import dataclass
from typing import Final

from traceward.conformance.case import Group, Judge
from traceward.conformance.client import next_link
from traceward.conformance.model import Level, Unmet
from traceward.conformance.run import Run, expect_labels, expect_problem, expect_status, segment

GROUP: Final = Group("resources", "Top-level resources")
MAX_LIST_PAGES: Final = 200
OBJECTS: Final = "commission ship receive discard quarantine wrong right denied"


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource: an item that the core data has, its events, and a value that no event has.

    paged: an item with several events, where `item` has one.
    """

    path: str
    item: str
    labels: str
    unknown: str
    paged: tuple[str, str] | None = None


RESOURCES: Final = (
    Resource("eventTypes", "TransformationEvent", "mix", "NonsenseEvent", ("ObjectEvent", OBJECTS)),
    Resource("epcs", "{s1}", "commission ship pack mix", "{never}"),
    Resource("bizSteps", "{ns}step-{token}", "quarantine", "void_shipin", ("inspecting", "wrong right denied")),
    Resource("bizLocations", "{locB}", "ship receive", "{never}"),
    Resource("readPoints", "{rp2}", "ship wrong denied", "{never}"),
    Resource("dispositions", "{ns}state-{token}", "quarantine sell", "staten"),
)


def _listed(run: Run, path: str) -> list[str]:
    """All members of a collection, page by page."""
    answer = run.get(path, {"perPage": "100"})
    members: list[str] = []
    for _ in range(MAX_LIST_PAGES):
        expect_status(answer, 200)
        body = answer.json()
        if not isinstance(body, dict) or body.get("type") != "Collection" or not isinstance(body.get("member"), list):
            raise Unmet('a body of "type": "Collection" with `member`', answer.text(200))
        if "@context" not in body:
            raise Unmet("@context in the collection", answer.text(200))
        members += [str(member) for member in body["member"]]
        following = next_link(answer)
        if following is None:
            return members
        answer = run.request("GET", following)
    raise Unmet(f"a last page within {MAX_LIST_PAGES}", "a further one")


def _lists(resource: Resource) -> Judge:
    def judge(run: Run) -> None:
        run.part("core")
        members = _listed(run, f"/{resource.path}")
        item = run.data.filled(resource.item)
        # A custom term may be told as a CURIE of a prefix that the collection declares.
        if item not in members and not any(item.endswith(one.partition(":")[2] or "\0") for one in members):
            raise Unmet(f"{item} among the {resource.path}", f"{len(members)} others")
        if len(members) != len(set(members)):
            raise Unmet("each member once", f"{len(members) - len(set(members))} repeated")

    return judge


def _item(resource: Resource) -> Judge:
    def judge(run: Run) -> None:
        run.part("core")
        answer = run.get(f"/{resource.path}/{segment(run.data.filled(resource.item))}")
        expect_status(answer, 200)
        body = answer.json()
        if body.get("type") != "Collection" or "events" not in body.get("member", []):
            raise Unmet("a collection with the member `events`", answer.text(200))

    return judge


def _events(resource: Resource) -> Judge:
    def judge(run: Run) -> None:
        part = run.part("core")
        path = f"/{resource.path}/{segment(run.data.filled(resource.item))}/events"
        expect_labels(part, run.find(part.window, path=path), resource.labels.split())

    return judge


def _paged_events(resource: Resource) -> Judge:
    def judge(run: Run) -> None:
        part = run.part("core")
        item, labels = resource.paged or (resource.item, resource.labels)
        path = f"/{resource.path}/{segment(run.data.filled(item))}/events"
        expect_labels(part, run.find(part.window | {"perPage": "1"}, path=path), labels.split())

    return judge


def _unknown(resource: Resource) -> Judge:
    def judge(run: Run) -> None:
        answer = run.get(f"/{resource.path}/{segment(run.data.filled(resource.unknown))}")
        if answer.status == 400:
            expect_problem(answer, 400)
        else:
            expect_problem(answer, 404, "NoSuchNameException", "NoSuchResourceException")

    return judge


def _add() -> None:
    for one in RESOURCES:
        clause = f"REST /{one.path}"
        for what, title, judge in (
            ("list", f"GET /{one.path} lists what the captured events name, each once.", _lists(one)),
            ("item", f"An item of {one.path} is a collection that leads to its events.", _item(one)),
            ("events", f"The events of an item of {one.path} are those that name it.", _events(one)),
            ("pages", f"The events of an item of {one.path} can be paged.", _paged_events(one)),
            ("unknown", f"An item of {one.path} that no event names is answered with 404 or 400.", _unknown(one)),
        ):
            GROUP.add(f"{one.path}-{what}", title, clause, Level.MANDATORY, judge)


@GROUP.case(Level.MANDATORY, "REST /eventTypes")
def the_five_event_types_are_listed(run: Run) -> None:
    """GET /eventTypes lists the five types of the standard."""
    members = _listed(run, "/eventTypes")
    for name in ("ObjectEvent", "AggregationEvent", "TransactionEvent", "TransformationEvent", "AssociationEvent"):
        if not any(member.endswith(name) for member in members):
            raise Unmet(f"{name} among the event types", ", ".join(members)[:300])


@GROUP.case(Level.RECOMMENDED, "REST /epcs/{epc}, URN or Digital Link")
def an_epc_is_found_by_either_spelling(run: Run) -> None:
    """The events of an EPC are found by its URN where they were captured by its Digital Link."""
    part = run.part("core")
    path = f"/epcs/{segment(run.data.names['s1_urn'])}/events"
    expect_labels(part, run.find(part.window, path=path), ["commission", "ship", "pack", "mix"])


@GROUP.case(Level.MANDATORY, "REST /bizSteps/{bizStep}/events")
def further_parameters_narrow_the_events_of_an_item(run: Run) -> None:
    """A standard bizStep by its bare word leads to its events, further parameters narrow them."""
    part = run.part("core")
    wanted = part.window | {"MATCH_epc": run.data.names["s1"]}
    expect_labels(part, run.find(wanted, path="/bizSteps/shipping/events"), ["ship"])
    wanted = part.window | {"MATCH_epc": run.data.names["s2"]}
    expect_labels(part, run.find(wanted, path="/bizSteps/shipping/events"), [])


_add()

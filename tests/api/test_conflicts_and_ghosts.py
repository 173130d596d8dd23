"""Conflicts from opening to closing, ghosts and pending corrections, over HTTP on both databases."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from api.conftest import BACKENDS, Site

CORDIA = "urn:epc:id:pgln:9521141.00000"
NORTHGATE = "urn:epc:id:pgln:4012345.00000"
DC = "urn:epc:id:sgln:9521141.00010.0"
LOT = "urn:epc:class:lgtin:9521141.004530.LG1"
VALVE = "urn:epc:id:sgtin:9521141.001023.G"
SCOPE = ["urn:epc:idpat:sgtin:9521141.001023.*", "urn:epc:idpat:sgtin:9521141.004530.*"]
CONTEXT = [
    "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
    {"mcx": "https://ns.traceward.org/consignment/", "cbvmda": "urn:epcglobal:cbv:mda:"},
]


@pytest.fixture(scope="module", params=BACKENDS)
def world(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    """A server on each database to which every test brings items of its own."""
    with open_site(request.param) as site:
        yield site


def cabinet(number: int) -> str:
    """The cabinet of the test whose events have this number; counts of one place must not meet in two tests."""
    return f"urn:epc:id:sgln:4012345.00001.CAB{number // 100}"


def event(number: int, day: int, step: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": "ObjectEvent",
        "eventID": f"urn:uuid:00000000-0000-4000-8000-{number:012d}",
        "eventTime": f"2026-03-{day:02d}T10:00:00Z",
        "eventTimeZoneOffset": "+00:00",
        "action": "OBSERVE",
        "bizStep": step,
        "readPoint": {"id": fields.pop("place", cabinet(number))},
    } | fields  # fmt: skip


def send(site: Site, name: str, *events: dict[str, Any]) -> None:
    document = {
        "@context": CONTEXT, "type": "EPCISDocument", "schemaVersion": "2.0",
        "creationDate": "2026-03-31T00:00:00Z", "epcisBody": {"eventList": list(events)},
    }  # fmt: skip
    job = site.job(name, site.capture(name, orjson.dumps(document)))
    assert job["success"], job


def consigned(site: Site, start: int, serials: list[str], lot: str, quantity: int) -> None:
    """Serials and a quantity of a lot, made by the supplier and received by the hospital in its cabinet."""
    lots = [{"epcClass": lot, "quantity": quantity}]
    ends = {
        "sourceList": [{"type": "possessing_party", "source": CORDIA}, {"type": "owning_party", "source": CORDIA}],
        "destinationList": [
            {"type": "possessing_party", "destination": NORTHGATE}, {"type": "owning_party", "destination": CORDIA},
            {"type": "location", "destination": cabinet(start)},
        ],
    }  # fmt: skip
    label = {"cbvmda:itemExpirationDate": "2026-03-09", "cbvmda:lotNumber": "G"}
    made = {"action": "ADD", "place": DC, "bizLocation": {"id": DC}}
    send(
        site, "cordia",
        event(start, 1, "commissioning", epcList=serials, ilmd=label, **made),
        event(start + 1, 1, "creating_class_instance", quantityList=lots, **made),
        event(start + 2, 2, "shipping", epcList=serials, quantityList=lots, place=DC, **ends),
    )  # fmt: skip
    received = event(
        start + 3, 3, "receiving", epcList=serials, quantityList=lots, bizLocation={"id": cabinet(start)}, **ends
    )
    send(site, "northgate-clinical", received)


def count(
    number: int, day: int, serials: list[str], lot: str | None = None, seen: int = 0, **more: Any
) -> dict[str, Any]:
    lots = [{"epcClass": lot, "quantity": seen}] if lot is not None else []
    scope = {"mcx:countScope": "complete", "mcx:countGTINs": SCOPE} | more
    return event(
        number, day, "cycle_counting", epcList=serials, quantityList=lots, bizLocation={"id": cabinet(number)}, **scope
    )


def ghosts(site: Site, name: str, query: str = "") -> dict[str, Any]:
    answer: dict[str, Any] = site.get(name, f"/consignment/ghosts{query}")
    return answer


def test_a_shelf_of_16_counted_as_15_has_one_ghost_until_it_is_found(world: Site) -> None:
    """C3. Rejects a ghost that only one side sees, one that a partial count makes, and one that a later find leaves."""
    serials = [f"{VALVE}A{number}" for number in range(16)]
    lot = LOT + "A"
    consigned(world, 100, serials, lot, 20)
    partial = count(110, 4, serials[:3], **{"mcx:countScope": "partial"})
    send(world, "northgate-clinical", partial)
    item = "https://id.gs1.org/01/09521141010235/21/GA15"

    def mine(name: str) -> list[dict[str, Any]]:
        return [one for one in ghosts(world, name)["ghosts"] if "GA" in one["item"] or one["lot"] == "LG1A"]

    assert mine("cordia") == []
    send(world, "northgate-clinical", count(111, 5, serials[:15], lot, 18))
    send(world, "northgate-clinical", count(112, 6, serials[:15], lot, 17))
    for name in ("cordia", "northgate-clinical"):
        found = {one["item"]: (one["quantity"], one["misses"], one["firstMissed"][:10]) for one in mine(name)}
        assert found == {
            item: ("1", 2, "2026-03-05"),
            "https://id.gs1.org/01/09521141045305/10/LG1A": ("3", 2, "2026-03-05"),
        }
    # Found again on day 7, and one of the three missing screws is written off as lost.
    send(
        world, "northgate-clinical", event(113, 7, "stocking", epcList=[serials[15]], bizLocation={"id": cabinet(100)})
    )
    lost = event(114, 7, "stock_taking", disposition="unavailable", quantityList=[{"epcClass": lot, "quantity": 1}])
    send(world, "northgate-clinical", lost)
    assert [(one["lot"], one["quantity"]) for one in mine("cordia")] == [("LG1A", "2")]
    before = ghosts(world, "cordia", "?asOf=2026-03-06T12:00:00Z")["ghosts"]
    assert {one["item"] for one in before if "GA" in one["item"]} == {item}


def test_what_a_count_sees_beyond_the_book_is_listed_as_found(world: Site) -> None:
    lot = LOT + "B"
    consigned(world, 200, [f"{VALVE}B1"], lot, 5)
    send(world, "northgate-clinical", count(210, 5, [], lot, 7))
    found = [one for one in ghosts(world, "cordia")["found"] if one["lot"] == "LG1B"]
    assert [one["quantity"] for one in found] == ["2"]


def test_stock_says_what_is_usable_and_lists_by_status(world: Site) -> None:
    consigned(world, 300, [f"{VALVE}C1"], LOT + "C", 5)
    rows = world.get("cordia", "/consignment/stock?perPage=1000&status=on_hand")["items"]
    valve = next(row for row in rows if row["serial"] == "GC1")
    screw = next(row for row in rows if row["lot"] == "LG1C")
    assert (valve["expired"], valve["usable"], screw["usable"]) == (True, False, True)
    assert world.request("cordia", "GET", "/consignment/stock?status=used").status_code == 400
    past = world.get("cordia", "/consignment/stock?perPage=1000&lot=G&asOf=2026-03-05")["items"]
    assert [row["usable"] for row in past if row["serial"] == "GC1"] == [True]


def test_the_past_of_one_lot_is_what_the_past_of_all_stock_says_of_it(world: Site) -> None:
    """Rejects streams of a lot that leave out its serials or the containers in which they were."""
    consigned(world, 800, [f"{VALVE}I1"], LOT + "I", 5)
    for name in ("cordia", "northgate-clinical"):
        for query in ("gtin=09521141010235&lot=G", "gtin=09521141045305&lot=LG1I"):
            gtin, lot = (part.partition("=")[2] for part in query.split("&"))
            every = world.get(name, "/consignment/stock?perPage=1000&asOf=2026-03-05")["items"]
            some = world.get(name, f"/consignment/stock?perPage=1000&asOf=2026-03-05&{query}")["items"]
            assert some == [row for row in every if (row["gtin"], row["lot"]) == (gtin, lot)] != []


def conflict_of(site: Site, name: str, kind: str, part: str, query: str = "") -> list[dict[str, Any]]:
    listed = site.get(name, f"/consignment/conflicts?perPage=1000&kind={kind}{query}")["conflicts"]
    return [one for one in listed if any(part in item for item in one["items"])]


def test_a_conflict_is_explained_by_one_side_read_by_the_other_and_corrected_by_the_facts(world: Site) -> None:
    """Rejects an explanation that a refold wipes out, and a conflict that vanishes without trace when corrected."""
    lot = LOT + "D"
    consigned(world, 400, [f"{VALVE}D1"], lot, 5)
    used = event(410, 8, "dispensing", disposition="dispensed", quantityList=[{"epcClass": lot, "quantity": 7}])
    send(world, "northgate-clinical", used)
    (short,) = conflict_of(world, "northgate-supply", "lot_short", "LG1D")
    assert [beyond_book(world, name, used) for name in ("cordia", "northgate-supply")] == ["2", "2"]
    path = f"/consignment/conflicts/{short['id']}/explain"
    answer = world.request("northgate-supply", "POST", path, json={"reason": "two lent by the ward next door"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "explained"
    # A late event folds the lot again; the explanation stands.
    late = event(
        411, 4, "inspecting", quantityList=[{"epcClass": lot, "quantity": 1}], bizLocation={"id": cabinet(400)}
    )
    send(world, "northgate-clinical", late)
    for name in ("cordia", "northgate-supply"):
        (told,) = conflict_of(world, name, "lot_short", "LG1D", "&state=explained")
        assert told["closedReason"] == "two lent by the ward next door"
        assert told["closedBy"] is not None
        assert conflict_of(world, name, "lot_short", "LG1D", "&state=open") == []
    # The missing receipt comes late and settles it.
    more = [{"epcClass": lot, "quantity": 2}]
    send(world, "cordia", event(412, 1, "creating_class_instance", action="ADD", place=DC, bizLocation={"id": DC},
                                quantityList=more))  # fmt: skip
    send(world, "northgate-clinical", event(413, 5, "receiving", quantityList=more, bizLocation={"id": cabinet(400)}))
    assert conflict_of(world, "cordia", "lot_short", "LG1D") == []
    (settled,) = conflict_of(world, "cordia", "lot_short", "LG1D", "&state=corrected")
    assert settled["state"] == "corrected"
    assert settled["closedAt"] is not None
    assert beyond_book(world, "cordia", used) is None


def beyond_book(site: Site, name: str, used: dict[str, Any]) -> str | None:
    """What the usage list says of the use of a lot: how much of it the ledger did not have."""
    listed = site.get(name, "/usage?perPage=1000")["uses"]
    (use,) = [one for one in listed if one["eventID"] == used["eventID"]]
    (line,) = use["lines"]
    beyond: str | None = line["beyondBook"]
    return beyond


def test_a_critical_conflict_is_closed_by_the_hospitals_clinical_role_alone(world: Site) -> None:
    """Rejects a supplier, or a supply role, that explains away a use after expiry; and a reason naming a patient."""
    consigned(world, 500, [f"{VALVE}E1"], LOT + "E", 5)
    implanted = {"epcList": [f"{VALVE}E1"], "mcx:useType": "implanted"}
    used = event(510, 20, "dispensing", disposition="dispensed", **implanted)
    send(world, "northgate-clinical", used)
    (critical,) = conflict_of(world, "cordia", "used_expired", "GE1", "&severity=critical")
    path = f"/consignment/conflicts/{critical['id']}/explain"
    for name in ("cordia", "northgate-supply"):
        refused = world.request(name, "POST", path, json={"reason": "no harm"})
        assert refused.status_code == 403, refused.text
    named = {"reason": "patient urn:epc:id:gsrn:4012345.0000012345 agreed"}
    assert world.request("northgate-clinical", "POST", path, json=named).status_code == 400
    assert world.request("northgate-clinical", "POST", path, json={"reason": " "}).status_code in {400, 422}
    closed = world.request("northgate-clinical", "POST", path, json={"reason": "surgeon's decision, life-saving"})
    assert closed.json()["state"] == "explained"
    again = world.request("northgate-clinical", "POST", path.replace("explain", "reopen"), json={"reason": "review"})
    assert again.json()["state"] == "open"


def test_a_conflict_of_others_is_as_absent_as_one_that_does_not_exist(world: Site) -> None:
    consigned(world, 600, [f"{VALVE}F1"], LOT + "F", 5)
    send(world, "cordia", event(610, 9, "commissioning", action="ADD", epcList=[f"{VALVE}F1"], place=DC))
    """Rejects a lookup by id that forgets whose conflict it is, and an answer that tells hidden from absent."""
    (own,) = conflict_of(world, "cordia", "already_commissioned", "GF1")
    answers = [
        world.request("rival-supplier", "POST", f"/consignment/conflicts/{name}/explain", json={"reason": "x"})
        for name in (own["id"], "f" * 32)
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    bodies = [answer.text.replace(own["id"], "ID").replace("f" * 32, "ID") for answer in answers]
    assert bodies[0] == bodies[1]
    assert conflict_of(world, "cordia", "already_commissioned", "GF1")[0]["state"] == "open"


def test_an_error_whose_corrective_event_is_not_here_is_pending_until_it_comes(world: Site) -> None:
    """Rejects a list that looks at arrival order: the corrective event may come first, later or never."""
    consigned(world, 700, [f"{VALVE}H1"], LOT + "H", 5)
    wrong = event(710, 8, "stocking", epcList=[f"{VALVE}H1"], bizLocation={"id": cabinet(700)})
    right = event(711, 8, "storing", epcList=[f"{VALVE}H1"], bizLocation={"id": cabinet(700)})
    declared = wrong | {
        "errorDeclaration": {
            "declarationTime": "2026-03-09T10:00:00Z", "reason": "incorrect_data",
            "correctiveEventIDs": [right["eventID"]],
        }
    }  # fmt: skip
    send(world, "northgate-clinical", declared)

    def pending() -> list[tuple[bool, list[str]]]:
        listed = world.get("northgate-clinical", "/consignment/corrections")["pending"]
        return [(one["originalKnown"], one["missing"]) for one in listed if one["eventID"] == wrong["eventID"]]

    assert pending() == [(False, [right["eventID"]])]
    send(world, "northgate-clinical", wrong)
    assert pending() == [(True, [right["eventID"]])]
    send(world, "northgate-clinical", right)
    assert pending() == []

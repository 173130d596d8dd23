"""Paths, methods, OPTIONS, version negotiation and media types of the REST binding."""

import re
from typing import Final

from traceward.conformance.case import Group, Judge
from traceward.conformance.client import next_link
from traceward.conformance.model import Level, NotSupported, Unmet
from traceward.conformance.run import Run, event_list, expect_header, expect_problem, expect_status, segment

GROUP: Final = Group("discovery", "Discovery and negotiation")
NAMES: Final = frozenset(
    ("events", "eventTypes", "epcs", "bizSteps", "bizLocations", "readPoints", "dispositions", "capture", "queries")
)
VERSION: Final = re.compile(r"\d+(\.\d+)*")
VERSION_HEADERS: Final = tuple(
    f"GS1-{standard}-{what}" for standard in ("EPCIS", "CBV") for what in ("Version", "Min", "Max")
)
EPC_FORMATS: Final = frozenset(("No_Preference", "Always_GS1_Digital_Link", "Always_EPC_URN", "Never_Translates"))

# Path, methods that Allow must name, level. Placeholders name values of the run's own data.
PATHS: Final[tuple[tuple[str, str, Level], ...]] = (
    ("/", "GET", Level.MANDATORY),
    ("/capture", "GET POST", Level.MANDATORY),
    ("/capture/{token}", "GET", Level.MANDATORY),
    ("/events", "GET POST", Level.MANDATORY),
    ("/events/{id_ship}", "GET", Level.MANDATORY),
    ("/eventTypes", "GET", Level.MANDATORY),
    ("/eventTypes/ObjectEvent", "GET", Level.MANDATORY),
    ("/eventTypes/ObjectEvent/events", "GET", Level.MANDATORY),
    ("/epcs", "GET", Level.MANDATORY),
    ("/epcs/{s1}", "GET", Level.MANDATORY),
    ("/epcs/{s1}/events", "GET", Level.MANDATORY),
    ("/bizSteps", "GET", Level.MANDATORY),
    ("/bizSteps/shipping", "GET", Level.MANDATORY),
    ("/bizSteps/shipping/events", "GET", Level.MANDATORY),
    ("/bizLocations", "GET", Level.MANDATORY),
    ("/bizLocations/{locA}", "GET", Level.MANDATORY),
    ("/bizLocations/{locA}/events", "GET", Level.MANDATORY),
    ("/readPoints", "GET", Level.MANDATORY),
    ("/readPoints/{rp1}", "GET", Level.MANDATORY),
    ("/readPoints/{rp1}/events", "GET", Level.MANDATORY),
    ("/dispositions", "GET", Level.MANDATORY),
    ("/dispositions/in_transit", "GET", Level.MANDATORY),
    ("/dispositions/in_transit/events", "GET", Level.MANDATORY),
    ("/queries", "GET POST", Level.MANDATORY),
    ("/queries/{token}", "GET DELETE", Level.MANDATORY),
    ("/queries/{token}/events", "GET", Level.MANDATORY),
    ("/queries/{token}/subscriptions", "GET POST", Level.MANDATORY),
    ("/queries/{token}/subscriptions/{token}", "GET DELETE", Level.MANDATORY),
)


def _options(path: str, methods: str) -> Judge:
    def judge(run: Run) -> None:
        run.part("core")
        parts = [segment(run.data.filled(part)) if "{" in part else part for part in path.split("/")]
        answer = run.request("OPTIONS", "/".join(parts))
        if answer.status in {404, 405} and "queries" in path:
            raise NotSupported(f"OPTIONS {path} is answered with {answer.status}")
        expect_status(answer, 204)
        allowed = {name.strip().upper() for name in expect_header(answer, "Allow").split(",")}
        missing = {*methods.split(), "OPTIONS"} - allowed
        if missing:
            raise Unmet(f"Allow with {', '.join(sorted(missing))}", ", ".join(sorted(allowed)))
        expect_header(answer, "GS1-EPCIS-Version")

    return judge


def _add_options() -> None:
    for path, methods, level in PATHS:
        name = "options" + re.sub(r"[^A-Za-z]+", "-", path).rstrip("-")
        shown = re.sub(r"\{\w+\}", "{id}", path)
        title = f"OPTIONS {shown} answers 204, and Allow names {methods.replace(' ', ' and ')}."
        GROUP.add(name, title, f"REST {shown}, OPTIONS", level, _options(path, methods))


@GROUP.case(Level.MANDATORY, "REST /, GET")
def root_lists_nine_resources(run: Run) -> None:
    """The root is a collection of the nine top-level resources."""
    answer = run.get("/")
    expect_status(answer, 200)
    body = answer.json()
    members = body.get("member") if isinstance(body, dict) else None
    if not isinstance(members, list) or {str(name).strip("/") for name in members} != NAMES or len(members) != 9:
        raise Unmet(f"a collection of {', '.join(sorted(NAMES))}", str(members))
    if body.get("type") != "Collection" or "@context" not in body:
        raise Unmet('"type": "Collection" and an @context', answer.text(200))


@GROUP.case(Level.MANDATORY, "REST headers, OPTIONS")
def options_tell_versions(run: Run) -> None:
    """OPTIONS tells the versions of EPCIS and CBV, their ranges, formats and the vendor's version."""
    answer = run.request("OPTIONS", "/")
    for name in VERSION_HEADERS:
        value = expect_header(answer, name)
        if not VERSION.fullmatch(value):
            raise Unmet(f"{name} of numbers joined by dots", value)
    if not expect_header(answer, "GS1-EPCIS-Version").startswith("2."):
        raise Unmet("GS1-EPCIS-Version 2.x", expect_header(answer, "GS1-EPCIS-Version"))
    if expect_header(answer, "GS1-EPC-Format") not in EPC_FORMATS:
        raise Unmet(f"GS1-EPC-Format of {', '.join(sorted(EPC_FORMATS))}", expect_header(answer, "GS1-EPC-Format"))
    expect_header(answer, "GS1-Vendor-Version")


@GROUP.case(Level.MANDATORY, "REST /capture, OPTIONS")
def options_of_capture_tell_limits(run: Run) -> None:
    """OPTIONS /capture tells the limits of one capture and the error behaviours."""
    answer = run.request("OPTIONS", "/capture")
    for name in ("GS1-EPCIS-Capture-Limit", "GS1-EPCIS-Capture-File-Size-Limit"):
        value = expect_header(answer, name)
        if not (value.isascii() and value.isdecimal() and int(value) >= 1):
            raise Unmet(f"{name}, a whole number from 1", value)
    value = expect_header(answer, "GS1-Capture-Error-Behaviour")
    if value not in {"all", "rollback", "proceed"}:
        raise Unmet("GS1-Capture-Error-Behaviour all, rollback or proceed", value)


@GROUP.case(Level.MANDATORY, "REST headers, GS1-EPCIS-Version of answers")
def answers_tell_their_versions(run: Run) -> None:
    """An answer says by which versions of EPCIS and CBV it is made."""
    answer = run.get("/events", {"perPage": "1"})
    for name in ("GS1-EPCIS-Version", "GS1-CBV-Version"):
        if not VERSION.fullmatch(expect_header(answer, name)):
            raise Unmet(f"{name} of numbers joined by dots", expect_header(answer, name))


def _range(header: str, value: str, acceptable: bool) -> Judge:
    def judge(run: Run) -> None:
        answer = run.request("GET", "/events", {"perPage": "1"}, headers={header: value})
        if acceptable:
            event_list(answer)
        else:
            expect_problem(answer, 406, "NotAcceptableException")

    return judge


def _add_ranges() -> None:
    for standard in ("EPCIS", "CBV"):
        for which, value, acceptable in (
            ("Min", "2.0", True),
            ("Max", "2.99", True),
            ("Min", "99.0.0", False),
            ("Max", "0.9", False),
        ):
            header = f"GS1-{standard}-{which}"
            verdict = "accepted" if acceptable else "answered with 406"
            name = f"{header.lower()}-{'met' if acceptable else 'unmet'}"
            judge = _range(header, value, acceptable)
            GROUP.add(name, f"{header}: {value} is {verdict}.", f"REST headers, {header}", Level.MANDATORY, judge)


@GROUP.case(Level.MANDATORY, "REST headers, GS1-EPCIS-Version of bodies")
def a_body_of_an_unknown_version_is_refused(run: Run) -> None:
    """A body that says it is EPCIS 99 is not captured."""
    answer = run.post("/capture", {}, {"GS1-EPCIS-Version": "99.0.0"})
    if answer.status not in {400, 406, 415}:
        raise Unmet("status 406, 400 or 415", f"{answer.status}: {answer.text(200)}")
    expect_problem(answer, answer.status)


@GROUP.case(Level.RECOMMENDED, "RFC 9110 12.5.1; REST 406")
def a_media_type_that_nobody_has_is_answered_with_406(run: Run) -> None:
    """Accept: image/png is answered with 406 and a problem body."""
    answer = run.get("/events", {"perPage": "1"}, Accept="image/png")
    expect_problem(answer, 406, "NotAcceptableException")


@GROUP.case(Level.OPTIONAL, "JSON-LD 1.1; Accept")
def json_ld_is_offered(run: Run) -> None:
    """Accept: application/ld+json is answered in that media type."""
    answer = run.get("/events", {"perPage": "1"}, Accept="application/ld+json")
    if answer.status == 406:
        raise NotSupported("application/ld+json is not offered (406)")
    expect_status(answer, 200)
    if answer.media_type != "application/ld+json":
        raise Unmet("Content-Type application/ld+json", answer.media_type)


@GROUP.case(Level.MANDATORY, "REST 404, NoSuchNameException")
def an_unknown_path_is_answered_with_404(run: Run) -> None:
    """A path that the binding does not know is answered with 404."""
    expect_status(run.get(f"/{run.data.token}"), 404)


@GROUP.case(Level.RECOMMENDED, "RFC 9110 15.5.6")
def a_wrong_method_is_answered_with_405(run: Run) -> None:
    """DELETE /events is answered with 405, and Allow names what there is."""
    answer = run.request("DELETE", "/events")
    expect_status(answer, 405)
    expect_header(answer, "Allow")


@GROUP.case(Level.MANDATORY, "REST 414, URITooLongException")
def a_uri_of_a_megabyte_is_refused(run: Run) -> None:
    """A query string beyond any limit is refused with 414, 400 or 431, and the server lives on."""
    answer = run.get("/events", {"EQ_bizStep": "x" * 1_000_000})
    if answer.status not in {400, 413, 414, 431}:
        raise Unmet("status 414, or 400, 413, 431 of a server in front", f"{answer.status}: {answer.text(200)}")
    expect_status(run.get("/"), 200)


@GROUP.case(Level.OPTIONAL, "REST /nextPageToken/{token}, DELETE")
def page_tokens_can_be_deleted(run: Run) -> None:
    """DELETE of a page token is answered with 204, and the token works no more; 501 where there is no such thing."""
    run.part("core")
    page = run.get("/events", run.data.parts["core"].window | {"perPage": "1"})
    token = re.search(r"nextPageToken=([^&>]+)", expect_header(page, "Link"))
    if token is None:
        raise Unmet("nextPageToken in the Link header", page.headers["link"])
    answer = run.request("DELETE", f"/nextPageToken/{token[1]}")
    if answer.status in {404, 405}:
        raise NotSupported(f"status {answer.status}")
    expect_status(answer, 204)
    following = run.request("GET", next_link(page) or "")
    if following.status not in {400, 404, 410}:
        raise Unmet("status 400, 404 or 410 for the token that was deleted", str(following.status))


_add_options()
_add_ranges()

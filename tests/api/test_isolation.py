"""No endpoint tells any role of what it may not see: every operation of the interface is walked with every role."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import orjson
import pytest

from . import planted
from .conftest import BACKENDS, Site
from .planted import (
    CORDIA_ALONE,
    CORDIA_AND_HOSPITAL,
    HOSPITAL_ALONE,
    MARKS,
    NORTHGATE,
    PATIENT,
    RIVAL_ALONE,
    RIVAL_AND_HOSPITAL,
    Planted,
)
from .test_identity import CARRIER, THEATRE, new_key, with_key

_HOSPITAL: Final = frozenset({CORDIA_AND_HOSPITAL, RIVAL_AND_HOSPITAL, HOSPITAL_ALONE})
SEES: Final[dict[str, frozenset[str]]] = {
    "northgate-clinical": _HOSPITAL | {PATIENT},
    "northgate-supply": _HOSPITAL,
    "northgate-reader": _HOSPITAL,
    "northgate-ward": _HOSPITAL,
    "northgate-device": frozenset(),
    "northgate-officer": frozenset({PATIENT}),
    "cordia": frozenset({CORDIA_ALONE, CORDIA_AND_HOSPITAL}),
    "rival-supplier": frozenset({RIVAL_ALONE, RIVAL_AND_HOSPITAL}),
    "carrier": frozenset(),
    "admin": frozenset(),
    "nobody": frozenset(),
}
"""Role -> the marks that it may meet. The officer meets eventIDs of private events in the audit log, and no patient."""

_READERS: Final = {name for name, marks in SEES.items() if marks - {PATIENT}}
_PATIENT_NUMBER: Final = re.compile(r"4012345[.]?0007\d{6}|40123450*7\d{6}")
_ENDLESS: Final = {"/live"}
_FHIR_KINDS: Final = ("Device", "DeviceUseStatement", "SupplyDelivery", "List", "Provenance", "AuditEvent", "Patient")


@dataclass(frozen=True)
class Planting:
    """A server with planted events, each role's key, the events, and the path of a job that names a private one."""

    site: Site
    keys: dict[str, str]
    events: list[Planted]
    private_job: str


@pytest.fixture(scope="module", params=BACKENDS)
def planting(request: pytest.FixtureRequest, open_site: Callable[..., Any], full_run: bool) -> Iterator[Planting]:
    """A server with generated events of every audience: 280, and 10,000 in a full run."""
    with open_site(request.param, capture_limit_events=20_000) as site:
        added = {"id": CARRIER, "name": "Swift Freight", "companyPrefixes": ["9524321"], "kind": "carrier"}
        assert site.request("admin", "POST", "/admin/organisations", json=added).status_code == 201
        keys = dict(site.server.keys)
        for name, role, scope in (
            ("northgate-reader", "reader", {}),
            ("northgate-ward", "clinical", {"place": "https://id.gs1.org/414/4012345000016/254/WARD7"}),
            ("northgate-device", "device", {"place": THEATRE}),
            ("northgate-officer", "privacy_officer", {}),
        ):
            keys[name] = new_key(site, NORTHGATE, role, **scope)["key"]
        keys["carrier"] = new_key(site, CARRIER, "carrier")["key"]
        events = list(planted.planted(10_000 if full_run else 280))
        for captor in ("cordia", "rival-supplier", "northgate-supply", "northgate-clinical"):
            own = [one.event for one in events if one.captor == captor]
            for start in range(0, len(own), 2000):
                body = planted.body_of(*own[start : start + 2000])
                assert site.job(captor, site.capture(captor, body))["success"]
        yield Planting(site, keys, events, _plant_refusals(site))


def _plant_refusals(site: Site) -> str:
    """A job of the clinical role whose problems name a private event; gives its path."""
    (link,) = [one.event for one in planted.planted(7) if one.mark == PATIENT]
    body = planted.body_of(link | {"eventTime": "2026-06-30T10:00:00Z"})
    answer = site.capture("northgate-clinical", body, **{"GS1-Capture-Error-Behaviour": "proceed"})
    assert link["eventID"] in orjson.dumps(site.job("northgate-clinical", answer)).decode()
    return str(answer.headers["location"])


def test_each_role_finds_exactly_the_events_that_it_may_see(planting: Planting) -> None:
    """Rejects a server that hides too much, which every test of leaks alone would pass."""
    for name in sorted(_READERS):
        wanted = {one.event["eventID"] for one in planting.events if one.mark in SEES[name]}
        if name == "northgate-ward":
            wanted -= {one.event["eventID"] for one in planting.events if one.mark == PATIENT}
        found: set[str] = set()
        path = "/epcis/events?perPage=1000"
        while path:
            answer = with_key(planting.site, planting.keys[name], "GET", path)
            assert answer.status_code == 200
            results = answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
            found |= {event["eventID"] for event in results}
            path = answer.links.get("next", {}).get("url", "")
        assert found == wanted, name


def test_no_answer_of_any_endpoint_tells_a_role_of_what_it_may_not_see(
    planting: Planting, full_run: bool, record_property: Callable[[str, object], None]
) -> None:
    """Show 3: 0 leaks. Rejects any read path, count, list, name, error or header that skips the caller's viewers."""
    probes = 0
    leaks: list[tuple[str, str, str]] = []
    asked = list(operations(planting.site, full_run))
    asked += [("GET", f"{planting.private_job}{rest}", None) for rest in ("", "/errors")]
    for name, marks in SEES.items():
        headers = {"Authorization": f"Bearer {planting.keys[name]}"} if name != "nobody" else {}
        hidden = [mark for mark in MARKS if mark not in marks]
        for method, path, body in asked:
            options: dict[str, Any] = {"content": orjson.dumps(body)} if body is not None else {}
            sent = headers | ({"Content-Type": "application/json"} if body is not None else {})
            answer = planting.site.http.request(method, path, headers=sent, **options)
            probes += 1
            assert answer.status_code < 500 or answer.status_code == 501, (name, method, path, answer.text[:300])
            told = _without_question(answer.text + repr(answer.headers), path, body)
            found = [mark for mark in hidden if mark in told]
            if name != "northgate-clinical" and _PATIENT_NUMBER.search(told):
                found.append("a patient's number")
            leaks += [(name, f"{method} {path}", mark) for mark in found]
    record_property("probes", probes)
    assert leaks == []
    assert probes > (5_000 if full_run else 500)


def operations(site: Site, full_run: bool) -> Iterator[tuple[str, str, Any]]:
    """Every operation that reads, with values of every audience; those that change something only with bad bodies."""
    paths = site.get("admin", "/openapi.json")["paths"]
    marks = MARKS if full_run else (RIVAL_ALONE, PATIENT)
    for path, methods in paths.items():
        if path in _ENDLESS:
            continue
        for method in sorted({"get", "post", "put"} & methods.keys()):
            body = None if method == "get" else {}
            for filled in sorted({_filled(path, mark) for mark in (marks if full_run else (PATIENT,))}):
                yield method.upper(), filled, body
    for mark in marks:
        yield from _questions(mark)


def _questions(mark: str) -> Iterator[tuple[str, str, Any]]:
    """What an inquisitive partner would ask for one mark."""
    number = _number(mark)
    item, lot = planted.epc(mark, number), f"{mark}L{number % 5}"
    owner = {CORDIA_ALONE: planted.CORDIA, RIVAL_ALONE: planted.RIVAL}.get(mark, NORTHGATE)
    where = planted.place(mark, owner)
    for query in (
        f"MATCH_anyEPC={item}",
        f"MATCH_anyEPCClass=https://id.gs1.org/01/{planted.GTINS[mark]}/10/{lot}",
        "MATCH_anyEPC=urn:epc:idpat:sgtin:*.*.*",
        f"EQ_bizLocation={where}",
        f"WD_readPoint={where}",
        f"EQ_eventID={planted.event_id(mark, number)}",
        f"EQ_bizTransaction_desadv=https://planted.example/bt/{mark}{number}",
        "eventType=AssociationEvent",
        "EQ_bizStep=installing&maxEventCount=1",
        "orderBy=recordTime&perPage=3",
        f"MATCH_parentID=https://id.gs1.org/8018/{planted.gsrn(number)}",
    ):
        yield "GET", f"/epcis/events?{query}", None
    for path in ("stock?", "conflicts?", "ownership-transfers?", "ghosts?", "corrections?"):
        yield "GET", f"/consignment/{path}asOf=2027-12-31", None
    yield "GET", f"/consignment/stock?gtin={planted.GTINS[mark]}", None
    yield "GET", f"/consignment/stock?place={where}", None
    yield "GET", f"/trace/item?epc={item}", None
    yield "GET", f"/trace/lot?gtin={planted.GTINS[mark]}&lot={lot}", None
    yield "GET", "/trace/expiring?days=3660", None
    yield "GET", f"/trace/genealogy?id={item}&direction=forward", None
    yield "GET", f"/trace/custody?id={item}", None
    yield "POST", "/trace/label", {"texts": [f"(01){planted.GTINS[mark]}(21){mark}{number}"]}
    yield "POST", "/trace/implant-card", {"epc": item}
    yield "POST", "/trace/device-tracking", {"gtin": planted.GTINS[mark], "purpose": "a probe of an outsider"}
    yield "POST", "/recalls/patients", {"notice": planted.event_id(mark, number), "purpose": "a probe"}
    yield "GET", f"/recalls/{quote(planted.event_id(mark, number), safe='')}", None
    for kind in _FHIR_KINDS:
        yield "GET", f"/fhir/{kind}", None
    yield "POST", "/patients/search", {"patient": planted.gsrn(_number(PATIENT))}
    yield "POST", "/patients/search", {"epc": item}
    yield "POST", "/patients/erasures", {"patient": planted.gsrn(1), "reason": "none at all, a probe"}
    yield "POST", "/scan", {"symbologyIdentifier": "]d2", "text": f"01{planted.GTINS[mark]}21{mark}{number}"}


def _filled(path: str, mark: str) -> str:
    """The path with values of that mark in it."""
    number = _number(mark)
    owner = {CORDIA_ALONE: planted.CORDIA, RIVAL_ALONE: planted.RIVAL}.get(mark, NORTHGATE)
    values = {
        "eventID": planted.event_id(mark, number),
        "epc": planted.epc(mark, number),
        "bizLocation": planted.place(mark, owner),
        "readPoint": planted.place(mark, owner),
        "bizStep": "installing" if mark == PATIENT else "commissioning",
        "disposition": "active",
        "eventType": "AssociationEvent" if mark == PATIENT else "ObjectEvent",
        "identifier": planted.place(mark, owner),
        "kind": "Device",
        "logical_id": f"{mark}{number}",
        "vocabulary": "urn:epcglobal:epcis:vtyp:BusinessLocation",
    }
    if path == "/01/{value}":
        return f"/01/{planted.GTINS[mark]}/21/{mark}{number}"
    return re.sub(r"\{([^}:]+)[^}]*\}", lambda part: quote(values.get(part[1], f"{mark}{number}"), safe=""), path)


def _number(mark: str) -> int:
    """The number of the first planted event of that mark."""
    return next(
        number
        for number, one in enumerate(planted.planted(7))
        if one.mark == mark or (one.mark == CORDIA_AND_HOSPITAL == mark)
    )


def _without_question(told: str, path: str, body: Any) -> str:
    """The answer without what the question itself said, which an answer may repeat."""
    asked = re.findall(r"Z(?:COR|RIV|NOR|CAH|RAH|PAT)(?:L?\d+)?", path + str(body or ""))
    for one in sorted(set(asked), key=len, reverse=True):
        told = re.sub(rf"{one}(?!\d)", "", told)
    for digits in re.findall(r"\d{17,18}", path + str(body or "")):
        told = told.replace(digits, "")
    return told

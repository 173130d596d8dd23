"""What an inquisitive caller would ask: every operation of the interface, and questions about single planted events.

It must not know who asks: everybody is put the same questions. Those that change something have bad bodies, or name
what nobody has, so that they may be put again and again.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import httpx
import orjson

from . import planted
from .conftest import Site
from .planted import BY_CARRIER, CORDIA_AND_HOSPITAL, MARKS, NORTHGATE, PATIENT, RIVAL_ALONE

ENDLESS: Final = frozenset({"/live"})
"""What sends as long as it is heard; `test_isolation` listens to it for itself."""
_RESOLVED: Final = "01 8006 8013 8010 410 411 412 413 414 415 417 8017 255 00 253 401 402 8003 8004"
UNLISTED: Final = (
    ("GET", "/openapi.json"),
    ("GET", "/"),
    ("GET", "/setup"),
    ("GET", "/app"),
    ("GET", "/app/{path}"),
    ("GET", "/epcis/"),
    ("OPTIONS", "/epcis/"),
    ("GET", "/epcis/soap"),
    ("POST", "/epcis/soap"),
    ("OPTIONS", "/fhir"),
    *((method, "/fhir/{rest}") for method in ("OPTIONS", "POST", "PUT", "PATCH", "DELETE")),
    *(("OPTIONS", f"/{ai}/{{value}}") for ai in _RESOLVED.split()),
)
"""Operations that the OpenAPI document leaves out."""
_METHODS: Final = ("get", "post", "put", "patch", "delete", "options", "head")
_FHIR: Final = {
    "Device": "udi-carrier={udi}", "DeviceUseStatement": "device={token}", "SupplyDelivery": "location={where}",
    "List": "location={where}", "Provenance": "target=Device/{token}", "AuditEvent": "date=gt2026-01-01",
    "Patient": "_id={token}",
}  # fmt: skip
_SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_JSON: Final = "application/json"


@dataclass(frozen=True)
class Probe:
    """One request. route: the operation that it is meant for, as `METHOD /pattern`."""

    method: str
    path: str
    content: bytes | None = None
    kind: str = ""
    accept: str = ""
    route: str = ""

    def headers(self) -> dict[str, str]:
        """The request's own headers."""
        told = {"Content-Type": self.kind} if self.kind else {}
        return told | ({"Accept": self.accept} if self.accept else {})

    def put_to(self, http: httpx.Client, proof: dict[str, str]) -> httpx.Response:
        """Ask, as whom `proof` proves."""
        return http.request(self.method, self.path, content=self.content, headers=proof | self.headers())

    def __str__(self) -> str:
        return f"{self.method} {self.path} {(self.content or b'')[:300].decode(errors='replace')}"


WHOLE: Final = 5_000
"""How many probes a full run has."""


def probes(site: Site, *, whole: bool) -> list[Probe]:
    """Every operation, then questions about planted events: of each audience in a whole run, else of two of them."""
    if not whole:
        asked = (RIVAL_ALONE, CORDIA_AND_HOSPITAL)
        found = [one for mark in asked for one in questions(mark, planted.numbers(mark, 1)[0])]
        return list(dict.fromkeys([*operations(site, (PATIENT,)), *found]))
    every = dict.fromkeys(operations(site, MARKS))
    for one in _questions_in_turn():
        if len(every) == WHOLE:
            break
        every[one] = None
    return list(every)


def operations(site: Site, marks: tuple[str, ...]) -> Iterator[Probe]:
    """Every operation of the OpenAPI document, and those beside it, with names of each of these marks in its path."""
    paths = site.get("admin", "/openapi.json")["paths"]
    listed = [(one.upper(), path) for path in paths for one in _METHODS if one in paths[path]]
    for method, path in sorted(listed) + list(UNLISTED):
        if path in ENDLESS:
            continue
        route = f"{method} {path}"
        body = None if method in ("GET", "DELETE", "OPTIONS", "HEAD") else b"{}"
        for mark in marks:
            filled = fill(path, mark, planted.numbers(mark, 1)[0])
            yield Probe(method, filled, body, _JSON if body else "", route=route)


def fill(path: str, mark: str, number: int) -> str:
    """A path's parameters with what a planted event of that mark names."""
    where = planted.place(mark, planted.OWNERS[mark])
    values = {
        "eventID": f"{planted.event_id(mark, number)}-{'link' if mark == PATIENT else 'make'}",
        "epc": planted.epc(mark, number),
        "bizLocation": where,
        "readPoint": where,
        "bizStep": "installing" if mark == PATIENT else "commissioning",
        "disposition": "recalled" if mark == CORDIA_AND_HOSPITAL else "dispensed",
        "eventType": "AssociationEvent" if mark == PATIENT else "ObjectEvent",
        "identifier": where,
        "notice": planted.notice_of(number),
        "name": f"{mark}0",
        "vocabulary": "urn:epcglobal:epcis:vtype:BusinessLocation",
    }
    if path == "/01/{value}":
        return f"/01/{planted.GTINS[mark]}/21/{mark}{number}"
    if path == "/414/{value}":
        return where.removeprefix("https://id.gs1.org")
    if path == "/417/{value}":
        return planted.OWNERS[mark].removeprefix("https://id.gs1.org")
    if path.startswith("/fhir/{kind}"):
        values["kind"] = "Device"
    return re.sub(r"\{([^}:]+)[^}]*\}", lambda part: quote(values.get(part[1], f"{mark}{number}"), safe=""), path)


def _questions_in_turn() -> Iterator[Probe]:
    """Questions about the first item of each mark, then about the second, and so on without end in sight."""
    rows = [planted.numbers(mark, 40) for mark in MARKS]
    for turn in range(40):
        for mark, known in zip(MARKS, rows, strict=True):
            if turn < len(known):
                yield from questions(mark, known[turn])


def questions(mark: str, number: int) -> Iterator[Probe]:
    """What can be asked about one planted item."""
    item, lot, gtin = planted.epc(mark, number), planted.lot_of(mark, number), planted.GTINS[mark]
    where, token = planted.place(mark, planted.OWNERS[mark]), f"{mark}{number}"
    shelf = planted.place(mark, NORTHGATE) if mark in (CORDIA_AND_HOSPITAL, BY_CARRIER) else where
    flow = "link" if mark == PATIENT else "make"
    for query in (
        f"MATCH_anyEPC={item}",
        f"MATCH_anyEPCClass=https://id.gs1.org/01/{gtin}/10/{lot}",
        f"MATCH_anyEPC=urn:epc:idpat:sgtin:*.*.*&perPage={number % 7 + 2}",
        f"EQ_bizLocation={where}&perPage={number % 5 + 2}",
        f"WD_readPoint={where}&maxEventCount={number % 9 + 1}",
        f"EQ_eventID={planted.event_id(mark, number)}-{flow}",
        f"EQ_bizTransaction_desadv=https://planted.example/bt/{token}",
        f"EQ_https://ns.traceward.org/consignment/%23note=https://planted.example/note/{token}",
        f"eventType=AssociationEvent&perPage={number % 6 + 1}",
        f"orderBy=recordTime&perPage={number % 8 + 1}",
        f"MATCH_parentID=https://id.gs1.org/8018/{planted.gsrn(number)}",
    ):
        yield Probe("GET", f"/epcis/events?{query}")
    yield Probe("GET", f"/epcis/events?MATCH_anyEPC={item}", accept="application/xml")
    yield Probe("GET", f"/epcis/events/{quote(planted.event_id(mark, number), safe='')}-{flow}")
    yield Probe("POST", "/epcis/events", orjson.dumps({"query": {"MATCH_anyEPC": [item]}}), _JSON)
    yield Probe("POST", "/epcis/soap", _poll(item), "text/xml")
    # Six moments in all: lists of another time are folded from every event, the other questions are about one item.
    for path in ("stock", "conflicts", "ownership-transfers", "ghosts", "corrections"):
        yield Probe("GET", f"/consignment/{path}?asOf=2026-0{number % 6 + 2}-01&perPage={number % 6 + 1}")
    yield Probe("GET", f"/consignment/stock?gtin={gtin}&perPage={number % 9 + 1}")
    yield Probe("GET", f"/consignment/stock?place={shelf}")
    yield Probe("GET", f"/trace/item?epc={item}")
    yield Probe("GET", f"/trace/lot?gtin={gtin}&lot={lot}")
    yield Probe("GET", f"/trace/expiring?days={3600 + number % 60}")
    yield Probe("GET", f"/trace/genealogy?id={item}&direction=forward")
    yield Probe("GET", f"/trace/custody?id={item}")
    yield Probe("GET", f"/usage?from=2026-01-01&perPage={number % 9 + 1}")
    yield Probe("GET", f"/alerts?perPage={number % 9 + 1}")
    yield from _reports(number)
    yield Probe("GET", f"/recalls/{quote(planted.notice_of(number), safe='')}")
    yield Probe("GET", f"/01/{gtin}/21/{token}", accept="application/linkset+json")
    yield Probe("GET", f"/01/{gtin}/10/{lot}?linkType=all")
    yield Probe("GET", f"/masterdata/elements/{quote(where, safe='')}")
    udi = quote(f"(01){gtin}(21){token}")
    for kind, query in _FHIR.items():
        asked = query.format(udi=udi, token=token, where=quote(where, safe=""))
        yield Probe("GET", f"/fhir/{kind}?{asked}")
    yield from _posts(mark, number)


def _reports(number: int) -> Iterator[Probe]:
    period = f"from=2026-0{number % 6 + 1}-01&to=2026-07-01"
    for report in ("transfer-of-ownership", "leaks", "movements"):
        yield Probe("GET", f"/reports/{report}?{period}")
    yield Probe("GET", f"/reports/transfer-of-ownership?{period}", accept="text/csv")
    yield Probe("GET", f"/reports/consignment-stock-status?asOf=2026-0{number % 6 + 2}-01")
    yield Probe("GET", "/reports/consignment-stock-status", accept="text/csv")


def _posts(mark: str, number: int) -> Iterator[Probe]:
    item, gtin, token = planted.epc(mark, number), planted.GTINS[mark], f"{mark}{number}"
    for path, body in (
        ("/trace/label", {"texts": [f"(01){gtin}(21){token}"]}),
        ("/trace/implant-card", {"epc": item}),
        ("/trace/device-tracking", {"gtin": gtin, "purpose": "a probe of an outsider"}),
        ("/recalls/patients", {"notice": planted.notice_of(number), "purpose": "a probe"}),
        ("/patients/search", {"patient": planted.gsrn(number)}),
        ("/patients/search", {"epc": item}),
        ("/patients/search", {"gtin": gtin, "lot": planted.lot_of(mark, number), "purpose": "a probe"}),
        ("/patients/erasures", {"patient": planted.gsrn(1), "reason": "none at all, a probe"}),
        ("/scan", {"symbologyIdentifier": "]d2", "text": f"01{gtin}21{token}"}),
    ):
        yield Probe("POST", path, orjson.dumps(body), _JSON)
    form = f"identifier={planted.gsrn(number)}".encode()
    yield Probe("POST", "/fhir/Patient/_search", form, "application/x-www-form-urlencoded")


def _poll(item: str) -> bytes:
    param = f"<param><name>MATCH_anyEPC</name><value><string>{item}</string></value></param>"
    return poll(param)


def poll(params: str = "") -> bytes:
    """A SOAP envelope that polls for events, EPCIS 2.0 SOAP binding."""
    return (
        f'<e:Envelope xmlns:e="{_SOAP}" xmlns:q="urn:epcglobal:epcis-query:xsd:2"><e:Body><q:Poll>'
        f"<queryName>SimpleEventQuery</queryName><params>{params}</params></q:Poll></e:Body></e:Envelope>"
    ).encode()


def without_question(told: str, probe: Probe) -> str:
    """The answer without what the question itself said, which an answer may repeat."""
    said = probe.path + (probe.content or b"").decode()
    for one in sorted(set(re.findall(r"Z(?:COR|RIV|NOR|CAH|RAH|SWI|PAT)(?:L?\d+)?", said)), key=len, reverse=True):
        told = re.sub(rf"{one}(?!\d)", "", told)
    for digits in re.findall(r"\d{17,18}", said):
        told = told.replace(digits, "")
    return told

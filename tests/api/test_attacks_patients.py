"""A patient's identifier in every place where text may go: refused, or private; never kept, told back or logged."""

import base64
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest

from traceward.gs1.patient import contains_patient_identifier

from . import planted
from .conftest import Site
from .test_identity import NORTHGATE, new_key, with_key

GSRN: Final = "401234500000123452"
URN: Final = "urn:epc:id:gsrn:4012345.0000012345"
LINK: Final = f"https://id.gs1.org/8018/{GSRN}"
WARD: Final = "https://id.gs1.org/414/4012345000016/254/WARD7"
NAMES: Final = (b"401234500000123452", b"4012345.0000012345")


def _wide(text: str, zero: int) -> str:
    return "".join(chr(zero + int(sign)) if sign.isdigit() else sign for sign in text)


SPELLINGS: Final = (
    LINK,
    URN,
    f"https://hospital.example/x/%38%30%31%38/{GSRN}",
    f"https://id.gs1.org/%2538%2530%2531%2538/{GSRN}",
    f"(８０１８){GSRN}",
    _wide(f"(8018){GSRN}", 0xFF10),
    _wide(f"https://id.gs1.org/8018/{GSRN}", 0xFF10),
    _wide(f"(8018){GSRN}", 0x660),
    "(8018)4012-3450-0000-1234-52",
    "(8018)4012\u00a03450\u00a00000\u00a0123452",
    "(8018)4012\u200b3450\u200b0000\u200b123452",
    f"(80\u00ad18){GSRN}",
    f"8018 {GSRN}",
    f"8018:{GSRN}",
    f"AI8018={GSRN}",
    f"( 8018 ) {GSRN}",
    f"GSRN {GSRN}",
    f"gsrn:{GSRN}",
    f"8018,{GSRN}",
    f"id_8018_{GSRN}",
    "(8018)4012345/000001234/52",
    f"&#40;8018&#41;{GSRN}",
    "https://id.gs1.org/8018/" + "".join(f"&#{ord(sign)};" for sign in GSRN),
    f'{{"8018":"{GSRN}"}}',
)


def _event(**fields: Any) -> dict[str, Any]:
    item = f"https://id.gs1.org/01/04012345000016/21/{uuid.uuid4().hex[:8]}"
    return {
        "type": "ObjectEvent",
        "eventID": f"urn:uuid:{uuid.uuid4()}",
        "eventTime": "2026-07-01T10:00:00Z",
        "eventTimeZoneOffset": "+00:00",
        "action": "ADD",
        "bizStep": "commissioning",
        "epcList": [item],
    } | fields


def _hidden(spelling: str) -> list[dict[str, Any]]:
    """Events that hide the spelling in a value, in a field's name, deep in master data, and in a paper's URI."""
    return [
        _event(**{"mcx:note": spelling}),
        _event(**{"mcx:note": {f"https://x.example/{spelling}": "1"}}),
        _event(ilmd={"mcx:a": {"mcx:b": [spelling]}}),
        _event(bizTransactionList=[{"bizTransaction": f"https://x.example/?n={quote(spelling, safe='')}"}]),
    ]


def test_no_spelling_of_a_patient_enters_a_shared_event(
    site: Site, record_property: Callable[[str, object], None]
) -> None:
    """Rejects a search that knows ASCII digits, bracketed AIs and links alone: partners would read the patient."""
    probes, taken = 0, []
    for spelling in SPELLINGS:
        for number, event in enumerate(_hidden(spelling)):
            answer = site.capture("northgate-supply", planted.body_of(event))
            probes += 1
            if answer.status_code != 403 or answer.json()["errors"][0]["code"] != "private_event":
                taken.append((spelling, number, answer.text))
    record_property("probes", probes)
    assert taken == []


def test_numbers_that_are_no_patients_stay_shared(site: Site) -> None:
    """Rejects a guard so wide that an SSCC, a lot 8018 or an order number would be taken for a patient."""
    notes = (
        "https://id.gs1.org/00/340123450000000018",
        "LOT8018A",
        "order 8018, 340123450000000018",
        "8018 pieces at 12.50 EUR",
        "Größe 8018 für Prüfung",
        base64.b64encode(b"8018").decode(),
    )
    job = site.job(
        "northgate-supply",
        site.capture("northgate-supply", planted.body_of(*(_event(**{"mcx:note": one}) for one in notes))),
    )
    assert job["success"], job


def test_no_request_to_the_servers_own_endpoints_keeps_or_repeats_a_patient(
    site: Site, capfd: pytest.CaptureFixture[str], record_property: Callable[[str, object], None], full_run: bool
) -> None:
    """Every text of every operation is a patient's: rejects echoes in errors, and tables that take it as it is."""
    probes, told = 0, []
    names = ("northgate-clinical", "admin", "northgate-supply", "cordia", "northgate-privacy")
    for name in names if full_run else names[:2]:
        for method, path, body in _operations(site, (URN, LINK, f"8018{GSRN}") if full_run else (URN,)):
            options = {"json": body} if body is not None else {}
            answer = site.request(name, method, path, **options)
            probes += 1
            assert answer.status_code < 500 or answer.status_code == 501, (name, method, path, answer.text)
            said = answer.text + repr(answer.headers)
            if answer.status_code >= 400 and contains_patient_identifier(said):
                told.append((name, method, path, answer.text[:300]))
    record_property("probes", probes)
    assert told == []
    assert _kept(site.server.settings.data_dir) == []
    assert not contains_patient_identifier("".join(capfd.readouterr()))


def test_no_word_for_the_audit_log_names_a_patient(site: Site) -> None:
    """Rejects a log that keeps the reason as typed: it is append-only, and an erasure would leave the name in it."""
    search = {"epc": "https://id.gs1.org/01/09521141010235/21/1"}
    for name, path, body in (
        ("northgate-privacy", "/patients/erasures", {"patient": GSRN, "reason": f"asked by {URN}"}),
        ("northgate-clinical", "/patients/search", search | {"purpose": f"visit of {LINK}"}),
        ("northgate-clinical", "/patients/emergencies", search | {"reason": f"bleeding, GSRN {GSRN}"}),
        ("northgate-clinical", "/trace/device-tracking", {"gtin": "09521141010235", "purpose": f"for {URN}"}),
    ):
        answer = site.request(name, "POST", path, json=body)
        assert answer.status_code == 400, (path, answer.text)
        assert not contains_patient_identifier(answer.text)
    assert _kept(site.server.settings.data_dir) == []


def test_a_query_that_is_kept_names_no_patient(site: Site) -> None:
    """Rejects a definition kept as sent: erasing the patient would leave it, in plain text, beside sealed events."""
    for query in ({"MATCH_parentID": [LINK]}, {"EQ_mcx:\\u0038018": ["x"], "MATCH_anyEPC": [URN]}):
        answer = site.request("northgate-clinical", "POST", "/epcis/queries", json={"name": "watch", "query": query})
        assert answer.status_code == 400
        assert not contains_patient_identifier(answer.text)
    escaped = b'{"name":"watch","query":{"MATCH_parentID":["https://id.gs1.org/\\u0038018/401234500000123452"]}}'
    headers = {"Content-Type": "application/json"}
    answer = site.request("northgate-clinical", "POST", "/epcis/queries", content=escaped, headers=headers)
    assert answer.status_code == 400
    assert _kept(site.server.settings.data_dir) == []


def test_a_key_of_one_ward_does_not_read_what_waits_in_quarantine(site: Site) -> None:
    """Rejects a quarantine that asks for the role alone: a ward's tablet would read every other ward's patients."""
    assert site.capture("northgate-supply", planted.body_of(_event(**{"mcx:note": LINK}))).status_code == 403
    (waiting,) = site.get("northgate-clinical", "/quarantine")["events"]
    ward = new_key(site, NORTHGATE, "clinical", place=WARD)["key"]
    for method, path in (
        ("GET", "/quarantine"),
        ("GET", f"/quarantine/{waiting['id']}"),
        ("POST", f"/quarantine/{waiting['id']}/release"),
        ("DELETE", f"/quarantine/{waiting['id']}"),
    ):
        assert with_key(site, ward, method, path).status_code == 403
    assert site.get("northgate-clinical", f"/quarantine/{waiting['id']}")["event"]["mcx:note"] == LINK


def _operations(site: Site, texts: tuple[str, ...]) -> list[tuple[str, str, Any]]:
    """Every operation with a patient in each path, and in each parameter and text of the body in turn."""
    document = site.get("admin", "/openapi.json")
    found: list[tuple[str, str, Any]] = []
    for path, methods in document["paths"].items():
        if path == "/live":
            continue
        for method, operation in methods.items():
            if method == "options":
                continue
            for text in texts:
                filled = re.sub(r"\{[^}]+\}", quote(text, safe=""), path)
                schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
                body = _sample(document, schema, text) if schema is not None else None
                found.append((method.upper(), filled, body))
                parameters = [one for one in operation.get("parameters", ()) if one.get("in") == "query"]
                if not path.startswith("/epcis"):
                    plain = re.sub(r"\{[^}]+\}", "x", path)
                    found += [
                        (method.upper(), f"{plain}?{one['name']}={quote(text, safe='')}", None) for one in parameters
                    ]
    return found


def _sample(document: dict[str, Any], schema: dict[str, Any], text: str, depth: int = 0) -> Any:
    """A value of a schema in which every text is the patient's."""
    while "$ref" in schema:
        target: Any = document
        for part in schema["$ref"][2:].split("/"):
            target = target[part]
        schema = target
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return _sample(document, schema[choice][0], text, depth)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object" and depth < 6:
        return {name: _sample(document, one, text, depth + 1) for name, one in schema.get("properties", {}).items()}
    if kind == "array":
        return [_sample(document, schema.get("items", {}), text, depth)]
    if schema.get("format") in ("date", "date-time"):
        return "2026-01-01" if schema["format"] == "date" else "2026-01-01T00:00:00Z"
    return {"integer": 1, "number": 1, "boolean": False, "object": {}}.get(str(kind), text)


def _kept(folder: Path) -> list[tuple[str, bytes]]:
    """The files of the server in which a patient's number stands, write-ahead logs among them."""
    files = [one for one in folder.rglob("*") if one.is_file()]
    return [(one.name, name) for one in files for name in NAMES if name in one.read_bytes()]

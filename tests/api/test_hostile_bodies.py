"""Hostile bodies against a server process of its own: refused with 400 or 413, in bounded time and memory."""

import functools
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import brotli
import httpx
import orjson
import psutil
import pytest

from cli_processes import keys_in, serving
from epcis_xml.documents import EPC
from epcis_xml.documents import document as xml_document
from epcis_xml.documents import event as xml_event

from .test_epcis_binding import bare_event, document

CANARY = "canary-of-the-file-system"
MAX_GROWTH_BYTES = 100_000_000
MAX_CPU_S = 3.0
JSON, XML = "application/json", "application/xml"


@dataclass(frozen=True)
class Attack:
    """One body, how it is declared, and the statuses that refuse it."""

    media_type: str
    body: bytes
    statuses: frozenset[int] = frozenset({400})
    coding: str | None = None


@dataclass(frozen=True)
class Target:
    """A server process and a client with a supplier's key."""

    http: httpx.Client
    process: psutil.Process
    folder: Path


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """One process for all attacks: it must be whole after each."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "secret.txt").write_text(CANARY)
    with serving("--demo", "--data", folder / "data", cwd=folder, TRACEWARD_DEMO_STORYLINE="false") as server:
        key = keys_in(folder / "data")["cordia"]
        with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {key}"}, timeout=60) as http:
            yield Target(http, psutil.Process(server.process.pid), folder)


@functools.cache
def attacks(folder: str = "/nowhere") -> dict[str, Attack]:
    """The table. folder: where the file lies that no answer may quote."""
    plain = xml_document(xml_event())
    noted = xml_document(xml_event(EPC, b"<ex:note>@</ex:note>"))
    in_json = orjson.dumps(document(bare_event()))
    too_large = frozenset({400, 413})

    def xml(text: bytes, **more: object) -> Attack:
        return Attack(XML, text, **more)  # type: ignore[arg-type]

    def with_dtd(dtd: str, reference: str = "&a;") -> Attack:
        return xml(b"<!DOCTYPE x [" + dtd.encode() + b"]>" + noted.replace(b"@", reference.encode()))

    def within(text: bytes) -> Attack:
        return Attack(JSON, in_json.replace(b'"action":"OBSERVE"', b'"action":"OBSERVE",' + text))

    laughs = '<!ENTITY l0 "ha">' + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file://{folder}/secret.txt" parse="text"/>'
    deep_xml = b"<ex:a>" * 100_000 + b"</ex:a>" * 100_000
    return {
        "xml billion laughs": with_dtd(laughs, "&l9;"),
        "xml quadratic blow-up": with_dtd(f'<!ENTITY a "{"x" * 100_000}">', "&a;" * 2_000),
        "xml external entity": with_dtd(f'<!ENTITY a SYSTEM "file://{folder}/secret.txt">'),
        "xml external entity over http": with_dtd('<!ENTITY a SYSTEM "http://127.0.0.1:1/x">'),
        "xml parameter entity": with_dtd(f'<!ENTITY % p SYSTEM "file://{folder}/secret.txt"> %p;', "x"),
        "xml external dtd": xml(f'<!DOCTYPE x SYSTEM "file://{folder}/secret.txt">'.encode() + plain),
        "xml ten megabytes of text": xml(noted.replace(b"@", b"x" * 10_000_000), statuses=frozenset({202, 400})),
        "xml three megabytes of text": xml(noted.replace(b"@", b"x" * 3_000_000)),
        "xml depth 100,000": xml(noted.replace(b"@", deep_xml)),
        "xml depth 300": xml(noted.replace(b"@", b"<ex:a>" * 300 + b"</ex:a>" * 300)),
        "xml a million empty elements": xml(noted.replace(b"@", b"<a/>" * 1_000_000)),
        "xml 600,000 comments": xml(b"<!--x-->" * 600_000 + plain, statuses=too_large),
        "xml 10,000 attributes": xml(
            noted.replace(b"<ex:note>", b"<ex:note %b>" % b" ".join(b'a%d="1"' % n for n in range(10_000)))
        ),
        "xml 50 kB name": xml(noted.replace(b"ex:note", b"ex:" + b"n" * 50_001)),
        "xml unbound prefix": xml(noted.replace(b"ex:note", b"zap:note")),
        "xml cut off": xml(plain[:-20]),
        "xml two roots": xml(plain + plain),
        "xml nul": xml(noted.replace(b"@", b"\x00")),
        "xml utf-7": xml(b'<?xml version="1.0" encoding="UTF-7"?>' + noted.replace(b"@", b"+ADw-b/+AD4-")),
        "xml ebcdic": xml('<?xml version="1.0" encoding="cp037"?>'.encode("cp037") + plain),
        "xml that is latin-1 and does not say so": xml(noted.replace(b"@", b"caf\xe9")),
        "xml in utf-32": xml(plain.decode().encode("utf-32")),
        "xml in json's media type": Attack(JSON, plain),
        "json in xml's media type": xml(in_json),
        "json depth 65": within(b'"e:x":' + b"[" * 65 + b"]" * 65),
        "json depth 100,000": within(b'"e:x":' + b"[" * 100_000 + b"]" * 100_000),
        "json duplicate key": within(b'"eventID":"urn:uuid:1","eventID":"urn:uuid:2"'),
        "json NaN": within(b'"quantityList":[{"epcClass":"urn:x:1","quantity":NaN}]'),
        "json 1e999": within(b'"quantityList":[{"epcClass":"urn:x:1","quantity":1e999}]'),
        "json 4,300 digits": within(b'"quantityList":[{"epcClass":"urn:x:1","quantity":' + b"9" * 4_300 + b"}]"),
        "json lone surrogate": within(b'"eventID":"\\ud800"'),
        "json nul": within(b'"eventID":"urn:uuid:a\\u0000b"'),
        "json ten megabytes of text": Attack(JSON, b'{"a":"' + b"x" * 4_900_000 + b'"}'),
        "json utf-16": Attack(JSON, in_json.decode().encode("utf-16")),
        "json utf-8 that is none": within(b'"eventID":"urn:uuid:\xc0\xaf"'),
        "json overlong list": Attack(JSON, b'{"a":[' + b"[]," * 1_400_000 + b"[]]}"),
        "gzip bomb": Attack(XML, gzip.compress(b" " * 150_000_000), frozenset({413}), "gzip"),
        "br bomb": Attack(JSON, brotli.compress(b"[" * 200_000_000, quality=1), frozenset({413}), "br"),
        "gzip of billion laughs": Attack(XML, gzip.compress(with_dtd(laughs, "&l9;").body), coding="gzip"),
        "xinclude": xml(noted.replace(b"@", include.encode()), statuses=frozenset({202, 400})),
        "right-to-left and private characters": xml(
            noted.replace(b"@", "\u202e\u2066\ue000\U0010fffd".encode()), statuses=frozenset({202})
        ),
    }


@pytest.mark.parametrize("name", sorted(attacks()))
def test_a_hostile_body_is_refused_within_bounds_and_the_server_goes_on(target: Target, name: str) -> None:
    """Rejects entities expanded, files read, recursion, and memory in proportion to a bomb."""
    attack = attacks(str(target.folder))[name]
    headers = {"Content-Type": attack.media_type}
    if attack.coding is not None:
        headers["Content-Encoding"] = attack.coding
    memory, cpu = target.process.memory_info().rss, sum(target.process.cpu_times()[:2])
    answer = target.http.post("/epcis/capture", content=attack.body, headers=headers)
    assert answer.status_code in attack.statuses, (answer.status_code, answer.text[:300])
    if answer.status_code == 202:
        job = target.http.get(answer.headers["location"]).json()
        while job["running"]:
            job = target.http.get(answer.headers["location"]).json()
        assert len(attack.body) < 1_000_000 or not job["success"], job
    else:
        assert answer.json()["type"].startswith("epcisException:")
    assert sum(target.process.cpu_times()[:2]) - cpu < MAX_CPU_S
    assert target.process.memory_info().rss - memory < MAX_GROWTH_BYTES
    assert target.http.get("/health/ready").status_code == 200
    assert CANARY not in answer.text + target.http.get("/epcis/events?perPage=1000").text


def test_a_flood_of_unknown_fields_costs_its_sender_more_than_the_server(target: Target) -> None:
    """Rejects an answer that lists each of them: it is ten times the request, and made while all others wait. Those
    who sign in send next to nothing.
    """
    members = b",".join(b'"k%d":1' % number for number in range(300_000))
    # A list has a limit of its own: as many entries as it allows are wrong, each in itself.
    lines = orjson.dumps({"lines": [{"gtin": "?", "k": number} for number in range(19_000)]})
    stranger = {"Authorization": "", "X-Traceward-Client": "web", "Content-Type": JSON}
    known = {"Content-Type": JSON}
    for path, body, headers, statuses in (
        ("/session", b"{" + members + b"}", stranger, {413}),
        ("/setup", b"{" + members + b"}", stranger, {413}),
        ("/agreements", b"{" + members + b"}", known, {400}),
        ("/agreements", b'{"lines":[{"gtin":"1",' + members + b"}]}", known, {400}),
        ("/masterdata/vocabularies", b"{" + members + b"}", known, {400}),
        ("/agreements", lines, known, {400}),
    ):
        cpu = sum(target.process.cpu_times()[:2])
        answer = target.http.post(path, content=body, headers=headers)
        assert answer.status_code in statuses, (path, answer.status_code, answer.text[:300])
        assert len(answer.content) < 50_000, (path, len(answer.content))
        assert sum(target.process.cpu_times()[:2]) - cpu < MAX_CPU_S
        assert target.http.get("/health/ready").status_code == 200


def test_a_body_that_is_no_json_is_told_so(target: Target) -> None:
    """Rejects the phrase of the status for a reason."""
    for body in (b"[" * 100_000, b'{"agreementID": ' + b"9" * 5_000 + b"}"):
        answer = target.http.post("/agreements", content=body, headers={"Content-Type": JSON})
        assert (answer.status_code, "JSON" in answer.json()["detail"]) == (400, True), answer.text


def test_nothing_of_all_that_is_stored_but_what_was_harmless(target: Target) -> None:
    """XInclude is text with markup to us, and odd characters are characters: each is an event, nothing else is."""
    body = target.http.get("/epcis/events?perPage=1000").json()["epcisBody"]
    found = body["queryResults"]["resultsBody"]["eventList"]
    assert len(found) <= 2
    assert CANARY not in orjson.dumps(found).decode()
    database = b"".join(path.read_bytes() for path in (target.folder / "data").glob("*.sqlite3*"))
    assert CANARY.encode() not in database

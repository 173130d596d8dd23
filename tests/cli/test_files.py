"""convert, validate and hash as people and programs use them: files of both formats, faults, exit codes, memory."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from cli_processes import COMMAND, environment, json_output, traceward
from epcis_xml.documents import HEAD, TAIL
from epcis_xml.xsd import digests, invalid
from shared_data import shared
from traceward.epcis import json_codec, xml_codec
from traceward.gs1.epc_uri import canonical_identifier

EVENT = {
    "type": "ObjectEvent",
    "eventTime": "2026-05-01T10:00:00.1230Z",
    "eventTimeZoneOffset": "+02:00",
    "action": "OBSERVE",
    "bizStep": "shipping",
    "epcList": ["urn:epc:id:sgtin:9521141.001023.X1"],
    "ex:note": {"ex:a": "1", "@unit": "kg"},
}
VOCABULARIES = [
    {
        "type": "urn:epcglobal:epcis:vtype:Location",
        "vocabularyElementList": [
            {
                "id": "https://id.gs1.org/414/9521141000006",
                "attributes": [{"id": "urn:epcglobal:cbv:mda#name", "attribute": "Ward 3"}],
                "children": ["https://id.gs1.org/414/9521141000013"],
            }
        ],
    }
]
PARTNERS = {"sender": "urn:epc:id:pgln:9521141.00000", "receiver": "urn:epc:id:pgln:9521141.00001"}
DAMAGED = EVENT | {"bizStep": "consuming", "epcList": ["no uri"]}


def written(file: Path, *events: object, **header: object) -> Path:
    """A JSON document of the events, at that path."""
    document = {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"ex": "https://ex.org/"}],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-05-01T10:00:00Z",
        **header,
        "epcisBody": {"eventList": list(events)},
    }
    file.write_text(json.dumps(document))
    return file


@pytest.mark.parametrize(("target", "version"), [("xml", "2.0"), ("xml-1.2", "1.2")])
def test_a_document_goes_to_xml_and_back_as_the_same_events_and_header(
    target: str, version: str, tmp_path: Path
) -> None:
    """Rejects a conversion that forgets master data, partners or the document's id, and XML that no schema takes."""
    header = PARTNERS | {
        "id": "https://ex.org/d1",
        "epcisHeader": {"epcisMasterData": {"vocabularyList": VOCABULARIES}},
    }
    source = written(tmp_path / "a.json", EVENT, EVENT | {"eventTime": "2026-05-02T10:00:00Z"}, **header)
    as_xml, back = tmp_path / "a.xml", tmp_path / "back.json"
    assert traceward("convert", source, "--to", target, "--output", as_xml).exit_code == 0
    assert invalid(as_xml.read_bytes(), version) is None
    assert traceward("convert", as_xml, "--to", "json", "--output", back).exit_code == 0
    before, after = (json_codec.read_document(file.read_bytes()) for file in (source, back))
    assert digests(after) == digests(before)
    assert after.header == before.header
    assert after.creation_date == before.creation_date


def test_a_query_document_stays_one_with_its_query_and_its_master_data(tmp_path: Path) -> None:
    """Rejects the query's name replaced, and master data or partners lost, which JSON query documents put elsewhere."""
    source = written(tmp_path / "a.json", EVENT, **PARTNERS)
    document = json.loads(source.read_text())
    results = {"queryName": "mine", "subscriptionID": "s1"}
    body = {"vocabularyList": VOCABULARIES, **document.pop("epcisBody")}
    query = document | {"type": "EPCISQueryDocument", "epcisBody": {"queryResults": results | {"resultsBody": body}}}
    source.write_text(json.dumps(query))
    as_xml, back = tmp_path / "a.xml", tmp_path / "back.json"
    assert traceward("convert", source, "--to", "xml", "-o", as_xml).exit_code == 0
    assert invalid(as_xml.read_bytes(), "2.0") is None
    assert xml_codec.read_document(as_xml.read_bytes()).header["queryResults"] == results
    assert traceward("convert", as_xml, "--to", "json", "-o", back).exit_code == 0
    after = json.loads(back.read_text())
    assert after["epcisBody"]["queryResults"]["queryName"] == "mine"
    assert after["epcisBody"]["queryResults"]["resultsBody"]["vocabularyList"] == VOCABULARIES
    sbdh = json_codec.read_document(back.read_bytes()).header["sbdh:StandardBusinessDocumentHeader"]
    assert sbdh["Sender"]["Identifier"]["#text"] == PARTNERS["sender"]
    again = tmp_path / "again.xml"
    assert traceward("convert", back, "--to", "xml", "-o", again).exit_code == 0
    assert again.read_bytes() == as_xml.read_bytes()


def test_a_master_data_document_becomes_a_document_with_that_header(tmp_path: Path) -> None:
    header = {"epcisHeader": {"epcisMasterData": {"vocabularyList": VOCABULARIES}}}
    source = tmp_path / "m.xml"
    source.write_bytes(xml_codec.write_master_data(header, creation_date="2026-05-01T10:00:00Z"))
    done = traceward("convert", source, "--to", "json")
    assert json_output(done)["epcisHeader"] == header["epcisHeader"]
    old = traceward("convert", source, "--to", "xml-1.2").stdout.encode()
    assert invalid(old, "1.2") is None
    assert etree.QName(etree.fromstring(old)).localname == "EPCISMasterDataDocument"


def test_a_single_event_is_taken_from_standard_input(tmp_path: Path) -> None:
    event = EVENT | {"@context": {"ex": "https://ex.org/"}}
    done = traceward("convert", "-", "--to", "xml", stdin=json.dumps(event).encode())
    assert invalid(done.stdout.encode(), "2.0") is None
    (back,) = xml_codec.read_document(done.stdout.encode()).events
    assert back.data["ex:note"] == EVENT["ex:note"]
    assert traceward("validate", "-", stdin=json.dumps(event).encode()).exit_code == 0


def test_identifiers_and_terms_are_spelt_as_asked(tmp_path: Path) -> None:
    source = written(tmp_path / "a.json", EVENT)
    link = traceward("convert", source, "--to", "xml", "--epc-format", "Always_GS1_Digital_Link").stdout
    canonical = canonical_identifier("urn:epc:id:sgtin:9521141.001023.X1")
    assert canonical.startswith("https://id.gs1.org/01/")
    assert f"<epc>{canonical}</epc>" in link
    assert "<bizStep>urn:epcglobal:cbv:bizstep:shipping</bizStep>" in link
    source.write_text(
        json.dumps(json.loads(source.read_text())).replace("urn:epc:id:sgtin:9521141.001023.X1", canonical)
    )
    urn = traceward(
        "convert", source, "--to", "xml", "--epc-format", "Always_EPC_URN", "--prefix", "9521141",
        "--cbv-format", "Always_Web_URI",
    ).stdout  # fmt: skip
    assert "<epc>urn:epc:id:sgtin:9521141.001023.X1</epc>" in urn
    assert "<bizStep>https://ref.gs1.org/cbv/BizStep-shipping</bizStep>" in urn
    assert traceward("convert", source, "--to", "json", "--prefix", "1").exit_code == 2


def test_a_document_with_a_fault_is_not_converted_and_nothing_is_written(tmp_path: Path) -> None:
    """Rejects writing as one reads: the good events before the fault would then stand in the file."""
    source, target = written(tmp_path / "a.json", EVENT, DAMAGED), tmp_path / "out.xml"
    done = traceward("convert", source, "--to", "xml", "--output", target)
    assert done.exit_code == 1
    assert "eventList[1].bizStep" in done.stderr
    assert done.stdout == ""
    assert not target.exists()


def test_validate_names_place_and_clause_of_every_fault_in_every_file(tmp_path: Path) -> None:
    good, bad = written(tmp_path / "good.json", EVENT), written(tmp_path / "bad.json", EVENT, DAMAGED)
    as_xml = tmp_path / "bad.xml"
    assert traceward("convert", good, "--to", "xml", "-o", as_xml).exit_code == 0
    as_xml.write_bytes(as_xml.read_bytes().replace(b"bizstep:shipping", b"bizstep:consuming"))
    (tmp_path / "no.json").write_text("{")
    files = [good, bad, as_xml, tmp_path / "no.json"]
    done = traceward("validate", *files)
    assert done.exit_code == 1
    for shown in ("eventList[1].bizStep", "eventList[1].epcList[0]", "ObjectEvent[1]/bizStep", "NOT VALID", "CBV"):
        assert shown in done.stdout
    answers = json_output(traceward("validate", "--json", *files))
    assert [answer["valid"] for answer in answers] == [True, False, False, False]
    assert [len(answer["errors"]) for answer in answers][:3] == [0, 2, 1]
    assert all(error["clause"] for answer in answers for error in answer["errors"])
    assert (answers[0]["kind"], answers[0]["format"], answers[2]["format"]) == ("EPCISDocument", "json", "xml")


def test_a_warning_alone_is_valid_unless_rules_are_strict(tmp_path: Path) -> None:
    unmeasured = {"sensorReport": [{"type": "Temperature", "uom": "CEL"}]}
    file = written(tmp_path / "a.json", EVENT | {"sensorElementList": [unmeasured]})
    (answer,) = json_output(done := traceward("validate", "--json", file))
    assert (done.exit_code, answer["errors"]) == (0, [])
    assert answer["warnings"]
    assert traceward("validate", "--strict", file).exit_code == 1


@pytest.mark.parametrize("arguments", [("validate",), ("convert", "--to", "xml"), ("hash",)])
@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"<", b"{}", b"[1]", b'{"a":' * 99_999, b"<a><b></a>", b"\x00\x01\x02", b'"x"', b"null"],
)
def test_what_is_no_epcis_is_refused_in_words(arguments: tuple[str, ...], content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(content)
    done = traceward(*arguments, tmp_path / "x")
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    assert done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [("validate",), ("convert", "--to", "xml"), ("hash",)])
def test_a_file_that_is_not_there_is_said_in_words(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = traceward(*arguments, tmp_path / "absent.json")
    assert done.exit_code == 2
    assert isinstance(done.exception, SystemExit)
    assert "No such" in " ".join((done.stdout + done.stderr).split())


def test_hash_prints_the_published_hashes_of_both_formats() -> None:
    folder = shared("standard/examples/event-hash/examples")
    name = "ReferenceEventHashAlgorithm"
    expected = (folder / f"{name}.hashes").read_text().split()
    prehashes = (folder / f"{name}.prehashes").read_text("utf-8").splitlines()
    for suffix in ("jsonld", "xml"):
        done = traceward("hash", folder / f"{name}.{suffix}")
        assert [line.split()[0] for line in done.stdout.splitlines()] == expected
        shown = traceward("hash", "--prehash", folder / f"{name}.{suffix}").stdout.splitlines()
        assert shown[0] == prehashes[0]


def test_hash_checks_the_ids_that_claim_to_be_hashes(tmp_path: Path) -> None:
    """Rejects an id compared by another algorithm than its own, and an id that is no hash counted as wrong."""
    plain = written(tmp_path / "a.json", EVENT)
    wide = json_output(traceward("hash", "--json", "--algorithm", "sha-512", plain))[0]["events"][0]["hash"]
    assert wide.startswith("ni:///sha-512;")
    ids = [wide, wide.replace("ni:///sha-512;", "ni:///sha-512;00"), "urn:uuid:11111111-1111-4111-8111-111111111111"]
    file = written(tmp_path / "b.json", *(EVENT | {"eventID": one} for one in ids), EVENT)
    done = traceward("hash", "--check", "--json", file)
    assert done.exit_code == 1
    assert [event["agrees"] for event in json_output(done)[0]["events"]] == [True, False, None, None]
    assert "NOT its eventID" in traceward("hash", "--check", file).stdout
    assert traceward("hash", file).exit_code == 0
    assert traceward("hash", "--algorithm", "md5", file).exit_code == 2


def test_hash_goes_on_after_an_event_that_has_none(tmp_path: Path) -> None:
    done = traceward("hash", written(tmp_path / "a.json", DAMAGED, EVENT))
    assert done.exit_code == 1
    assert len(done.stdout.splitlines()) == 1
    assert "no hash: eventList[0].bizStep" in done.stderr


@pytest.fixture(scope="module")
def peak_mb() -> Callable[..., float]:
    """Megabytes that a command held at most, as a process of its own."""
    program = (
        "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:]); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(done.returncode)"
    )

    def measured(*arguments: object) -> float:
        command = [sys.executable, "-c", program, *COMMAND, *map(str, arguments)]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
        return float(done.stdout.split()[-1]) / (1024 if sys.platform != "darwin" else 1024**2)

    return measured


def test_memory_does_not_grow_with_the_xml(peak_mb: Callable[..., float], tmp_path: Path, full_run: bool) -> None:
    """Rejects a tree, or a list of all events: 100 MB (a tenth in an ordinary run) in little more than 1 MB takes."""
    small, large = tmp_path / "small.xml", tmp_path / "large.xml"
    for file, megabytes in ((small, 1), (large, 100 if full_run else 10)):
        lines = [f"<epc>urn:epc:id:sgtin:9521141.001023.S{number}</epc>" for number in range(20)]
        event = (
            "<ObjectEvent><eventTime>2026-01-01T00:00:00Z</eventTime><eventTimeZoneOffset>+00:00</eventTimeZoneOffset>"
            f"<epcList>{''.join(lines)}</epcList><action>OBSERVE</action></ObjectEvent>"
        )
        with file.open("wb") as stream:
            stream.write(HEAD)
            stream.writelines(event.encode() for _ in range(megabytes * 1_000_000 // len(event)))
            stream.write(TAIL)
    for command in (("convert", "--to", "json", "--output", tmp_path / "out"), ("validate",)):
        added = peak_mb(*command, large) - peak_mb(*command, small)
        assert added < 40, f"{command[0]} took {added:.0f} MB more"

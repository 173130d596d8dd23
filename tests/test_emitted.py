"""The judge of what servers send: it sees what is wrong, once for each shape, and all of it in a full run."""

import orjson
import pytest

import official_schemas
from emitted import Emissions, shape

CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
EVENT = {
    "type": "ObjectEvent",
    "eventTime": "2026-05-01T10:00:00Z",
    "eventTimeZoneOffset": "+02:00",
    "action": "OBSERVE",
    "bizStep": "shipping",
    "epcList": ["urn:epc:id:sgtin:9521141.001023.X1"],
}
JOB = {"captureID": "a", "createdAt": "2026-05-01T10:00:00Z", "running": False, "success": True, "errors": []}
HEAD = (
    b'<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:2" schemaVersion="2.0" '
    b'creationDate="2026-01-01T00:00:00Z"><EPCISBody><EventList>'
)
TAIL = b"</EventList></EPCISBody></epcis:EPCISDocument>"


def answer(*events: object) -> bytes:
    results = {"queryName": "SimpleEventQuery", "resultsBody": {"eventList": list(events)}}
    return orjson.dumps(
        {
            "@context": CONTEXT,
            "type": "EPCISQueryDocument",
            "creationDate": "2026-05-01T10:00:00Z",
            "epcisBody": {"queryResults": results},
        }
    )


@pytest.fixture
def emissions() -> Emissions:
    if not official_schemas.at_hand():
        pytest.skip("the official schemas are not at hand")
    return Emissions()


def complaints(emissions: Emissions, body: bytes, path: str = "/epcis/events", media_type: str = "application/json"):
    emissions.record(path, media_type, body)
    return emissions.complaints()


def test_valid_answers_pass_and_are_counted(emissions: Emissions) -> None:
    assert complaints(emissions, answer(EVENT, EVENT)) == []
    assert complaints(emissions, orjson.dumps(EVENT | {"@context": CONTEXT})) == []
    assert complaints(emissions, orjson.dumps(JOB), "/epcis/capture/a") == []
    assert complaints(emissions, orjson.dumps([JOB]), "/epcis/capture") == []
    assert complaints(emissions, HEAD + TAIL, media_type="application/xml") == []
    assert emissions.counts == {
        "JSON documents": 1,
        "events in them": 2,
        "of these judged one by one": 1,
        "bare JSON events": 1,
        "capture jobs": 1,
        "XML documents": 1,
    }


@pytest.mark.parametrize(
    "change",
    [
        {"eventTime": "2026-05-01"},
        {"eventTimeZoneOffset": "Z"},
        {"bizStep": "consuming"},
        {"bizStep": "urn:epcglobal:cbv:bizstep:shipping"},
        {"epcList": ["no uri"]},
        {"epcList": ["urn:a:b", "urn:a:b"]},
        {"bare": 1},
        {"action": None},
        {"type": "EPCISEvent"},
    ],
)
def test_one_wrong_event_among_good_ones_is_seen(emissions: Emissions, change: dict[str, object]) -> None:
    """Rejects a schema without its formats, and a shape that takes a wrong event for one that was judged before."""
    assert complaints(emissions, answer(EVENT)) == []
    assert complaints(emissions, answer(EVENT, EVENT | change))
    assert complaints(emissions, orjson.dumps(EVENT | change | {"@context": CONTEXT}))


def test_wrong_jobs_and_wrong_xml_are_seen(emissions: Emissions) -> None:
    assert complaints(emissions, orjson.dumps(JOB | {"running": "no"}), "/epcis/capture/a")
    assert complaints(emissions, orjson.dumps(JOB | {"createdAt": 5}), "/epcis/capture/a")
    assert complaints(emissions, HEAD + b"<ObjectEvent/>" + TAIL, media_type="application/xml")
    assert complaints(emissions, b"<Collection/>", media_type="text/xml")
    jobs = (
        b'<t:captureJobs xmlns:t="https://ns.traceward.org/xml/" xmlns:e="urn:epcglobal:epcis:xsd:2">%b</t:captureJobs>'
    )
    assert complaints(emissions, jobs % b"", "/epcis/capture", "text/xml") == []
    assert complaints(emissions, jobs % b"<e:EPCISCaptureJob/>", "/epcis/capture", "text/xml")
    soap = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>%b</s:Body></s:Envelope>'
    result = b'<q:GetQueryNamesResult xmlns:q="urn:epcglobal:epcis-query:xsd:2">%b</q:GetQueryNamesResult>'
    assert complaints(emissions, soap % (result % b"<string>a</string>"), "/epcis/soap", "text/xml") == []
    assert complaints(emissions, soap % (result % b"<name>a</name>"), "/epcis/soap", "text/xml")


def test_a_full_run_judges_every_event_once(emissions: Emissions) -> None:
    """Rejects a full run that goes by shapes, and one that judges an event again for everybody to whom it is sent."""
    emissions.judges_all = True
    other = EVENT | {"eventTime": "2027-12-31T23:59:59Z"}
    complaints(emissions, answer(EVENT, other))
    complaints(emissions, answer(EVENT))
    assert emissions.counts["of these judged one by one"] == 2
    assert emissions.counts["events in them"] == 3


def test_serials_and_times_alone_make_no_new_shape() -> None:
    other = EVENT | {"eventTime": "2027-12-31T23:59:59Z", "epcList": ["urn:epc:id:sgtin:9521141.001023.Y77"]}
    assert shape(other) == shape(EVENT)


def test_every_exception_for_an_official_schema_is_still_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when a defect is gone from the official files, or was never there."""
    if not official_schemas.at_hand():
        pytest.skip("the official schemas are not at hand")
    known = official_schemas.DEFECTS
    monkeypatch.setattr(official_schemas, "DEFECTS", ())
    assert len(official_schemas.job_complaints(JOB)) == len(known)

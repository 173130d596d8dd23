"""Reading JSON: every event's text comes through untouched, and what two readers could read differently is refused."""

import json
import time
import tracemalloc
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epcis.samples import OWN_CONTEXT, document, object_event, official_examples, raw, storylines
from traceward.epcis.errors import CaptureLimitExceededException, ValidationException
from traceward.epcis.json_codec import read_document, read_event, read_json, write_json
from traceward.epcis.rules import check_event


def refusal(body: bytes) -> ValidationException:
    with pytest.raises(ValidationException) as caught:
        read_all(body)
    return caught.value


def read_all(body: bytes) -> None:
    for event in read_document(body).events:
        assert event.data


def test_every_published_example_is_read_with_each_events_text_as_a_slice_of_the_document():
    """Rejects a codec that decodes and encodes events again, which changes numbers, escapes and blanks."""
    for path in [*official_examples(), *storylines()]:
        body = path.read_bytes()
        read = read_document(body)
        known = json.loads(body)["epcisBody"]
        listed = known.get("eventList") or known["queryResults"]["resultsBody"]["eventList"]
        assert [json.loads(event.text) for event in read.events] == listed
        assert all(event.text in body for event in read.events if path.name != "AssociationEvent-h.jsonld")


def test_text_keeps_key_order_number_text_escapes_and_blanks():
    event = (
        '{ "type":"ObjectEvent","eventTime":"2026-01-01T00:00:00.1230Z",\n\t"eventTimeZoneOffset":"+00:00",'
        '"epcList":[ ],"action":"OBSERVE","ex:n":1.50e+01,"ex:t":"\\u00e9\\/x" }'
    )
    body = document().replace(b'"eventList": []', b'"eventList" : [' + event.encode() + b" , " + event.encode() + b"]")
    assert [item.text for item in read_document(body).events] == [event.encode()] * 2


def test_numbers_keep_every_digit():
    """Rejects reading through float."""
    assert read_json(b"[9007199254740993, 0.10000000000000000001, 1.50]") == [
        9007199254740993,
        Decimal("0.10000000000000000001"),
        Decimal("1.50"),
    ]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=4)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3).filter(lambda t: "\0" not in t), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(values)
def test_writing_and_reading_gives_the_same_value(value):
    """Rejects a writer that turns decimals into text or floats."""
    assert read_json(write_json(value)) == value


HOSTILE = {
    "duplicate key": b'{"a": 1, "a": 2}',
    "duplicate key by escape": b'{"a": 1, "\\u0061": 2}',
    "duplicate key below": b'[{"b": [{"a": 1, "a": 1}]}]',
    "NaN": b"[NaN]",
    "Infinity": b"[-Infinity]",
    "1e999": b"[1e999]",
    "a million digits of a small number": b"[1e-999999]",
    "a million digits of nothing": b"[0e-999999]",
    "tiny number of many digits": b"[0." + b"0" * 5000 + b"1]",
    "integer of 4300 digits": b"[" + b"9" * 4300 + b"]",
    "integer of 20 digits": b"[18446744073709551617]",
    "lone surrogate": b'["\\ud800"]',
    "lone surrogate as key": b'{"\\udfff": 1}',
    "surrogates in the wrong order": b'["\\udc00\\ud800"]',
    "NUL": b'["a\\u0000b"]',
    "raw NUL": b'["a\x00b"]',
    "raw line break in text": b'["a\nb"]',
    "UTF-16": '["a"]'.encode("utf-16"),
    "Latin-1": '["é"]'.encode("latin-1"),
    "surrogate in UTF-8": b'["\xed\xa0\x80"]',
    "overlong UTF-8": b'["\xc0\xaf"]',
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf[]",
    "depth 65": b"[" * 65 + b"]" * 65,
    "depth 65 of objects": b'{"a":' * 65 + b"1" + b"}" * 65,
    "depth 5000": b"[" * 5000 + b"]" * 5000,
    "depth 200000": b"[" * 200_000 + b"]" * 200_000,
    "unclosed depth": b"[" * 200_000,
    "mixed unclosed depth": b'[{"a":' * 100_000,
    "trailing comma": b"[1,]",
    "two values": b"[] []",
    "leading zero": b"[01]",
    "comment": b"[/* */]",
    "single quotes": b"['a']",
    "nothing": b"",
    "bare word": b"nil",
    "unclosed text": b'["',
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_what_readers_could_read_differently_is_refused_within_a_second(body):
    """Rejects json.loads, orjson and pydantic with their defaults: each takes several of these."""
    start = time.process_time()
    with pytest.raises(ValidationException):
        read_json(body)
    assert time.process_time() - start < 1


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("place", ["event", "header", "body"])
def test_the_same_is_refused_wherever_it_stands_in_a_document(body, place):
    """Rejects strict reading of the events alone: the envelope is read by another parser when events are split off."""
    where = {
        "event": b'{"@context": {}, "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": '
        b'"2026-01-01T00:00:00Z", "epcisBody": {"eventList": [{"type": "ObjectEvent", "ex:a": %s}]}}',
        "header": b'{"@context": {"ex": "https://ex.org/"}, "ex:a": %s, "type": "EPCISDocument", "schemaVersion": '
        b'"2.0", "creationDate": "2026-01-01T00:00:00Z", "epcisBody": {"eventList": [{"a": 1}]}}',
        "body": b'{"@context": {}, "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": '
        b'"2026-01-01T00:00:00Z", "epcisBody": {"x": %s, "eventList": [{"a": 1}]}}',
    }[place]
    start = time.process_time()
    error = refusal(where.replace(b"%s", body.removeprefix(b"\xef\xbb\xbf")))
    assert error.findings
    assert time.process_time() - start < 1


def test_duplicate_keys_of_the_envelope_are_refused():
    """Rejects reading the envelope with a parser that keeps the last of two event lists."""
    good = document(object_event())
    assert refusal(good.replace(b'"type": "EPCISDocument"', b'"type": "X", "type": "EPCISDocument"', 1))
    assert refusal(good.replace(b'{"eventList"', b'{"eventList": [{"a": 1}], "eventList"'))
    assert refusal(good[:-1] + b', "epcisBody": {"eventList": []}}')


def test_sixty_four_levels_are_read():
    assert read_json(b"[" * 64 + b"]" * 64)


def test_brackets_in_text_are_no_depth():
    """Rejects counting brackets without regard to strings."""
    assert read_json(b'["' + b"[{" * 500 + b'\\"[[["]') == ["[{" * 500 + '"[[[']


def test_one_byte_order_mark_is_taken_off():
    assert len(read_document(b"\xef\xbb\xbf" + document(object_event())).events) == 1


def test_a_mistake_in_one_events_text_is_a_finding_of_that_event_and_leaves_the_others():
    body = document(object_event(), {"twice": 1}, object_event()).replace(b'{"twice": 1}', b'{"a": 1, "a": 2}')
    findings = [check_event(event) for event in read_document(body).events]
    assert findings[0] == findings[2] == []
    assert [(finding.path, finding.code, finding.event_index) for finding in findings[1]] == [
        ("eventList[1]", "duplicate_key", 1)
    ]


def test_an_event_that_is_no_object_is_a_finding_of_that_event():
    assert [finding.code for finding in check_event(read_document(document(object_event(), 5)).events[1])] == ["type"]


ENVELOPES = {
    "no context": ({"@context": None}, "@context"),
    "context is a number": ({"@context": 5}, "@context"),
    "context is an empty list": ({"@context": []}, "@context"),
    "context is no URI": ({"@context": "epcis-context.jsonld"}, "@context"),
    "context has an entry that is no URI": ({"@context": [OWN_CONTEXT[0], ""]}, "@context"),
    "schemaVersion is a number": ({"schemaVersion": 2.0}, "schemaVersion"),
    "schemaVersion 1.2": ({"schemaVersion": "1.2"}, "schemaVersion"),
    "no creationDate": ({"creationDate": None}, "creationDate"),
    "creationDate without zone": ({"creationDate": "2026-01-01T00:00:00"}, "creationDate"),
    "type of something else": ({"type": "EPCISMasterData"}, "type"),
    "no body": ({"epcisBody": None}, "epcisBody.eventList"),
    "no event list": ({"epcisBody": {}}, "epcisBody.eventList"),
    "unknown key": ({"colour": "red"}, "colour"),
    "undeclared prefix": ({"zz:colour": "red"}, "zz:colour"),
}


@pytest.mark.parametrize(("changes", "path"), ENVELOPES.values(), ids=ENVELOPES)
def test_a_wrong_envelope_is_refused_with_the_path_of_the_field(changes, path):
    assert path in [finding.path for finding in refusal(document(object_event(), **changes)).findings]


@pytest.mark.parametrize("body", [b"[]", b"5", b'"x"', b"null", b'{"epcisBody": [], "type": "EPCISDocument"}'])
def test_a_body_of_another_shape_is_refused(body):
    assert refusal(body).findings


def test_all_findings_of_an_envelope_are_told_at_once():
    error = refusal(document(schemaVersion=2, creationDate="yesterday", colour="red"))
    assert {finding.path for finding in error.findings} == {"schemaVersion", "creationDate", "colour"}


def test_a_query_document_is_read_as_a_document():
    body = json.dumps(
        {
            "@context": OWN_CONTEXT,
            "type": "EPCISQueryDocument",
            "schemaVersion": "2.0",
            "creationDate": "2026-01-01T00:00:00Z",
            "epcisBody": {
                "queryResults": {
                    "queryName": "SimpleEventQuery",
                    "resultsBody": {"eventList": [object_event(), object_event()]},
                }
            },
        }
    ).encode()
    read = read_document(body)
    assert (read.kind, len(read.events)) == ("EPCISQueryDocument", 2)


def test_too_many_events_or_octets_are_a_capture_limit():
    body = document(object_event(), object_event())
    with pytest.raises(CaptureLimitExceededException, match="2 events"):
        read_document(body, max_events=1)
    with pytest.raises(CaptureLimitExceededException, match="octets"):
        read_document(body, max_bytes=len(body) - 1)
    assert len(read_document(body, max_events=2, max_bytes=len(body)).events) == 2


def test_a_bare_event_needs_its_own_context():
    with pytest.raises(ValidationException, match="@context"):
        read_event(json.dumps(object_event()).encode())
    event = read_event(b" " + json.dumps(object_event() | {"@context": OWN_CONTEXT}).encode() + b"\n")
    assert check_event(event) == []
    assert event.text.startswith(b"{")
    assert event.stored_context is None


def test_a_document_is_no_bare_event():
    with pytest.raises(ValidationException, match="document"):
        read_event(document(object_event()))


def test_a_context_is_kept_beside_an_event_only_where_the_standard_one_does_not_do():
    assert raw(object_event(), OWN_CONTEXT[0]).stored_context is None
    assert raw(object_event(), [OWN_CONTEXT[0]]).stored_context is None
    kept = raw(object_event(), OWN_CONTEXT).stored_context
    assert kept is not None
    assert json.loads(kept) == OWN_CONTEXT


def test_a_context_with_decimal_version_is_kept_as_a_number():
    kept = raw(object_event(), [OWN_CONTEXT[0], {"@version": 1.1}]).stored_context
    assert kept is not None
    assert json.loads(kept)[1] == {"@version": 1.1}


def test_a_giant_context_is_refused_since_it_is_kept_beside_every_event():
    """Rejects contexts without a bound: each event would carry it, and each event with an own context rebuild it."""
    assert refusal(document(object_event(), context=[OWN_CONTEXT[0], {f"p{n}": "https://x.org/" for n in range(600)}]))
    assert refusal(document(object_event(), context={"a": "https://x.org/" + "x" * 70_000}))
    own = object_event() | {"@context": {f"p{n}": "https://x.org/" for n in range(600)}}
    assert [finding.code for finding in check_event(raw(own))] == ["context"]


def test_a_hash_id_that_the_event_replaces_by_its_own_id_is_dropped_and_any_other_duplicate_refused():
    """Rejects a general keep-the-last: only the shape of the one official example is let through."""
    event = json.dumps(object_event()).encode()
    own = b'"eventID": "urn:uuid:11111111-1111-4111-8111-111111111111"'
    hashed = b'"eventID": "ni:///sha-256;' + b"0" * 64 + b'?ver=CBV2.0"'
    assert own in event

    def read(text: bytes) -> bytes:
        found = read_document(document("EVENT").replace(b'"EVENT"', text)).events[0]
        assert found.data
        return found.text

    assert json.loads(read(event.replace(own, hashed + b', "ex:a": 1, ' + own))) == object_event() | {"ex:a": 1}
    for twice in (own + b", " + hashed, own + b", " + own, hashed + b", " + hashed, hashed + b", " + own + b", " + own):
        with pytest.raises(ValidationException, match="twice"):
            read(event.replace(own, twice))


MANY_SMALL = {
    "in one event": document({"ex:a": "HERE"}).replace(b'"HERE"', b"[" + b"[]," * 1_600_000 + b"[]]"),
    "as the events": document("HERE").replace(b'"HERE"', b"[]," * 1_600_000 + b"[]"),
    "as object events": document("HERE").replace(b'"HERE"', b'{"a":1},' * 600_000 + b"{}"),
    "beside the events": document(object_event(), **{"ex:a": "HERE"}).replace(b'"HERE"', b"[]," * 1_600_000 + b"[]"),
}


@pytest.mark.parametrize("body", MANY_SMALL.values(), ids=MANY_SMALL)
def test_five_megabytes_of_tiny_values_are_refused_within_a_second_and_a_hundred_megabytes(body):
    """Rejects taking the event list apart before its length is known."""
    tracemalloc.start()
    try:
        start = time.process_time()
        with pytest.raises((ValidationException, CaptureLimitExceededException)):
            read_all(body)
        assert time.process_time() - start < 2  # traced allocation is several times slower
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("count", [1, 2, 40])
def test_events_are_counted_exactly_where_commas_exceed_the_limit(count):
    """Rejects counting commas within events or texts, or objects at any depth."""
    crowded = object_event(ex__a=[{"b": [1, 2, {"c": ",[{"}]}, '"],['], ilmd=None)
    body = document(*[crowded] * count)
    assert len(read_document(body, max_events=count).events) == count
    if count > 1:
        with pytest.raises(CaptureLimitExceededException, match=f"{count} events"):
            read_document(body, max_events=count - 1)


def test_a_late_duplicate_among_many_keys_is_found_in_linear_time():
    """Rejects looking for the duplicate by counting each key."""
    keys = ",".join(f'"k{n}":1' for n in range(100_000))
    start = time.process_time()
    with pytest.raises(ValidationException, match="k99999"):
        read_json(("{" + keys + ',"k99999":2}').encode())
    assert time.process_time() - start < 1


@pytest.mark.parametrize("entry", ["x", "", " ", "+00:00", "/epcis-context.jsonld"])
def test_an_event_with_a_context_that_is_no_uri_is_refused(entry):
    """Rejects keeping it beside the event: every answer that holds the event would break the JSON schema."""
    own = object_event() | {"@context": [OWN_CONTEXT[0], entry]}
    assert [finding.code for finding in check_event(raw(own))] == ["context"]

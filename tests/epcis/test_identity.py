"""Identity: one for every spelling of an event, another for every change of what it says."""

import json
import re
from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epcis.samples import OWN_CONTEXT, bare, document, example_events, object_event, raw
from shared_data import shared
from traceward.epcis.event_hash import event_hash
from traceward.epcis.identity import assigned_event_id, digest, expand, identify, private
from traceward.epcis.json_codec import read_document, read_json, write_json
from traceward.epcis.rules import check_data, check_event
from traceward.epcis.vocabulary import to_bare, to_curie, to_web_uri
from traceward.gs1.epc_uri import canonical_identifier


def identity(event, context=OWN_CONTEXT):
    read = raw(event, context)
    assert [finding for finding in check_event(read) if finding.severity == "error"] == []
    return digest(expand(read.data, read.context))


def test_the_expanded_form_is_as_the_other_rooms_expect_it():
    event = object_event(
        action="ADD",
        bizStep="cbv:BizStep-commissioning",
        eventTime="2026-03-12T11:42:00.5+01:00",
        recordTime="2026-03-12T11:43:00Z",
        epcList=["urn:epc:id:sgtin:9521141.001023.V23-0008", "urn:epc:id:sgtin:9521141.001023.V23-0007"],
        quantityList=[{"epcClass": "urn:epc:class:lgtin:9521141.004530.LOT77A", "quantity": 20, "uom": "KGM"}],
        sourceList=[{"type": "owning_party", "source": "urn:epc:id:pgln:9521141.00000"}],
        bizTransactionList=[{"bizTransaction": "urn:a:b"}],
        sensorElementList=[
            {
                "sensorMetadata": {"time": "1970-01-01T00:00:01Z"},
                "sensorReport": [{"type": "gs1:Temperature", "value": 26, "booleanValue": True}],
            }
        ],
        certificationInfo="https://a.example/1",
        errorDeclaration={"declarationTime": "1970-01-01T00:00:00Z", "reason": "incorrect_data", "ex:by": "x"},
        ilmd={"cbvmda:lotNumber": "00123", "mcx:made": ["2026-01-31"]},
        readPoint={"id": "urn:epc:id:sgln:4012345.00001.OR3-CAB2", "ex:row": 5},
        mcx__usageReport="urn:uuid:5b0a4a3c-1f0e-4f4b-9d5e-0c8a52c7f901",
        disposition=None,
        persistentDisposition={"set": ["recalled", "damaged"]},
        ex__nothing=None,
        ex__empty=[],
    )
    read = raw(event)
    assert expand(read.data, read.context) == {
        "type": "ObjectEvent",
        "eventID": "urn:uuid:11111111-1111-4111-8111-111111111111",
        "eventTime": 1_773_312_120_500_000,
        "eventTimeZoneOffset": "+01:00",
        "action": "ADD",
        "bizStep": "commissioning",
        "epcList": [
            "https://id.gs1.org/01/09521141010235/21/V23-0007",
            "https://id.gs1.org/01/09521141010235/21/V23-0008",
        ],
        "quantityList": [
            {"epcClass": "https://id.gs1.org/01/09521141045305/10/LOT77A", "quantity": "20", "uom": "KGM"}
        ],
        "sourceList": [{"type": "owning_party", "source": "https://id.gs1.org/417/9521141000007"}],
        "bizTransactionList": [{"bizTransaction": "urn:a:b"}],
        "sensorElementList": [
            {
                "sensorMetadata": {"time": 1_000_000},
                "sensorReport": [{"type": "Temperature", "value": "26", "booleanValue": True}],
            }
        ],
        "certificationInfo": ["https://a.example/1"],
        "errorDeclaration": {"declarationTime": 0, "reason": "incorrect_data", "https://ex.org/by": "x"},
        "ilmd": {
            "urn:epcglobal:cbv:mda:lotNumber": "00123",
            "https://ns.traceward.org/consignment/made": "2026-01-31",
        },
        "readPoint": {"id": "https://id.gs1.org/414/4012345000016/254/OR3-CAB2", "https://ex.org/row": "5"},
        "https://ns.traceward.org/consignment/usageReport": "urn:uuid:5b0a4a3c-1f0e-4f4b-9d5e-0c8a52c7f901",
        "persistentDisposition": {"set": ["damaged", "recalled"]},
    }


# Other spellings of the same event


def names(text):
    return frozenset(text.split())


IDENTIFIER_FIELDS = names(
    "epc epcList childEPCs inputEPCList outputEPCList parentID transformationID epcClass id bizTransaction source "
    "destination deviceID deviceMetadata rawData dataProcessingMethod bizRules microorganism chemicalSubstance "
    "uriValue coordinateReferenceSystem"
)
UNORDERED = names(
    "epcList childEPCs inputEPCList outputEPCList quantityList childQuantityList inputQuantityList outputQuantityList "
    "bizTransactionList sourceList destinationList sensorElementList sensorReport set unset correctiveEventIDs"
)
TIME_FIELDS = frozenset(["eventTime", "declarationTime", "time", "startTime", "endTime"])
TERM_FIELDS = {
    "bizStep": "bizstep",
    "disposition": "disp",
    "set": "disp",
    "unset": "disp",
    "reason": "er",
    "component": "comp",
    "exception": "alert",
}
OWNER_KINDS = {"bizTransaction": "btt", "source": "sdt", "destination": "sdt"}


def respelt(value, random, name="", owner=None, *, extension=False):
    """The same JSON value written otherwise: order, identifiers, terms, offsets, number text, one-item lists."""
    if isinstance(value, dict):
        items = list(value.items())
        random.shuffle(items)
        return {
            key: respelt(item, random, key, value, extension=extension or key == "ilmd" or ":" in key)
            for key, item in items
        }
    if isinstance(value, list):
        items = [respelt(item, random, name, owner, extension=extension) for item in value]
        if extension and len(items) == 1 and not isinstance(items[0], list):
            return random.choice([items, items[0]])
        if not extension and name in UNORDERED:
            random.shuffle(items)
        return items
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, Decimal)):
        return random.choice([Decimal(value), Decimal(f"{value}.0" if "." not in str(value) else f"{value}00"), value])
    if extension:
        return random.choice([value, [value]]) if not isinstance(owner, list) and name and ":" in name else value
    return respelt_text(value, random, name, owner)


def respelt_text(text, random, name, owner):
    if name in IDENTIFIER_FIELDS:
        return random.choice([text, canonical_identifier(text)])
    if name in TIME_FIELDS:
        moment = datetime.fromisoformat(text)
        zone = timezone(timedelta(minutes=random.randrange(-840, 841)))
        return random.choice([text, moment.astimezone(zone).isoformat(), moment.astimezone(UTC).isoformat()])
    kind = TERM_FIELDS.get(name)
    if name == "type":
        kind = next((kind for field, kind in OWNER_KINDS.items() if field in owner), None)
        kind = kind or ("measurement" if "eventTime" not in owner else None)
    word = to_bare(kind, text) if kind else None
    return random.choice([word, to_web_uri(kind, word), to_curie(kind, word)]) if word else text


@given(st.randoms(use_true_random=False), st.data())
def test_every_spelling_of_an_event_has_one_identity(random, data):
    """Rejects a digest of the text, of the parsed JSON, or of an expanded form that forgets one kind of spelling."""
    event = data.draw(st.sampled_from(examples()))
    other = respelt(event.data, random)
    assert [f for f in check_data(other, event.context) if f.severity == "error"] == []
    again = read_json(write_json(other))
    assert expand(again, event.context) == expand(event.data, event.context)
    assert digest(expand(again, event.context)) == digest(expand(event.data, event.context))


_known = []


def examples():
    if not _known:
        _known.extend(example_events())
    return _known


def test_declaring_the_same_namespace_by_another_prefix_changes_nothing():
    first = identity(object_event(ex__a="1", ilmd=None), OWN_CONTEXT)
    assert first == identity(object_event(zz__a="1"), [OWN_CONTEXT[0], {"zz": {"@id": "https://ex.org/"}}])
    assert first == identity(object_event() | {"https://ex.org/a": "1"}, OWN_CONTEXT[0])
    assert first != identity(object_event(ex__a="1"), [OWN_CONTEXT[0], {"ex": "https://other.example/"}])


def test_an_event_alone_and_in_a_document_is_one():
    alone = bare(json.dumps(object_event(ex__a="1") | {"@context": OWN_CONTEXT}))
    assert digest(expand(alone.data, alone.context)) == identity(object_event(ex__a="1"))


def test_both_spellings_of_the_master_data_namespace_are_one():
    """CBV 2.0 files write it with and without the last colon."""
    changes = {"action": "ADD", "ilmd": {"cbvmda:lotNumber": "1"}}
    assert identity(object_event(**changes)) == identity(
        object_event(**changes), [OWN_CONTEXT[0], {"cbvmda": "urn:epcglobal:cbv:mda"}]
    )


def test_a_name_under_two_spellings_is_a_repeated_element_and_never_lost():
    """Rejects an expanded form where the second spelling overwrites the first."""
    both = object_event(ex__a="1") | {"https://ex.org/a": "2"}
    assert identity(both) == identity(object_event(ex__a=["1", "2"]))
    assert identity(both) != identity(object_event(ex__a="2"))


def test_text_that_looks_like_a_number_stays_text():
    """Rejects the reference hash's fault: lot 00123 is not lot 123."""
    lots = ["00123", "123", "123.0", " 123"]
    assert len({identity(object_event(action="ADD", ilmd={"cbvmda:lotNumber": lot})) for lot in lots}) == len(lots)


def test_numbers_that_differ_in_the_seventeenth_digit_differ():
    quantities = ["1", "1.0000000000000001", "100000000000000.1", "100000000000000.11"]
    found = set()
    for number in quantities:
        body = document(object_event(quantityList=[{"epcClass": "urn:a:b", "quantity": 0.25}]))
        event = read_document(body.replace(b"0.25", number.encode())).events[0]
        found.add(identify(event).digest)
    assert len(found) == len(quantities)


# Every change of what an event says


def changed(value, name):
    """Other values that say something else than this one."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, (int, Decimal)):
        return [value + 1, value + Decimal("0.0000001")]
    if isinstance(value, list):
        return [[*value, deepcopy(value[-1])] if name and ":" in str(name) else value[1:]] if len(value) > 1 else []
    if isinstance(value, dict):
        return []
    if re.fullmatch(r"[+-]\d\d:\d\d", value):
        return ["-03:00" if value != "-03:00" else "+03:00"]
    if re.match(r"\d{4}-\d\d-\d\dT", value) and ":" not in str(name):
        return [re.sub(r"^\d{4}", lambda year: str(int(year.group()) - 1), value)]
    words = {"ADD": ["OBSERVE", "DELETE"], "OBSERVE": ["ADD", "DELETE"], "DELETE": ["ADD", "OBSERVE"]}
    others = {"shipping": ["receiving"], "recalled": ["expired"], "incorrect_data": ["did_not_occur"]}
    return [*words.get(value, []), *others.get(value, []), value + "7", "urn:x:other"]


def places(value, path=()):
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in steps:
        yield (*path, step), item
        yield from places(item, (*path, step))


def at(value, path):
    for step in path:
        value = value[step]
    return value


def test_every_change_or_removal_of_a_field_changes_the_identity():
    """Rejects a digest that forgets one field, or that an unknown field, place or depth escapes."""
    tried = 0
    for event in examples():
        before = digest(expand(event.data, event.context))
        for path, value in places(event.data):
            if path[0] in ("@context", "recordTime"):
                continue
            variants = [deepcopy(event.data) for _ in [*changed(value, path[-1]), None]]
            for variant, other in zip(variants, changed(value, path[-1]), strict=False):
                at(variant, path[:-1])[path[-1]] = other
            if value in ([], {}, None):
                continue
            del at(variants[-1], path[:-1])[path[-1]]
            for variant in variants:
                if any(finding.severity == "error" for finding in check_data(variant, event.context)):
                    continue
                tried += 1
                assert digest(expand(variant, event.context)) != before, (path, value)
    assert tried > 2000


def test_what_is_empty_is_as_if_absent_at_any_level():
    """Rejects dropping empty lists at the top alone: XML has no empty list of corrective ids to send."""
    declared = {"declarationTime": "2026-03-12T11:00:00Z"}
    assert identity(object_event(errorDeclaration=declared)) == identity(
        object_event(errorDeclaration=declared | {"correctiveEventIDs": []}, sourceList=[], sensorElementList=[])
    )
    report = {"sensorReport": [{"type": "Temperature", "value": 1}]}
    assert identity(object_event(sensorElementList=[report])) == identity(
        object_event(sensorElementList=[report | {"sensorMetadata": {}}])
    )


def test_record_time_and_context_are_no_part_of_what_an_event_says():
    assert identity(object_event(recordTime="2026-03-12T11:00:00Z")) == identity(object_event())


def test_an_error_declaration_and_the_event_it_denies_are_two():
    declared = object_event(errorDeclaration={"declarationTime": "2026-03-12T11:00:00Z"})
    assert identity(declared) != identity(object_event())


def test_joined_identifiers_are_not_one_identifier():
    """Rejects a digest of joined text, where two EPCs can pass as one (the fault of the CBV event hash)."""
    two = object_event(epcList=["https://x.example/a", "https://x.example/b"])
    one = object_event(epcList=["https://x.example/aepc=https://x.example/b"])
    assert identity(two) != identity(one)


# Patients

PATIENT = "urn:epc:id:gsrn:4012345.0000012345"
SPELLINGS = [
    PATIENT,
    "URN:EPC:ID:GSRN:4012345.0000012345",
    canonical_identifier(PATIENT),
    "https://hospital.example/8018/401234500000123451",
    "https://hospital.example/%38018/401234500000123451",
    "https://id.gs1.org/01/09521141010235/21/V23-0007?8018=401234500000123451",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_patient_anywhere_makes_an_event_private(spelling):
    """Rejects looking at known identifier fields only, or at the canonical form only."""
    places_of_text = [
        object_event(epcList=[spelling]),
        object_event(bizTransactionList=[{"bizTransaction": spelling}]),
        object_event(readPoint={"id": "urn:a:b", "ex:a": {"b": [1, {"c": spelling}]}}),
        object_event(ex__note=f"for {spelling}, room 5"),
        object_event(action="ADD", ilmd={"ex:a": spelling}),
        object_event(recordTime=spelling),
        object_event() | {f"https://x.example/?q={spelling}": "x"},
        object_event(eventID=spelling),
        object_event(sensorElementList=[{"sensorReport": [{"type": "Temperature", "rawData": spelling}]}]),
    ]
    for event in places_of_text:
        assert identify(raw(event)).private, event
        read = raw(event)
        assert private(expand(read.data, read.context), read.data)


def test_escapes_and_contexts_do_not_hide_a_patient():
    """Rejects a search of the text alone, or of the expanded form alone."""
    body = document(object_event(ex__a="HERE"))
    escaped = "".join(f"\\u{ord(sign):04x}" for sign in PATIENT).encode()
    assert identify(read_document(body.replace(b"HERE", escaped)).events[0]).private
    slashed = canonical_identifier(PATIENT).replace("/", "\\/").encode()
    assert identify(read_document(body.replace(b"HERE", slashed)).events[0]).private
    dropped = document(object_event(recordTime="HERE"))  # expansion leaves it out: only the text as sent has it
    assert identify(read_document(dropped.replace(b"HERE", escaped)).events[0]).private
    by_prefix = [OWN_CONTEXT[0], {"p": "urn:epc:id:gsrn:"}]
    assert identify(raw(object_event(epcList=["p:4012345.0000012345"]), by_prefix)).private


def test_a_provider_or_a_serial_with_8018_is_no_patient():
    event = object_event(
        epcList=["urn:epc:id:sgtin:9521141.001023.8018"], mcx__capturedBy="urn:epc:id:gsrnp:4012345.0000000007"
    )
    assert not identify(raw(event)).private


def test_identify_is_expand_digest_and_private_in_one():
    for event in examples():
        found = identify(event)
        assert found.expanded == expand(event.data, event.context)
        assert found.digest == digest(found.expanded)
        assert found.private == private(found.expanded, event.data)
        assert identify(event, found.expanded) == found


# Assigned ids


def test_a_missing_event_id_becomes_the_event_hash_and_a_retry_finds_itself():
    """Rejects random ids, and a hash over what the server added."""
    event = raw(object_event(eventID=None))
    assigned = assigned_event_id(event.data, event.context)
    assert assigned == event_hash(event.data, event.context)
    retried = raw(respelt(object_event(eventID=None), Random(5)))
    assert assigned_event_id(retried.data, retried.context) == assigned


def test_where_the_hash_is_taken_the_id_is_a_uuid_version_8_of_the_content():
    event, other = raw(object_event(eventID=None)), raw(object_event(eventID=None, action="DELETE"))
    first = assigned_event_id(event.data, event.context, hash_is_taken=True)
    assert UUID(first.removeprefix("urn:uuid:")).version == 8
    assert UUID(first.removeprefix("urn:uuid:")).variant == "specified in RFC 4122"
    assert first == assigned_event_id(event.data, event.context, hash_is_taken=True)
    assert first != assigned_event_id(other.data, other.context, hash_is_taken=True)
    named = event.data | {"eventID": first}
    assert first == assigned_event_id(named, event.context, hash_is_taken=True)


def test_the_storyline_by_party_holds_the_same_events_as_the_whole():
    whole = {identify(event).digest for event in read_document(shared("examples/storyline.json").read_bytes()).events}
    parts = [
        identify(event).digest
        for name in ("cordia", "northgate")
        for event in read_document(shared(f"examples/storyline-{name}.json").read_bytes()).events
    ]
    assert sorted(whole) == sorted(parts)

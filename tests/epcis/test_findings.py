"""How findings come: all of them, bounded, placed, printable; and no value that crashes a check."""

import json
import time

from epcis.samples import document, errors, example_events, object_event, raw, sensed
from traceward.epcis.event_hash import event_hash
from traceward.epcis.identity import identify
from traceward.epcis.json_codec import read_document
from traceward.epcis.model import event_model
from traceward.epcis.rules import check_event


def test_all_findings_of_an_event_are_collected_with_their_clauses():
    """Rejects stopping at the first mistake."""
    event = object_event(bizStep="shippping", eventTimeZoneOffset="Z", eventID="x", colour="red", epcList=["5", "6"])
    found = check_event(raw(event))
    assert {finding.path for finding in found} == {
        f"eventList[0].{name}"
        for name in ("bizStep", "eventTimeZoneOffset", "eventID", "colour", "epcList[0]", "epcList[1]")
    }
    assert all(finding.clause and finding.event_index == 0 for finding in found)
    assert "did you mean 'shipping'" in next(f.message for f in found if f.path.endswith("bizStep"))


def test_a_thousand_warnings_do_not_hide_an_error():
    """Rejects one cap for warnings and errors together."""
    event = object_event(
        bizTransactionList=[{"type": f"zz:t{n}", "bizTransaction": "urn:a:b"} for n in range(1000)], colour="red"
    )
    assert errors(event) == [("colour", "unknown_field")]
    assert len(check_event(raw(event))) <= 200


def test_a_hundred_thousand_mistakes_are_judged_within_two_seconds():
    """Rejects looking up the nearest word for each of them."""
    event = object_event(persistentDisposition={"set": [f"dammaged{n}" for n in range(60_000)]})
    start = time.process_time()
    assert len(errors(event)) == 100
    assert time.process_time() - start < 2


def test_names_from_the_event_cannot_break_the_line_of_a_message():
    found = check_event(raw(object_event() | {"a\nb\x1b[31m": 1}))
    assert len(found) == 1
    assert all(text.isprintable() for finding in found for text in (finding.path, finding.message))


ODD = [None, 5, 0.5, True, "", "x", [], {}, [[]], [{}], {"id": []}, [None], ["x", {}], {"set": {}}, {"a": {"b": 1}}]


def test_an_odd_value_anywhere_is_a_finding_or_harmless_and_never_a_crash(full_run):
    """Rejects checks that compare, hash or iterate before they look at the type, and rules weaker than identity needs.

    What passes the rules must have an expanded form, a digest, a hash and a model.
    """
    small = [raw(event) for event in [object_event(), sensed(metadata={"time": "2026-01-01T00:00:00Z"})]]
    turn = 0
    for event in [*small, *example_events()]:
        for path in leaves(event.data):
            turn += 1
            for value in ODD if full_run else [ODD[turn % len(ODD)]]:
                odd = raw(replaced(json.loads(event.text), path, value))
                if any(finding.severity == "error" for finding in check_event(odd)):
                    continue
                assert len(identify(odd).digest) == 16
                assert event_hash(odd.data, odd.context)
                assert event_model(odd.data).to_data()


def leaves(value, path=()):
    """The path of every value below a JSON value."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in steps:
        yield (*path, step)
        yield from leaves(item, (*path, step))


def replaced(value, path, new):
    """The same JSON value with another at the path; the given one is used up."""
    here = value
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = new
    return value


def test_findings_of_several_events_tell_which_event():
    body = document(object_event(), object_event(bizStep="x"), object_event(action="y"))
    found = [check_event(event) for event in read_document(body).events]
    assert [[(f.path, f.event_index) for f in findings] for findings in found] == [
        [],
        [("eventList[1].bizStep", 1)],
        [("eventList[2].action", 2)],
    ]

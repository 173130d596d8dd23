"""The index terms of events, and the resources that list them."""

import doctest
import time
from typing import Any

import orjson
import pytest
from hypothesis import given

from epcis_query.strategies import CONTEXT, events
from shared_data import shared
from traceward.epcis import epc_patterns, terms, units
from traceward.epcis.extension import Context
from traceward.epcis.identity import expand
from traceward.epcis.json_codec import read_document, read_json
from traceward.epcis.predicates import ALL_EVENTS
from traceward.epcis.query import parse_query
from traceward.epcis.terms import class_prefix, event_numbers, event_terms, vocabulary_terms

SERIAL = "https://id.gs1.org/01/09521141010235/21/V23-0007"


def test_doctests_of_the_room_hold() -> None:
    assert doctest.testmod(terms).failed == 0
    assert doctest.testmod(epc_patterns).failed == 0
    assert doctest.testmod(units).attempted == 3
    assert doctest.testmod(units).failed == 0


def test_every_field_of_an_event_has_its_terms() -> None:
    """Rejects a handler put at another field, and a source indexed without its type."""
    event: dict[str, Any] = {
        "type": "TransactionEvent",
        "eventID": "urn:uuid:1",
        "eventTime": 5,
        "eventTimeZoneOffset": "+00:00",
        "action": "ADD",
        "bizStep": "shipping",
        "disposition": "in_transit",
        "persistentDisposition": {"set": ["damaged"], "unset": ["conformant"]},
        "readPoint": {"id": "urn:own:a"},
        "bizLocation": {"id": "urn:own:b"},
        "epcList": [SERIAL],
        "parentID": "https://id.gs1.org/00/095211410000000113",
        "quantityList": [
            {"epcClass": "https://id.gs1.org/01/09521141045305/10/LOT77A", "quantity": "20", "uom": "KGM"}
        ],
        "bizTransactionList": [{"bizTransaction": "urn:x:1"}, {"type": "po", "bizTransaction": "urn:x:2"}],
        "sourceList": [{"type": "owning_party", "source": "urn:p:1"}],
        "destinationList": [{"type": "location", "destination": "urn:p:2"}],
        "errorDeclaration": {"declarationTime": 7, "reason": "incorrect_data", "correctiveEventIDs": ["urn:uuid:2"]},
        "ilmd": {"urn:epcglobal:cbv:mda:lotNumber": "L1"},
        "https://ex.example/ns/a": {"https://ex.example/ns/b": "2"},
    }
    assert set(event_terms(event)) == {
        ALL_EVENTS,
        ("eventType", "TransactionEvent"),
        ("eventID", "urn:uuid:1"),
        ("action", "ADD"),
        ("bizStep", "shipping"),
        ("disposition", "in_transit"),
        ("persistentDisposition_set", "damaged"),
        ("persistentDisposition_unset", "conformant"),
        ("readPoint", "urn:own:a"),
        ("bizLocation", "urn:own:b"),
        ("epc", SERIAL),
        ("epc~class", "https://id.gs1.org/01/09521141010235/21/"),
        ("parentID", "https://id.gs1.org/00/095211410000000113"),
        ("epcClass", "https://id.gs1.org/01/09521141045305/10/LOT77A"),
        ("epcClass~class", "https://id.gs1.org/01/09521141045305/10/"),
        ("bizTransaction:", "urn:x:1"),
        ("bizTransaction:po", "urn:x:2"),
        ("source:owning_party", "urn:p:1"),
        ("destination:location", "urn:p:2"),
        ("has:errorDeclaration", ""),
        ("errorReason", "incorrect_data"),
        ("correctiveEventID", "urn:uuid:2"),
        ("has:ilmd:urn:epcglobal:cbv:mda:lotNumber", ""),
        ("ilmd:urn:epcglobal:cbv:mda:lotNumber", "L1"),
        ("has:ext:https://ex.example/ns/a", ""),
        ("has:ext~inner:https://ex.example/ns/b", ""),
        ("ext~inner:https://ex.example/ns/b", "2"),
    }
    assert set(event_numbers(event)) == {
        ("quantity", 20.0, None),
        ("quantity", 20.0, "KGM"),
        ("errorDeclarationTime", 7.0, None),
        ("ext~inner:https://ex.example/ns/b", 2.0, None),
    }
    assert set(vocabulary_terms(event)) == {
        ("eventTypes", "TransactionEvent"),
        ("epcs", SERIAL),
        ("epcs", "https://id.gs1.org/00/095211410000000113"),
        ("epcClasses", "https://id.gs1.org/01/09521141045305/10/LOT77A"),
        ("bizSteps", "shipping"),
        ("dispositions", "in_transit"),
        ("readPoints", "urn:own:a"),
        ("bizLocations", "urn:own:b"),
        ("bizTransactions", "urn:x:1\tbizTransaction:"),
        ("bizTransactions", "urn:x:2\tbizTransaction:po"),
        ("named", "urn:p:1\tsource:owning_party"),
        ("named", "urn:p:2\tdestination:location"),
    }


@given(events())
def test_no_pair_number_or_word_of_an_event_is_given_twice(event: dict[str, Any]) -> None:
    """Rejects lists with repeats, which a posting table with a key on (term, event) would refuse."""
    form = expand(read_json(orjson.dumps(event)), Context.of(CONTEXT))
    for found in (event_terms(form), event_numbers(form), vocabulary_terms(form)):
        assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("identifier", "prefix"),
    [
        (SERIAL, "https://id.gs1.org/01/09521141010235/21/"),
        ("https://id.gs1.org/01/09521141045305/10/LOT77A", "https://id.gs1.org/01/09521141045305/10/"),
        ("https://id.gs1.org/01/09521141045305", None),
        ("https://id.gs1.org/8003/04012345123457789", "https://id.gs1.org/8003/04012345123457"),
        ("https://id.gs1.org/8003/04012345123457", None),
        ("https://id.gs1.org/414/4012345000016/254/OR3", "https://id.gs1.org/414/4012345000016/254/"),
        ("https://id.gs1.org/414/4012345000016", None),
        ("https://id.gs1.org/00/095211410000000113", None),
        ("https://id.gs1.org/8006/040123451234560102/21/9", "https://id.gs1.org/8006/040123451234560102/21/"),
        ("https://id.gs1.org/8010/4012345PART/8011/77", "https://id.gs1.org/8010/4012345PART/8011/"),
        ("urn:epc:id:gid:1.2.3", None),
        ("https://id.gs1.org", None),
        ("", None),
    ],
)
def test_the_class_prefix_of_an_identifier_ends_where_its_serial_begins(identifier: str, prefix: str | None) -> None:
    """GS1 Digital Link keys and their qualifiers; rejects a prefix that also fits longer keys."""
    assert class_prefix(identifier) == prefix


def test_every_term_of_the_official_examples_is_found_by_asking_for_it() -> None:
    """Rejects a key that the index has and no parameter reaches: read points, steps and ids asked back in words."""
    asked = 0
    for path in sorted(shared("standard/examples/gs1/json").rglob("*.jsonld")):
        for raw in read_document(path.read_bytes()).events:
            found = set(event_terms(expand(raw.data, raw.context)))
            for name, values in {
                "EQ_bizStep": [raw.data.get("bizStep")],
                "EQ_disposition": [raw.data.get("disposition")],
                "EQ_readPoint": [raw.data.get("readPoint", {}).get("id")],
                "EQ_bizLocation": [raw.data.get("bizLocation", {}).get("id")],
                "MATCH_epc": [*raw.data.get("epcList", []), *raw.data.get("childEPCs", [])],
                "MATCH_epcClass": [element["epcClass"] for element in raw.data.get("quantityList", [])],
                "MATCH_parentID": [raw.data.get("parentID")],
                "MATCH_outputEPC": raw.data.get("outputEPCList", []),
            }.items():
                for value in filter(None, values):
                    (clause,) = parse_query({name: [value]}, raw.context).clauses
                    assert not found.isdisjoint(clause.pairs), (path, name, value)  # type: ignore[union-attr]
                    asked += 1
    assert asked > 200


def test_the_terms_of_an_event_cost_microseconds(record_property: Any) -> None:
    """The budget of capture is about 15 us for an event of 20 terms; ten times that fails on any machine.

    CPU time, best of several rounds, so that other processes do not count.
    """
    document = read_document(shared("examples/storyline-cordia.json").read_bytes())
    forms = [expand(event.data, event.context) for event in document.events]
    rounds = []
    for _ in range(20):
        started = time.process_time()
        for form in forms:
            event_terms(form)
            event_numbers(form)
            vocabulary_terms(form)
        rounds.append((time.process_time() - started) / len(forms) * 1e6)
    record_property("us per event", round(min(rounds), 1))
    assert min(rounds) < 150

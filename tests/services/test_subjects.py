"""Patients are encrypted at rest, found all the same, and erased by forgetting one key."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from traceward.epcis.errors import NoSuchResource
from traceward.ledger.trace import trace_item
from traceward.services.identity import parties
from traceward.services.identity.principals import Principal
from traceward.services.intake import capture
from traceward.services.patients import subjects
from traceward.services.queries import query
from traceward.services.queries.answers import Representation
from traceward.services.queries.visible_events import facts_of, folded, moment
from traceward.services.runtime import Limits, Runtime, open_runtime
from traceward.store.sealed import is_sealed

NORTHGATE = "https://id.gs1.org/417/4012345000009"
PATIENT = "https://id.gs1.org/8018/401234500000123452"
OTHER = "https://id.gs1.org/8018/401234500000123469"
ITEM = "https://id.gs1.org/01/09521141010235/21/P1"
SPELLINGS = (b"401234500000123452", b"4012345.0000012345", b"0000012345")


@pytest.fixture(params=["sqlite", "postgresql"])
def runtime(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runtime]:
    """The services on an empty database of each kind, with one hospital."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    if request.param == "postgresql":
        make: Callable[[], str] = request.getfixturevalue("new_postgres_database")
        url = make()
    opened = open_runtime(url, data_dir=tmp_path, limits=Limits(), scan_workers=1)
    parties.add_organisation(
        opened, identifier=NORTHGATE, name="Northgate", company_prefixes=["4012345"], places={}, consignees=()
    )
    yield opened
    opened.close()


def clinical(runtime: Runtime) -> Principal:
    """The hospital's clinical role."""
    owner = runtime.registry.find(NORTHGATE)
    assert owner is not None
    return Principal(owner.id, owner.name, owner.number, "clinical", "0123456789", "")


def link(number: int, patient: str, **more: Any) -> bytes:
    """An association of an item with a patient."""
    return orjson.dumps({
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "AssociationEvent",
        "eventID": f"urn:uuid:00000000-0000-4000-8000-00000000000{number}",
        "eventTime": f"2026-05-0{number}T10:00:00Z",
        "eventTimeZoneOffset": "+00:00",
        "action": "ADD",
        "bizStep": "installing",
        "parentID": patient,
        "childEPCs": [ITEM],
        "readPoint": {"id": "https://id.gs1.org/414/4012345000016/254/OR3"},
        **more,
    })  # fmt: skip


def events(runtime: Runtime, **parameters: str) -> bytes:
    """The answer to a query of the clinical role."""
    wanted = {name: [value] for name, value in parameters.items()}
    return query.find_events(runtime, clinical(runtime), wanted, None, 100, Representation()).document


def all_bytes(runtime: Runtime) -> bytes:
    """Everything that the database holds, table by table."""
    with runtime.store.reader() as reader:
        if runtime.store.dialect == "sqlite":
            names = reader.fetch("SELECT name FROM sqlite_master WHERE type='table'")
        else:
            names = reader.fetch("SELECT tablename FROM pg_tables WHERE schemaname='public'")
        found = bytearray()
        for (name,) in names:
            for row in reader.fetch(f'SELECT * FROM "{name}"'):
                for value in row:
                    found += bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
    return bytes(found)


def test_no_spelling_of_a_patient_lies_readable_in_any_table(runtime: Runtime) -> None:
    """Rejects a text that is encrypted while its rendering, facts, context, vocabulary or ledger rows are not."""
    caller = clinical(runtime)
    capture.capture_event(runtime, caller, link(1, "urn:epc:id:gsrn:4012345.0000012345"))
    capture.capture_event(runtime, caller, link(2, PATIENT, **{"ex:note": "case of (8018)401234500000123452",
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
                     {"ex": "https://ex.example/8018/401234500000123452/"}]}))  # fmt: skip
    held = all_bytes(runtime)
    assert [one for one in SPELLINGS if one in held] == []
    answer = events(runtime)
    assert answer.count(b"401234500000123452") >= 2
    assert b"ex.example" in answer
    assert events(runtime, MATCH_parentID=PATIENT).count(b"AssociationEvent") == 2
    assert events(runtime, MATCH_parentID=OTHER).count(b"AssociationEvent") == 0


def test_erasing_a_patient_makes_its_events_unreadable_and_leaves_all_others(runtime: Runtime) -> None:
    caller = clinical(runtime)
    for number, patient in ((1, PATIENT), (2, OTHER)):
        capture.capture_event(runtime, caller, link(number, patient))
    vault = runtime.store.vault
    ledger_before = runtime.store.committer.run(
        lambda tx: tx.fetch("SELECT key, state FROM ledger_record ORDER BY key")
    )
    erased = runtime.store.committer.run(lambda tx: subjects.erase(tx, vault, caller.party_number, PATIENT))
    assert erased == 1
    answer = events(runtime)
    assert b"401234500000123452" not in answer
    assert answer.count(b"401234500000123469") == 1
    assert runtime.store.committer.run(
        lambda tx: tx.fetch("SELECT key, state FROM ledger_record ORDER BY key")
    ) == ledger_before  # fmt: skip
    with pytest.raises(NoSuchResource):
        query.event_document(runtime, caller, "urn:uuid:00000000-0000-4000-8000-000000000001", Representation())
    with pytest.raises(NoSuchResource):
        runtime.store.committer.run(lambda tx: subjects.erase(tx, vault, caller.party_number, PATIENT))
    # The ledger is folded anew without the name: nothing else changes.
    runtime.parties_changed()
    assert b"401234500000123452" not in events(runtime)
    again = capture.capture_event(runtime, caller, link(1, PATIENT))
    assert not again.is_new
    assert b"401234500000123452" not in events(runtime)
    capture.capture_event(runtime, caller, link(3, PATIENT))
    assert events(runtime).count(b"401234500000123452") == 1


def test_an_event_of_two_patients_goes_with_either_of_them(runtime: Runtime) -> None:
    """Rejects a text that each of its subjects' keys opens by itself."""
    caller = clinical(runtime)
    capture.capture_event(runtime, caller, link(1, PATIENT, childEPCs=[ITEM, OTHER]))
    runtime.store.committer.run(lambda tx: subjects.erase(tx, runtime.store.vault, caller.party_number, OTHER))
    assert events(runtime).count(b"AssociationEvent") == 0
    with runtime.store.reader() as reader:
        ((text,),) = reader.fetch("SELECT text FROM event")
    assert is_sealed(bytes(text))


def test_the_clinical_role_is_told_patients_by_name_though_the_ledger_has_pseudonyms(runtime: Runtime) -> None:
    caller = clinical(runtime)
    capture.capture_event(runtime, caller, link(1, PATIENT))
    at = moment(runtime, None, None)
    facts = facts_of(runtime, caller, [ITEM], at)
    found = trace_item(folded(runtime, caller, facts, at), facts, ITEM)
    assert [one.patient for one in found.patients] == [PATIENT]


def test_a_sealed_text_that_was_moved_to_another_event_does_not_open(tmp_path: Path) -> None:
    """Rejects a text that is encrypted without being bound to its event."""
    file = tmp_path / "a.db"
    runtime = open_runtime(f"sqlite:///{file}", data_dir=tmp_path, limits=Limits(), scan_workers=1)
    parties.add_organisation(runtime, identifier=NORTHGATE, name="N", company_prefixes=[], places={})
    caller = clinical(runtime)
    for number in (1, 2):
        capture.capture_event(runtime, caller, link(number, PATIENT))
    with sqlite3.connect(file) as insider:
        insider.execute("UPDATE event SET text = (SELECT text FROM event WHERE seq = 1) WHERE seq = 2")
    insider.close()
    with pytest.raises(ValueError, match="does not open"):
        events(runtime)
    runtime.close()

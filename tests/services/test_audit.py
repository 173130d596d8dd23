"""The audit log is a chain: whatever is changed in it afterwards is found, and the database refuses to change it."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from traceward.epcis.errors import ForbiddenException
from traceward.services.identity import audit, audit_log
from traceward.services.identity.principals import Principal
from traceward.services.runtime import Limits, Runtime, open_runtime
from traceward.store.engine import open_store
from traceward.store.errors import StoreUnavailable

OFFICER = Principal("https://id.gs1.org/417/4012345000009", "Northgate", 1, "privacy_officer", "0123456789", "Ada")
CLINICIAN = Principal("https://id.gs1.org/417/4012345000009", "Northgate", 1, "clinical", "1123456789", "Ben")
STRANGER = Principal("https://id.gs1.org/417/9521141000007", "Cordia", 2, "privacy_officer", "2123456789", "Eve")


@pytest.fixture(params=["sqlite", "postgresql"])
def runtime(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runtime]:
    """The services on an empty database of each kind."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    if request.param == "postgresql":
        make: Callable[[], str] = request.getfixturevalue("new_postgres_database")
        url = make()
    opened = open_runtime(url, data_dir=tmp_path, limits=Limits(), scan_workers=1)
    yield opened
    opened.close()


def fill(runtime: Runtime, count: int) -> None:
    """Entries of two organisations, in turn."""
    for number in range(count):
        caller = (CLINICIAN, STRANGER)[number % 2]
        audit.private_read(runtime, caller, "/trace/lot", asked=b"lot %d" % number, event_ids=[f"urn:uuid:{number}"])


def verdict(runtime: Runtime, expected: tuple[int, str] | None = None) -> audit_log.ChainVerdict:
    """What a walk along the chain finds."""
    with runtime.store.reader() as reader:
        return audit_log.verify(reader, expected)


def test_a_log_that_nobody_touched_is_whole_and_its_noted_head_is_found_again(runtime: Runtime) -> None:
    fill(runtime, 5)
    whole = verdict(runtime)
    assert (whole.count, whole.bad_seq) == (5, None)
    fill(runtime, 2)
    assert verdict(runtime, (5, whole.head)).bad_seq is None
    assert verdict(runtime, (5, "00" * 32)).bad_seq == 5


@pytest.mark.parametrize("statement", ["UPDATE audit SET purpose='x' WHERE seq=1", "DELETE FROM audit WHERE seq=2"])
def test_the_database_itself_refuses_to_change_an_entry(runtime: Runtime, statement: str) -> None:
    """Rejects a log that only the program's good manners protect."""
    fill(runtime, 2)
    with pytest.raises(Exception, match="append-only"):
        runtime.store.committer.run(lambda tx: tx.execute(statement))
    assert verdict(runtime).count == 2


def test_only_the_privacy_officer_reads_entries_and_only_those_of_the_own_organisation(runtime: Runtime) -> None:
    fill(runtime, 7)
    seen: list[str] = []
    token = None
    while True:
        page = audit_log.page(runtime, OFFICER, audit_log.AuditFilter(), token, 3)
        seen += [one["eventIDs"][0] for one in page.entries]
        token = page.next_token
        if token is None:
            break
    assert seen == [f"urn:uuid:{number}" for number in (6, 4, 2, 0)]
    named = audit_log.AuditFilter(principal="Eve")
    assert audit_log.page(runtime, OFFICER, named, None, 10).entries == []
    assert audit_log.page(runtime, OFFICER, audit_log.AuditFilter(action="export"), None, 10).entries == []
    with pytest.raises(ForbiddenException):
        audit_log.page(runtime, CLINICIAN, audit_log.AuditFilter(), None, 10)


def test_what_was_asked_is_kept_as_a_digest_only(runtime: Runtime) -> None:
    """Rejects a log that becomes the patient register that it guards."""
    audit.private_read(runtime, CLINICIAN, "/patients", asked=b"401234500000123452", event_ids=["urn:uuid:1"])
    rows = runtime.store.committer.run(lambda tx: tx.fetch("SELECT * FROM audit"))
    assert "401234500000123452" not in repr(rows)
    assert len(rows) == 1


def test_an_entry_that_cannot_be_written_stops_the_answer(runtime: Runtime) -> None:
    """Committed before the answer; rejects an entry that is written behind it or given up on."""
    runtime.store.committer.close()
    with pytest.raises(StoreUnavailable):
        audit.private_read(runtime, CLINICIAN, "/trace/lot", asked=b"", event_ids=["urn:uuid:1"])


CHANGES = (
    "UPDATE audit SET time_us = time_us + 1 WHERE seq = :n",
    "UPDATE audit SET principal = principal || 'x' WHERE seq = :n",
    "UPDATE audit SET role = 'supply' WHERE seq = :n",
    "UPDATE audit SET credential = '' WHERE seq = :n",
    "UPDATE audit SET party = 9 WHERE seq = :n",
    "UPDATE audit SET party = NULL WHERE seq = :n",
    "UPDATE audit SET action = 'read' WHERE seq = :n",
    "UPDATE audit SET resource = '/' WHERE seq = :n",
    "UPDATE audit SET filter_digest = x'00' WHERE seq = :n",
    "UPDATE audit SET result_count = result_count + 1 WHERE seq = :n",
    "UPDATE audit SET event_ids = '[]' WHERE seq = :n",
    "UPDATE audit SET outcome = 'refused' WHERE seq = :n",
    "UPDATE audit SET purpose = 'care' WHERE seq = :n",
    "UPDATE audit SET request_id = 'f' WHERE seq = :n",
    "UPDATE audit SET prev_hash = hash WHERE seq = :n",
    "UPDATE audit SET hash = randomblob(32) WHERE seq = :n",
    "DELETE FROM audit WHERE seq = :n",
    "UPDATE audit SET seq = seq + 1000 WHERE seq = :n",
    "UPDATE audit SET seq = -seq WHERE seq = :n",
)


def test_whatever_is_changed_in_the_log_is_found_and_its_first_bad_entry_named(
    tmp_path: Path, full_run: bool, record_property: Callable[[str, object], None]
) -> None:
    """Rejects a hash that leaves a column out, a walk that starts at the first entry there is, and one that takes a log
    cut short for a whole one.
    """
    file = tmp_path / "a.db"
    runtime = open_runtime(f"sqlite:///{file}", data_dir=tmp_path, limits=Limits(), scan_workers=1)
    fill(runtime, 40)
    runtime.close()
    with sqlite3.connect(file) as whole:
        whole.execute("DROP TRIGGER audit_no_update")
        whole.execute("DROP TRIGGER audit_no_delete")
    whole.close()
    chance = random.Random(20)
    store = open_store(f"sqlite:///{file}", clock=lambda: 0)
    rounds = 1000 if full_run else 60
    for number in range(rounds):
        statement = CHANGES[number % len(CHANGES)]
        changed = chance.randint(1, 40)
        with sqlite3.connect(file, isolation_level=None) as insider:
            insider.execute("BEGIN")
            kept = insider.execute("SELECT * FROM audit").fetchall()
            insider.execute(statement, {"n": changed})
            insider.execute("COMMIT")
            with store.reader() as reader:
                found = audit_log.verify(reader)
            first = 1 if "seq = -seq" in statement else changed
            assert found.bad_seq == first, (statement, changed, found)
            insider.execute("BEGIN")
            insider.execute("DELETE FROM audit")
            insider.executemany(f"INSERT INTO audit VALUES ({','.join('?' * len(kept[0]))})", kept)
            insider.execute("COMMIT")
        insider.close()
    with store.reader() as reader:
        assert audit_log.verify(reader).count == 40
    store.close()
    record_property("changes found", rounds)

"""The ledger of a database, folded afresh and told in digests, from the command line and when parties change."""

import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from live_server import running_server
from traceward.cli.main import app
from traceward.epcis.times import parse_time_us
from traceward.ledger.parties import Parties, Party
from traceward.ledger.statement import LineDigest
from traceward.ledger.stream import any_told_otherwise
from traceward.services.identity.parties import add_organisation
from traceward.services.indexing import indexing
from traceward.services.runtime import Limits, open_runtime

CORDIA = "https://id.gs1.org/417/9521141000007"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of a demo server that has ended, in a year in which part of its story is yet to come."""
    clock_us = parse_time_us("2026-11-22T12:00:00Z")
    with running_server(tmp_path / "data", demo=True, injected={"now_us": lambda: clock_us}):
        pass
    return tmp_path / "data"


def run(*words: str) -> str:
    result = CliRunner().invoke(app, ["ledger", *words])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_rebuild_changes_no_digest(data: Path) -> None:
    before = run("verify", "--data", str(data))
    assert before.startswith("stock ")
    assert "26 events" in run("rebuild", "--data", str(data))
    assert run("verify", "--data", str(data)) == before


def test_a_ledger_that_was_tampered_with_has_another_digest_until_it_is_rebuilt(data: Path) -> None:
    """Rejects a verify that looks at the events instead of the tables."""
    before = run("verify", "--data", str(data))
    runtime = open_runtime(f"sqlite:///{data / 'traceward.sqlite3'}", data_dir=data, limits=Limits(), scan_workers=1)
    runtime.store.committer.run(lambda tx: tx.execute("UPDATE balance SET quantity='999' WHERE status='on_hand'"))
    runtime.close()
    tampered = run("verify", "--data", str(data))
    assert tampered != before
    replayed = CliRunner().invoke(app, ["ledger", "verify", "--replay", "--data", str(data)])
    assert replayed.exit_code == 1, replayed.output
    assert run("verify", "--data", str(data)) == tampered
    run("rebuild", "--data", str(data))
    assert run("verify", "--replay", "--data", str(data)) == before
    assert run("verify", "--data", str(data)) == before


def test_the_database_of_a_server_is_its_owners_alone_to_read(data: Path) -> None:
    """Rejects the rights of a folder that somebody else made: whoever has an account could read patients' links."""
    assert stat.S_IMODE((data / "traceward.sqlite3").stat().st_mode) == 0o600


def test_a_folder_without_a_database_is_told(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["ledger", "verify", "--data", str(tmp_path)]).exit_code == 3


def test_the_digest_of_lines_does_not_depend_on_their_order_but_on_their_number() -> None:
    """Rejects exclusive or, under which a line that is there twice cancels out."""
    forward, backward, twice = LineDigest(), LineDigest(), LineDigest()
    for line in ("a", "b", "c"):
        forward.add(line)
    for line in ("c", "a", "b"):
        backward.add(line)
    for line in ("a", "b", "c", "c", "c"):
        twice.add(line)
    assert forward.hexdigest() == backward.hexdigest() != twice.hexdigest()


def test_an_organisation_of_which_no_event_tells_needs_no_rebuild(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rejects a rebuild for each new partner, and one that is left out for a partner whom events name already."""
    runtime = open_runtime(f"sqlite:///{data / 'traceward.sqlite3'}", data_dir=data, limits=Limits(), scan_workers=1)
    rebuilt: list[int] = []
    rebuild = indexing.rebuild
    monkeypatch.setattr(indexing, "rebuild", lambda *args: rebuilt.append(1) or rebuild(*args))
    add_organisation(
        runtime, identifier="https://id.gs1.org/417/7612345000008", name="New", company_prefixes=["7612345"], places={}
    )
    assert rebuilt == []
    known = runtime.registry.parties
    without = Parties(party for party in known if party.id != CORDIA)
    with runtime.store.reader() as reader:
        assert any_told_otherwise(reader.fetch, without, known)[0]
        more = Parties((*known, Party("https://id.gs1.org/417/7698765000002", "Newer", ("7698765",))))
        assert not any_told_otherwise(reader.fetch, known, more)[0]
    runtime.close()

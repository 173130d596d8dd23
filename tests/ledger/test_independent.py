"""Show 5: a second ledger, that shares no line with the server's, comes to the same digests."""

import ast
import sys
from pathlib import Path

import orjson
import pytest

from ledger import captured_flows, independent_fold
from ledger.captured_flows import HOSPITAL, PREFIXES, SUPPLIER, Flows
from ledger.independent_fold import IndependentLedger
from ledger.storyline import RECORDED_US
from traceward.epcis import identity
from traceward.epcis.json_codec import read_document
from traceward.ledger.facts import LedgerEvent, ledger_event
from traceward.ledger.fold import fold
from traceward.ledger.parties import Parties, Party
from traceward.ledger.statement import digests, lines_of

PARTIES = Parties((Party(SUPPLIER, "S", ("9521141",)), Party(HOSPITAL, "H", ("4012345",))))
CONTEXT = [
    "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
    {"mcx": "https://ns.traceward.org/consignment/"},
]


def captured_by_us(captured: list[tuple[dict[str, object], str]]) -> list[LedgerEvent]:
    """The captures, read and identified as a server does."""
    found: list[LedgerEvent] = []
    for party in (SUPPLIER, HOSPITAL):
        document = {
            "@context": CONTEXT, "type": "EPCISDocument", "schemaVersion": "2.0",
            "creationDate": "2026-01-01T00:00:00Z",
            "epcisBody": {"eventList": [event for event, captor in captured if captor == party]},
        }  # fmt: skip
        for raw in read_document(orjson.dumps(document)).events:
            what = identity.identify(raw)
            found.append(ledger_event(what.expanded, what.digest, (party,), RECORDED_US, what.private))
    return found


@pytest.mark.timeout(3600)
def test_an_independent_replay_comes_to_the_same_digests(full_run: bool, figures: list[str]) -> None:
    """Rejects a ledger whose result follows from its code rather than from its description."""
    captured = Flows(seed=5).make(100_000 if full_run else 3_000)
    theirs = IndependentLedger(PREFIXES)
    theirs.replay(captured)
    events = captured_by_us(captured)
    ledger = fold(events, PARTIES)
    names = {event.eid: event.event_id for event in events}
    our_lines, their_lines = sorted(lines_of(ledger, names)), sorted(theirs.lines())
    assert sorted(set(our_lines).symmetric_difference(their_lines))[:5] == []
    ours = {name: one.hexdigest() for name, one in digests(our_lines).items()}
    assert ours == independent_fold.digests(their_lines)
    figures.append(f"an independent replay of {len(captured):,} captures: {len(our_lines):,} equal lines")


@pytest.mark.parametrize("module", [independent_fold, captured_flows])
def test_the_second_ledger_imports_the_standard_library_alone(module: object) -> None:
    tree = ast.parse(Path(str(module.__file__)).read_text())  # type: ignore[attr-defined]
    named = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    named |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert {name.partition(".")[0] for name in named if name} <= sys.stdlib_module_names

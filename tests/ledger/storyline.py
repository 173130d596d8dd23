"""The storyline's events as the ledger sees them, and its parties; for the tests of the ledger only."""

from shared_data import shared
from traceward.epcis import identity
from traceward.epcis.json_codec import read_document
from traceward.ledger.facts import LedgerEvent, ledger_event
from traceward.ledger.parties import Parties, Party

CORDIA = "https://id.gs1.org/417/9521141000007"
NORTHGATE = "https://id.gs1.org/417/4012345000009"
RIVAL = "https://id.gs1.org/417/9506000000008"
PARTIES = Parties((
    Party(CORDIA, "Cordia", ("9521141",)),
    Party(NORTHGATE, "Northgate", ("4012345",)),
    Party(RIVAL, "Rival", ("9506000",)),
))  # fmt: skip

LOT77A = "https://id.gs1.org/01/09521141045305/10/LOT77A"
B2201 = "https://id.gs1.org/01/09521141060001/10/B2201"
V7 = "https://id.gs1.org/01/09521141010235/21/V23-0007"
V8 = "https://id.gs1.org/01/09521141010235/21/V23-0008"
TRAY = "https://id.gs1.org/8003/09521141007778T0042"
PATIENT = "https://id.gs1.org/8018/401234500000123452"
JUNE_30_US = 1_782_863_999_000_000  # 2026-06-30T23:59:59Z
RECORDED_US = 1_790_000_000_000_000


def events_of(name: str, captor: str) -> list[LedgerEvent]:
    """The events of one file of the examples, captured by a party."""
    found = []
    for raw in read_document(shared(f"examples/{name}").read_bytes()).events:
        what = identity.identify(raw)
        found.append(ledger_event(what.expanded, what.digest, (captor,), RECORDED_US, what.private))
    return found


def storyline() -> list[LedgerEvent]:
    """All 30 events, each captured by the party whose file it is in."""
    return events_of("storyline-cordia.json", CORDIA) + events_of("storyline-northgate.json", NORTHGATE)

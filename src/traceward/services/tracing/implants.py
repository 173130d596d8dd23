"""Implants: which pieces were tied to which patient, from when to when, and how their label reads.

From the private events of the caller's own organisation. It must not be called for a role that may not know patients.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from traceward.gs1.epc_uri import identifier_kind
from traceward.ledger.facts import PATIENT, LedgerEvent
from traceward.ledger.links import linked, links_in_error
from traceward.ledger.state import Ledger, PatientLinks
from traceward.services.identity.principals import Principal, Right
from traceward.services.queries.facts import stored_fact
from traceward.services.queries.visible_events import facts_of, folded, moment
from traceward.services.runtime import Runtime


class LinkLine(NamedTuple):
    """One line of the private event that tied items to a patient. eid: 16 bytes; line: its number, from 0."""

    eid: bytes
    line: int


@dataclass(frozen=True, slots=True)
class Implant:
    """Pieces tied to a patient by one line of a private event. patient: GSRN. Times: microseconds since 1970 UTC.

    use_in_error: their use was declared in error and nothing stands in its place: whether they are there is in doubt.
    """

    patient: str
    key: str
    quantity: Decimal
    opened_us: int
    closed_us: int | None
    line: LinkLine
    event_id: str
    closing_event_id: str | None
    usage_report: str | None
    place: str | None
    use_in_error: bool

    @property
    def is_open(self) -> bool:
        """Whether the pieces are with the patient, as far as is known."""
        return self.closed_us is None and not self.use_in_error


def label_parts(epc: str) -> tuple[str, str | None, str | None]:
    """GTIN, lot and serial of a trade item's identifier, as on the label.

    >>> label_parts("https://id.gs1.org/01/09521141010235/21/V23-0007")
    ('09521141010235', None, 'V23-0007')
    """
    kind = identifier_kind(epc)
    return kind.gtin or "", kind.lot, kind.serial


def udi_texts(gtin: str, lot: str | None, serial: str | None, expiry: str | None) -> tuple[str, str]:
    """A UDI carrier's content as people read it and as a scanner gives it, without symbology identifier.

    The separator ends a value of open length. expiry: YYYY-MM-DD.

    >>> udi_texts("09521141010235", "L23-A", "V23-0007", "2028-01-31")[0]
    '(01)09521141010235(17)280131(10)L23-A(21)V23-0007'
    """
    parts = [("01", gtin)]
    if expiry is not None:
        parts.append(("17", expiry[2:].replace("-", "")))
    if lot is not None:
        parts.append(("10", lot))
    if serial is not None:
        parts.append(("21", serial))
    shown = "".join(f"({ai}){value}" for ai, value in parts)
    raw = "".join(ai + value + ("\x1d" if ai == "10" and serial is not None else "") for ai, value in parts)
    return shown, raw


def implants_of(runtime: Runtime, caller: Principal, patient: str) -> list[Implant]:
    """Everything tied to a patient, open and explanted, by time. patient: GSRN. The caller's role knows patients."""
    caller.require(Right.KNOW_PATIENTS)
    at = moment(runtime, None, None)
    links = facts_of(runtime, caller, [patient], at)
    keys = {key for event in links if event.private for key, _ in linked(event)}
    return implants_of_items(runtime, caller, keys, {patient})


def implant_of_line(runtime: Runtime, caller: Principal, line: LinkLine) -> Implant | None:
    """What one line of a private event ties to its patient; None where the caller may know of none."""
    if not caller.may(Right.KNOW_PATIENTS):
        return None
    with runtime.store.reader() as reader:
        rows = reader.fetch("SELECT seq FROM witness WHERE eid=? AND party=?", (line.eid, caller.party_number))
        stored = reader.documents([seq for (seq,) in rows], witnesses=True)
    for event in stored:
        fact = stored_fact(event, runtime.registry)
        entries = linked(fact)
        if fact.private and line.line < len(entries):
            found = implants_of_items(runtime, caller, {entries[line.line][0]}, None)
            return next((one for one in found if one.line == line), None)
    return None


def implants_of_items(
    runtime: Runtime, caller: Principal, keys: Iterable[str], patients: set[str] | None = None
) -> list[Implant]:
    """The links of these items that the caller's organisation recorded, by time; patients: of these alone."""
    wanted = set(keys)
    if not wanted:
        return []
    at = moment(runtime, None, None)
    facts = facts_of(runtime, caller, wanted, at)
    return implants_in(folded(runtime, caller, facts, at), facts, caller, wanted, patients)


def implants_in(
    ledger: Ledger,
    facts: Iterable[LedgerEvent],
    caller: Principal,
    wanted: Collection[str],
    patients: set[str] | None = None,
) -> list[Implant]:
    """The links of these items in a ledger that the caller's organisation recorded, as `implants_of_items` has them.

    facts: what the ledger was folded from.
    """
    events = {event.eid: event for event in facts}
    in_error = links_in_error(ledger)
    found = [
        Implant(
            patient=link.patient,
            key=record.key,
            quantity=link.quantity,
            opened_us=link.opened_us,
            closed_us=link.closed_us,
            line=_line(event, record.key),
            event_id=event.event_id,
            closing_event_id=events[link.closed_eid].event_id if link.closed_eid in events else None,
            usage_report=link.usage_report,
            place=event.read_point,
            use_in_error=(record.key, record.party, link.opened_eid) in in_error,
        )
        for record in ledger.records.values()
        if isinstance(record, PatientLinks) and record.party == caller.organisation and record.key in wanted
        for link in record.links
        if link.patient.startswith(PATIENT)
        and (patients is None or link.patient in patients)
        and (event := events.get(link.opened_eid)) is not None
    ]
    return sorted(found, key=lambda one: (one.opened_us, one.key, one.line))


def _line(event: LedgerEvent, key: str) -> LinkLine:
    index = next(number for number, (name, _) in enumerate(linked(event)) if name == key)
    return LinkLine(event.eid, index)

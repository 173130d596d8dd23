"""Which events a caller may capture at all: patients, the place it is bound to, and what a carrier may tell.

Pure; it must not judge whether an event is well-formed (epcis.rules) nor whose goods it may move (the ledger does).
"""

from collections.abc import Sequence
from typing import Final

from traceward.epcis.errors import Finding
from traceward.services.identity.principals import CARRIER, CARRIER_STEPS, Principal, Right
from traceward.services.indexing.preparation import PreparedEvent
from traceward.services.patients.patient_content import matching_pattern, names_staff, patient_field

_PRIVATE_CLAUSE: Final = "Traceward privacy rule: only the clinical role records patients"
_STAFF_CLAUSE: Final = "Traceward privacy rule: who captured an event is kept beside it, not told in it"
_PLACE_CLAUSE: Final = "Traceward access model: a key that is bound to a place captures there only"
_CARRIER_CLAUSE: Final = "Traceward access model: a carrier records movements of consignments only"


QUARANTINED: Final = frozenset({"private_event", "patient_content"})
"""Codes of findings of which the event is kept for a decision."""


def refusal(caller: Principal, event: PreparedEvent, patterns: Sequence[str] = ()) -> Finding | None:
    """Why the caller may not capture this event; None where it may. patterns: of what tells of a patient here."""
    path = event.path
    if event.private and not caller.may(Right.CAPTURE_PRIVATE):
        message = (
            f"event {event.index} names a patient, or is marked private; the role that captures it must be clinical"
        )
        return Finding(path, "private_event", message, _PRIVATE_CLAUSE, event.index)
    expanded = event.expanded
    if not event.private:
        told = patient_field(expanded, event.text)
        if told is None and matching_pattern(patterns, event.text) is not None:
            told = "a text of a configured pattern"
        if told is not None:
            message = (
                f"event {event.index} has {told}, which tells of a patient; expected it in an AssociationEvent with "
                "the patient's GSRN, which only the clinical role reads"
            )
            return Finding(path, "patient_content", message, _PRIVATE_CLAUSE, event.index)
        if names_staff(expanded, event.text):
            message = (
                f"event {event.index} names in mcx:capturedBy who captured it, to all that see it; expected no "
                "such field: the key that captures is kept beside the event"
            )
            return Finding(path, "staff_identifier", message, _STAFF_CLAUSE, event.index)
    if caller.place is not None:
        places = [place["id"] for name in ("readPoint", "bizLocation") if (place := expanded.get(name))]
        outside = next((place for place in places if not caller.acts_at(place)), None)
        if outside is not None or not places:
            told = f"is at {outside}" if outside is not None else "names no place"
            message = f"event {event.index} {told}; this key captures at {caller.place} only"
            return Finding(path, "place_of_key", message, _PLACE_CLAUSE, event.index)
    if caller.role == CARRIER and expanded.get("bizStep") not in CARRIER_STEPS:
        step = expanded.get("bizStep")
        message = f"event {event.index} has bizStep {step!r}; a carrier captures {', '.join(CARRIER_STEPS)}"
        return Finding(path, "carrier_step", message, _CARRIER_CLAUSE, event.index)
    return None

"""Patients: look-ups, emergency access and erasure, all by POST, since a patient's number must be in no URL.

It must not log bodies; the services record each look-up before its answer.
"""

import orjson
from fastapi import APIRouter, Response

from traceward.api.deps import Caller, Services
from traceward.api.patient_models import (
    Emergencies,
    Emergency,
    EmergencyRequest,
    ErasureBody,
    ErasureRequest,
    PatientLinks,
    PatientSearch,
    QuarantineAnswer,
    ReleasedBody,
    ReviewRequest,
)
from traceward.services.intake import capture
from traceward.services.patients import patients, quarantine

router = APIRouter(prefix="/patients", tags=["patients"])
quarantine_router = APIRouter(prefix="/quarantine", tags=["patients"])


@router.post("/search", response_model=PatientLinks)
def post_search(body: PatientSearch, caller: Caller, runtime: Services) -> dict[str, object]:
    """The units with a patient, or the patients whom units of an item or lot are with; for the clinical role."""
    return patients.search(runtime, caller, _question(body), purpose=body.purpose, as_of=body.asOf)


@router.post("/emergencies", status_code=201, response_model=Emergency)
def post_emergency(body: EmergencyRequest, caller: Caller, runtime: Services) -> dict[str, object]:
    """Break the glass: for an hour this key is told of one patient, item or lot beyond its place."""
    return patients.break_glass(runtime, caller, _question(body), reason=body.reason)


@router.get("/emergencies", response_model=Emergencies)
def get_emergencies(caller: Caller, runtime: Services, unreviewed: bool = False) -> dict[str, object]:
    """The uses of break-glass in the caller's organisation, newest first; for its privacy officer."""
    return {"emergencies": patients.emergencies(runtime, caller, unreviewed=unreviewed)}


@router.post("/emergencies/{emergency_id}/review", response_model=Emergency)
def post_review(emergency_id: str, body: ReviewRequest, caller: Caller, runtime: Services) -> dict[str, object]:
    """Judge one use of break-glass; 409 when that was done already."""
    return patients.review(runtime, caller, emergency_id, judgement=body.judgement)


@router.post("/erasures")
def post_erasure(body: ErasureRequest, caller: Caller, runtime: Services) -> ErasureBody:
    """Make a patient's private events unreadable for good; for the privacy officer. The ledger stays as it is."""
    return ErasureBody(events=patients.erase(runtime, caller, body.patient, reason=body.reason))


@quarantine_router.get("", response_model=QuarantineAnswer)
def get_quarantine(caller: Caller, runtime: Services) -> dict[str, object]:
    """Events that were refused because they tell of a patient, without their content, oldest first."""
    return {"events": quarantine.waiting(runtime, caller)}


@quarantine_router.get("/{quarantine_id}")
def get_quarantined(quarantine_id: str, caller: Caller, runtime: Services) -> Response:
    """One of them with its content; for the clinical role, and in the audit log."""
    return Response(orjson.dumps(quarantine.content(runtime, caller, quarantine_id)), media_type="application/json")


@quarantine_router.post("/{quarantine_id}/release", status_code=201)
def post_release(quarantine_id: str, caller: Caller, runtime: Services) -> ReleasedBody:
    """Capture it after all, as the clinical role that answers for it."""
    return ReleasedBody(eventID=capture.release_quarantined(runtime, caller, quarantine_id))


@quarantine_router.delete("/{quarantine_id}", status_code=204)
def delete_quarantined(quarantine_id: str, caller: Caller, runtime: Services) -> None:
    """Forget it for good; for the clinical role and the privacy officer."""
    quarantine.delete(runtime, caller, quarantine_id)


def _question(body: PatientSearch | EmergencyRequest) -> patients.Question:
    return patients.Question(patient=body.patient, epc=body.epc, gtin=body.gtin, lot=body.lot)

"""Alerts of consignment: listed for both parties alike, acknowledged by either.

It must not find alerts (`watch` does), nor show one to anybody but its two parties.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final

import orjson

from traceward.epcis.errors import Finding, NoSuchResource, QueryParameterException, ValidationException
from traceward.epcis.times import format_time_us
from traceward.gs1.epc_uri import canonical_identifier
from traceward.gs1.patient import contains_patient_identifier
from traceward.ledger.alerts_model import GOODS, KINDS, PATIENT, PRICE
from traceward.ledger.expiry import days_left
from traceward.services.alerts import watch as alert_watch
from traceward.services.changes import Topic, private_of
from traceward.services.identity.principals import Principal, Right, Sight
from traceward.services.pages import BodyPage
from traceward.services.runtime import Runtime
from traceward.services.tokens import page_bounds, text_position
from traceward.store import alert_rows
from traceward.store.agreement_models import Alert, AlertAcknowledgement
from traceward.store.write import WriteTransaction

OPEN: Final = "open"
CLOSED: Final = "closed"
ALL: Final = "all"
_STATES: Final[dict[str, bool | None]] = {OPEN: True, CLOSED: False, ALL: None}
_LONGEST_NOTE: Final = 1000
_CLAUSE: Final = "Traceward alerts"


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts are asked for; None asks for any. responsible: "me", or a party id. place: SGLN, exactly."""

    state: str = OPEN
    kind: str | None = None
    place: str | None = None
    gtin: str | None = None
    agreement_id: str | None = None
    responsible: str | None = None


def alerts_page(runtime: Runtime, caller: Principal, wanted: AlertFilter, token: str | None, per_page: int) -> BodyPage:
    """The alerts between the caller's organisation and its partners, the newest first, as they stand now.

    Raises QueryParameterException for unknown states and kinds.
    """
    if wanted.state not in _STATES:
        raise QueryParameterException(f"state is {wanted.state[:40]!r}; expected one of {', '.join(_STATES)}")
    if wanted.kind is not None and wanted.kind not in KINDS:
        raise QueryParameterException(f"kind is {wanted.kind[:40]!r}; expected one of {', '.join(sorted(KINDS))}")
    alert_watch.catch_up(runtime)
    digest = hashlib.sha256(repr(wanted).encode()).digest()
    bounds = page_bounds(runtime, caller, digest, token)
    position = text_position(runtime, caller, digest, token)
    after = (position.order_us or 0, position.text) if position is not None else None
    asked = alert_rows.Wanted(
        _STATES[wanted.state],
        wanted.kind,
        canonical_identifier(wanted.place) if wanted.place is not None else None,
        wanted.gtin.zfill(14) if wanted.gtin is not None else None,
        wanted.agreement_id,
        _party(caller, wanted.responsible),
    )
    sights = _sights(caller)
    with runtime.store.reader() as reader:
        found = (
            alert_rows.alerts_of_party(reader, caller.organisation, sights, asked, after, per_page + 1)
            if sights
            else []
        )
    page = found[:per_page]
    next_token = bounds.next_text_token(page[-1].id, page[-1].opened_us, 0) if len(found) > per_page else None
    body = {"asOf": format_time_us(runtime.now_us()), "alerts": alert_bodies(runtime, page)}
    return BodyPage(body, next_token, bounds.expires_us)


def find_alert(runtime: Runtime, caller: Principal, alert_id: str) -> dict[str, Any]:
    """One alert. Raises NoSuchResource where there is none of the caller's."""
    alert_watch.catch_up(runtime)
    return alert_bodies(runtime, [_own(runtime, caller, alert_id)])[0]


def acknowledge(runtime: Runtime, caller: Principal, alert_id: str, note: str) -> dict[str, Any]:
    """Note that the caller's side has taken note of an alert; both sides read who did, when, and the note.

    A later acknowledgement of the same side takes the place of the earlier. note: up to 1,000 characters that name no
    patient. Raises NoSuchResource, ForbiddenException, ValidationException.
    """
    caller.require(Right.CAPTURE)
    text = _note(note)
    found = _own(runtime, caller, alert_id)

    def unit(tx: WriteTransaction) -> None:
        tx.put(
            AlertAcknowledgement(
                alert_id=found.id,
                party=caller.organisation,
                principal=caller.name or caller.key_id,
                note=text,
                acknowledged_us=tx.record_time_us,
            )
        )
        supplier, hospital, gtin = found.scope.split("|")
        alert_rows.mark(tx, [(supplier, hospital, gtin)])

    runtime.store.committer.run(unit)
    alert_watch.catch_up(runtime)
    told = private_of if found.sight == PATIENT else str
    runtime.changes.publish({told(party) for party in (found.supplier, found.hospital) if party}, Topic.ALERTS)
    return alert_bodies(runtime, [_own(runtime, caller, alert_id)])[0]


def alert_bodies(runtime: Runtime, found: Sequence[Alert]) -> list[dict[str, Any]]:
    """The wire form of alerts: the same for both parties."""
    with runtime.store.reader() as reader:
        acknowledged = alert_rows.acknowledgements(reader, [one.id for one in found])
    zones = runtime.place_zones()
    return [_body(runtime, one, acknowledged.get(one.id, ()), zones.of(one.place)) for one in found]


def _body(runtime: Runtime, one: Alert, acknowledged: Iterable[AlertAcknowledgement], zone: tzinfo) -> dict[str, Any]:
    detail: dict[str, Any] = orjson.loads(one.detail)
    told = detail.get("expiry")
    supplier, hospital, _ = one.scope.split("|")
    return {
        "id": one.id,
        "kind": one.kind,
        "severity": one.severity,
        "state": OPEN if one.closed_us is None else CLOSED,
        "message": one.message,
        "supplier": supplier,
        "hospital": hospital,
        "responsible": one.responsible,
        "agreementID": one.agreement_id,
        "gtin": one.gtin,
        "place": one.place,
        "item": detail.get("item"),
        "detail": detail,
        "daysLeft": days_left(told, runtime.now_us(), zone) if isinstance(told, str) else None,
        "openedAt": format_time_us(one.opened_us),
        "due": format_time_us(one.due_us) if one.due_us is not None else None,
        "closedAt": format_time_us(one.closed_us) if one.closed_us is not None else None,
        "eventIDs": orjson.loads(one.evidence),
        "acknowledgements": [
            {
                "party": row.party,
                "name": runtime.registry.parties.name_of(row.party),
                "by": row.principal,
                "note": row.note,
                "at": format_time_us(row.acknowledged_us),
            }
            for row in acknowledged
        ],
    }


def _own(runtime: Runtime, caller: Principal, alert_id: str) -> Alert:
    with runtime.store.reader() as reader:
        found = reader.get(Alert, alert_id)
    if (
        found is None
        or caller.organisation not in (found.supplier, found.hospital)
        or found.sight not in _sights(caller)
    ):
        raise NoSuchResource(f"there is no alert {alert_id[:60]!r}")
    return found


def _sights(caller: Principal) -> tuple[str, ...]:
    """The kinds of alerts that the caller's role reads; those about patients not through a key bound to a place."""
    if not caller.may(Right.READ) or not caller.sees(Sight.STOCK):
        return ()
    found = [GOODS]
    if caller.sees(Sight.PRICE):
        found.append(PRICE)
    if caller.sees(Sight.PATIENT) and caller.may(Right.KNOW_PATIENTS) and caller.place is None:
        found.append(PATIENT)
    return tuple(found)


def _party(caller: Principal, responsible: str | None) -> str | None:
    if responsible is None:
        return None
    return caller.organisation if responsible == "me" else canonical_identifier(responsible)


def _note(text: str) -> str:
    note = text.strip()
    message = ""
    if len(note) > _LONGEST_NOTE:
        message = f"note has {len(note)} characters; expected up to {_LONGEST_NOTE}"
    elif contains_patient_identifier(note):
        message = "note names a patient (GSRN, AI 8018), and other parties read it; expected a text without"
    if message:
        raise ValidationException(message, [Finding("note", "note", message, _CLAUSE)])
    return note

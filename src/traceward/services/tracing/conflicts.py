"""The life of conflicts: open, explained by somebody with a reason, corrected by further events.

It must not change a fact: an explanation stands beside the conflict, and ends when the conflict says something else.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from traceward.epcis.errors import (
    Finding,
    ForbiddenException,
    NoSuchResource,
    QueryParameterException,
    ValidationException,
)
from traceward.epcis.times import format_time_us
from traceward.gs1.epc_uri import canonical_identifier
from traceward.gs1.patient import contains_patient_identifier
from traceward.ledger.conflicts import SEVERITIES, Conflict
from traceward.ledger.persistence import conflict_of
from traceward.services.identity.principals import Principal, Right
from traceward.services.pages import BodyPage
from traceward.services.queries.visible_events import Moment, moment, visible_event_ids
from traceward.services.runtime import Runtime
from traceward.services.tokens import page_bounds, text_position
from traceward.services.tracing.past_conflicts import PastConflicts
from traceward.store import ledger_lists, ledger_marks, ledger_rows
from traceward.store.ledger_marks import Resolution
from traceward.store.read import Reader
from traceward.store.rows import ConflictRow
from traceward.store.write import WriteTransaction

OPEN: Final = "open"
EXPLAINED: Final = "explained"
CORRECTED: Final = "corrected"
STATES: Final = (OPEN, EXPLAINED, CORRECTED)

_AT_ONCE: Final = 500
_LONGEST_REASON: Final = 1000
_CLAUSE: Final = "Traceward conflicts"
_decode_row: Final = msgspec.msgpack.Decoder(ConflictRow).decode
_Listed = tuple[Conflict, int | None]
"""A conflict, and when it was corrected; None while it stands."""


@dataclass(frozen=True, slots=True)
class ConflictFilter:
    """Which conflicts are asked for; None asks for any, but for `state`: None asks for those that stand."""

    as_of: str | None = None
    known_at: str | None = None
    state: str | None = None
    kind: str | None = None
    severity: str | None = None
    item: str | None = None


def conflicts_page(
    runtime: Runtime, caller: Principal, wanted: ConflictFilter, token: str | None, per_page: int
) -> BodyPage:
    """The conflicts that concern the caller, newest event first; those about patients for the clinical role alone.

    Of corrected ones, the newest correction first. As of another time a page may hold fewer than per_page, where more
    would cost too much. Raises QueryParameterException for unknown states or severities.
    """
    _check(wanted)
    at = moment(runtime, wanted.as_of, wanted.known_at)
    digest = hashlib.sha256(repr(wanted).encode()).digest()
    bounds = page_bounds(runtime, caller, digest, token)
    position = text_position(runtime, caller, digest, token)
    after = (position.order_us or 0, position.text) if position is not None else None
    found: list[_Listed] = []
    behind: tuple[int, str] | None = None
    for part, walked_to in _candidates(runtime, caller, wanted, at, after):
        found += _selected(runtime, caller, part, wanted, at)
        behind = _position(found[per_page - 1]) if len(found) > per_page else walked_to
        if len(found) > per_page:
            break
    page = found[:per_page]
    shown = conflict_bodies(runtime, caller, [one for one, _ in page], known_at_us=at.known_at_us)
    closed = {one.id: closed_us for one, closed_us in page}
    for body in shown:
        closed_us = closed[body["id"]]
        if closed_us is not None:
            body |= {"state": CORRECTED, "closedAt": format_time_us(closed_us)}
    next_token = None
    if behind is not None:
        time_us, conflict_id = behind
        next_token = bounds.next_text_token(conflict_id, time_us, 0)
    return BodyPage({"conflicts": shown}, next_token, bounds.expires_us)


def standing(runtime: Runtime, caller: Principal, *, limit: int = 1000) -> list[dict[str, Any]]:
    """The newest conflicts that stand and concern the caller."""
    with runtime.store.reader() as reader:
        stored = ledger_lists.conflicts_of_party(reader, caller.organisation, limit=limit)
    return conflict_bodies(runtime, caller, [conflict_of(row) for row in stored])


def conflict_bodies(
    runtime: Runtime, caller: Principal, found: Iterable[Conflict], *, known_at_us: int | None = None
) -> list[dict[str, Any]]:
    """The wire form of those of these conflicts that the caller's role may see."""
    shown = [one for one in found if _may_see(caller, one)]
    with runtime.store.reader() as reader:
        event_ids = visible_event_ids(reader, caller, {eid for one in shown for eid in one.eids})
        said = ledger_marks.resolutions(reader, [one.id for one in shown])
    return [_body(runtime, one, said.get(one.id, ()), event_ids, known_at_us) for one in shown]


def resolve(runtime: Runtime, caller: Principal, conflict_id: str, state: str, reason: str) -> dict[str, Any]:
    """Explain a conflict that concerns the caller, or open it again; gives its new form.

    A critical one is the hospital's: only a clinical role of an organisation that captured one of its events may.
    reason: 1 to 1,000 characters that name no patient. Raises NoSuchResource, ForbiddenException, ValidationException.
    """
    caller.require(Right.CAPTURE)
    text = _reason(reason)

    def unit(tx: WriteTransaction) -> Conflict:
        rows = ledger_rows.load_conflicts_by_id(tx, [conflict_id])
        found = conflict_of(rows[0]) if rows else None
        concerned = found is not None and caller.organisation in (found.private_to, *found.parties)
        if found is None or not concerned or not _may_see(caller, found):
            raise NoSuchResource(f"there is no conflict {conflict_id[:40]!r}")
        if found.severity == "critical":
            _require_clinical(tx, caller, found)
        said = ledger_marks.resolutions(tx, [conflict_id]).get(conflict_id, [])
        number = said[-1].number + 1 if said else 1
        by = (caller.organisation, caller.role, caller.key_id)
        row = Resolution(conflict_id, number, state, _content(found), *by, text, tx.record_time_us)
        ledger_marks.put_resolution(tx, row)
        return found

    found = runtime.store.committer.run(unit)
    return conflict_bodies(runtime, caller, [found])[0]


def _require_clinical(tx: WriteTransaction, caller: Principal, found: Conflict) -> None:
    captors = {number for seen in tx.existing(found.eids).values() for number in seen.parties}
    if not caller.may(Right.KNOW_PATIENTS) or caller.party_number not in captors:
        raise ForbiddenException(
            f"the conflict {found.kind!r} touches a patient's safety; expected the clinical role of the hospital that"
            " captured the event"
        )


def _reason(text: str) -> str:
    reason = text.strip()
    message = ""
    if not 1 <= len(reason) <= _LONGEST_REASON:
        message = f"reason has {len(reason)} characters; expected 1 to {_LONGEST_REASON}"
    elif contains_patient_identifier(reason):
        message = "reason names a patient (GSRN, AI 8018), and other parties read it; expected a text without"
    if message:
        raise ValidationException(message, [Finding("reason", "reason", message, _CLAUSE)])
    return reason


def _check(wanted: ConflictFilter) -> None:
    for name, value, known in (("state", wanted.state, STATES), ("severity", wanted.severity, SEVERITIES)):
        if value is not None and value not in known:
            raise QueryParameterException(f"{name} is {value[:40]!r}; expected one of {', '.join(known)}")


def _candidates(
    runtime: Runtime, caller: Principal, wanted: ConflictFilter, at: Moment, after: tuple[int, str] | None
) -> Iterator[tuple[list[_Listed], tuple[int, str] | None]]:
    """The caller's conflicts behind a position, in order, part by part; and where to go on, where a part is the last
    that a page may cost.
    """
    if not at.is_now:
        past = PastConflicts(runtime, caller, at)
        if wanted.item is None:
            for some in past.parts(after):
                yield [(one, None) for one in some.conflicts], some.behind
            return
        about = past.about(canonical_identifier(wanted.item))
        yield [(one, None) for one in about if after is None or (one.event_time_us, one.id) < after], None
        return
    while True:
        with runtime.store.reader() as reader:
            part = _part(reader, caller, wanted, after)
        if not part:
            return
        yield part, None
        after = _position(part[-1])


def _part(reader: Reader, caller: Principal, wanted: ConflictFilter, after: tuple[int, str] | None) -> list[_Listed]:
    if wanted.state == CORRECTED:
        corrected = ledger_marks.corrected_of_party(reader, caller.organisation, after=after, limit=_AT_ONCE)
        return [(conflict_of(_decode_row(conflict)), closed_us) for closed_us, _, conflict in corrected]
    stored = ledger_lists.conflicts_of_party(reader, caller.organisation, after=after, limit=_AT_ONCE)
    return [(conflict_of(row), None) for row in stored]


def _position(listed: _Listed) -> tuple[int, str]:
    one, closed_us = listed
    return (closed_us if closed_us is not None else one.event_time_us, one.id)


def _selected(
    runtime: Runtime, caller: Principal, part: Sequence[_Listed], wanted: ConflictFilter, at: Moment
) -> list[_Listed]:
    item = canonical_identifier(wanted.item) if wanted.item is not None else None
    found = [
        (one, closed_us)
        for one, closed_us in part
        if _may_see(caller, one)
        and wanted.kind in (None, one.kind)
        and wanted.severity in (None, one.severity)
        and (item is None or item in one.keys)
    ]
    if wanted.state in (None, CORRECTED):
        return found
    with runtime.store.reader() as reader:
        said = ledger_marks.resolutions(reader, [one.id for one, _ in found])
    return [pair for pair in found if _state(pair[0], said.get(pair[0].id, ()), at.known_at_us)[0] == wanted.state]


def _may_see(caller: Principal, one: Conflict) -> bool:
    if one.private_to is None:
        return True
    return caller.may(Right.READ_PRIVATE) and one.private_to == caller.organisation


def _state(one: Conflict, said: Sequence[Resolution], known_at_us: int | None) -> tuple[str, Resolution | None]:
    """The state of a conflict that stands, and by whose word."""
    heard = [row for row in said if known_at_us is None or row.at_us <= known_at_us]
    if not heard or heard[-1].content != _content(one):
        return OPEN, None
    return heard[-1].state, heard[-1]


def _content(one: Conflict) -> bytes:
    """What a conflict says, as a digest: an explanation is of that and of nothing else."""
    said = (one.kind, one.severity, one.message, *one.keys, *(eid.hex() for eid in one.eids))
    return hashlib.sha256("\0".join(said).encode()).digest()[:16]


def _body(
    runtime: Runtime,
    one: Conflict,
    said: Sequence[Resolution],
    event_ids: Mapping[bytes, str],
    known_at_us: int | None,
) -> dict[str, Any]:
    state, word = _state(one, said, known_at_us)
    closed = word if state != OPEN else None
    return {
        "id": one.id,
        "kind": one.kind,
        "severity": one.severity,
        "state": state,
        "message": one.message,
        "items": list(one.keys),
        "eventIDs": [event_ids[eid] for eid in one.eids if eid in event_ids],
        "eventTime": format_time_us(one.event_time_us),
        "closedAt": format_time_us(closed.at_us) if closed is not None else None,
        "closedBy": runtime.registry.parties.name_of(closed.party) if closed is not None else None,
        "closedByRole": closed.role if closed is not None else None,
        "closedReason": closed.reason if closed is not None else None,
    }

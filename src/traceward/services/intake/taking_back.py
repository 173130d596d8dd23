"""Taking an action back that was saved by mistake: each of its events is declared not to have happened.

It must not change or hide what was captured: the events stay, with an error declaration beside them.
"""

from typing import Any, Final

import orjson

from traceward.epcis.errors import NoSuchResource
from traceward.epcis.times import format_time_us
from traceward.services.identity.principals import Principal, Right
from traceward.services.intake import capture, coarse_uses
from traceward.services.intake.actions import MOST_EVENTS, event_id_of
from traceward.services.runtime import Runtime
from traceward.services.tracing import conflicts
from traceward.store.compile import VisibleTo
from traceward.store.read import Reader

_REASON: Final = "did_not_occur"


def take_back(runtime: Runtime, caller: Principal, event_id: str) -> dict[str, Any]:
    """Declare every event of the action that began with `event_id` an error, all or none; again changes nothing.

    The private event that says a coarse use exactly goes with it, where the caller may read it.
    Raises NoSuchResource (404) where the caller's organisation captured no event of that id that the caller sees,
    ForbiddenException where the caller may not capture it, or not read events.
    """
    caller.require(Right.READ)
    declaration = {"declarationTime": format_time_us(runtime.now_us()), "reason": _REASON}
    with runtime.store.reader() as reader:
        found = _events(reader, caller, event_id)
    if not found:
        raise NoSuchResource(f"no action of yours has the eventID {event_id!r}")
    wrong = [event | {"errorDeclaration": declaration} for event, is_declared in found if not is_declared]
    if wrong:
        capture.capture_together(runtime, caller, [orjson.dumps(event) for event in wrong])
    ids = {event["eventID"] for event, _ in found}
    standing = conflicts.standing(runtime, caller)
    warnings = [
        {"code": one["kind"], "message": one["message"]} for one in standing if not ids.isdisjoint(one["eventIDs"])
    ]
    return {"eventIDs": [event["eventID"] for event, _ in found], "warnings": warnings}


def _events(reader: Reader, caller: Principal, first_id: str) -> list[tuple[dict[str, Any], bool]]:
    """The events of an action that the caller's organisation captured, and whether each is declared an error."""
    found = []
    for index in range(MOST_EVENTS):
        event_id = event_id_of(first_id, index)
        shared = _own(reader, caller, event_id)
        if shared is None:
            break
        fine = _own(reader, caller, coarse_uses.fine_id(event_id))
        found += [shared] if fine is None else [shared, fine]
    return found


def _own(reader: Reader, caller: Principal, event_id: str) -> tuple[dict[str, Any], bool] | None:
    rows = reader.event_by_id(event_id, VisibleTo(caller.viewers))
    witnesses = reader.witnesses([row.eid for row in rows])
    own = [orjson.loads(capture.answered_text(row)) for row in rows if caller.party_number in witnesses[row.eid]]
    original = next((event for event in own if "errorDeclaration" not in event), None)
    if original is None:
        return None
    original.pop("recordTime", None)
    return original, any("errorDeclaration" in event for event in own)

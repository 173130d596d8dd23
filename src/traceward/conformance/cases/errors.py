"""Error declarations: how they are captured and what they leave behind."""

import copy
from typing import Final

from traceward.conformance.case import Group
from traceward.conformance.cases.capture import expect_refused, fresh
from traceward.conformance.data import Event
from traceward.conformance.model import Level, Unmet
from traceward.conformance.run import Run

GROUP: Final = Group("errors", "Error declarations")


def _denial(event: Event, **fields: object) -> Event:
    return copy.deepcopy(event) | {"errorDeclaration": {"declarationTime": event["eventTime"]} | fields}


@GROUP.case(Level.MANDATORY, "EPCIS 7.4.1.2; REST /events/{eventID}")
def an_event_is_read_with_its_error_declaration(run: Run) -> None:
    """GET of the event's id gives the event as it was and the declaration that denies it."""
    part = run.part("core")
    found = run.event(part.events["wrong"]["eventID"])
    if sorted("errorDeclaration" in event for event in found) != [False, True]:
        raise Unmet("the event and its error declaration", f"{len(found)} events")
    declared = next(event["errorDeclaration"] for event in found if "errorDeclaration" in event)
    sent = part.events["denied"]["errorDeclaration"]
    for name in ("reason", "correctiveEventIDs", "ext:blame"):
        if declared.get(name) != sent[name]:
            raise Unmet(f"{name} {sent[name]}", str(declared.get(name)))


@GROUP.case(Level.MANDATORY, "EPCIS 7.4.1.2")
def an_error_declaration_may_come_without_reason(run: Run) -> None:
    """An error declaration needs its declarationTime alone."""
    event = fresh(run)
    run.captured([event])
    run.captured([_denial(event)])
    if len(run.event(event["eventID"])) != 2:
        raise Unmet("the event and its error declaration", f"{len(run.event(event['eventID']))} events")


@GROUP.case(Level.MANDATORY, "EPCIS 7.4.1.2, declarationTime")
def an_error_declaration_needs_its_time(run: Run) -> None:
    """An error declaration without declarationTime is refused."""
    event = fresh(run)
    event["errorDeclaration"] = {"reason": "did_not_occur"}
    expect_refused(run, event)


@GROUP.case(Level.RECOMMENDED, "CBV 7.5, reason")
def an_unknown_reason_is_refused(run: Run) -> None:
    """A bare word that is no error reason is refused."""
    expect_refused(run, _denial(fresh(run), reason="bad_day"))

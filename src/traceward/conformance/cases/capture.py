"""Capture of documents and single events, the jobs, what is refused, and problem bodies."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from traceward.conformance.case import Group
from traceward.conformance.client import next_link
from traceward.conformance.data import (
    CONTEXT,
    Event,
    document,
    encoded,
    new_event_id,
    object_event,
    time_text,
)
from traceward.conformance.model import Level, NotSupported, Skipped, Unmet
from traceward.conformance.run import (
    JSON,
    MAX_PAGES,
    Run,
    event_list,
    expect_header,
    expect_problem,
    expect_status,
    segment,
)

GROUP: Final = Group("capture", "Capture")
EVERY_TYPE: Final = ("commission", "pack", "sell", "mix", "fit")
JOB_FIELDS: Final = (
    ("captureID", str),
    ("running", bool),
    ("success", bool),
    ("captureErrorBehaviour", str),
    ("createdAt", str),
)


def fresh(run: Run, **fields: Any) -> Event:
    """An ObjectEvent of this minute on one of the run's items."""
    moment = time_text(datetime.now(UTC) - timedelta(minutes=1))
    return object_event(moment, epcList=[run.data.names["s1"]], bizStep="inspecting") | fields


def broken(run: Run) -> Event:
    """An event that no JSON Schema refuses and every server must: an aggregation of action ADD without its parent."""
    event = fresh(run, type="AggregationEvent", action="ADD", childEPCs=[run.data.names["s1"]])
    del event["epcList"]
    return event


def expect_refused(run: Run, *events: Event) -> None:
    """Nothing when the server stores none of these events: 400 at once, or a job that fails."""
    answer = run.submit(events)
    if answer.status == 202:
        _expect_failed(run.finished_job(answer))
    else:
        expect_problem(answer, 400, "ValidationException")
    for event in events:
        if run.event(event["eventID"]):
            raise Unmet("no event stored", f"{event['eventID']} can be read")


def _expect_failed(job: dict[str, Any]) -> None:
    if job["success"] is not False:
        raise Unmet("a capture job with success false", str(job)[:400])
    errors = job.get("errors")
    if not job.get("errorFile") and not (isinstance(errors, list) and errors and errors[0].get("type")):
        raise Unmet("problem bodies in `errors`, or an `errorFile`", str(errors)[:400])


@GROUP.case(Level.MANDATORY, "REST /capture, POST 202")
def a_document_is_accepted_with_its_job(run: Run) -> None:
    """A document is accepted with 202, no body, the versions, and the address of its job in Location."""
    answer = run.submit([fresh(run)])
    expect_status(answer, 202)
    expect_header(answer, "Location")
    expect_header(answer, "GS1-EPCIS-Version")
    expect_header(answer, "GS1-CBV-Version")
    run.finished_job(answer)


@GROUP.case(Level.RECOMMENDED, "REST /capture, Location; RFC 9110 10.2.2")
def the_location_of_a_job_is_an_address(run: Run) -> None:
    """Location is a URL or a path with the captureID at its end, not the bare id."""
    answer = run.submit([fresh(run)])
    expect_status(answer, 202)
    location = expect_header(answer, "Location")
    job = run.finished_job(answer)
    if "/" not in location or not location.rstrip("/").endswith(str(job.get("captureID"))):
        raise Unmet("/capture/{captureID} in Location", location)


@GROUP.case(Level.MANDATORY, "REST /capture, POST 202")
def a_document_with_events_of_every_type_is_captured(run: Run) -> None:
    """Events of all five types with every standard field are captured and can be read. M1, TCR-43."""
    now = time_text(datetime.now(UTC) - timedelta(minutes=1))
    core = run.data.parts["core"].events
    events = [core[label] | {"eventID": new_event_id(), "eventTime": now} for label in EVERY_TYPE]
    run.captured(events)
    for event in events:
        if [one.get("type") for one in run.event(event["eventID"])] != [event["type"]]:
            raise Unmet(f"the captured {event['type']}", f"{len(run.event(event['eventID']))} events")


@GROUP.case(Level.MANDATORY, "REST /capture, POST 202; EPCISQueryDocument")
def a_query_document_can_be_captured(run: Run) -> None:
    """What a query answers can be captured elsewhere as it is: an EPCISQueryDocument is taken."""
    event = fresh(run)
    made = document([event])
    made["type"] = "EPCISQueryDocument"
    results = {"queryName": "SimpleEventQuery", "resultsBody": made["epcisBody"]}
    made["epcisBody"] = {"queryResults": results}
    answer = run.post("/capture", made)
    if run.finished_job(answer)["success"] is not True or not run.event(event["eventID"]):
        raise Unmet("the event of the EPCISQueryDocument stored", "a failed job, or no such event")


@GROUP.case(Level.MANDATORY, "REST /capture/{captureID}, GET")
def a_job_has_its_fields(run: Run) -> None:
    """A capture job tells captureID, running, success, captureErrorBehaviour, createdAt, finishedAt and errors."""
    job = run.finished_job(run.submit([fresh(run)]))
    for name, kind in JOB_FIELDS:
        if not isinstance(job.get(name), kind):
            raise Unmet(f"`{name}` in the job, a {kind.__name__}", str(job.get(name)))
    if job["success"] is not True or not job.get("finishedAt"):
        raise Unmet("success and finishedAt of a job that is done", str(job)[:400])
    if job.get("errors") != [] and not job.get("errorFile"):
        raise Unmet("`errors` as an empty list", str(job.get("errors"))[:200])
    if job["captureErrorBehaviour"] != "rollback":
        raise Unmet("rollback where the request does not say", job["captureErrorBehaviour"])


@GROUP.case(Level.MANDATORY, "REST /capture, GET")
def jobs_are_listed(run: Run) -> None:
    """GET /capture lists the caller's jobs, each once, this run's latest among them."""
    job = run.finished_job(run.submit([fresh(run), fresh(run), fresh(run)]))
    answer = run.get("/capture", {"perPage": "100"})
    ids: list[object] = []
    for _ in range(MAX_PAGES):
        expect_status(answer, 200)
        listed = answer.json()
        if not isinstance(listed, list):
            raise Unmet("a JSON array of jobs", answer.text(200))
        ids += [one.get("captureID") for one in listed if isinstance(one, dict)]
        following = next_link(answer)
        if following is None or job["captureID"] in ids:
            break
        answer = run.request("GET", following)
    if ids.count(job["captureID"]) != 1:
        raise Unmet(f"the job {job['captureID']} once", f"{ids.count(job['captureID'])} times among {len(ids)}")
    if len(ids) != len(set(ids)):
        raise Unmet("each job once", f"{len(ids) - len(set(ids))} jobs repeated")


@GROUP.case(Level.MANDATORY, "REST /capture/{captureID}, GET 404")
def an_unknown_job_is_answered_with_404(run: Run) -> None:
    """A captureID that nobody got is answered with 404."""
    expect_problem(run.get(f"/capture/{run.data.token}"), 404, "NoSuchNameException", "NoSuchResourceException")


@GROUP.case(Level.MANDATORY, "REST GS1-Capture-Error-Behaviour: rollback")
def rollback_stores_nothing(run: Run) -> None:
    """One bad event among good ones: with rollback nothing is stored."""
    good, bad = fresh(run), broken(run)
    answer = run.submit([good, bad], "rollback")
    if answer.status == 202:
        _expect_failed(run.finished_job(answer))
    else:
        expect_problem(answer, 400, "ValidationException")
    for event in (good, bad):
        if run.event(event["eventID"]):
            raise Unmet("nothing stored", f"{event['eventID']} can be read")


@GROUP.case(Level.MANDATORY, "REST GS1-Capture-Error-Behaviour: proceed")
def proceed_stores_the_good_events(run: Run) -> None:
    """One bad event among good ones: with proceed the good ones are stored, and the job tells of the bad one."""
    told = run.request("OPTIONS", "/capture").headers.get("gs1-capture-error-behaviour", "all")
    if told == "rollback":
        raise NotSupported("OPTIONS /capture says rollback only")
    good, bad = fresh(run), broken(run)
    job = run.finished_job(run.submit([good, bad], "proceed"))
    _expect_failed(job)
    if job["captureErrorBehaviour"] != "proceed":
        raise Unmet("captureErrorBehaviour proceed", job["captureErrorBehaviour"])
    if not run.event(good["eventID"]):
        raise Unmet("the good event stored", "no such event")
    if run.event(bad["eventID"]):
        raise Unmet("the bad event refused", "it can be read")


@GROUP.case(Level.RECOMMENDED, "REST GS1-Capture-Error-Behaviour")
def an_unknown_error_behaviour_is_refused(run: Run) -> None:
    """GS1-Capture-Error-Behaviour: sometimes is refused with 400."""
    expect_problem(run.submit([fresh(run)], "sometimes"), 400)


@GROUP.case(Level.MANDATORY, "REST /capture, POST 400 ValidationException")
def text_that_is_no_json_is_refused(run: Run) -> None:
    """A body that is no JSON is answered with 400 and a ValidationException."""
    expect_problem(run.request("POST", "/capture", headers=JSON, body=b'{"type":'), 400, "ValidationException")


@GROUP.case(Level.MANDATORY, "REST /capture, POST 400 ValidationException")
def json_that_is_no_document_is_refused(run: Run) -> None:
    """A JSON body that is no EPCIS document is answered with 400 and a ValidationException."""
    expect_problem(run.post("/capture", {"hello": "world"}), 400, "ValidationException")


@GROUP.case(Level.MANDATORY, "REST /capture, POST 415")
def a_foreign_media_type_is_refused(run: Run) -> None:
    """A body declared as text/plain is answered with 415."""
    body = encoded(document([fresh(run)]))
    answer = run.request("POST", "/capture", headers={"Content-Type": "text/plain"}, body=body)
    expect_problem(answer, 415, "UnsupportedMediaTypeException")


@GROUP.case(Level.MANDATORY, "REST /capture, POST 413 CaptureLimitExceededException")
def too_many_events_are_refused_with_the_limits(run: Run) -> None:
    """One event more than GS1-EPCIS-Capture-Limit is answered with 413 and both limits."""
    options = run.request("OPTIONS", "/capture")
    limit = int(expect_header(options, "GS1-EPCIS-Capture-Limit"))
    size = int(expect_header(options, "GS1-EPCIS-Capture-File-Size-Limit"))
    if limit > 5_000:
        if size > 5_000_000:
            raise Skipped(f"the limits are {limit} events and {size} bytes: too large to go beyond in a test")
        answer = run.post("/capture", document([fresh(run, **{"ext:long": "x" * size})]))
    else:
        answer = run.submit([fresh(run) for _ in range(limit + 1)])
    expect_problem(answer, 413, "CaptureLimitExceededException")
    expect_header(answer, "GS1-EPCIS-Capture-Limit")
    expect_header(answer, "GS1-EPCIS-Capture-File-Size-Limit")


@GROUP.case(Level.MANDATORY, "REST GS1-EPCIS-Capture-Limit")
def as_many_events_as_the_limit_are_accepted(run: Run) -> None:
    """GS1-EPCIS-Capture-Limit is the number of events that one capture may hold, not one more than that."""
    options = run.request("OPTIONS", "/capture")
    limit = int(expect_header(options, "GS1-EPCIS-Capture-Limit"))
    document_bytes = len(encoded(document([fresh(run)] * limit))) if limit <= 5_000 else 0
    if limit > 5_000 or document_bytes > int(expect_header(options, "GS1-EPCIS-Capture-File-Size-Limit")):
        raise Skipped(f"the limit of {limit} events is too large to reach in a test, or the limit of bytes is nearer")
    events = [fresh(run) for _ in range(limit)]
    run.captured(events)
    if not run.event(events[-1]["eventID"]):
        raise Unmet(f"{limit} events captured", "the last one cannot be read")


@GROUP.case(Level.MANDATORY, "REST /events, POST 201")
def a_single_event_is_captured_and_given_back(run: Run) -> None:
    """POST /events answers 201 with the event and, in Location, where it can be read."""
    event = {"@context": CONTEXT} | fresh(run)
    answer = run.post("/events", event)
    expect_status(answer, 201)
    given = answer.json()
    if given.get("eventID") != event["eventID"]:
        raise Unmet(f"the event {event['eventID']} as body", answer.text(200))
    read = run.request("GET", expect_header(answer, "Location"))
    if [one.get("eventID") for one in event_list(read)] != [event["eventID"]]:
        raise Unmet("the captured event at its Location", read.text(300))


@GROUP.case(Level.MANDATORY, "REST /events, POST 409")
def an_event_id_that_is_taken_is_refused(run: Run) -> None:
    """Another event with an eventID that exists is answered with 409."""
    event = {"@context": CONTEXT} | fresh(run)
    expect_status(run.post("/events", event), 201)
    answer = run.post("/events", event | {"bizStep": "storing"})
    expect_problem(answer, 409, "ResourceAlreadyExistsException")


@GROUP.case(Level.MANDATORY, "REST /events, POST 400")
def a_bare_event_needs_its_context(run: Run) -> None:
    """A single event without @context is refused."""
    expect_problem(run.post("/events", fresh(run)), 400, "ValidationException")


@GROUP.case(Level.MANDATORY, "REST /events, POST 415")
def a_single_event_of_a_foreign_media_type_is_refused(run: Run) -> None:
    """POST /events of text/plain is answered with 415."""
    body = encoded({"@context": CONTEXT} | fresh(run))
    answer = run.request("POST", "/events", headers={"Content-Type": "text/plain"}, body=body)
    expect_problem(answer, 415, "UnsupportedMediaTypeException")


@GROUP.case(Level.RECOMMENDED, "EPCIS 7.4.1, eventID")
def an_event_without_id_gets_one(run: Run) -> None:
    """An event without eventID is given one, by which it can be read."""
    event = {"@context": CONTEXT} | fresh(run)
    del event["eventID"]
    answer = run.post("/events", event)
    expect_status(answer, 201)
    found = event_list(run.request("GET", expect_header(answer, "Location")))
    event_id = found[0].get("eventID") if found else None
    if not isinstance(event_id, str) or not run.event(event_id):
        raise Unmet("an eventID by which the event is found", str(event_id))


@GROUP.case(Level.MANDATORY, "EPCIS 7.4.1, recordTime")
def record_time_is_set_by_the_server(run: Run) -> None:
    """The recordTime is ignored on capture and told on query."""
    event = fresh(run, recordTime="2001-01-01T00:00:00.000Z")
    before = datetime.now(UTC) - timedelta(minutes=10)
    run.captured([event])
    found = run.event(event["eventID"])
    text = str(found[0].get("recordTime")) if found else "no event"
    try:
        recorded = datetime.fromisoformat(text)
    except ValueError:
        raise Unmet("a recordTime", text) from None
    if recorded < before:
        raise Unmet("the time at which the server recorded the event", text)


@GROUP.case(Level.MANDATORY, "REST /events/{eventID}, GET")
def an_event_is_read_by_its_id(run: Run) -> None:
    """An event comes back by its id as it was captured, with a recordTime."""
    captured = run.part("core").events["ship"]
    found = run.event(captured["eventID"])
    if len(found) != 1:
        raise Unmet("one event", f"{len(found)}")
    for name in ("type", "action", "bizStep", "disposition", "readPoint", "bizLocation", "epcList", "ext:word"):
        if found[0].get(name) != captured[name]:
            raise Unmet(f"{name} {captured[name]}", str(found[0].get(name)))
    if "recordTime" not in found[0]:
        raise Unmet("recordTime in the event", "none")


@GROUP.case(Level.MANDATORY, "REST /events/{eventID}, GET 404")
def an_unknown_event_is_answered_with_404(run: Run) -> None:
    """An eventID that nobody captured is answered with 404."""
    answer = run.get(f"/events/{segment(new_event_id())}")
    expect_problem(answer, 404, "NoSuchNameException", "NoSuchResourceException")


@GROUP.case(Level.RECOMMENDED, "REST /capture; idempotent partners")
def an_event_sent_again_is_stored_once(run: Run) -> None:
    """The same document sent twice leaves one event."""
    event = fresh(run)
    run.captured([event])
    again = run.submit([event])
    if again.status == 202:
        run.finished_job(again)
    if len(run.event(event["eventID"])) != 1:
        raise Unmet("one event of that id", f"{len(run.event(event['eventID']))}")


def _refusal(name: str, title: str, clause: str, **fields: Any) -> None:
    def judge(run: Run) -> None:
        event = {key: value for key, value in fresh(run, **fields).items() if value is not None}
        expect_refused(run, event)

    GROUP.add(name, title, clause, Level.MANDATORY, judge)


_refusal("refuses-a-missing-event-time", "An event without eventTime is refused.", "EPCIS 7.4.1", eventTime=None)
_refusal(
    "refuses-a-time-without-zone",
    "An eventTime without time zone is refused.",
    "EPCIS 7.4.1, eventTime",
    eventTime="2026-01-01T00:00:00",
)
_refusal(
    "refuses-a-zone-offset-of-z",
    "eventTimeZoneOffset Z is refused: it is written as +00:00.",
    "EPCIS 7.4.1, eventTimeZoneOffset",
    eventTimeZoneOffset="Z",
)
_refusal("refuses-a-missing-action", "An ObjectEvent without action is refused.", "EPCIS 7.4.2", action=None)
_refusal("refuses-an-unknown-action", "The action REMOVE is refused.", "EPCIS 7.4.2, action", action="REMOVE")
_refusal("refuses-an-unknown-biz-step", "A bare word that is no bizStep is refused.", "CBV 7.1", bizStep="shiping")
_refusal(
    "refuses-an-undeclared-prefix",
    "An extension field whose prefix is not declared is refused.",
    "EPCIS JSON binding, @context",
    **{"nobody:field": "x"},
)
_refusal("refuses-a-bare-extension", "A field that is no standard field and has no prefix is refused.",
         "EPCIS JSON binding", colour="blue")  # fmt: skip
_refusal(
    "refuses-a-quantity-without-class",
    "A quantityElement without epcClass is refused.",
    "EPCIS 7.3.3.3",
    quantityList=[{"quantity": 3}],
)
_refusal(
    "refuses-an-ilmd-of-an-observation",
    "ilmd outside of action ADD is refused.",
    "EPCIS 7.4.2, ilmd",
    ilmd={"cbvmda:lotNumber": "L1"},
)

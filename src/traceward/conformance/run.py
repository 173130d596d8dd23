"""One run against one server: its data, captured when first needed, and the steps that cases share.

It must not hold expectations of single requirements: the cases do.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from traceward.conformance.client import Answer, Client, Parameters, next_link
from traceward.conformance.data import Data, Event, Part, document, encoded, make_data
from traceward.conformance.model import NotSupported, Skipped, Unmet

JSON: Final = {"Content-Type": "application/json"}
PAGE_SIZE: Final = "100"
MAX_PAGES: Final = 200
_POLL_S: Final = 0.05


@dataclass(slots=True)
class Run:
    """The state of one run. patience_s: how long a job may run, an event may take to show, a callback to come.

    callback: address under which the server reaches the kit's receiver, with a port; None for loopback.
    soap: path of the SOAP binding, below the base address, or its whole URL on the same host.
    """

    client: Client
    patience_s: float = 20.0
    callback: str | None = None
    soap: str = "/soap"
    data: Data = field(default_factory=make_data)
    _ready: dict[str, Part] = field(default_factory=dict)
    _broken: dict[str, str] = field(default_factory=dict)

    # --- requests -----------------------------------------------------------------------------------------------

    def request(
        self,
        method: str,
        path: str,
        parameters: Parameters | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """The answer to one request; see `Client.request`."""
        return self.client.request(method, path, parameters, headers=headers, body=body)

    def get(self, path: str, parameters: Parameters | None = None, **headers: str) -> Answer:
        """The answer to a GET; header names with `_` for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("GET", path, parameters, headers=named)

    def post(self, path: str, value: Any, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to a POST of a value as JSON."""
        return self.request("POST", path, headers=JSON | dict(headers or {}), body=encoded(value))

    # --- capture ------------------------------------------------------------------------------------------------

    def submit(
        self,
        events: Sequence[Event],
        behaviour: str | None = None,
        vocabularies: Sequence[Mapping[str, Any]] = (),
    ) -> Answer:
        """The answer to the capture of a document of these events."""
        headers = {} if behaviour is None else {"GS1-Capture-Error-Behaviour": behaviour}
        return self.post("/capture", document(events, vocabularies), headers)

    def finished_job(self, accepted: Answer) -> dict[str, Any]:
        """The capture job of an accepted document, once it no longer runs."""
        expect_status(accepted, 202)
        return self._job(job_address(expect_header(accepted, "Location")))

    def _job(self, address: str) -> dict[str, Any]:
        deadline = time.monotonic() + self.patience_s
        while True:
            answer = self.request("GET", address)
            expect_status(answer, 200)
            job = answer.json()
            if not isinstance(job, dict) or not isinstance(job.get("running"), bool):
                raise Unmet("a capture job with `running`", answer.text(200))
            if not job["running"]:
                return job
            if time.monotonic() > deadline:
                raise Unmet(f"a job that ends within {self.patience_s:g} s", "one that still runs")
            time.sleep(_POLL_S)

    def captured(self, events: Sequence[Event], vocabularies: Sequence[Mapping[str, Any]] = ()) -> None:
        """Nothing once these events are stored; raises Unmet where the server does not take them.

        A server that answers 200 or 201 fails the cases on that answer; what it stores is judged all the same.
        """
        accepted = self.submit(events, None, vocabularies)
        expect_status(accepted, 202, 201, 200)
        location = accepted.headers.get("location")
        if accepted.status != 202 and (location is None or self.get(job_address(location)).status != 200):
            for event in events:
                if not self.event(event["eventID"]):
                    raise Unmet(f"the captured event {event['eventID']}", "no such event")
            return
        job = self._job(job_address(expect_header(accepted, "Location")))
        if job.get("success") is not True:
            raise Unmet("a capture job that ends with success", str(job)[:600])

    def part(self, name: str) -> Part:
        """A part of the run's data, captured; raises Skipped where that failed before."""
        if name in self._ready:
            return self._ready[name]
        if name in self._broken:
            raise Skipped(f"the events this case asks for could not be captured: {self._broken[name]}")
        part = self.data.parts[name]
        try:
            self._capture_part(part)
        except Unmet as error:
            self._broken[name] = str(error)
            raise Skipped(f"the events this case asks for could not be captured: {error}") from error
        self._ready[name] = part
        return part

    def _capture_part(self, part: Part) -> None:
        for labels in part.documents:
            self.captured([part.events[label] for label in labels], part.vocabularies)
        deadline = time.monotonic() + self.patience_s
        while len(found := self.find(part.window)) < len(part.events):
            if time.monotonic() > deadline:
                raise Unmet(
                    f"the {len(part.events)} captured events of eventTime {part.at(0)} to {part.at(60)}",
                    f"{len(found)} after {self.patience_s:g} s",
                )
            time.sleep(_POLL_S)

    # --- query --------------------------------------------------------------------------------------------------

    def find(
        self, parameters: Parameters, headers: Mapping[str, str] | None = None, path: str = "/events"
    ) -> list[Event]:
        """All events that match, page by page."""
        answer = self.request("GET", path, {"perPage": PAGE_SIZE} | dict(parameters), headers=headers)
        found: list[Event] = []
        for _ in range(MAX_PAGES):
            found += event_list(answer)
            following = next_link(answer)
            if following is None:
                return found
            answer = self.request("GET", following, headers=headers)
        raise Unmet(f"a last page within {MAX_PAGES}", "a further Link with rel=next on every page")

    def expect(
        self,
        name: str,
        parameters: Parameters,
        labels: Collection[str],
        headers: Mapping[str, str] | None = None,
    ) -> list[Event]:
        """The events of that part that match; raises Unmet unless they are the labelled ones, each once."""
        part = self.part(name)
        found = self.find(part.window | dict(parameters), headers)
        expect_labels(part, found, labels)
        return found

    def event(self, event_id: str) -> list[Event]:
        """The events of that id, none where the server says 404."""
        answer = self.get(f"/events/{segment(event_id)}")
        return [] if answer.status == 404 else event_list(answer)


def job_address(location: str) -> str:
    """The address of a capture job by its Location; some servers send the bare captureID."""
    return location if "/" in location else f"/capture/{location}"


def segment(identifier: str) -> str:
    """The identifier as one segment of a path."""
    return quote(identifier, safe="")


def label_of(part: Part, event: Event) -> str:
    """The label of an event that came back, or what is known of one that is none of the part's."""
    declared = "errorDeclaration" in event
    for label, one in part.events.items():
        if one["eventID"] == event.get("eventID") and ("errorDeclaration" in one) == declared:
            return label
    return f"a foreign event {event.get('eventID')}"


def expect_labels(part: Part, found: Sequence[Event], labels: Collection[str]) -> None:
    """Nothing when these are the labelled events, each once, in any order."""
    names = sorted(label_of(part, event) for event in found)
    if names != sorted(labels):
        raise Unmet(
            f"the events {', '.join(sorted(labels)) or '(none)'}",
            f"{', '.join(names) or '(none)'}",
        )


def expect_status(answer: Answer, *statuses: int) -> None:
    """Nothing when the status is one of these; raises NotSupported for 501 where that is none of them."""
    if answer.status in statuses:
        return
    if answer.status == 501:
        raise NotSupported(f"the server answers 501: {answer.text(300)}")
    raise Unmet(f"status {' or '.join(map(str, statuses))}", f"{answer.status}: {answer.text(400)}")


def event_list(answer: Answer) -> list[Event]:
    """The events of an EPCISQueryDocument."""
    expect_status(answer, 200)
    body = answer.json()
    try:
        found = body["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    except (KeyError, TypeError):
        raise Unmet("epcisBody.queryResults.resultsBody.eventList", answer.text(300)) from None
    if body.get("type") != "EPCISQueryDocument" or not isinstance(found, list):
        raise Unmet("an EPCISQueryDocument with a list of events", answer.text(300))
    return [event if isinstance(event, dict) else {} for event in found]


def expect_problem(answer: Answer, status: int, *types: str) -> None:
    """Nothing when the answer is a problem body of that status and of one of these types. RFC 7807."""
    expect_status(answer, status)
    body = answer.json()
    if not isinstance(body, dict) or not isinstance(body.get("title"), str) or not body["title"]:
        raise Unmet("a problem body with `type` and `title`", answer.text(300))
    given = str(body.get("type"))
    name = given.rsplit(":", 1)[-1].rsplit("/", 1)[-1]
    if types and name not in types:
        raise Unmet(f"the problem type epcisException:{' or '.join(types)}", given)
    if "status" in body and body["status"] != status:
        raise Unmet(f"`status` {status} in the problem body", str(body["status"]))
    if answer.media_type != "application/problem+json":
        raise Unmet("Content-Type application/problem+json", answer.media_type or "none")


def expect_header(answer: Answer, name: str) -> str:
    """The value of a header that must be there."""
    value = answer.headers.get(name.lower())
    if value is None or not value.strip():
        raise Unmet(f"the header {name}", "none")
    return value

"""Named queries and webhook subscriptions of an imagined partner's server, in memory, before a server without them.

It keeps the rules that the kit asks for, and can be told to break one of them: that is what the kit is tested on.
"""

import re
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

import orjson

from .proxy import Answered, Asked, Forward, Proxy

TICK_S = 0.1
BOUNDS = {"second": (0, 59), "minute": (0, 59), "hour": (0, 23), "dayOfMonth": (1, 31), "month": (1, 12)}
ELEMENT = re.compile(r"(\d+)|\[(\d+)-(\d+)\]")


#: Rule broken -> the case that has to notice.
FAULTS = {
    "names are taken twice": "queries/a-name-that-is-taken-is-refused",
    "@context is ignored": "queries/a-query-declares-prefixes",
    "queries leave subscriptions": "subscriptions/a-deleted-query-reports-no-more",
    "subscriptions never end": "subscriptions/a-deleted-subscription-reports-no-more",
    "secrets are shown": "subscriptions/a-subscription-is-made",
    "nothing is reported": "subscriptions/a-stream-reports-what-is-captured",
    "events are reported twice": "subscriptions/a-stream-reports-what-is-captured",
    "reports name no subscription": "subscriptions/a-report-is-a-query-document",
    "reports are not signed": "subscriptions/a-report-is-signed",
    "empty reports always": "subscriptions/a-schedule-reports-each-event-once",
    "empty reports never": "subscriptions/empty-reports-come-when-asked-for",
    "old events are reported": "subscriptions/a-subscription-starts-at-its-initial-record-time",
    "initialRecordTime is ignored": "subscriptions/a-subscription-starts-at-its-initial-record-time",
    "failures count as done": "subscriptions/a-report-that-fails-comes-again",
    "any dest is taken": "subscriptions/refused-with-a-dest-that-is-no-uri",
    "both controls are taken": "subscriptions/refused-with-both-controls",
    "no controls are taken": "subscriptions/refused-without-controls",
    "any schedule is taken": "subscriptions/refused-with-a-reversed-range",
}


@dataclass
class Subscription:
    """One subscription. told: ids of the events that were reported."""

    body: dict[str, Any]
    query: str
    key: dict[str, str]
    since: str
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    told: set[str] = field(default_factory=set)
    due: int = 0

    def shown(self) -> dict[str, Any]:
        kept = {name: value for name, value in self.body.items() if name != "signatureToken"}
        return kept | {"subscriptionID": self.id, "createdAt": self.since, "queryName": self.query}


class Partner:
    """The state of the server. faults: the rules that it breaks, by name; see `FAULTS`."""

    def __init__(self, forward: Forward) -> None:
        self.forward = forward
        self.queries: dict[str, dict[str, Any]] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.faults: set[str] = set()
        self.lock = threading.RLock()
        self.stopping = threading.Event()

    def answer(self, asked: Asked, _: Forward) -> Answered | None:
        """The answer to a request on queries, or None where the server behind has to answer."""
        names = [unquote(part) for part in asked.path.removeprefix("/epcis/").split("/")]
        if names[0] != "queries":
            return None
        with self.lock:
            return self._route(asked, names[1:])

    def _route(self, asked: Asked, names: list[str]) -> Answered:
        if asked.method == "OPTIONS":
            allowed = {0: "GET, POST", 1: "GET, DELETE", 2: "GET", 3: "GET, DELETE"}[len(names)]
            allowed = "GET, POST" if names[1:] == ["subscriptions"] else allowed
            return Answered(204, {"allow": f"OPTIONS, {allowed}", "gs1-epcis-version": "2.0.0"})
        if not names:
            return self._define(asked) if asked.method == "POST" else _json(list(self.queries.values()))
        name = names[0]
        if name not in self.queries:
            return _problem(404, "NoSuchNameException")
        if len(names) == 1:
            return self._delete(name) if asked.method == "DELETE" else _json(self.queries[name])
        if names[1] == "events":
            return self._events(asked, name)
        if len(names) == 2:
            if asked.method == "POST":
                return self._subscribe(asked, name)
            return _json([one.shown() for one in self.subscriptions.values() if one.query == name])
        return self._subscription(asked, names[2])

    def _define(self, asked: Asked) -> Answered:
        if not (asked.header("content-type") or "").startswith("application/json"):
            return _problem(415, "UnsupportedMediaTypeException")
        body = orjson.loads(asked.body)
        query = body.get("query")
        if not body.get("name") or not isinstance(query, dict) or "perPage" in query:
            return _problem(400, "ValidationException")
        if body["name"] in self.queries and "names are taken twice" not in self.faults:
            return _problem(409, "ResourceAlreadyExistsException")
        tried = self.forward(self._request(asked, query, "perPage=1"))
        if tried.status != 200:
            return _problem(400, "QueryValidationException")
        self.queries[body["name"]] = {"name": body["name"], "query": query}
        return _json({}, 201, {"location": f"/epcis/queries/{body['name']}"})

    def _delete(self, name: str) -> Answered:
        del self.queries[name]
        if "queries leave subscriptions" not in self.faults:
            self.subscriptions = {key: one for key, one in self.subscriptions.items() if one.query != name}
        return Answered(204, {})

    def _events(self, asked: Asked, name: str) -> Answered:
        answered = self.forward(self._request(asked, self.queries[name]["query"], asked.target.partition("?")[2]))
        if answered.status == 200:
            document = answered.json()
            document["epcisBody"]["queryResults"]["queryName"] = name
            answered = answered.with_json(document)
        return answered

    def _subscribe(self, asked: Asked, name: str) -> Answered:
        body = orjson.loads(asked.body)
        wrong = _wrong_controls(body)
        if wrong is not None and wrong not in self.faults:
            return _problem(400, "SubscriptionControlsException")
        key = {"Authorization": asked.header("authorization") or ""}
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        since = body.get("initialRecordTime", now)
        since = "2010-01-01T00:00:00Z" if "old events are reported" in self.faults else since
        since = now if "initialRecordTime is ignored" in self.faults else since
        made = Subscription(body, name, key, since)
        self.subscriptions[made.id] = made
        shown = made.shown()
        if "secrets are shown" in self.faults:
            shown["signatureToken"] = body.get("signatureToken")
        return _json(shown, 201, {"location": f"/epcis/queries/{name}/subscriptions/{made.id}"})

    def _subscription(self, asked: Asked, key: str) -> Answered:
        if key not in self.subscriptions:
            return _problem(404, "NoSuchNameException")
        if asked.method == "DELETE":
            if "subscriptions never end" not in self.faults:
                del self.subscriptions[key]
            return Answered(204, {})
        return _json(self.subscriptions[key].shown())

    def _request(self, asked: Asked, query: dict[str, Any], more: str) -> Asked:
        parameters = {name: value for name, value in query.items() if name != "@context"}
        pairs = [
            f"{quote(name, safe=':')}={quote('|'.join(value) if isinstance(value, list) else str(value), safe='')}"
            for name, value in parameters.items()
        ]
        headers = {name: value for name, value in asked.headers.items() if name.lower() == "authorization"}
        context = query.get("@context")
        if isinstance(context, dict) and "@context is ignored" not in self.faults:
            headers["GS1-Extensions"] = ",".join(f"{prefix}={value}" for prefix, value in context.items())
        return Asked("GET", "/epcis/events?" + "&".join([*pairs, *([more] if more else [])]), headers, b"")

    # --- reports ------------------------------------------------------------------------------------------------

    def watch(self) -> None:
        """Report what is due until told to stop."""
        tick = 0
        while not self.stopping.wait(TICK_S):
            tick += 1
            with self.lock:
                listed = list(self.subscriptions.values())
            for one in listed:
                if "schedule" not in one.body or tick % 10 == 0:
                    self._report(one)

    def _report(self, one: Subscription) -> None:
        with self.lock:
            query = (self.queries.get(one.query) or {"query": {}})["query"]
        asked = self._request(Asked("GET", "", one.key, b""), query, f"perPage=100&GE_recordTime={quote(one.since)}")
        answered = self.forward(asked)
        if answered.status != 200:
            return
        document = answered.json()
        results = document["epcisBody"]["queryResults"]
        found = [event for event in results["resultsBody"]["eventList"] if event["eventID"] not in one.told]
        empty = bool(one.body.get("reportIfEmpty"))
        if "empty reports always" in self.faults and "schedule" in one.body:
            empty = True
        if "empty reports never" in self.faults:
            empty = False
        if one.id not in self.subscriptions or not (found or empty) or "nothing is reported" in self.faults:
            return
        results["resultsBody"]["eventList"] = found * (2 if "events are reported twice" in self.faults else 1)
        results["queryName"] = one.query
        if "reports name no subscription" not in self.faults:
            results["subscriptionID"] = one.id
        headers = {"Content-Type": "application/json"}
        if one.body.get("signatureToken") and "reports are not signed" not in self.faults:
            headers["GS1-Signature"] = "sha256=0"
        if self._deliver(one.body["dest"], orjson.dumps(document), headers) or "failures count as done" in self.faults:
            one.told |= {event["eventID"] for event in found}

    def _deliver(self, dest: str, content: bytes, headers: dict[str, str]) -> bool:
        request = urllib.request.Request(dest, data=content, method="POST", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return bool(answer.status < 300)
        except urllib.error.HTTPError as error:
            error.close()
            return False
        except OSError:
            return False


@contextmanager
def watching(proxy: Proxy) -> Iterator[Partner]:
    """A partner's server before the one behind the proxy; it reports until the context ends."""
    partner = Partner(proxy.forward)

    def watch() -> None:
        partner.watch()
        proxy.hang_up()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield partner
    finally:
        partner.stopping.set()
        thread.join()


def _wrong_controls(body: dict[str, Any]) -> str | None:
    """The name of the fault that taking this body would be, or None where the body is right."""
    dest = body.get("dest")
    if not isinstance(dest, str) or ":" not in dest:
        return "any dest is taken"
    schedule, stream = body.get("schedule"), body.get("stream")
    if schedule is not None and stream is not None:
        return "both controls are taken"
    if schedule is None and stream is not True:
        return "no controls are taken"
    for name, text in (schedule or {}).items():
        low, high = BOUNDS[name]
        for element in text.split(","):
            match = ELEMENT.fullmatch(element)
            numbers = [int(number) for number in match.groups() if number] if match else []
            if not numbers or numbers != sorted(numbers) or not (low <= numbers[0] and numbers[-1] <= high):
                return "any schedule is taken"
    return None


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answered:
    return Answered(status, {"content-type": "application/json"} | (headers or {}), orjson.dumps(value))


def _problem(status: int, name: str) -> Answered:
    body = {"type": f"epcisException:{name}", "title": "refused", "status": status}
    return Answered(status, {"content-type": "application/problem+json"}, orjson.dumps(body))

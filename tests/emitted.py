"""Every EPCIS document that a server sends in any test, judged by the official schemas: a plug-in of the test run.

`watched` wraps the server of `live_server`; after each test what was sent is judged, and the test fails with what is
not valid. An ordinary run judges each shape of JSON event once (keys, forms of texts, words), `--full` every
event and document once.
Server processes of their own are not seen. It must not change an answer.
"""

import gzip
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

DOCUMENTS = ("EPCISDocument", "EPCISQueryDocument")
_JOB = re.compile(r"^/epcis/capture/[^/]+$")
_JOBS = "/epcis/capture"
_EVENTS = "/epcis/events"
_LETTERS, _DIGITS = re.compile(r"[A-Za-z]+"), re.compile(r"[0-9]+")


class Emissions:
    """What was sent and not judged yet, and what was judged so far."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, bytes]] = []
        self.counts: Counter[str] = Counter()
        self.judges_all = False
        self._seen: set[int] = set()

    def record(self, path: str, media_type: str, body: bytes) -> None:
        """Keep one answer of the server, to be judged when its test is over."""
        self.sent.append((path, media_type, body))

    def complaints(self) -> list[str]:
        """What the official schemas say against all that was sent since the last call."""
        sent, self.sent = self.sent, []
        return [
            f"{path} sent {body[:2000]!r}\n  {complaint}"
            for path, media_type, body in sent
            for complaint in self._judged(path, media_type, body)
        ]

    def _judged(self, path: str, media_type: str, body: bytes) -> Iterator[str]:
        import official_schemas

        if "xml" in media_type:
            if self._is_new(body):
                self.counts["XML documents"] += 1
                yield from official_schemas.xml_complaints(body)
            return
        value = orjson.loads(body)
        if isinstance(value, dict) and value.get("type") in DOCUMENTS:
            yield from self._document(value)
        elif path == _EVENTS and isinstance(value, dict) and "eventTime" in value:
            if self._is_new(self._form(value)):
                self.counts["bare JSON events"] += 1
                yield from official_schemas.json_complaints(value)
        elif _JOB.match(path) or path == _JOBS:
            for job in value if isinstance(value, list) else [value]:
                if self._is_new(self._form(job)):
                    self.counts["capture jobs"] += 1
                    yield from official_schemas.job_complaints(job)

    def _document(self, document: dict[str, Any]) -> Iterator[str]:
        """The document, with the events alone whose shape is new."""
        import official_schemas

        body = document["epcisBody"]
        holder = body["queryResults"]["resultsBody"] if "queryResults" in body else body
        events = holder["eventList"]
        context = orjson.dumps(document["@context"])
        holder["eventList"] = [event for event in events if self._is_new((context, self._form(event)))]
        self.counts["JSON documents"] += 1
        self.counts["events in them"] += len(events)
        self.counts["of these judged one by one"] += len(holder["eventList"])
        if holder["eventList"] or self._is_new(self._form(document | {"epcisBody": None})) or not events:
            yield from official_schemas.json_complaints(document)

    def _form(self, value: Any) -> Any:
        """What is judged once: a shape; in a full run the value itself, which many roles may be sent alike."""
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS) if self.judges_all else shape(value)

    def _is_new(self, seen: Any) -> bool:
        key = hash(seen)
        is_new = key not in self._seen
        self._seen.add(key)
        return is_new


EMISSIONS = Emissions()


def shape(value: Any) -> Any:
    """What a schema can judge of a value, equal for values that it cannot tell apart: keys, forms of texts, words."""
    if isinstance(value, dict):
        return tuple(sorted((key, shape(entry)) for key, entry in value.items()))
    if isinstance(value, list):
        shapes = [repr(shape(entry)) for entry in value]
        return ("list", len(shapes) == len(set(map(repr, value))), tuple(sorted(set(shapes))))
    if isinstance(value, str):
        return value if ":" not in value and len(value) < 40 else _DIGITS.sub("9", _LETTERS.sub("a", value))
    return repr(value) if isinstance(value, bool) or value is None else f"{type(value).__name__} {value < 0}"


def watched(app: Any) -> Any:
    """The ASGI application, its EPCIS answers kept for judgement."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] not in {"http", "websocket"} or not scope["path"].startswith("/epcis"):
            await app(scope, receive, send)
            return
        head: dict[str, str] = {}
        parts: list[bytes] = []

        async def keeping(message: Any) -> None:
            if message["type"] == "http.response.start":
                head.update({name.decode().lower(): value.decode() for name, value in message["headers"]})
                head["status"] = str(message["status"])
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    _keep(scope["path"], head, b"".join(parts))
            elif message["type"] == "websocket.send":
                text = message.get("text") or message.get("bytes") or ""
                body = text.encode() if isinstance(text, str) else text
                _keep(scope["path"], {"content-type": "xml" if body[:1] == b"<" else "json"}, body)
            await send(message)

        await app(scope, receive, keeping)

    return application


def _keep(path: str, head: dict[str, str], body: bytes) -> None:
    media_type = head.get("content-type", "")
    is_problem = "problem" in media_type
    if not body or not ("json" in media_type or "xml" in media_type) or (is_problem and "json" in media_type):
        return
    if head.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    if "page-token=body" in head.get("preference-applied", ""):
        # A member that the caller asked for beside those of the schema (docs/queries.md).
        body = orjson.dumps({name: value for name, value in orjson.loads(body).items() if name != "nextPageToken"})
    EMISSIONS.record(path, media_type, body)


class Judge:
    """Judges after each test what was sent during it, and tells the counts at the end."""

    def __init__(self, *, is_full: bool) -> None:
        EMISSIONS.judges_all = is_full
        self._of_workers: Counter[str] = Counter()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        if not EMISSIONS.sent:
            return
        import official_schemas

        if not official_schemas.at_hand():
            EMISSIONS.sent.clear()
            return
        complaints = EMISSIONS.complaints()
        if complaints:
            pytest.fail(f"{item.name}: not valid by the official schema:\n" + "\n".join(complaints[:5]), pytrace=False)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["emitted"] = dict(EMISSIONS.counts)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self._of_workers.update(getattr(node, "workeroutput", {}).get("emitted", {}))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        counts = self._of_workers + EMISSIONS.counts
        if counts:
            told = ", ".join(f"{count} {what}" for what, count in counts.items())
            terminalreporter.write_line(f"sent by servers and valid by the official schemas: {told}")

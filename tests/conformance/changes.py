"""Parts that mutations of requests and answers are made of."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from .proxy import Answered, Asked

Change = Callable[[Asked, Answered], Answered]


def on(method: str, path: str, change: Change) -> Change:
    """The change, for requests of that method whose path (below /epcis) matches."""
    pattern = re.compile(rf"/epcis{path}/?")

    def changed(asked: Asked, answered: Answered) -> Answered:
        met = asked.method in method.split() and pattern.fullmatch(unquote(asked.path))
        return change(asked, answered) if met else answered

    return changed


def without_header(name: str) -> Change:
    return lambda _, a: replace(a, headers={key: value for key, value in a.headers.items() if key != name.lower()})


def with_header(name: str, value: str) -> Change:
    return lambda _, a: replace(a, headers=a.headers | {name.lower(): value})


def status(old: int, new: int) -> Change:
    return lambda _, a: replace(a, status=new) if a.status == old else a


def body(change: Callable[[Any], Any], wanted: int = 200) -> Change:
    """The JSON changed by a function that gives the new value."""
    return lambda _, a: a.with_json(change(a.json())) if a.status == wanted and a.body else a


def events(change: Callable[[list[Any]], list[Any]]) -> Change:
    """The list of events of an EPCISQueryDocument changed."""

    def changed(document: Any) -> Any:
        results = document["epcisBody"]["queryResults"]["resultsBody"]
        results["eventList"] = change(results["eventList"])
        return document

    return body(changed)


def each_event(change: Callable[[dict[str, Any]], Any]) -> Change:
    def changed(found: list[Any]) -> list[Any]:
        for event in found:
            change(event)
        return found

    return events(changed)


def without(name: str) -> Callable[[dict[str, Any]], Any]:
    """What takes that member from an event."""
    return lambda event: event.pop(name, None)


def one_too_many(found: list[Any]) -> list[Any]:
    return [*found, {"type": "ObjectEvent", "eventID": "urn:uuid:extra", "eventTime": "2020-01-01T00:00:00Z"}]


def accepted(_: Asked, answered: Answered) -> Answered:
    """A refusal turned into success with no events."""
    if answered.status not in {400, 413}:
        return answered
    document = {"type": "EPCISQueryDocument", "epcisBody": {"queryResults": {"resultsBody": {"eventList": []}}}}
    return replace(answered, status=200, headers={"content-type": "application/json"}).with_json(document)


def lacks(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The object without that member."""
    return lambda value: {key: one for key, one in value.items() if key != name}


def problem(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Change:
    """Every problem body changed."""
    return lambda _, a: a.with_json(change(a.json())) if a.status >= 400 and a.body else a


def asks(parameter: str, asked: Asked) -> bool:
    return any(unquote(pair.partition("=")[0]) == parameter for pair in asked.target.partition("?")[2].split("&"))


def without_parameter(name: str) -> Callable[[Asked], Asked]:
    """The request without that parameter."""

    def changed(asked: Asked) -> Asked:
        path, _, query = asked.target.partition("?")
        kept = [pair for pair in query.split("&") if unquote(pair.partition("=")[0]) != name]
        return replace(asked, target=f"{path}?{'&'.join(kept)}" if query else path)

    return changed


def header_as(name: str, old: str | None, new: str | None) -> Callable[[Asked], Asked]:
    """The request with that header changed, where it is `old` (None: absent)."""
    return lambda asked: asked.with_header(name, new) if asked.header(name) == old else asked

"""Servers that answer nonsense, or nothing: the kit ends with a verdict, whatever comes."""

import socket
import threading

import pytest

from traceward.conformance.client import Client
from traceward.conformance.model import Outcome
from traceward.conformance.run import Run
from traceward.conformance.runner import CASES, CannotRun, find_base, judge, run_cases

from .proxy import Answered, Mutation, Proxy

JSON = {"content-type": "application/json"}
NONSENSE = {
    "a page of HTML": Answered(200, {"content-type": "text/html"}, b"<html>It works!</html>"),
    "nothing": Answered(200, {}, b""),
    "null": Answered(200, JSON, b"null"),
    "a list of numbers": Answered(200, JSON, b"[1, 2]"),
    "text where objects belong": Answered(200, JSON, b'{"type": 7, "member": "x", "epcisBody": "y", "running": "no"}'),
    "endless nesting": Answered(200, JSON, b"[" * 100_000),
    "bytes that are no text": Answered(200, JSON, bytes(range(128, 256))),
    "accepted, nowhere": Answered(202, JSON | {"location": "http://[::1"}, b"{}"),
    "accepted, with control characters": Answered(202, JSON | {"location": "/a b\x7f"}, b"{}"),
    "an error": Answered(500, {"content-type": "text/plain"}, b"oops"),
    "a redirect": Answered(302, {"location": "https://elsewhere.example/"}, b""),
}


#: Tried in every run; the others in a full one.
SAMPLE = ("a page of HTML", "null", "accepted, nowhere", "an error")


@pytest.mark.parametrize(
    "what", [what if what in SAMPLE else pytest.param(what, marks=pytest.mark.full) for what in NONSENSE]
)
def test_a_server_that_answers_nonsense_passes_nothing(run: Run, proxy: Proxy, what: str) -> None:
    """Rejects a kit that ends with a traceback, and cases that pass on an answer they did not look at."""
    proxy.mutation = Mutation(what, "", answer=lambda *_: NONSENSE[what])
    client = Client(run.client.url, run.client.headers)
    try:
        verdict = run_cases(Run(client, patience_s=0.2), CASES)
    finally:
        proxy.mutation = None
        client.close()
    assert [one.case.name for one in verdict.results if one.outcome is Outcome.PASS] == []


def test_a_server_that_hangs_up_is_a_failure_with_a_reason(run: Run) -> None:
    """Rejects a client that takes a closed connection for an empty answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)

        def hang_up() -> None:
            for _ in range(2):
                listener.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        client = Client(f"http://127.0.0.1:{listener.getsockname()[1]}")
        result = judge(Run(client, patience_s=0.2), CASES[0])
        with pytest.raises(CannotRun, match="no answer"):
            find_base(client)
        thread.join()
        client.close()
    assert result.outcome is Outcome.FAIL
    assert "no answer" in result.reason

"""Compressed bodies: captured where a server takes them, answered where it gives them. RFC 9110 8.4."""

import gzip
from typing import Final

from traceward.conformance.case import Group
from traceward.conformance.cases.capture import fresh
from traceward.conformance.data import document, encoded
from traceward.conformance.model import Level, NotSupported, Unmet
from traceward.conformance.run import JSON, Run, expect_status

GROUP: Final = Group("encodings", "Compressed bodies")
_GZIP: Final = JSON | {"Content-Encoding": "gzip"}


@GROUP.case(Level.OPTIONAL, "RFC 9110 8.4, Content-Encoding of a request")
def a_gzipped_document_is_captured(run: Run) -> None:
    """A document with Content-Encoding gzip is captured like the plain one."""
    event = fresh(run)
    answer = run.request("POST", "/capture", headers=_GZIP, body=gzip.compress(encoded(document([event]))))
    if answer.status == 415:
        raise NotSupported("Content-Encoding gzip is answered with 415")
    if run.finished_job(answer).get("success") is not True or not run.event(event["eventID"]):
        raise Unmet("the event stored", "a failed job, or no such event")


@GROUP.case(Level.OPTIONAL, "RFC 9110 8.4, 15.5.1")
def a_broken_gzip_stream_is_refused(run: Run) -> None:
    """A gzip stream that is cut off is answered with 400, and nothing is stored."""
    event = fresh(run)
    body = gzip.compress(encoded(document([event])))
    answer = run.request("POST", "/capture", headers=_GZIP, body=body[: len(body) // 2])
    if answer.status == 415:
        raise NotSupported("Content-Encoding gzip is answered with 415")
    expect_status(answer, 400)
    if run.event(event["eventID"]):
        raise Unmet("no event stored", f"{event['eventID']} can be read")


@GROUP.case(Level.RECOMMENDED, "RFC 9110 15.5.16")
def an_unknown_encoding_is_refused(run: Run) -> None:
    """Content-Encoding: rot13 is answered with 415."""
    headers = JSON | {"Content-Encoding": "rot13"}
    answer = run.request("POST", "/capture", headers=headers, body=encoded(document([fresh(run)])))
    expect_status(answer, 415)


@GROUP.case(Level.OPTIONAL, "RFC 9110 12.5.3, Accept-Encoding")
def an_answer_can_be_gzipped(run: Run) -> None:
    """With Accept-Encoding gzip a long answer comes compressed, and is the plain one when inflated."""
    part = run.part("core")
    plain = run.get("/events", part.window)
    expect_status(plain, 200)
    answer = run.request("GET", "/events", part.window, headers={"Accept-Encoding": "gzip"})
    expect_status(answer, 200)
    if answer.headers.get("content-encoding", "").lower() != "gzip":
        raise NotSupported("answers are not compressed")
    try:
        inflated = gzip.decompress(answer.body)
    except (OSError, EOFError) as error:
        raise Unmet("a gzip stream", str(error)) from error
    if inflated.count(b'"eventID"') != plain.body.count(b'"eventID"'):
        raise Unmet(f"{plain.body.count(b'eventID')} events as without compression", str(inflated.count(b"eventID")))

"""The RFC 7807 body of an error, as a value: for answers and for the errors that a capture job keeps.

It must not send anything; `api/problems` renders.
"""

from collections.abc import Iterable
from typing import Any

from traceward.epcis.errors import Finding, TracewardError


def problem_body(error: TracewardError) -> dict[str, Any]:
    """type, title, status, detail and, where the error has findings, `errors` with one entry per finding."""
    body: dict[str, Any] = {"type": error.type, "title": error.title, "status": error.status, "detail": error.detail}
    if error.findings:
        body["errors"] = [finding_body(finding) for finding in error.findings]
    return body


def finding_body(finding: Finding) -> dict[str, Any]:
    """path, code, message, clause, severity and, for an event of a document, eventIndex."""
    body: dict[str, Any] = {"path": finding.path, "code": finding.code, "message": finding.message}
    if finding.clause:
        body["clause"] = finding.clause
    if finding.event_index is not None:
        body["eventIndex"] = finding.event_index
    body["severity"] = finding.severity
    return body


def summary(findings: Iterable[Finding]) -> str:
    """One line for `detail`: the first finding and how many more there are."""
    found = list(findings)
    first = f"{found[0].path}: {found[0].message}" if found[0].path else found[0].message
    return first if len(found) == 1 else f"{first} (and {len(found) - 1} more)"

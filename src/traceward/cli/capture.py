"""`traceward capture FILE...`: sends EPCIS documents to a server and shows what became of each; it judges nothing."""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from traceward.cli.options import DEFAULT_URL, KeyOption, UrlOption, connect
from traceward.cli.output import ExitCode, JsonFlag, fail, print_json, print_table
from traceward.cli.server_client import ServerClient, ServerRefusedError, ServerUnreachableError

CAPTURE_PATH = "/epcis/capture"
MEDIA_TYPES = {".json": "application/json", ".jsonld": "application/ld+json", ".xml": "application/xml"}
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 1.0


@dataclass(frozen=True)
class Outcome:
    """What became of one document. job: the capture job as the server gives it, None where it was refused outright."""

    file: str
    job: dict[str, Any] | None
    problems: tuple[dict[str, Any], ...]

    @property
    def captured(self) -> bool:
        """Whether every event of the document is stored."""
        return self.job is not None and bool(self.job.get("success")) and not self.problems


def capture(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="EPCIS documents; - reads standard input.")],
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
    proceed: Annotated[
        bool, typer.Option("--proceed", help="Keep the good events of a document with bad ones.")
    ] = False,
    wait_s: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for each job.")] = 300.0,
    as_json: JsonFlag = False,
) -> None:
    """Capture EPCIS documents on a server, and show the outcome of each.

    Without --proceed a document with any fault is refused whole. Ends with 1 when an event was refused.
    """
    server = connect(url, key)
    try:
        outcomes = [_capture(server, file, proceed=proceed, wait_s=wait_s) for file in files]
    except ServerUnreachableError as error:
        raise fail(str(error), ExitCode.SERVER) from error
    if as_json:
        print_json([{"file": one.file, "job": one.job, "problems": list(one.problems)} for one in outcomes])
    else:
        _print(outcomes)
    if not all(outcome.captured for outcome in outcomes):
        raise typer.Exit(ExitCode.FOUND_FAULTS)


def _capture(server: ServerClient, file: str, *, proceed: bool, wait_s: float) -> Outcome:
    headers = {
        "Content-Type": MEDIA_TYPES.get(Path(file).suffix.lower(), "application/json"),
        "GS1-EPCIS-Version": "2.0.0",
        "GS1-CBV-Version": "2.0.0",
        "GS1-Capture-Error-Behaviour": "proceed" if proceed else "rollback",
    }
    try:
        accepted = server.request("POST", CAPTURE_PATH, body=_content(file), headers=headers)
        job = _finished_job(server, accepted.headers["location"], wait_s)
    except ServerRefusedError as error:
        if error.status in {401, 403} and "errors" not in error.problem:
            raise fail(f"{file}: {error}", ExitCode.SERVER) from error
        return Outcome(file, None, (dict(error.problem),))
    return Outcome(file, job, tuple(job.get("errors") or ()))


def _content(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise fail(f"cannot read {file}: {error.strerror}", ExitCode.CANNOT_RUN) from error


def _finished_job(server: ServerClient, location: str, wait_s: float) -> dict[str, Any]:
    """The job once it no longer runs, or as it stands when the wait is over."""
    give_up = time.monotonic() + wait_s
    pause_s = FIRST_PAUSE_S
    while True:
        job: dict[str, Any] = server.request("GET", location).body
        if not job.get("running") or time.monotonic() >= give_up:
            return job
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


def _print(outcomes: list[Outcome]) -> None:
    rows = [
        (one.file, one.job and one.job.get("captureID"), _verdict(one), len(list(_faults(one)))) for one in outcomes
    ]
    print_table("Captured documents", ("file", "capture job", "outcome", "faults"), rows)
    faults = [(one.file, *fault) for one in outcomes for fault in _faults(one)]
    if faults:
        print_table("Faults", ("file", "where", "what", "clause"), faults)


def _verdict(outcome: Outcome) -> str:
    if outcome.captured:
        return "captured"
    if outcome.job is None:
        return "refused whole"
    if outcome.job.get("running"):
        return "still running"
    return "captured in part" if outcome.job.get("captureErrorBehaviour") == "proceed" else "refused whole"


def _faults(outcome: Outcome) -> Iterator[tuple[str | None, str | None, str | None]]:
    """Path, message and clause of each fault; a problem without findings counts as one."""
    for problem in outcome.problems:
        findings = problem.get("errors")
        if not findings:
            yield problem.get("instance"), problem.get("detail") or problem.get("title"), None
        for finding in findings or ():
            yield finding.get("path"), finding.get("message"), finding.get("clause")

"""`traceward validate FILE...`: says what is wrong in EPCIS documents, with no server; the one validator judges."""

from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from traceward.cli.documents import UnreadableFileError, findings_of, read_file
from traceward.cli.output import ExitCode, JsonFlag, print_json, print_table
from traceward.epcis import rules
from traceward.epcis.document import RawEvent
from traceward.epcis.errors import Finding, ValidationException


@dataclass
class Verdict:
    """What was found in one file. format, kind: None where the document could not be read; events: those read."""

    file: str
    format: str | None = None
    kind: str | None = None
    events: int = 0
    unreadable: str | None = None
    findings: list[Finding] = field(default_factory=list)

    def of(self, severity: str) -> list[Finding]:
        """The findings of that severity, in the order of the document."""
        return [finding for finding in self.findings if finding.severity == severity]

    @property
    def is_valid(self) -> bool:
        """Whether a capture of the file would refuse nothing for what it says."""
        return self.unreadable is None and not self.of("error")


def validate(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="EPCIS documents in JSON or XML; - reads standard input.")
    ],
    strict: Annotated[
        bool, typer.Option("--strict", help="Rules that official examples break are errors, not warnings.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Check EPCIS documents: every fault with its place (JSON path or XPath) and the clause it breaks.

    Takes EPCIS 2.0 in JSON and EPCIS 2.0 and 1.x in XML: EPCISDocument, EPCISQueryDocument, EPCISMasterDataDocument,
    and in JSON a single event. A server's capture judges by the same rules. Ends with 1 when a file has an error,
    with 2 when one cannot be read; warnings alone end with 0.
    """
    verdicts = [_judged(file, strict=strict) for file in files]
    if as_json:
        print_json([_as_data(verdict) for verdict in verdicts])
    else:
        _print(verdicts)
    if any(verdict.unreadable for verdict in verdicts):
        raise typer.Exit(ExitCode.CANNOT_RUN)
    if not all(verdict.is_valid for verdict in verdicts):
        raise typer.Exit(ExitCode.FOUND_FAULTS)


def _judged(file: str, *, strict: bool) -> Verdict:
    verdict = Verdict(file)

    def take(event: RawEvent) -> None:
        verdict.events += 1
        verdict.findings += rules.check_event(event, strict=strict)

    try:
        read = read_file(file, take)
    except UnreadableFileError as error:
        verdict.unreadable = str(error)
    except ValidationException as error:
        verdict.findings += findings_of(error)
    else:
        verdict.format = read.format
        verdict.kind = "event" if read.is_event else read.document.kind
    return verdict


def _as_data(verdict: Verdict) -> dict[str, Any]:
    return {
        "file": verdict.file,
        "format": verdict.format,
        "kind": verdict.kind,
        "events": verdict.events,
        "valid": verdict.is_valid,
        "unreadable": verdict.unreadable,
        "errors": [_finding_data(finding) for finding in verdict.of("error")],
        "warnings": [_finding_data(finding) for finding in verdict.of("warning")],
    }


def _finding_data(finding: Finding) -> dict[str, Any]:
    return {
        "path": finding.path,
        "code": finding.code,
        "message": finding.message,
        "clause": finding.clause,
        "eventIndex": finding.event_index,
    }


def _print(verdicts: list[Verdict]) -> None:
    for verdict in verdicts:
        for title, severity in (("errors", "error"), ("warnings", "warning")):
            found = verdict.of(severity)
            if found:
                rows = [(finding.path or "the document", finding.message, finding.clause) for finding in found]
                print_table(f"{verdict.file}: {title}", ("where", "what", "clause"), rows)
    rows_of_files = [
        (one.file, _what(one), one.events, len(one.of("error")), len(one.of("warning")), _word(one)) for one in verdicts
    ]
    print_table("Files", ("file", "what", "events", "errors", "warnings", "verdict"), rows_of_files)


def _what(verdict: Verdict) -> str | None:
    return f"{verdict.kind} ({verdict.format})" if verdict.kind is not None else None


def _word(verdict: Verdict) -> str:
    return verdict.unreadable or ("valid" if verdict.is_valid else "NOT VALID")

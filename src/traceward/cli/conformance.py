"""`traceward conformance URL`: judges any EPCIS 2.0 server by its URL; the cases are in traceward.conformance."""

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from traceward.cli.output import ExitCode, JsonFlag, fail, print_json, print_table, visible
from traceward.conformance.client import Client, NoAnswer
from traceward.conformance.junit import junit_xml
from traceward.conformance.model import Outcome
from traceward.conformance.report import headline, html_report
from traceward.conformance.run import Run
from traceward.conformance.runner import CannotRun, Verdict, find_base, groups_of, run_cases, selected

_SHOWN_REASON = 600


def conformance(
    url: Annotated[
        str | None, typer.Argument(help="Base address of the EPCIS interface, such as https://host/epcis.")
    ] = None,
    # No variable of the environment stands in for the key: it must not go to a server that it was not meant for.
    key: Annotated[str | None, typer.Option(help="Bearer key, or @FILE to read it from a file.")] = None,
    header: Annotated[
        list[str] | None, typer.Option(help="A header for every request, as 'Name: value'; may be repeated.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write a page of HTML for people.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML for continuous integration.")] = None,
    only: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only the cases whose names hold NAME, or match it with *.")
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="List the cases and end.")] = False,
    callback: Annotated[
        str | None,
        typer.Option(
            metavar="HOST[:PORT]", help="Where the server reaches this machine for webhooks; loopback unless given."
        ),
    ] = None,
    soap: Annotated[
        str, typer.Option(metavar="PATH", help="Where the SOAP binding is: below URL, or its whole URL on that host.")
    ] = "/soap",
    patience: Annotated[
        float, typer.Option(min=0.1, help="Seconds to wait for a job to end, an event to show, a webhook to come.")
    ] = 20.0,
    as_json: JsonFlag = False,
) -> None:
    """Judge an EPCIS 2.0 REST server: capture data of our own there, put every case, and say what it does not do.

    The events that are captured stay on the server. Ends with 1 when a case fails or a mandatory part is missing, with
    2 when the server cannot be judged.
    """
    cases = selected(only)
    if not cases:
        raise fail(f"no case is named '{only}'; see traceward conformance --list", ExitCode.CANNOT_RUN)
    if listing:
        _list(only, as_json)
        return
    if url is None:
        raise fail("no address; give the base address of an EPCIS interface", ExitCode.CANNOT_RUN)
    try:
        client = Client(url, _headers(key, header or []))
    except ValueError as error:
        raise fail(str(error), ExitCode.CANNOT_RUN) from error
    with closing(client):
        try:
            find_base(client)
        except CannotRun as error:
            raise fail(str(error), ExitCode.CANNOT_RUN) from error
        run = Run(client, patience_s=patience, callback=callback, soap=soap)
        verdict = run_cases(run, cases)
        vendor = _vendor(run)
    _write(report, html_report(verdict, vendor).encode())
    _write(junit, junit_xml(verdict))
    if as_json:
        print_json(_plain(verdict))
    else:
        _print(verdict)
    if verdict.count(Outcome.FAIL) or not verdict.conforms:
        raise typer.Exit(ExitCode.FOUND_FAULTS)


def _headers(key: str | None, given: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    if key is not None:
        if key.startswith("@"):
            try:
                key = Path(key[1:]).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise fail(f"cannot read the key file {key[1:]}: {error.strerror}", ExitCode.CANNOT_RUN) from error
        headers["Authorization"] = f"Bearer {key}"
    for line in given:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise fail(f"--header is '{line}'; expected 'Name: value'", ExitCode.CANNOT_RUN)
        headers[name.strip()] = value.strip()
    return headers


def _vendor(run: Run) -> str:
    try:
        answer = run.request("OPTIONS", "/")
    except NoAnswer:
        return ""
    version = answer.headers.get("gs1-vendor-version", "")
    return f"GS1-Vendor-Version {version}" if version else ""


def _write(file: Path | None, content: bytes) -> None:
    if file is None:
        return
    try:
        file.write_bytes(content)
    except OSError as error:
        raise fail(f"cannot write {file}: {error.strerror}", ExitCode.CANNOT_RUN) from error


def _list(only: str | None, as_json: bool) -> None:
    cases = selected(only)
    if as_json:
        print_json(
            [
                {"name": case.name, "title": case.title, "clause": case.clause, "level": case.level.value}
                for case in cases
            ]
        )
        return
    rows = [(case.name, case.level.value, case.title, case.clause) for case in cases]
    print_table(f"{len(cases)} cases", ("name", "level", "what is asked", "clause"), rows)


def _plain(verdict: Verdict) -> dict[str, Any]:
    return {
        "url": verdict.url,
        "started": verdict.started.isoformat(),
        "seconds": round(verdict.seconds, 3),
        "conforms": verdict.conforms,
        "counts": {outcome.value: verdict.count(outcome) for outcome in Outcome},
        "results": [
            {
                "name": one.case.name,
                "title": one.case.title,
                "clause": one.case.clause,
                "level": one.case.level.value,
                "outcome": one.outcome.value,
                "reason": one.reason,
            }
            for one in verdict.results
        ],
    }


def _print(verdict: Verdict) -> None:
    rows = [
        (title, *(sum(one.outcome is outcome for one in results) or None for outcome in Outcome))
        for title, results in groups_of(verdict.results).items()
    ]
    print_table(verdict.url, ("part", *(outcome.value for outcome in Outcome)), rows)
    for one in verdict.results:
        if one.outcome is Outcome.FAIL:
            typer.echo(f"\nFAIL {one.case.name} ({one.case.level.value}; {one.case.clause})")
            typer.echo(f"  {visible(one.case.title)}\n  {visible(one.reason[:_SHOWN_REASON])}")
    for outcome in (Outcome.NOT_SUPPORTED, Outcome.SKIPPED):
        reasons: dict[str, list[str]] = {}
        for one in verdict.results:
            if one.outcome is outcome:
                reasons.setdefault(one.reason, []).append(one.case.name)
        for reason, names in reasons.items():
            typer.echo(f"\n{outcome.value}: {visible(reason[:_SHOWN_REASON])}\n  {', '.join(names)}")
    typer.echo(f"\n{headline(verdict)}")

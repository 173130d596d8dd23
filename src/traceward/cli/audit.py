"""`traceward audit verify`: whether the audit log is as it was written; asks a server, or reads a database itself.

It must not show entries: those are for the privacy officer (GET /audit).
"""

from typing import Annotated, Any

import typer

from traceward.cli.administration import server_for
from traceward.cli.options import DEFAULT_URL, KeyOption, UrlOption
from traceward.cli.output import ExitCode, JsonFlag, fail, print_json

audit_app = typer.Typer(no_args_is_help=True, help="The hash-chained log of reads of patients and of changes of keys.")


@audit_app.command("verify")
def verify_log(
    expect: Annotated[
        str | None, typer.Option(help="SEQ:HASH of an entry that was noted elsewhere before.", metavar="SEQ:HASH")
    ] = None,
    database: Annotated[
        str | None, typer.Option(help="sqlite:///PATH or postgresql://...; reads it without any server.")
    ] = None,
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Walk the chain from its first entry; ends with 1 and the first bad entry where it is broken."""
    expected = _expected(expect)
    verdict = _of_database(database, expected) if database is not None else _of_server(url, key, expected)
    if as_json:
        print_json(verdict)
    elif verdict["firstBad"] is None:
        typer.echo(f"whole: {verdict['entries']} entries; head {verdict['entries']}:{verdict['head']}")
    if verdict["firstBad"] is not None:
        raise fail(f"entry {verdict['firstBad']} is not as it was written: {verdict['fault']}", ExitCode.FOUND_FAULTS)


def _expected(text: str | None) -> tuple[int, str] | None:
    if text is None:
        return None
    seq, _, head = text.partition(":")
    if not seq.isdecimal() or len(head) != 64:  # hex digits of SHA-256
        raise fail(f"--expect is {text!r}; expected SEQ:HASH, as a verification prints it", ExitCode.CANNOT_RUN)
    return int(seq), head


def _of_server(url: str, key: str | None, expected: tuple[int, str] | None) -> dict[str, Any]:
    query = f"?seq={expected[0]}&head={expected[1]}" if expected is not None else ""
    with server_for(url, key) as server:
        told = server.request("GET", f"/admin/audit/verification{query}").body
    return {
        "entries": told["entries"],
        "head": told["head"],
        "firstBad": told["firstBad"],
        "fault": told["fault"] or "",
    }


def _of_database(database: str, expected: tuple[int, str] | None) -> dict[str, Any]:
    from traceward.cli.database import verify_audit_log  # noqa: PLC0415  # the database tool kit takes long to import

    found = verify_audit_log(database, expected)
    return {"entries": found.count, "head": found.head, "firstBad": found.bad_seq, "fault": found.fault}

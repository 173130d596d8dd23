"""`traceward audit verify`: whether the audit log is as it was written; asks a server, or reads a database itself.

It must not show entries: those are for the privacy officer (GET /audit).
"""

from pathlib import Path
from typing import Annotated

import typer

from traceward.cli.administration import server_for
from traceward.cli.options import DEFAULT_URL, KeyOption, UrlOption
from traceward.cli.output import ExitCode, JsonFlag, fail, print_json
from traceward.services.identity.audit_log import ChainVerdict, verify
from traceward.services.runtime import system_clock_us
from traceward.store.engine import open_store
from traceward.store.errors import StoreUnavailable, WrongDatabase

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
        print_json(
            {"entries": verdict.count, "head": verdict.head, "firstBad": verdict.bad_seq, "fault": verdict.fault}
        )
    elif verdict.bad_seq is None:
        typer.echo(f"whole: {verdict.count} entries; head {verdict.count}:{verdict.head}")
    if verdict.bad_seq is not None:
        raise fail(f"entry {verdict.bad_seq} is not as it was written: {verdict.fault}", ExitCode.FOUND_FAULTS)


def _expected(text: str | None) -> tuple[int, str] | None:
    if text is None:
        return None
    seq, _, head = text.partition(":")
    if not seq.isdecimal() or len(head) != 64:  # hex digits of SHA-256
        raise fail(f"--expect is {text!r}; expected SEQ:HASH, as a verification prints it", ExitCode.CANNOT_RUN)
    return int(seq), head


def _of_server(url: str, key: str | None, expected: tuple[int, str] | None) -> ChainVerdict:
    query = f"?seq={expected[0]}&head={expected[1]}" if expected is not None else ""
    with server_for(url, key) as server:
        told = server.request("GET", f"/admin/audit/verification{query}").body
    return ChainVerdict(told["entries"], told["head"], told["firstBad"], told["fault"] or "")


def _of_database(database: str, expected: tuple[int, str] | None) -> ChainVerdict:
    if database.startswith("sqlite:///") and not Path(database.removeprefix("sqlite:///")).exists():
        raise fail(f"{database} does not exist, so there is no log to prove; nothing was made", ExitCode.CANNOT_RUN)
    try:
        store = open_store(database, clock=system_clock_us)
    except (StoreUnavailable, WrongDatabase, ValueError) as error:
        raise fail(f"cannot open the database: {error}", ExitCode.CANNOT_RUN) from error
    try:
        with store.reader(snapshot=True) as reader:
            return verify(reader, expected)
    finally:
        store.close()

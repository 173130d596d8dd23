"""`traceward scan FILE...`: reads the symbols of pictures on this machine, with no server; it stores nothing."""

import asyncio
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from traceward.cli.output import ExitCode, JsonFlag, print_json, print_table
from traceward.epcis.errors import TracewardError
from traceward.scanner.errors import ScannerError
from traceward.scanner.workers import ScanPool
from traceward.services.scanning.scan import judged_picture


def scan(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="PNG, JPEG or WebP pictures.")],
    as_json: JsonFlag = False,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Let every decoder try everything: slower, reads more damaged labels.")
    ] = False,
) -> None:
    """Read the barcodes in pictures: element strings, UDI and EPCIS identifiers of each symbol, and what is doubtful.

    Ends with 1 when a file is no picture, shows no symbol, or shows one with faults.
    """
    answers = asyncio.run(_scan_all(files, "thorough" if thorough else "default"))
    if as_json:
        print_json(answers)
    else:
        _print(answers)
    if not all(_is_good(answer) for answer in answers):
        raise typer.Exit(ExitCode.FOUND_FAULTS)


async def _scan_all(files: list[Path], mode: str) -> list[dict[str, Any]]:
    """One answer for each file, with its name; a bad file is an answer with `error`, not the end of the batch."""
    answers = []
    with closing(ScanPool()) as pool:
        for file in files:
            try:
                answers.append({"file": str(file), **await judged_picture(pool, file.read_bytes(), mode=mode)})
            except (OSError, ScannerError, TracewardError) as error:
                reason = error.strerror if isinstance(error, OSError) else str(error)
                answers.append({"file": str(file), "symbols": [], "error": reason})
    return answers


def _is_good(answer: dict[str, Any]) -> bool:
    symbols = answer["symbols"]
    faults = [finding for symbol in symbols for finding in symbol["findings"] if finding["severity"] == "error"]
    return bool(symbols) and not faults and "error" not in answer


def _print(answers: list[dict[str, Any]]) -> None:
    for answer in answers:
        print_table(answer["file"], ("symbol", "read", "content"), _rows(answer))


def _rows(answer: dict[str, Any]) -> list[tuple[object, ...]]:
    if "error" in answer:
        return [(None, "not read", answer["error"])]
    if not answer["symbols"]:
        return [(None, "no symbol", f"tried {', '.join(answer['tried'])}")]
    return [
        (
            symbol["symbologyIdentifier"],
            "confirmed" if symbol["confirmed"] else "UNCONFIRMED",
            "\n".join(_content(symbol)),
        )
        for symbol in answer["symbols"]
    ]


def _content(symbol: dict[str, Any]) -> list[str]:
    """What a symbol says, a line each: element strings, the identifier for EPCIS, findings."""
    lines = [" ".join(f"({one['ai']}){one['value']}" for one in symbol["elementStrings"]) or symbol["text"]]
    udi = symbol["udi"] or {}
    if udi.get("issuingAgency") not in (None, "GS1"):
        lines.append(f"UDI-DI {udi['di']} ({udi['issuingAgency']})")
    identifier = symbol["epc"] or symbol["epcClass"]
    if identifier is not None:
        lines.append(identifier)
    return lines + [f"{one['severity']}: {one['message']}" for one in symbol["findings"]]

"""Scan: pixels or a decoded text become element strings, a UDI, EPCIS identifiers and findings.

It must not capture anything: a doubtful read stays a value for a person to judge.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from traceward.epcis.errors import ImplementationException, TracewardError, ValidationException
from traceward.gs1.element_string import parse_scan_data
from traceward.gs1.parsed import ElementString, Finding
from traceward.gs1.udi import Udi
from traceward.scanner.errors import NotAPicture, PictureTooLarge, ScannerError
from traceward.scanner.symbol import ScanResult, Symbol
from traceward.scanner.workers import ScanPool
from traceward.services.scanning.labelled_items import LabelledItem, ReadSymbol, items_of


class NotAPictureException(ValidationException):
    """The bytes are no picture that is read (400)."""

    title = "Not a picture"


class PictureTooLargeException(ValidationException):
    """The picture has more pixels than are decoded (413)."""

    status, title = 413, "The picture is too large"


class ScannerUnavailableException(ImplementationException):
    """No scan worker could finish this picture (503)."""

    status, title = 503, "The scanner is not available"


async def judged_picture(pool: ScanPool, data: bytes, *, mode: str = "default") -> dict[str, Any]:
    """Every symbol of a picture with its meaning; an empty list and what was tried where there is none.

    mode: "default" or "thorough", as `scanner.scan` has them.
    Raises NotAPictureException (400), PictureTooLargeException, and
    ScannerUnavailableException when the worker was killed at a limit or none was free.
    """
    try:
        result = await pool.ascan(data, mode=mode)
    except ScannerError as error:
        raise scan_error(error) from error
    return scan_body(result)


def scan_body(result: ScanResult) -> dict[str, Any]:
    """The wire form of a scan: symbols, the items they stand on, stages tried, time taken."""
    reads = [
        ReadSymbol(symbol.symbology_identifier, symbol.text, symbol.confirmed, _middle(symbol))
        for symbol in result.symbols
    ]
    bodies = [
        _symbol_body(read, symbol.engine, symbol.position) for read, symbol in zip(reads, result.symbols, strict=True)
    ]
    return _answer(bodies, reads, result.stages_tried, round(result.elapsed_ms, 1))


def judged_texts(symbols: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The same answer for symbols (identifier, text) that a client decoded: confirmed, as its decoder was."""
    reads = [ReadSymbol(identifier, text) for identifier, text in symbols]
    return _answer([_symbol_body(read, None, None) for read in reads], reads, (), 0.0)


def scan_error(error: ScannerError) -> TracewardError:
    """The scanner's error as one that has an answer on the wire."""
    if isinstance(error, NotAPicture):
        return NotAPictureException(str(error))
    if isinstance(error, PictureTooLarge):
        return PictureTooLargeException(str(error))
    return ScannerUnavailableException(str(error))


def _answer(
    bodies: list[dict[str, Any]], reads: Sequence[ReadSymbol], tried: Sequence[str], elapsed_ms: float
) -> dict[str, Any]:
    items = [_item_body(item) for item in items_of(reads)]
    return {"symbols": bodies, "items": items, "tried": list(tried), "elapsedMs": elapsed_ms}


def _symbol_body(read: ReadSymbol, engine: str | None, position: Sequence[Sequence[float]] | None) -> dict[str, Any]:
    (alone,) = items_of([read]) or (None,)
    parsed = parse_scan_data(read.scan_data, mode="lenient")
    return {
        "symbologyIdentifier": read.symbology_identifier,
        "text": read.text,
        "engine": engine,
        "confirmed": read.confirmed,
        "position": [list(corner) for corner in position] if position is not None else None,
        "elementStrings": _element_bodies(parsed.elements),
        "findings": _finding_bodies(parsed.findings if parsed.elements or alone is None else alone.findings),
        **_identity_body(alone),
    }


def _item_body(item: LabelledItem) -> dict[str, Any]:
    return {
        "symbols": list(item.symbols),
        "confirmed": item.confirmed,
        "elementStrings": _element_bodies(item.elements),
        "findings": _finding_bodies(item.findings),
        **_identity_body(item),
    }


def _identity_body(item: LabelledItem | None) -> dict[str, Any]:
    udi = item.udi if item is not None else None
    return {
        "udi": _udi_body(udi) if udi is not None and udi.di is not None else None,
        "epc": udi.epc if udi is not None else None,
        "epcClass": udi.epc_class if udi is not None else None,
    }


def _element_bodies(elements: Iterable[ElementString]) -> list[dict[str, str]]:
    return [{"ai": one.ai, "title": one.title, "value": one.value} for one in elements]


def _finding_bodies(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    return [
        {"code": one.code, "severity": one.severity, "message": one.message, "ai": one.ai, "position": one.position}
        for one in findings
    ]


def _middle(symbol: Symbol) -> tuple[float, float] | None:
    if symbol.position is None:
        return None
    return sum(x for x, _ in symbol.position) / 4, sum(y for _, y in symbol.position) / 4


def _udi_body(udi: Udi) -> dict[str, Any]:
    return {
        "issuingAgency": udi.issuing_agency,
        "di": udi.di,
        "lotNumber": udi.lot,
        "serialNumber": udi.serial,
        "expirationDate": udi.expiration_date.isoformat() if udi.expiration_date is not None else None,
        "manufacturingDate": udi.manufacturing_date.isoformat() if udi.manufacturing_date is not None else None,
        "carrierHRF": udi.carrier_hrf,
    }

"""Scan: pixels or a decoded text become element strings, a UDI, EPCIS identifiers and findings.

It must not capture anything: a doubtful read stays a value for a person to judge.
"""

from typing import Any

from traceward.epcis.errors import ImplementationException, TracewardError, ValidationException
from traceward.gs1.element_string import ParsedElementStrings, parse_scan_data
from traceward.gs1.udi import Udi, udi_from_elements
from traceward.scanner.errors import NotAPicture, PictureTooLarge, ScannerError
from traceward.scanner.symbol import ScanResult, Symbol
from traceward.scanner.workers import ScanPool


class NotAPictureException(ValidationException):
    """The bytes are no picture that is read (400)."""

    title = "Not a picture"


class PictureTooLargeException(ValidationException):
    """The picture has more pixels than are decoded (413)."""

    status, title = 413, "The picture is too large"


class ScannerUnavailableException(ImplementationException):
    """No scan worker could finish this picture (503)."""

    status, title = 503, "The scanner is not available"


async def judged_picture(pool: ScanPool, data: bytes) -> dict[str, Any]:
    """Every symbol of a picture with its meaning; an empty list and what was tried where there is none.

    Raises NotAPictureException (400), PictureTooLargeException, and
    ScannerUnavailableException when the worker was killed at a limit or none was free.
    """
    try:
        result = await pool.ascan(data)
    except ScannerError as error:
        raise scan_error(error) from error
    return scan_body(result)


def scan_body(result: ScanResult) -> dict[str, Any]:
    """The wire form of a scan: symbols, stages tried, time taken."""
    return {
        "symbols": [_symbol_body(symbol) for symbol in result.symbols],
        "tried": list(result.stages_tried),
        "elapsedMs": round(result.elapsed_ms, 1),
    }


def judged_text(symbology_identifier: str, text: str) -> dict[str, Any]:
    """The same answer for one symbol that a client decoded: confirmed, since the decoder was its own choice."""
    return {
        "symbols": [
            {"engine": None, "confirmed": True, "position": None}
            | judged(symbology_identifier, text, parse_scan_data(symbology_identifier + text, mode="lenient"))
        ],
        "tried": [],
        "elapsedMs": 0.0,
    }


def judged(symbology_identifier: str, text: str, parsed: ParsedElementStrings) -> dict[str, Any]:
    """Element strings, UDI, identifiers and findings of one symbol's content."""
    udi = udi_from_elements(parsed) if parsed.elements else None
    return {
        "symbologyIdentifier": symbology_identifier,
        "text": text,
        "elementStrings": [{"ai": one.ai, "title": one.title, "value": one.value} for one in parsed.elements],
        "findings": [
            {
                "code": one.code,
                "severity": one.severity,
                "message": one.message,
                "ai": one.ai,
                "position": one.position,
            }
            for one in parsed.findings
        ],
        "udi": _udi_body(udi) if udi is not None and udi.di is not None else None,
        "epc": udi.epc if udi is not None else None,
        "epcClass": udi.epc_class if udi is not None else None,
    }


def scan_error(error: ScannerError) -> TracewardError:
    """The scanner's error as one that has an answer on the wire."""
    if isinstance(error, NotAPicture):
        return NotAPictureException(str(error))
    if isinstance(error, PictureTooLarge):
        return PictureTooLargeException(str(error))
    return ScannerUnavailableException(str(error))


def _symbol_body(symbol: Symbol) -> dict[str, Any]:
    read = {
        "engine": symbol.engine,
        "confirmed": symbol.confirmed,
        "position": [list(corner) for corner in symbol.position] if symbol.position is not None else None,
    }
    parsed = parse_scan_data(symbol.symbology_identifier + symbol.text, mode="lenient")
    return read | judged(symbol.symbology_identifier, symbol.text, parsed)


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

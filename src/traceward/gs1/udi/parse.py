"""The UDI of any issuing agency from a scanned or typed text.

This module must not decide whether a UDI may be captured: the caller reads its findings.
"""

from __future__ import annotations

from traceward.gs1.element_string import Mode, check_associations, parse
from traceward.gs1.errors import UdiError
from traceward.gs1.udi.gs1 import udi_from_elements
from traceward.gs1.udi.hibc import parse_hibc
from traceward.gs1.udi.iccbba import parse_iccbba
from traceward.gs1.udi.udi import Udi


def parse_udi(text: str, *, mode: Mode = "strict", reference_year: int | None = None) -> Udi:
    """The UDI in a text of any agency and form, its findings and those over several AIs included.

    text: scan data, bracketed or raw element strings, a Digital Link, HIBC or ICCBBA data; the first characters tell.
    Raises UdiError when the text holds nothing of the kind.

    >>> parse_udi("+A123BJC5D6E71G").di
    'A123BJC5D6E71'
    >>> parse_udi("(01)09506000117843(10)1234AB").lot
    '1234AB'
    """
    parsed = parse(text, mode=mode)
    if parsed.form == "hibc":
        return parse_hibc(parsed.data, symbology_identifier=parsed.symbology_identifier, reference_year=reference_year)
    if parsed.form == "iccbba":
        return parse_iccbba(parsed.data, symbology_identifier=parsed.symbology_identifier)
    if not parsed.elements:
        raise UdiError(parsed.findings[0].message, code=parsed.findings[0].code, position=parsed.findings[0].position)
    udi = udi_from_elements(parsed, reference_year=reference_year)
    return udi.with_findings(check_associations(parsed.elements))

"""ICCBBA (ISBT 128): the data structures that a UDI consists of.

This module must not read other ISBT 128 data: using the standard needs a registration with ICCBBA.
Identifiers and sizes as the FDA and IMDRF tables of UDI formats give them.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from traceward.gs1.errors import UdiError, shortened
from traceward.gs1.parsed import Finding
from traceward.gs1.udi.udi import Udi, private_identifiers

_FIELDS = re.compile(
    r"=/(?P<di>[A-Z0-9]{16})"
    r"|=,(?P<serial>[A-Za-z0-9]{6})"
    r"|=>(?P<expiration>[0-9]{6})"
    r"|=\}(?P<manufacturing>[0-9]{6})"
    r"|=\)(?P<container>[A-Z0-9]{10})"
    r"|&,1(?P<lot>[A-Za-z0-9]{18})"
    r"|&\)(?P<container_lot>[A-Z0-9]{10})"
    r"|=(?P<donation>[A-Z0-9]{15})"
)


def parse_iccbba(text: str, *, symbology_identifier: str | None = None) -> Udi:
    """The UDI in ISBT 128 data structures, of tissue and cell products or of a blood container.

    A date that does not exist, or data that is left over, is a finding. Raises UdiError when nothing can be read.

    >>> udi = parse_iccbba("=)1TE123456A&)RZ12345678")
    >>> udi.di, udi.lot
    ('1TE123456A', 'RZ12345678')
    """
    found: dict[str, str] = {}
    findings: list[Finding] = []
    position = 0
    while position < len(text):
        field = _FIELDS.match(text, position)
        if field is None or field.lastgroup is None:
            message = f"'{text[position : position + 20]}' at {position}; expected an ISBT 128 data structure"
            findings.append(Finding("iccbba_structure", "error", message, None, position))
            break
        found.setdefault(field.lastgroup, field[field.lastgroup])
        position = field.end()
    if not found:
        raise UdiError(
            f"'{shortened(text)}' is no ICCBBA data; expected data structures that start with = or &", code="not_iccbba"
        )
    di, lot = found.get("di") or found.get("container"), found.get("lot") or found.get("container_lot")
    serial = found.get("serial")
    epc, epc_class = private_identifiers("ICCBBA", di, lot, serial) if di else (None, None)
    expiration, manufacturing = found.get("expiration"), found.get("manufacturing")
    return Udi(
        issuing_agency="ICCBBA",
        di=di,
        lot=lot,
        serial=serial,
        expiration_date=_date(expiration, findings),
        expiration_original=expiration,
        expiration_format="YYYJJJ" if expiration else None,
        manufacturing_date=_date(manufacturing, findings),
        manufacturing_original=manufacturing,
        manufacturing_format="YYYJJJ" if manufacturing else None,
        donation_id=found.get("donation"),
        epc=epc,
        epc_class=epc_class,
        carrier_hrf=text,
        carrier_aidc=(symbology_identifier or "") + text,
        findings=tuple(findings),
    )


def _date(text: str | None, findings: list[Finding]) -> date | None:
    """The date of six digits: last digit of the century (9 = 19xx, else 20xx), year, day of the year."""
    if text is None:
        return None
    year = (1000 if text[0] == "9" else 2000) + int(text[:3])
    found = date(year, 1, 1) + timedelta(days=int(text[3:]) - 1)
    if found.year == year:
        return found
    findings.append(Finding("iccbba_date", "error", f"date '{text}': day {text[3:]} of {year}; expected YYYJJJ"))
    return None

"""What the kinds of import share: the plan that they make, and how cells are read as identifiers and days.

It must not apply anything.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from zoneinfo import available_timezones

from traceward.gs1.check_digits import check_digit, has_valid_check_digit, is_digits
from traceward.gs1.epc_uri import canonical_identifier, identifier_kind
from traceward.gs1.percent import encode_link_segment
from traceward.services.imports.csv_table import CellFinding, Column, Row, damaged_by_spreadsheet

CLAUSE: Final = "Traceward imports"
NO_ONE: Final = Row(1, {})
PLACE: Final = Column(
    "place", ("sgln", "gln", "location", "ort", "lagerort"), needed=True, example="4012345000016/OR3-CAB2"
)
EXTENSION: Final = Column(
    "extension", ("gln extension", "location extension", "sub-location", "erweiterung"), in_template=False
)
"""AI 254 beside a GLN, as other systems export it: passed over, all places of a site would be taken for the site."""
"""Stands for the file as a whole in a finding."""

_GTIN_LENGTHS: Final = (8, 12, 13, 14)
_GLN_LENGTH: Final = 13
_DAY: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})|([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
_ZONE: Final = re.compile(r"[A-Za-z]+(?:/[A-Za-z0-9_+\-]+)*")
_MONTH: Final = re.compile(r"([0-9]{4})-([0-9]{2})|([0-9]{1,2})[./]([0-9]{4})")


@dataclass(slots=True)
class Plan:
    """What an import would do, counted in rows or in what they make. apply: does it, and gives what came of it.

    details: what else the report tells.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    findings: list[CellFinding] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    apply: Callable[[], dict[str, Any]] = dict

    def wrong(self, row: Row, column: str | None, message: str) -> None:
        """Note an error in a cell, or in a row where column is None."""
        self.findings.append(CellFinding(row.line, column, row.cells.get(column or "", ""), message))

    def doubt(self, row: Row, column: str | None, message: str) -> None:
        """Note a warning on a cell, or on a row where column is None."""
        self.findings.append(CellFinding(row.line, column, row.cells.get(column or "", ""), message, "warning"))


def gtin_of(plan: Plan, row: Row, column: str = "gtin") -> str | None:
    """The GTIN of a cell, 14 digits; None, with a finding, where it is none."""
    text = row.cells.get(column, "").replace(" ", "")
    if _is_damaged(plan, row, column, text):
        return None
    if not is_digits(text) or len(text) not in _GTIN_LENGTHS:
        hint = _with_zeros(text, _GTIN_LENGTHS)
        plan.wrong(row, column, "is no GTIN; expected 8, 12, 13 or 14 digits" + hint)
        return None
    if not has_valid_check_digit(text):
        plan.wrong(row, column, f"has a wrong check digit; expected {text[:-1]}{check_digit(text[:-1])}")
        return None
    return text.zfill(14)


def place_of(plan: Plan, row: Row, column: str = PLACE.name) -> str | None:
    """The place of a cell, canonical: an SGLN in any spelling, or a GLN with an extension behind a slash or in a column
    of its own, which only ever goes with the row's own place.
    """
    text = row.cells.get(column, "")
    apart = row.cells.get(EXTENSION.name, "") if column == PLACE.name else ""
    if _is_damaged(plan, row, column, text) or (apart and _is_damaged(plan, row, EXTENSION.name, apart)):
        return None
    if apart and not is_digits(text):
        plan.wrong(row, EXTENSION.name, "stands beside a place that is more than a GLN; expected one or the other")
        return None
    gln, _, extension = (text, "", apart) if apart else text.partition("/")
    if is_digits(gln):
        if not _is_gln(plan, row, column, gln):
            return None
        text = f"https://id.gs1.org/414/{gln}" + (f"/254/{encode_link_segment(extension)}" if extension else "")
    identifier = canonical_identifier(text)
    if identifier_kind(identifier).kind != "sgln":
        plan.wrong(row, column, "is no place; expected a GLN, a GLN/extension, or an SGLN")
        return None
    return identifier


def party_of(plan: Plan, row: Row, column: str) -> str | None:
    """The party of a cell, canonical: a GLN, or a PGLN in any spelling."""
    text = row.cells.get(column, "")
    if _is_damaged(plan, row, column, text):
        return None
    if is_digits(text):
        if not _is_gln(plan, row, column, text):
            return None
        text = f"https://id.gs1.org/417/{text}"
    identifier = canonical_identifier(text)
    if identifier_kind(identifier).kind != "pgln":
        plan.wrong(row, column, "is no party; expected its GLN, 13 digits, or a PGLN")
        return None
    return identifier


def day_of_cell(plan: Plan, row: Row, column: str) -> date | None:
    """The day of a cell: 2028-01-31 or 31.01.2028; None where it is empty or, with a finding, where it is no day."""
    text = row.cells.get(column, "")
    found = _day(text)
    if text and found is None:
        plan.wrong(row, column, "is no day; expected 2028-01-31 or 31.01.2028")
    return found


def expiry_of(plan: Plan, row: Row, column: str = "expiry") -> str | None:
    """An expiry date as labels have it: YYYY-MM-DD, or YYYY-MM-00 where only its month is told."""
    text = row.cells.get(column, "")
    if not text:
        return None
    found = _day(text)
    if found is not None:
        return found.isoformat()
    month = _MONTH.fullmatch(text)
    if month is not None:
        year, number = int(month[1] or month[4]), int(month[2] or month[3])
        if 1 <= number <= 12:  # months
            return f"{year:04d}-{number:02d}-00"
    plan.wrong(row, column, "is no expiry date; expected 2028-01-31, 31.01.2028 or, for a month, 2028-01")
    return None


def is_time_zone(name: str) -> bool:
    """Whether this is a time zone of the IANA data base; where there is none on the machine, whether it looks so."""
    return name in available_timezones() if available_timezones() else _ZONE.fullmatch(name) is not None


def _day(text: str) -> date | None:
    found = _DAY.fullmatch(text)
    if found is None:
        return None
    year, month, day = (found[1], found[2], found[3]) if found[1] else (found[6], found[5], found[4])
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _is_damaged(plan: Plan, row: Row, column: str, text: str) -> bool:
    damage = damaged_by_spreadsheet(text)
    if damage is not None:
        plan.wrong(row, column, damage)
    return damage is not None


def _is_gln(plan: Plan, row: Row, column: str, text: str) -> bool:
    if len(text) != _GLN_LENGTH:
        plan.wrong(row, column, "is no GLN; expected 13 digits" + _with_zeros(text, (_GLN_LENGTH,)))
        return False
    if not has_valid_check_digit(text):
        plan.wrong(row, column, f"has a wrong check digit; expected {text[:-1]}{check_digit(text[:-1])}")
        return False
    return True


def _with_zeros(text: str, lengths: tuple[int, ...]) -> str:
    """What the digits may have been before a spreadsheet took zeros from their front."""
    if not is_digits(text) or not has_valid_check_digit(text):
        return ""
    longer = next((length for length in lengths if length > len(text)), None)
    return f"; is it {text.zfill(longer)}, without the zeros in front?" if longer is not None else ""

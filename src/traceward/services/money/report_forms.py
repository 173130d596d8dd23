"""Reports as CSV by RFC 4180, and the columns that reports have in any form.

Pure: the same report always makes the same bytes. No cell of a CSV can start a formula in a spreadsheet.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from traceward.services.money.reports import OWNERSHIP, STOCK

Column = tuple[str, str, int]
"""(name of the field, title in print, width in print in mm; 0: in the CSV alone)."""

MONEY: Final[tuple[Column, ...]] = (("unitPrice", "Each", 17), ("amount", "Amount", 20), ("currency", "", 11))
COLUMNS: Final[dict[str, tuple[Column, ...]]] = {
    OWNERSHIP: (
        ("eventTime", "Time (UTC)", 30), ("from", "From", 0), ("to", "To", 0), ("gtin", "GTIN", 27),
        ("lot", "Lot", 20), ("serial", "Serial", 24), ("quantity", "Qty", 11), ("uom", "", 9),
        ("useType", "Use", 21), ("what", "What", 17), ("place", "Taken from", 40), *MONEY, ("payer", "Payer", 17),
        ("reason", "Reason", 0), ("usageReport", "Usage report", 0), ("item", "Item", 0), ("eventID", "Event", 0),
    ),
    STOCK: (
        ("place", "Place", 48), ("gtin", "GTIN", 27), ("lot", "Lot", 22), ("serial", "Serial", 24),
        ("expiry", "Expiry", 20), ("status", "Status", 19), ("quantity", "Qty", 11), ("uom", "", 9),
        ("flags", "Flags", 28), ("usable", "Usable", 14), *MONEY, ("owner", "Owner", 0), ("holder", "Holder", 0),
        ("expired", "Expired", 0), ("container", "Container", 0), ("item", "Item", 0),
    ),
}  # fmt: skip

_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def as_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    """Rows as CSV with a header line, CRLF and UTF-8; text that a spreadsheet would take for a formula gets a leading
    apostrophe. RFC 4180.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([guarded(cell_text(row.get(name))) for name in columns] for row in rows)
    return text.getvalue().encode()


def guarded(text: str) -> str:
    """The text of a cell, with an apostrophe before what could begin a formula; numbers stay numbers.

    >>> guarded("=1+1"), guarded("-3.50"), guarded(" @x")
    ("'=1+1", '-3.50', "' @x")
    """
    if _NUMBER.fullmatch(text):
        return text
    return f"'{text}" if text.lstrip(" \u00a0").startswith(_FORMULA) else text


def cell_text(value: Any) -> str:
    """A value as it stands in a cell: lists parted by blanks, nothing for what is not known."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def report_csv(report: Mapping[str, Any]) -> bytes:
    """The lines of a report as CSV."""
    return as_csv(report["lines"], [name for name, _, _ in COLUMNS[report["report"]]])

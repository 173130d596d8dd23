"""CSV as people's spreadsheets write it, read into rows of named cells; every doubt is told, none is guessed away.

It knows no kind of table: which columns there are, and what they mean, is the caller's.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from traceward.epcis.errors import ValidationException

MOST_ROWS: Final = 50_000
MOST_CELL: Final = 2_000

_DELIMITERS: Final = (",", ";", "\t")
_NAMED_DELIMITER: Final = re.compile(r"sep=([,;\t])")
_SHORTENED: Final = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE]\+?[0-9]+")
_TWO_READINGS: Final = re.compile(r"-?[1-9][0-9]{0,2}[.,][0-9]{3}")  # thousands, or three decimals
_NUMBERS: Final = (
    # shape, what groups thousands, the decimal point
    (re.compile(r"-?[0-9]+(?:\.[0-9]+)?"), ",", "."),
    (re.compile(r"-?[0-9]+,[0-9]+"), ".", ","),
    (re.compile(r"-?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?"), ",", "."),
    (re.compile(r"-?[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]+)?"), ".", ","),
)
_YES: Final = frozenset({"yes", "y", "true", "1", "x", "ja", "j", "wahr"})
_NO: Final = frozenset({"no", "n", "false", "0", "", "nein", "falsch"})


@dataclass(frozen=True, slots=True)
class Column:
    """One column. synonyms: other spellings of its head, in lower case. example: as a template shows it.

    in_template: whether a template has it; one that only others' files have is read all the same.
    """

    name: str
    synonyms: tuple[str, ...] = ()
    needed: bool = False
    example: str = ""
    in_template: bool = True


@dataclass(frozen=True, slots=True)
class CellFinding:
    """What is wrong or doubtful in one line. line: as a spreadsheet numbers it, the head being 1; column: None for all
    of the line.
    """

    line: int
    column: str | None
    value: str
    message: str
    severity: Literal["error", "warning"] = "error"


@dataclass(frozen=True, slots=True)
class Row:
    """One line's cells by column name, without blanks at their ends; an absent cell is empty."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """A file's rows. encoding, delimiter: as found."""

    rows: tuple[Row, ...]
    encoding: str
    delimiter: str
    findings: tuple[CellFinding, ...]


def read_table(body: bytes, columns: Sequence[Column]) -> Table:
    """The rows of a CSV file with a head line; unknown columns are passed over with a warning.

    A line such as `sep=;` before the head, as spreadsheets write it, names the delimiter.
    Raises ValidationException where nothing can be read: empty, binary, without a needed column, or too long.
    """
    text, encoding = _decoded(body)
    before, delimiter = _delimiter_of(text, columns)
    records = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False)
    findings: list[CellFinding] = []
    if encoding != "utf-8":
        message = f"read as {encoding}, since it is not UTF-8; check names with accents"
        findings.append(CellFinding(1, None, "", message, "warning"))
    names: list[str | None] | None = None
    rows: list[Row] = []
    try:
        for record in records:
            if records.line_num <= before or not any(cell.strip() for cell in record):
                continue
            if names is None:
                names = _heads(record, columns, findings)
                continue
            if len(rows) >= MOST_ROWS:
                raise ValidationException(f"more than {MOST_ROWS} rows; split the file")
            rows.append(_row(records.line_num, record, names, findings))
    except csv.Error as error:
        raise ValidationException(f"line {records.line_num} is no CSV: {error}") from error
    if not rows:
        raise ValidationException("the file has a head line and no rows; expected one row for each entry")
    return Table(tuple(rows), encoding, delimiter, tuple(findings))


def template(columns: Sequence[Column]) -> str:
    """A file with the head line and one example row."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    shown = [column for column in columns if column.in_template]
    writer.writerow([column.name for column in shown])
    writer.writerow([column.example for column in shown])
    return out.getvalue()


def yes_or_no(text: str) -> bool | None:
    """What a cell says, None where it says neither."""
    lowered = text.lower()
    return True if lowered in _YES else False if lowered in _NO else None


def number(text: str) -> Decimal | None:
    """The number of a cell, with decimal point or comma; None where it is none, or may be read in two ways.

    >>> number("1,5"), number("1.234,50"), number("1 234.5"), number("0,125")
    (Decimal('1.5'), Decimal('1234.50'), Decimal('1234.5'), Decimal('0.125'))
    >>> number("1e12"), number("1,234"), number("1.234"), number("1,2,3")
    (None, None, None, None)
    """
    plain = text.replace(" ", "").replace("\u00a0", "").replace("\u202f", "")
    if _TWO_READINGS.fullmatch(plain):
        return None
    for shape, grouping, point in _NUMBERS:
        if shape.fullmatch(plain):
            return Decimal(plain.replace(grouping, "").replace(point, "."))
    return None


def damaged_by_spreadsheet(text: str) -> str | None:
    """What a spreadsheet has done to a cell, None where nothing shows.

    >>> damaged_by_spreadsheet("9,52114E+12")
    'a spreadsheet has shortened it to a number; format the column as text and enter it again'
    """
    if _SHORTENED.fullmatch(text):
        return "a spreadsheet has shortened it to a number; format the column as text and enter it again"
    if text.startswith(("=", "#")):
        return "it is a formula or its error, not a value; paste values alone"
    return None


def _decoded(body: bytes) -> tuple[str, str]:
    marked = body.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp1252"):
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            raise ValidationException("the file is no text; expected CSV (in a spreadsheet: save as CSV UTF-8)")
        return text, "utf-8" if encoding == "utf-8-sig" else encoding
    raise ValidationException("the file's characters are neither UTF-8 nor Windows-1252; save it as CSV UTF-8")


def _delimiter_of(text: str, columns: Sequence[Column]) -> tuple[int, str]:
    """How many lines to pass over before the head, and what separates cells."""
    lines = text.splitlines()
    if lines and (named := _NAMED_DELIMITER.fullmatch(lines[0])) is not None:
        return 1, named[1]
    head = next((line for line in lines if line.strip()), None)
    if head is None:
        raise ValidationException("the file is empty; expected a line with the names of the columns, then one per row")
    return 0, max(_DELIMITERS, key=lambda one: _known_heads(head, one, columns))


def _known_heads(head: str, delimiter: str, columns: Sequence[Column]) -> int:
    known = {spelling for column in columns for spelling in (column.name.lower(), *column.synonyms)}
    return sum(_plain(cell) in known for cell in head.split(delimiter))


def _plain(head: str) -> str:
    return head.strip(' \t"*').lower()


def _heads(record: Sequence[str], columns: Sequence[Column], findings: list[CellFinding]) -> list[str | None]:
    names: list[str | None] = []
    for cell in record:
        plain = _plain(cell)
        name = next((one.name for one in columns if plain in (one.name.lower(), *one.synonyms)), None)
        if name is not None and name in names:
            raise ValidationException(f"two columns are named {name}; expected one")
        if name is None and plain:
            known = ", ".join(column.name for column in columns)
            findings.append(
                CellFinding(1, cell.strip(), "", f"is no column here and is passed over; known: {known}", "warning")
            )
        names.append(name)
    missing = [column.name for column in columns if column.needed and column.name not in names]
    if missing:
        raise ValidationException(
            f"no column is named {' nor '.join(missing)}; expected: {', '.join(c.name for c in columns)}"
        )
    return names


def _row(line: int, record: Sequence[str], names: Sequence[str | None], findings: list[CellFinding]) -> Row:
    cells: dict[str, str] = {}
    for name, cell in zip(names, record, strict=False):
        if name is not None:
            cells[name] = cell.strip()
            if any(sign < " " for sign in cell.strip()):
                findings.append(CellFinding(line, name, cell[:40], "holds a control character or a line break"))
            if len(cell) > MOST_CELL:
                findings.append(
                    CellFinding(line, name, cell[:40], f"has {len(cell)} characters; expected at most {MOST_CELL}")
                )
    if any(cell.strip() for cell in record[len(names) :]):
        message = f"has {len(record)} cells; expected {len(names)}, as the head has"
        findings.append(CellFinding(line, None, record[-1][:40], message))
    return Row(line, cells)

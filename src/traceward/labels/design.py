"""What stands on a label and where, in millimetres; knows neither SVG nor PDF."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from traceward.gs1.element_string import parse_bracketed
from traceward.gs1.parsed import ParsedElementStrings
from traceward.labels.errors import LabelError
from traceward.labels.symbol import Modules, draw_modules

Symbology = Literal["datamatrix", "gs1-128"]

# GS1 General Specifications 5.12.3.6, symbol specification table 6 (regulated healthcare items): X-dimension between
# 0.254 and 0.990 mm for DataMatrix with 0.380 as target, 0.170 to 0.495 mm for GS1-128, bars at least 12.7 mm high.
_X_MM: dict[Symbology, float] = {"datamatrix": 0.38, "gs1-128": 0.25}
_BAR_HEIGHT_MM = 12.7
_QUIET_MODULES: dict[Symbology, tuple[int, int]] = {"datamatrix": (2, 2), "gs1-128": (10, 0)}
_TEXT_MM = 2.5  # height of a line of human readable text
_LINE_MM = 3.2
_MARGIN_MM = 2.0
_CHARACTER_MM = 1.5  # width of one character of the fixed-width font at _TEXT_MM


@dataclass(frozen=True, slots=True)
class Box:
    """A dark rectangle: left, top, width, height in mm from the label's top left corner."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text; top of its baseline box in mm, height of the font in mm."""

    left: float
    baseline: float
    size: float
    text: str
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """A label ready to be drawn: its size in mm, dark boxes and lines of text, and what the symbol says."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    element_string: str


def design_label(bracketed: str, *, symbology: Symbology = "datamatrix", title: str | None = None) -> Label:
    """The label of one item, place or wristband.

    bracketed: the element strings with AIs in brackets, e.g. "(01)09521141010235(21)V23-0007"; parsed strictly.
    title: a line of text for people above the symbol, at most 60 characters.
    Raises LabelError naming what cannot stand on a label.
    """
    parsed = parse_bracketed(bracketed)
    faults = [finding for finding in parsed.findings if finding.severity == "error"]
    if faults or not parsed.elements:
        reason = "; ".join(finding.message for finding in faults) or "no element strings"
        raise LabelError(f"{bracketed!r} cannot be printed: {reason}")
    if title is not None and (len(title) > 60 or not title.isprintable()):
        raise LabelError(f"title {title!r}: expected at most 60 printable characters")
    modules = draw_modules(parsed, symbology)
    return _laid_out(parsed, modules, symbology, title)


def _laid_out(parsed: ParsedElementStrings, modules: Modules, symbology: Symbology, title: str | None) -> Label:
    x_mm = _X_MM[symbology]
    quiet_across, quiet_along = (count * x_mm for count in _QUIET_MODULES[symbology])
    symbol_width = modules.width * x_mm
    symbol_height = len(modules.rows) * x_mm if symbology == "datamatrix" else _BAR_HEIGHT_MM
    beside = symbology == "datamatrix"
    symbol_area = symbol_width + 2 * quiet_across
    hri = human_readable_lines(parsed, width_characters=30 if beside else int(symbol_area / _CHARACTER_MM))
    text_width = max(len(line) for line in hri) * _CHARACTER_MM
    title_height = _LINE_MM + 0.6 if title else 0.0
    top = _MARGIN_MM + title_height
    content = symbol_area + _MARGIN_MM + text_width if beside else max(symbol_area, text_width)
    width = 2 * _MARGIN_MM + max(content, len(title or "") * _CHARACTER_MM)
    text_height = len(hri) * _LINE_MM
    body = max(symbol_height + 2 * quiet_along, text_height) if beside else symbol_height + 1 + text_height
    text_left = _MARGIN_MM + (symbol_area + _MARGIN_MM if beside else quiet_across)
    text_top = top if beside else top + symbol_height + 1
    lines = [Line(text_left, text_top + _TEXT_MM + index * _LINE_MM, _TEXT_MM, text) for index, text in enumerate(hri)]
    if title:
        lines.insert(0, Line(_MARGIN_MM, _MARGIN_MM + _TEXT_MM, _TEXT_MM, title, bold=True))
    boxes = _boxes(modules, _MARGIN_MM + quiet_across, top + quiet_along, x_mm, symbol_height / len(modules.rows))
    height = 2 * _MARGIN_MM + title_height + body
    return Label(round(width, 2), round(height, 2), boxes, tuple(lines), parsed.to_element_string())


def human_readable_lines(parsed: ParsedElementStrings, *, width_characters: int) -> tuple[str, ...]:
    """The human readable interpretation in lines of about that width.

    AIs stand in brackets, and a line breaks only between element strings (GS1 General Specifications 4.14).
    """
    lines: list[str] = []
    for element in parsed.elements:
        text = f"({element.ai}){element.value}"
        if lines and len(lines[-1]) + 1 + len(text) <= width_characters:
            lines[-1] += " " + text
        else:
            lines.append(text)
    return tuple(lines)


def _boxes(modules: Modules, left: float, top: float, x_mm: float, row_mm: float) -> tuple[Box, ...]:
    boxes = []
    for row_number, row in enumerate(modules.rows):
        for start, length in _runs(row):
            boxes.append(Box(left + start * x_mm, top + row_number * row_mm, length * x_mm, row_mm))
    return tuple(boxes)


def _runs(row: Sequence[bool]) -> Iterable[tuple[int, int]]:
    start = None
    for at, dark in enumerate((*row, False)):
        if dark and start is None:
            start = at
        elif not dark and start is not None:
            yield start, at - start
            start = None

"""Reports as PDF on A4, with both parties' names and GLNs, page numbers and the digest.

Pure: the same report always makes the same bytes. It is slow to load, so whoever needs it loads it then.
"""

import io
from collections.abc import Mapping
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from traceward.services.money.report_forms import COLUMNS, MONEY, cell_text

_PAGE: Final = landscape(A4)
_MARGIN: Final = 14 * mm
_BODY: Final = ParagraphStyle("body", fontName="Helvetica", fontSize=7, leading=8.5, wordWrap="CJK")
_HEAD: Final = ParagraphStyle("head", parent=_BODY, fontName="Helvetica-Bold")
_TITLE: Final = ParagraphStyle("title", fontName="Helvetica-Bold", fontSize=15, leading=19)
_TEXT: Final = ParagraphStyle("text", fontName="Helvetica", fontSize=9, leading=12)


def report_pdf(report: Mapping[str, Any]) -> bytes:
    """A report as PDF, A4 across: head with parties, lines, totals, and the digest on every page."""
    pages, _ = _built(report, None)
    return _built(report, pages)[1]


def _built(report: Mapping[str, Any], pages: int | None) -> tuple[int, bytes]:
    """How many pages a report has, and its PDF, whose feet tell `pages`."""
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=_PAGE,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=18 * mm,
        title=report["report"],
        author="Traceward",
        invariant=1,
    )

    def foot(canvas: Canvas, _document: object) -> None:
        canvas.setFont("Helvetica", 7)
        canvas.drawString(_MARGIN, 9 * mm, f"Digest (SHA-256) {report['digest']}")
        canvas.drawRightString(_PAGE[0] - _MARGIN, 9 * mm, f"Page {canvas.getPageNumber()} of {pages}")

    document.build(_story(report), onFirstPage=foot, onLaterPages=foot)
    return document.page, buffer.getvalue()


def _story(report: Mapping[str, Any]) -> list[Flowable]:
    sums = ", ".join(f"{amount} {currency}" for currency, amount in report["totals"].items())
    told = f"{len(report['lines'])} lines" + (f"; total {sums}" if sums else "")
    heading = [Paragraph(escape(line), style) for line, style in _heading(report)]
    return [*heading, Spacer(0, 4 * mm), _table(report), Spacer(0, 4 * mm), Paragraph(escape(told), _TEXT)]


def _table(report: Mapping[str, Any]) -> Table:
    columns = [column for column in COLUMNS[report["report"]] if column[2]]
    if all(line["unitPrice"] is None for line in report["lines"]):
        columns = [column for column in columns if column not in MONEY]
    rows = [[Paragraph(title, _HEAD) for _, title, _ in columns]]
    rows += [
        [Paragraph(escape(_printed(report, name, line)), _BODY) for name, _, _ in columns] for line in report["lines"]
    ]
    table = Table(rows, colWidths=[width * mm for _, _, width in columns], repeatRows=1, hAlign="LEFT")
    table.setStyle(
        TableStyle([
            ("LINEBELOW", (0, 0), (-1, 0), 0.8, colors.black),
            ("LINEBELOW", (0, 1), (-1, -1), 0.25, colors.lightgrey),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 1.5),
            ("RIGHTPADDING", (0, 0), (-1, -1), 1.5),
        ])
    )  # fmt: skip
    return table


def _heading(report: Mapping[str, Any]) -> list[tuple[str, ParagraphStyle]]:
    when = f"{report['from']} to {report['to']}" if "from" in report else f"as of {report['asOf']}"
    parties = [(f"{one['name']}, GLN {one['gln']}", _TEXT) for one in report["parties"]]
    return [(report["report"], _TITLE), (when, _TEXT), *parties]


def _printed(report: Mapping[str, Any], name: str, line: Mapping[str, Any]) -> str:
    value = line[name]
    if name == "place" and value is not None:
        return str(report["places"].get(value, value))
    return cell_text(value).replace("T", " ").removesuffix(".000Z") if name == "eventTime" else cell_text(value)

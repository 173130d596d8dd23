"""Implant cards as PDF to print on A4: two columns for each device, and a line for the patient to be written by hand.

Pure: the same cards always make the same bytes. It is slow to load, so whoever needs it loads it then. It must not name
a patient: the cards' data never does.
"""

import io
from collections.abc import Mapping
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from traceward.services.tracing.implant_card import printed_rows

_MARGIN: Final = 18 * mm
_BODY: Final = ParagraphStyle("body", fontName="Helvetica", fontSize=9, leading=11, wordWrap="CJK")
_NAME: Final = ParagraphStyle("name", parent=_BODY, fontName="Helvetica-Bold")
_TITLE: Final = ParagraphStyle("title", fontName="Helvetica-Bold", fontSize=13, leading=17)
_SMALL: Final = ParagraphStyle("small", parent=_BODY, fontSize=7, leading=9)
_STYLE: Final = TableStyle([
    ("BOX", (0, 0), (-1, -1), 0.8, colors.black),
    ("LINEBELOW", (0, 0), (-1, -2), 0.25, colors.lightgrey),
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
])  # fmt: skip


def cards_pdf(found: Mapping[str, Any]) -> bytes:
    """What `implant_card.cards` gives, as PDF on A4; no card is parted by the end of a page."""
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer, pagesize=A4, leftMargin=_MARGIN, rightMargin=_MARGIN, topMargin=_MARGIN, bottomMargin=_MARGIN,
        title="Implant cards", author="Traceward", invariant=1,
    )  # fmt: skip
    story: list[Flowable] = []
    for card in found["cards"]:
        title = Paragraph(escape(card["deviceName"] or card["gtin"]), _TITLE)
        lines = [[Paragraph(escape(name), _NAME), Paragraph(escape(text), _BODY)] for name, text in printed_rows(card)]
        table = Table(lines, colWidths=[48 * mm, 126 * mm], style=_STYLE, hAlign="LEFT")
        story += [KeepTogether([title, Spacer(0, 2 * mm), table]), Spacer(0, 8 * mm)]
    document.build([*story, Paragraph(escape(found["exempt"]), _SMALL)])
    return buffer.getvalue()

"""Labels as PDF: one page of the label's own size each, for label printers."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from traceward.labels.design import Label


def draw_pdf(labels: Sequence[Label]) -> bytes:
    """One PDF document with a page for each label. Raises ValueError for none."""
    if not labels:
        raise ValueError("no labels to draw; expected at least one")
    buffer = BytesIO()
    canvas = Canvas(buffer, invariant=True)
    canvas.setTitle("Labels")
    for label in labels:
        canvas.setPageSize((label.width * mm, label.height * mm))
        for box in label.boxes:
            bottom = label.height - box.top - box.height
            canvas.rect(box.left * mm, bottom * mm, box.width * mm, box.height * mm, stroke=0, fill=1)
        for line in label.lines:
            canvas.setFont("Courier-Bold" if line.bold else "Courier", line.size * mm)
            canvas.drawString(line.left * mm, (label.height - line.baseline) * mm, line.text)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()

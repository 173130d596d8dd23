"""Labels as SVG documents in millimetres."""

from __future__ import annotations

from xml.sax.saxutils import escape

from traceward.labels.design import Label


def draw_svg(label: Label) -> str:
    """The label as one SVG document: dark modules as a single path, text in a fixed-width font."""
    path = "".join(f"M{b.left:.3f} {b.top:.3f}h{b.width:.3f}v{b.height:.3f}h-{b.width:.3f}z" for b in label.boxes)
    texts = "".join(
        f'<text x="{line.left:.2f}" y="{line.baseline:.2f}" font-size="{line.size:.2f}"'
        f"{' font-weight=' + chr(34) + 'bold' + chr(34) if line.bold else ''}>{escape(line.text)}</text>"
        for line in label.lines
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{label.width}mm" height="{label.height}mm"'
        f' viewBox="0 0 {label.width} {label.height}">'
        f'<rect width="100%" height="100%" fill="#fff"/><path fill="#000" shape-rendering="crispEdges" d="{path}"/>'
        f'<g fill="#000" font-family="DejaVu Sans Mono, Liberation Mono, monospace">{texts}</g></svg>'
    )

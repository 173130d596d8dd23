"""Labels to print for items, places and test wristbands that have none; it captures nothing."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from traceward.epcis.errors import Finding, ValidationException
from traceward.gs1.element_string import parse
from traceward.labels.design import Label, Symbology, design_label
from traceward.labels.errors import LabelError
from traceward.labels.svg import draw_svg
from traceward.services.problem_bodies import summary

_CLAUSE = "GS1 General Specifications 5: data carriers"


def drawn_labels(wanted: Sequence[Mapping[str, Any]], symbology: str, form: str) -> tuple[bytes, str]:
    """The labels as one document, and its media type.

    wanted: each with `data` (element strings, raw or in brackets, or a Digital Link) and perhaps `title`. symbology:
    "datamatrix" or "gs1-128". form: "pdf" (a page a label) or "svg" (exactly one label).
    Raises ValidationException with a finding for each label that cannot be drawn.
    """
    findings: list[Finding] = []
    labels: list[Label] = []
    for index, one in enumerate(wanted):
        try:
            bracketed = parse(one["data"]).to_bracketed() or one["data"]
            labels.append(design_label(bracketed, symbology=cast("Symbology", symbology), title=one.get("title")))
        except LabelError as error:
            findings.append(Finding(f"labels[{index}]", "label", str(error), _CLAUSE))
    if form == "svg" and len(wanted) != 1:
        message = f"{len(wanted)} labels asked for as SVG; expected one (ask for application/pdf to print several)"
        findings.append(Finding("labels", "label", message, _CLAUSE))
    if findings:
        raise ValidationException(summary(findings), findings)
    if form == "svg":
        return draw_svg(labels[0]).encode(), "image/svg+xml"
    # The PDF library takes half a second to load, and few servers print.
    from traceward.labels.pdf import draw_pdf  # noqa: PLC0415

    return draw_pdf(labels), "application/pdf"

"""A printed label says what was asked, can be read by a camera, and is refused where it would lie."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.pictures import cv2, jpeg
from traceward.gs1.check_digits import check_digit
from traceward.gs1.element_string import parse_bracketed
from traceward.labels.design import Label, design_label, human_readable_lines
from traceward.labels.errors import LabelError
from traceward.labels.pdf import draw_pdf
from traceward.labels.svg import draw_svg
from traceward.scanner.scan import scan_picture

VALVE = "(01)09521141010235(17)280131(10)L23-A(21)V23-0007"
VALVE_DATA = b"01095211410102351728013110L23-A\x1d21V23-0007"
PLACE = "(414)4012345000016(254)OR3-CAB2"


def photograph(label: Label, *, pixels_per_mm: int = 12, degrees: float = 0, sigma: float = 0) -> bytes:
    """A picture of the printed label: its boxes drawn, turned, blurred, with noise."""
    height, width = round(label.height * pixels_per_mm), round(label.width * pixels_per_mm)
    paper = np.full((height, width), 235, np.uint8)
    for box in label.boxes:
        left, top = round(box.left * pixels_per_mm), round(box.top * pixels_per_mm)
        right = round((box.left + box.width) * pixels_per_mm)
        paper[top : round((box.top + box.height) * pixels_per_mm), left:right] = 25
    scene = cv2.copyMakeBorder(paper, 120, 120, 120, 120, cv2.BORDER_CONSTANT, value=150)
    middle = (scene.shape[1] / 2, scene.shape[0] / 2)
    turned = cv2.warpAffine(
        scene, cv2.getRotationMatrix2D(middle, degrees, 1), scene.shape[::-1], borderValue=150, flags=cv2.INTER_LINEAR
    )
    blurred = cv2.GaussianBlur(turned, (0, 0), sigma) if sigma else turned
    noise = np.random.default_rng(3).normal(0, 6, blurred.shape)
    return jpeg(np.clip(blurred + noise, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("symbology", ["datamatrix", "gs1-128"])
@pytest.mark.parametrize(("degrees", "sigma"), [(0, 0), (8, 1.0), (-6, 1.1), (180, 0.8)])
def test_a_label_that_is_photographed_turned_and_blurred_reads_as_what_was_asked(symbology, degrees, sigma):
    """Rejects drawing without FNC1, without quiet zone, or with bars too low to be read when turned."""
    bracketed = VALVE if symbology == "datamatrix" else "(01)09521141010235(10)L23-A(21)V23-7"
    expected = VALVE_DATA if symbology == "datamatrix" else b"010952114101023510L23-A\x1d21V23-7"
    label = design_label(bracketed, symbology=symbology)
    found = scan_picture(photograph(label, degrees=degrees, sigma=sigma), mode="thorough", budget_ms=20_000).symbols
    assert [(s.data, s.confirmed) for s in found] == [(expected, True)]
    assert found[0].symbology_identifier == {"datamatrix": "]d2", "gs1-128": "]C1"}[symbology]


def test_a_place_label_and_a_test_wristband_carry_their_keys():
    band = "8018" + "401234500000012340"[:17] + check_digit("401234500000012340"[:17])
    for bracketed, data in ((PLACE, b"4144012345000016254OR3-CAB2"), (f"(8018){band[4:]}", band.encode())):
        (found,) = scan_picture(photograph(design_label(bracketed)), budget_ms=20_000).symbols
        assert found.data == data


@pytest.mark.parametrize(
    ("bracketed", "words"),
    [
        ("(01)09521141010236(21)A", "check"),
        ("(17)281331(01)09521141010235", "month"),
        ("no brackets at all", "cannot be printed"),
        ("", "cannot be printed"),
        ("(01)09521141010235(10)" + "A" * 21, "10"),
    ],
)
def test_a_label_that_would_lie_is_refused_with_the_reason(bracketed, words):
    """Rejects printing whatever the barcode writer accepts."""
    with pytest.raises(LabelError, match=words):
        design_label(bracketed)


def test_too_much_for_a_linear_symbol_is_refused():
    with pytest.raises(LabelError, match="at most 48"):
        design_label("(01)09521141010235(10)ABCDEFGHIJKLMNOPQRST(21)ABCDEFGHIJKLMNOPQRST", symbology="gs1-128")


def test_the_text_breaks_only_between_element_strings():
    """Rejects wrapping by width alone: a broken serial number is copied wrongly by hand."""
    lines = human_readable_lines(parse_bracketed(VALVE), width_characters=20)
    assert lines == ("(01)09521141010235", "(17)280131 (10)L23-A", "(21)V23-0007")


def test_svg_and_pdf_have_the_labels_size_and_escape_what_people_type():
    label = design_label(VALVE, title='Valve <23 mm> & "more"')
    svg = draw_svg(label)
    assert "&lt;23 mm&gt; &amp;" in svg
    assert f'width="{label.width}mm"' in svg
    assert len(re.findall(r"M[\d.]+ [\d.]+h", svg)) == len(label.boxes)
    pdf = draw_pdf([label, label])
    assert pdf.startswith(b"%PDF-")
    assert pdf.count(b"/Type /Page\n") == 2
    with pytest.raises(LabelError, match="60 printable"):
        design_label(VALVE, title="two\nlines")
    with pytest.raises(ValueError, match="at least one"):
        draw_pdf([])


CSET_82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"


@given(lot=st.text(CSET_82, min_size=1, max_size=20), serial=st.text(CSET_82, min_size=1, max_size=20))
def test_whatever_is_drawn_reads_back_and_nothing_else_is_drawn(lot, serial):
    """Rejects trusting the barcode writer: a bracket inside a lot must not become another element string."""
    bracketed = parse_bracketed(
        f"(01)09521141010235(10){lot.replace('(', chr(92) + '(')}(21){serial.replace('(', chr(92) + '(')}"
    )
    if not bracketed.is_valid:
        return
    try:
        label = design_label(bracketed.to_bracketed())
    except LabelError:  # brackets in the data, and the few texts that the writer encodes so that no reader agrees
        return
    assert label.element_string == f"010952114101023510{lot}\x1d21{serial}"

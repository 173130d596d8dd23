"""What a picture gives: symbols with identifiers and separators, confirmed or not, merged across stages."""

import numpy as np
import pytest

from scanner.pictures import SCREW, SCREW_DATA, VALVE, VALVE_DATA, beside, jpeg, noisy, png, symbol
from traceward.scanner.cascade import STAGES, Read
from traceward.scanner.picture import cv2
from traceward.scanner.plausible import parses_strictly
from traceward.scanner.scan import _Reads, scan_picture


def read(picture: bytes, **options):
    return [
        (s.symbology_identifier, s.data, s.confirmed)
        for s in scan_picture(picture, budget_ms=20_000, **options).symbols
    ]


@pytest.mark.parametrize(
    ("text", "kind", "gs1", "expected"),
    [
        (VALVE, "DataMatrix", True, ("]d2", VALVE_DATA)),
        (VALVE, "Code128", True, ("]C1", VALVE_DATA)),
        (VALVE, "QRCode", True, ("]Q3", VALVE_DATA)),
        (SCREW, "DataBarExp", True, ("]e0", SCREW_DATA)),
        (
            "https://id.gs1.org/01/09521141010235/21/V23-0007",
            "QRCode",
            False,
            ("]Q1", b"https://id.gs1.org/01/09521141010235/21/V23-0007"),
        ),
        ("9521141010235", "EAN13", False, ("]E0", b"9521141010235")),
        ("19521141010232", "ITF14", False, ("]I1", b"19521141010232")),
        ("+A123BJC5D6E71G", "Code39Std", False, ("]A1", b"+A123BJC5D6E71G")),
        ("+A123BJC5D6E71G", "DataMatrix", False, ("]d1", b"+A123BJC5D6E71G")),
        ("4012345678901", "Code128", False, ("]C0", b"4012345678901")),
    ],
)
def test_each_symbology_gives_its_identifier_and_bytes_with_separators(text, kind, gs1, expected):
    assert read(png(symbol(text, kind, gs1=gs1))) == [(*expected, True)]


def test_a_label_with_two_symbols_gives_both():
    picture = png(beside(symbol(VALVE, "DataMatrix"), symbol(SCREW, "Code128", scale=2)))
    assert sorted(read(picture)) == sorted([("]d2", VALVE_DATA, True), ("]C1", SCREW_DATA, True)])


def test_two_labels_of_one_lot_in_one_picture_are_two_symbols():
    """Rejects merging by bytes alone: a shelf with two screws of a lot would count one."""
    one = symbol(SCREW, "DataMatrix")
    assert read(png(beside(one, one, one))) == [("]d2", SCREW_DATA, True)] * 3
    assert read(png(beside(one, one, one)), mode="thorough") == [("]d2", SCREW_DATA, True)] * 3


def test_the_position_is_given_in_pixels_of_the_picture_that_came():
    """Rejects corners in the pixels of a shrunk or turned copy."""
    canvas = np.full((3000, 4000), 255, np.uint8)
    drawn = symbol(VALVE, "DataMatrix", scale=12)
    canvas[1500 : 1500 + drawn.shape[0], 2500 : 2500 + drawn.shape[1]] = drawn
    result = scan_picture(jpeg(canvas), budget_ms=20_000)
    assert (result.width_px, result.height_px) == (4000, 3000)
    (found,) = result.symbols
    assert found.confirmed
    xs, ys = [x for x, _ in found.position], [y for _, y in found.position]
    assert 2500 <= min(xs) < max(xs) <= 2500 + drawn.shape[1]
    assert 1500 <= min(ys) < max(ys) <= 1500 + drawn.shape[0]


def test_exif_orientation_turns_the_picture_upright():
    """Rejects reading the stored pixels: a position would lie outside of the picture that a person sees."""
    lying = cv2.rotate(symbol(VALVE, "Code128", scale=2), cv2.ROTATE_90_COUNTERCLOCKWISE)
    body = jpeg(lying)
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    picture = body[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + body[2:]
    result = scan_picture(picture, budget_ms=20_000)
    assert (result.height_px, result.width_px) == lying.T.shape
    assert result.symbols[0].data == VALVE_DATA


def test_noise_that_defeats_the_first_stage_is_read_and_confirmed_by_agreement():
    """Rejects both giving up after the first stage and trusting one read of altered pixels of a linear symbol."""
    picture = png(noisy(symbol(VALVE, "Code128", scale=2), 30))
    first = scan_picture(picture, budget_ms=0)
    assert (first.symbols, first.stages_tried, first.budget_exhausted) == ((), ("zxing",), True)
    assert read(picture) == [("]C1", VALVE_DATA, True)]


def _stage(name):
    return next(stage for stage in STAGES if stage.name == name)


def test_one_linear_read_from_altered_pixels_is_unconfirmed_and_a_second_stage_confirms_it():
    """Rejects confirming by parse alone, and confirming by agreement of what does not parse."""
    for plausible, expected in ((True, [True]), (False, [False])):
        reads = _Reads(lambda _i, _d, verdict=plausible: verdict)
        reads.add(_stage("zxing bars averaged"), (Read("]C1", VALVE_DATA, None),))
        assert [s.confirmed for s in reads.symbols(1.0)] == [False]
        reads.add(_stage("zxing doubled"), (Read("]C1", VALVE_DATA, None),))
        assert [s.confirmed for s in reads.symbols(1.0)] == expected


def test_a_matrix_symbol_from_altered_pixels_is_confirmed_by_its_strict_parse():
    """Rejects asking two reads of a symbology that corrects errors, and trusting one that does not parse."""
    for data, expected in ((VALVE_DATA, True), (VALVE_DATA.replace(b"0235", b"0236"), False)):
        reads = _Reads(parses_strictly)
        reads.add(_stage("zxing blurred"), (Read("]d2", data, None),))
        assert [s.confirmed for s in reads.symbols(1.0)] == [expected]


def test_a_picture_without_a_symbol_gives_an_empty_list_and_what_was_tried():
    blank = np.full((300, 400), 200, np.uint8)
    cv2.putText(blank, "no symbol here", (20, 150), cv2.FONT_HERSHEY_SIMPLEX, 1, 0, 2)
    result = scan_picture(png(blank), budget_ms=20_000)
    assert result.symbols == ()
    assert result.stages_tried == tuple(s.name for s in STAGES if not s.thorough and not s.full_size)

"""What a picture gives: symbols with identifiers and separators, confirmed or not, merged across stages."""

import numpy as np
import pytest

from scanner.pictures import SCREW, SCREW_DATA, VALVE, VALVE_DATA, beside, jpeg, noisy, png, symbol
from traceward.scanner import prepare
from traceward.scanner.cascade import STAGES, Read
from traceward.scanner.picture import cv2
from traceward.scanner.plausible import names_a_whole_item, parses_strictly
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


def _turned(pixels, degrees):
    return prepare.turned(cv2.copyMakeBorder(pixels, 60, 60, 60, 60, cv2.BORDER_CONSTANT, value=255), degrees).pixels


@pytest.mark.parametrize("degrees", [13, 27, 34, 52, 67, 101, 118, 152])
def test_a_linear_symbol_is_read_and_confirmed_at_any_angle(degrees):
    """Rejects turning by fixed angles alone: a long symbol with low bars falls between them, or is read only once."""
    assert read(png(_turned(symbol(VALVE, "Code128", scale=2)[:110], degrees))) == [("]C1", VALVE_DATA, True)]


def test_level_bars_are_not_turned():
    assert prepare.tilt_of_bars(symbol(VALVE, "Code128", scale=2)) is None
    assert prepare.tilt_of_bars(np.rot90(symbol(VALVE, "Code128", scale=2))) is None
    assert prepare.tilt_of_bars(np.full((300, 400), 200, np.uint8)) is None


def test_a_shadow_across_a_linear_symbol_is_evened_out():
    """Rejects one threshold for the whole picture: the dark end of the bars would be one black field."""
    drawn = symbol(VALVE, "Code128", scale=2)
    shaded = (drawn * np.linspace(1, 0.15, drawn.shape[1])[None]).astype(np.uint8)
    assert read(png(shaded)) == [("]C1", VALVE_DATA, True)]


def test_half_a_label_is_not_the_end_of_the_search():
    """Rejects stopping at the first confirmed read: the device identifier would come without its lot."""
    device = symbol("(01)09521141045305", "Code128", scale=3)
    lot = symbol("(17)280131(10)LOT77A", "Code128", scale=3)
    faint = (lot / 255 * 20 + 150).astype(np.uint8)
    assert sorted(read(png(beside(device, faint)))) == [
        ("]C1", b"0109521141045305", True),
        ("]C1", b"1728013110LOT77A", True),
    ]


def test_among_several_labels_the_faint_one_is_looked_for():
    """Rejects stopping once all that was read is confirmed: nobody knows how many labels a picture shows."""
    plain = [symbol(f"(01)09521141045305(21)S{number}", "DataMatrix") for number in range(3)]
    faint = (plain[2] / 255 * 12 + 170).astype(np.uint8)
    found = {data[-2:] for _, data, confirmed in read(png(beside(plain[0], plain[1], faint))) if confirmed}
    assert found == {b"S0", b"S1", b"S2"}


def test_a_whole_label_ends_the_search_at_once():
    result = scan_picture(png(symbol(VALVE, "DataMatrix")), budget_ms=20_000)
    assert result.stages_tried == ("zxing",)


def test_an_interleaved_code_of_chance_is_not_given():
    """Rejects handing on whatever reads as Interleaved 2 of 5, which checks nothing: bars of others read as one."""
    reads = _Reads(parses_strictly)
    reads.add(_stage("zxing sharpened"), (Read("]I0", b"7300", None), Read("]I1", b"19521141010232", None)))
    reads.add(_stage("zbar"), (Read("]I1", b"228812", None),))
    assert [s.data for s in reads.symbols(1.0)] == [b"19521141010232"]


@pytest.mark.parametrize(
    ("identifier", "data", "whole"),
    [
        ("]d2", VALVE_DATA, True),
        ("]C1", b"0109521141045305", False),
        ("]C1", b"1728013110LOT77A", False),
        ("]C1", b"00952114100000000012", True),
        ("]C1", b"0209521141045305" + b"3712", False),
        ("]C1", b"4149521141000013", True),
        ("]E0", b"9521141010235", True),
        ("]C0", b"REF 4711", False),
        ("]d1", b"+A123BJC5D6E71G", False),
        ("]Q1", b"https://id.gs1.org/01/09521141010235/21/V23-0007", True),
        ("]Q1", b"\xff\xfe", False),
    ],
)
def test_what_names_a_whole_item_and_what_leaves_something_to_look_for(identifier, data, whole):
    assert names_a_whole_item(identifier, data) is whole

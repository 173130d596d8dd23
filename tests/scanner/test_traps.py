"""The three ways in which the engines are dangerous, each as a regression test."""

import warnings
from importlib import reload

import pytest

from scanner.pictures import VALVE, VALVE_DATA, noisy, png, symbol
from traceward.scanner import linear
from traceward.scanner.cascade import STAGES, Read, Stage
from traceward.scanner.datamatrix import read_data_matrix
from traceward.scanner.native import libdmtx, libzbar
from traceward.scanner.scan import _Reads, scan_picture

needs_libdmtx = pytest.mark.skipif(not libdmtx().available, reason=f"libdmtx: {libdmtx().missing}")
needs_libzbar = pytest.mark.skipif(not libzbar().available, reason=f"libzbar: {libzbar().missing}")


@needs_libdmtx
def test_libdmtx_keeps_fnc1():
    """Rejects pylibdmtx.decode(): it drops every FNC1, so that the lot swallows the serial and ]d2 is unknown."""
    pixels = symbol(VALVE, "DataMatrix")
    (read,) = read_data_matrix(pixels, timeout_ms=2000)
    assert read.gs1
    assert read.data == VALVE_DATA
    naive = libdmtx().module.decode(pixels, timeout=2000, max_count=1)[0].data
    assert b"\x1d" not in naive, "pylibdmtx keeps FNC1 now: our own loop may go"


@needs_libdmtx
def test_libdmtx_tells_plain_data_matrix_from_gs1():
    """Rejects an engine wrapper that calls every DataMatrix GS1."""
    (read,) = read_data_matrix(symbol("+A123BJC5D6E71G", "DataMatrix", gs1=False), timeout_ms=2000)
    assert (read.gs1, read.data) == (False, b"+A123BJC5D6E71G")


@needs_libzbar
def test_zbar_is_never_asked_for_databar_expanded():
    """Rejects pyzbar's default list of symbologies: it reads DataBar Expanded silently wrong."""
    expanded = symbol("(01)09521141010235(10)L23-A(21)V23-0007", "DataBarExp", scale=3)
    by_default = [decoded.data for decoded in libzbar().module.decode(expanded)]
    assert by_default, "libzbar does not read this symbol at all any more: find another one"
    assert b"010952114101023510L23-A\x1d21V23-0007" not in by_default, "libzbar reads DataBar Expanded now"
    assert "DATABAR_EXP" not in linear.SYMBOLOGIES
    assert linear.read_with_zbar(expanded, lambda _i, _d: True) == ()


def _zbar_reads(data: bytes) -> tuple[Stage, tuple[Read, ...]]:
    stage = next(stage for stage in STAGES if stage.engine == "libzbar")
    return stage, (Read("]C1", data, None),)


MISREAD = b"0104080752606817171106301043453" + b"1"  # a misread GS1-128 whose GTIN check digit is right


def test_zbar_misread_with_a_valid_check_digit_stays_unconfirmed():
    """Rejects trusting data checks: libzbar misread a GS1-128 as another GTIN with a right check digit and date."""
    reads = _Reads(lambda _identifier, _data: True)
    reads.add(*_zbar_reads(MISREAD))
    reads.add(*_zbar_reads(MISREAD))
    assert [s.confirmed for s in reads.symbols(1.0)] == [False]


def test_zbar_read_is_confirmed_when_another_engine_gives_the_same_bytes():
    """Rejects a rule that never confirms what libzbar saw first."""
    reads = _Reads(lambda _identifier, _data: True)
    reads.add(*_zbar_reads(MISREAD))
    reads.add(next(s for s in STAGES if s.name == "zxing doubled"), (Read("]C1", MISREAD, None),))
    assert [(s.confirmed, s.engine) for s in reads.symbols(1.0)] == [(True, "zxing-cpp")]


def test_zbar_disagreement_leaves_two_unconfirmed_reads():
    """Rejects merging by position alone: two different texts of one bar code are no agreement."""
    reads = _Reads(lambda _identifier, _data: True)
    reads.add(*_zbar_reads(MISREAD))
    reads.add(next(s for s in STAGES if s.name == "zxing doubled"), (Read("]C1", VALVE_DATA, None),))
    assert [s.confirmed for s in reads.symbols(1.0)] == [False, False]


@needs_libzbar
def test_zbar_gets_only_the_raw_picture():
    """Rejects feeding libzbar blurred or enlarged pixels, where 22 of its 23 wrong reads came from."""
    assert [s.altered for s in STAGES if s.engine == "libzbar"] == [False]
    result = scan_picture(png(noisy(symbol(VALVE, "Code128", scale=3), 5)), mode="thorough", budget_ms=20_000)
    assert [(s.symbology_identifier, s.data) for s in result.symbols if s.confirmed] == [("]C1", VALVE_DATA)]


def test_pylibdmtx_still_imports_distutils():
    """Tells when the filter for its DeprecationWarning can go."""
    import pylibdmtx.wrapper

    if not libdmtx().available:
        pytest.skip(f"libdmtx: {libdmtx().missing}")
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        reload(pylibdmtx.wrapper)
    assert any("distutils" in str(warning.message) for warning in seen)

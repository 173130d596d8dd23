"""The stages of a scan in the order of their yield per millisecond; what a read means is not decided here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import zxingcpp
from numpy.typing import NDArray

from traceward.scanner import prepare, zxing
from traceward.scanner.datamatrix import read_data_matrix
from traceward.scanner.linear import read_with_zbar
from traceward.scanner.prepare import Prepared
from traceward.scanner.symbol import Corners

Gray = NDArray[np.uint8]
Plausible = Callable[[str, bytes], bool]

# Phone pictures are read at this size first: 45 instead of 114 ms for 12 megapixels.
WORKING_SIZE_PX = 1600
# libdmtx always uses its whole time on a picture that it cannot read, and more time buys nothing.
_LIBDMTX_TIMEOUT_MS = 150


@dataclass(frozen=True, slots=True)
class Read:
    """What one stage read, with its corners in the working picture."""

    symbology_identifier: str
    data: bytes
    corners: Corners | None


class Picture:
    """One picture at its two sizes, each made when first asked for.

    full: as it came, upright. working: at most WORKING_SIZE_PX long; the same object where the picture is not larger.
    """

    def __init__(self, load_full: Callable[[], Gray], load_working: Callable[[], Gray]) -> None:
        self._load_full = load_full
        self._load_working = load_working

    @cached_property
    def full(self) -> Gray:
        """The picture at the size it came in."""
        return self._load_full()

    @cached_property
    def working(self) -> Gray:
        """The picture at working size."""
        return self._load_working()

    @cached_property
    def levelled(self) -> Prepared | None:
        """The working picture with its bars upright; None where they already are, or where there are none."""
        tilt = prepare.tilt_of_bars(self.working)
        return None if tilt is None else prepare.turned(self.working, tilt)


@dataclass(frozen=True, slots=True)
class Stage:
    """One attempt: an engine on pixels.

    altered: the pixels are not those that came. thorough: only in that mode. costly: in the default mode only while
    nothing is confirmed; what else a label bears is looked for by the other stages.
    """

    name: str
    engine: str
    read: Callable[[Picture, Plausible], Iterable[Read]]
    altered: bool
    full_size: bool = False
    thorough: bool = False
    costly: bool = False


def _zxing(
    make: Callable[[Gray], Prepared],
    formats: zxingcpp.BarcodeFormats,
    *,
    rotate: bool = True,
    invert: bool = True,
    full: bool = False,
) -> Callable[[Picture, Plausible], Iterable[Read]]:
    def read(picture: Picture, _plausible: Plausible) -> Iterable[Read]:
        prepared = make(picture.full if full else picture.working)
        for found in zxing.read_with_zxing(prepared.pixels, formats, rotate=rotate, invert=invert):
            corners = _mapped(found.corners, prepared)
            yield Read(found.symbology_identifier, found.data, _in_working(corners, picture) if full else corners)

    return read


def _levelled(make: Callable[[Gray], Prepared]) -> Callable[[Picture, Plausible], Iterable[Read]]:
    def read(picture: Picture, _plausible: Plausible) -> Iterable[Read]:
        level = picture.levelled
        if level is None:
            return
        for found in zxing.read_with_zxing(make(level.pixels).pixels, zxing.LINEAR, rotate=False, invert=False):
            yield Read(found.symbology_identifier, found.data, _mapped(found.corners, level))

    return read


def _libdmtx(make: Callable[[Gray], Prepared]) -> Callable[[Picture, Plausible], Iterable[Read]]:
    def read(picture: Picture, _plausible: Plausible) -> Iterable[Read]:
        prepared = make(picture.working)
        for found in read_data_matrix(prepared.pixels, timeout_ms=_LIBDMTX_TIMEOUT_MS):
            yield Read("]d2" if found.gs1 else "]d1", found.data, None)

    return read


def _zbar(picture: Picture, plausible: Plausible) -> Iterable[Read]:
    for found in read_with_zbar(picture.full, plausible):
        four = found.corners
        corners = _in_working((four[0], four[1], four[2], four[3]), picture) if len(four) == 4 else None
        yield Read(found.symbology_identifier, found.data, corners)


def _turned_by(degrees: float) -> Callable[[Gray], Prepared]:
    return lambda image: prepare.turned(image, degrees)


STAGES: tuple[Stage, ...] = (
    Stage("zxing", "zxing-cpp", _zxing(prepare.unchanged, zxing.ALL), altered=False),
    Stage(
        "zxing full size", "zxing-cpp", _zxing(prepare.unchanged, zxing.ALL, full=True), altered=False, full_size=True
    ),
    Stage(
        "zxing bars averaged",
        "zxing-cpp",
        _zxing(lambda image: prepare.vertical_box(image, 9), zxing.LINEAR, rotate=False, invert=False),
        altered=True,
    ),
    Stage(
        "zxing blurred",
        "zxing-cpp",
        _zxing(lambda image: prepare.gaussian(image, 1.5), zxing.DATA_MATRIX, invert=False),
        altered=True,
    ),
    Stage("zxing dark dots joined", "zxing-cpp", _zxing(prepare.joined_dark_dots, zxing.DATA_MATRIX), altered=True),
    Stage("zxing light dots joined", "zxing-cpp", _zxing(prepare.joined_light_dots, zxing.DATA_MATRIX), altered=True),
    Stage("zxing inverted", "zxing-cpp", _zxing(prepare.inverted, zxing.LINEAR, invert=False), altered=True),
    Stage("zxing sharpened", "zxing-cpp", _zxing(prepare.normalised_unsharp, zxing.ALL), altered=True),
    Stage("zxing levelled", "zxing-cpp", _levelled(prepare.unchanged), altered=True),
    Stage(
        "zxing levelled, bars averaged",
        "zxing-cpp",
        _levelled(lambda image: prepare.vertical_box(image, 5)),
        altered=True,
    ),
    Stage("zxing evened", "zxing-cpp", _zxing(prepare.evened, zxing.ALL, invert=False), altered=True),
    Stage("zxing doubled", "zxing-cpp", _zxing(prepare.doubled, zxing.ALL, invert=False), altered=True, costly=True),
    Stage(
        "zxing doubled, sharpened",
        "zxing-cpp",
        _zxing(prepare.doubled_unsharp, zxing.ALL, invert=False),
        altered=True,
        costly=True,
    ),
    Stage(
        "zxing doubled, sharpened, inverted",
        "zxing-cpp",
        _zxing(lambda image: prepare.doubled_unsharp(prepare.inverted(image).pixels), zxing.DATA_MATRIX, invert=False),
        altered=True,
        thorough=True,
    ),
    Stage(
        "zxing doubled, bars averaged",
        "zxing-cpp",
        _zxing(prepare.doubled_vertical_box, zxing.LINEAR, rotate=False, invert=False),
        altered=True,
        thorough=True,
    ),
    Stage(
        "zxing turned 45", "zxing-cpp", _zxing(_turned_by(45), zxing.LINEAR, invert=False), altered=True, thorough=True
    ),
    Stage(
        "zxing turned 30", "zxing-cpp", _zxing(_turned_by(30), zxing.LINEAR, invert=False), altered=True, thorough=True
    ),
    Stage(
        "zxing turned -30",
        "zxing-cpp",
        _zxing(_turned_by(-30), zxing.LINEAR, invert=False),
        altered=True,
        thorough=True,
    ),
    Stage("zbar", "libzbar", _zbar, altered=False, thorough=True),
    Stage("libdmtx halved", "libdmtx", _libdmtx(prepare.halved), altered=True, thorough=True),
    Stage("libdmtx dots joined", "libdmtx", _libdmtx(prepare.eroded_halved), altered=True, thorough=True),
    Stage("libdmtx", "libdmtx", _libdmtx(prepare.unchanged), altered=False, thorough=True),
)
_SECOND_OPINION = frozenset(
    {"zbar", "zxing doubled, bars averaged", "zxing turned 45", "zxing turned 30", "zxing turned -30"}
)


def is_due(stage: Stage, mode: str, *, large: bool, waiting: bool, confirmed: bool) -> bool:
    """Whether a scan comes to this stage.

    large: the picture is larger than its working size. waiting: some read is not confirmed yet. confirmed: some is.
    The default mode leaves out the slow stages, but asks those that read linear symbols for a second opinion while a
    read waits for one.
    """
    if stage.full_size and not large:
        return False
    if mode == "thorough":
        return True
    if stage.thorough:
        return waiting and stage.name in _SECOND_OPINION
    return not stage.costly or waiting or not confirmed


def _mapped(corners: Corners, prepared: Prepared) -> Corners:
    points = np.asarray(corners, np.float64) @ prepared.back[:, :2].T + prepared.back[:, 2]
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = points.round(1).tolist()
    return (ax, ay), (bx, by), (cx, cy), (dx, dy)


def _in_working(corners: Corners, picture: Picture) -> Corners:
    factor = picture.working.shape[1] / picture.full.shape[1]
    a, b, c, d = ((x * factor, y * factor) for x, y in corners)
    return a, b, c, d

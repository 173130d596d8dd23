"""Reads the symbols of one picture; gives values, parses only to judge whether a read may be trusted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import hypot
from typing import Literal

from traceward.scanner import prepare
from traceward.scanner.cascade import STAGES, WORKING_SIZE_PX, Picture, Read, Stage, is_due
from traceward.scanner.header import PictureHeader, read_header
from traceward.scanner.picture import decode_gray
from traceward.scanner.plausible import names_a_whole_item, parses_strictly
from traceward.scanner.symbol import Corners, ScanResult, Symbol

Mode = Literal["default", "thorough"]
BUDGET_MS: dict[Mode, int] = {"default": 300, "thorough": 2000}

_LINEAR_IDENTIFIERS = frozenset("ACEFGIe")  # second character of the symbology identifier


def scan_picture(
    data: bytes,
    *,
    mode: Mode = "default",
    budget_ms: int | None = None,
    is_plausible: Callable[[str, bytes], bool] = parses_strictly,
) -> ScanResult:
    """Read all symbols of a PNG, JPEG or WebP picture.

    mode: "default" stops at the first stage after which one confirmed read names a whole item, and goes through all of
    its stages where there are several symbols, half a label or none; "thorough" runs every stage of every engine.
    budget_ms: wall time; the deadline is looked at between stages (default 300 ms, thorough 2000 ms).
    is_plausible(symbology identifier, bytes): whether a read from altered pixels parses strictly.
    A picture without a symbol gives an empty tuple and the stages that were tried.
    Raises NotAPicture, PictureTooLarge.
    """
    started, cpu_started = time.perf_counter(), time.process_time()
    deadline = started + (BUDGET_MS[mode] if budget_ms is None else budget_ms) / 1000
    header = read_header(data)
    large = max(header.width_px, header.height_px) > WORKING_SIZE_PX
    picture = _picture(data, header)
    found = _Reads(is_plausible)
    tried: list[str] = []
    exhausted = False
    for stage in STAGES:
        if not is_due(stage, mode, large=large, waiting=found.are_waiting, confirmed=found.hold_a_confirmed_one):
            continue
        if tried and time.perf_counter() >= deadline:
            exhausted = True
            break
        tried.append(stage.name)
        effective = (
            replace(stage, altered=True) if large and not stage.full_size and stage.engine != "libzbar" else stage
        )
        found.add(effective, tuple(stage.read(picture, is_plausible)))
        if mode == "default" and found.name_one_whole_item:
            break
    height_px, width_px = picture.working.shape
    factor = max(header.width_px, header.height_px) / max(height_px, width_px)
    return ScanResult(
        symbols=found.symbols(factor),
        stages_tried=tuple(tried),
        width_px=round(width_px * factor),
        height_px=round(height_px * factor),
        elapsed_ms=(time.perf_counter() - started) * 1000,
        cpu_ms=(time.process_time() - cpu_started) * 1000,
        budget_exhausted=exhausted,
    )


def _picture(data: bytes, header: PictureHeader) -> Picture:
    longest = max(header.width_px, header.height_px)
    if longest <= WORKING_SIZE_PX:
        image = decode_gray(data)
        return Picture(lambda: image, lambda: image)
    half = longest >= 2 * WORKING_SIZE_PX
    working = prepare.shrunk(decode_gray(data, half=half), WORKING_SIZE_PX).pixels
    return Picture(lambda: decode_gray(data), lambda: working)


@dataclass(slots=True)
class _Found:
    """One physical symbol and the stages that gave the same bytes for it."""

    read: Read
    engine: str
    stage: str
    confirmed: bool
    agreeing: int


class _Reads:
    """The reads of all stages so far, merged into physical symbols.

    Two reads are one symbol when their bytes agree and neither stage saw them apart: a shelf may hold two labels of
    one lot, so equal bytes at two places of one stage stay two symbols.
    """

    def __init__(self, is_plausible: Callable[[str, bytes], bool]) -> None:
        self._is_plausible = is_plausible
        self._found: list[_Found] = []

    @property
    def are_waiting(self) -> bool:
        """Whether a read waits for a second one that confirms it."""
        return any(not found.confirmed for found in self._found)

    @property
    def hold_a_confirmed_one(self) -> bool:
        """Whether a read is confirmed."""
        return any(found.confirmed for found in self._found)

    @property
    def name_one_whole_item(self) -> bool:
        """Whether no more is to be looked for: one symbol, confirmed, that needs no other beside it.

        Of several symbols nobody knows how many there are, and a device identifier alone has its lot somewhere else.
        """
        return (
            len(self._found) == 1
            and self._found[0].confirmed
            and names_a_whole_item(self._found[0].read.symbology_identifier, self._found[0].read.data)
        )

    def add(self, stage: Stage, reads: tuple[Read, ...]) -> None:
        """Merge what one stage read."""
        fresh: list[_Found] = []
        for read in reads:
            if (stage.altered or stage.engine == "libzbar") and self._is_chance(read):
                continue
            known = next((f for f in self._found if _same_symbol(f.read, read)), None)
            if known is None:
                fresh.append(_Found(read, stage.engine, stage.name, self._confirms(stage, read, agreeing=1), 1))
                continue
            known.agreeing += 1
            known.confirmed = known.confirmed or self._agreement_confirms(known, stage, read)
            if known.engine == "libzbar" and stage.engine != "libzbar":
                known.engine, known.stage = stage.engine, stage.name
                known.read = replace(read, corners=read.corners or known.read.corners)
        self._found += fresh

    def _is_chance(self, read: Read) -> bool:
        # Interleaved 2 of 5 checks nothing: a few bars of any other symbol, or of altered pixels, read as one.
        return read.symbology_identifier[1:2] == "I" and not self._is_plausible(read.symbology_identifier, read.data)

    def _confirms(self, stage: Stage, read: Read, *, agreeing: int) -> bool:
        if stage.engine == "libzbar":
            return False
        if not stage.altered:
            return True
        linear = read.symbology_identifier[1:2] in _LINEAR_IDENTIFIERS
        return (not linear or agreeing > 1) and self._is_plausible(read.symbology_identifier, read.data)

    def _agreement_confirms(self, known: _Found, stage: Stage, read: Read) -> bool:
        if known.engine == stage.engine == "libzbar":
            return False
        trusted = replace(stage, engine=known.engine) if stage.engine == "libzbar" else stage
        altered = replace(trusted, altered=True) if stage.engine == "libzbar" else trusted
        return self._confirms(altered, read, agreeing=known.agreeing)

    def symbols(self, factor: float) -> tuple[Symbol, ...]:
        """The symbols, confirmed ones first; factor leads from the working picture to the one that came."""
        ordered = sorted(self._found, key=lambda found: not found.confirmed)
        return tuple(
            Symbol(
                found.read.symbology_identifier,
                found.read.data,
                found.engine,
                found.stage,
                found.confirmed,
                _scaled(found.read.corners, factor),
            )
            for found in ordered
        )


def _same_symbol(known: Read, read: Read) -> bool:
    if known.data != read.data or not _same_kind(known.symbology_identifier, read.symbology_identifier):
        return False
    if known.corners is None or read.corners is None:
        return True
    (ax, ay), (bx, by) = _middle(known.corners), _middle(read.corners)
    return hypot(ax - bx, ay - by) <= _diagonal(known.corners) / 2


def _same_kind(one: str, other: str) -> bool:
    # libzbar cannot tell ]Q1 from ]Q3, nor ]C0 from ]C1: the same carrier is enough.
    return one[:2] == other[:2]


def _middle(corners: Corners) -> tuple[float, float]:
    return sum(x for x, _ in corners) / 4, sum(y for _, y in corners) / 4


def _diagonal(corners: Corners) -> float:
    return max(hypot(a[0] - b[0], a[1] - b[1]) for a in corners for b in corners)


def _scaled(corners: Corners | None, factor: float) -> Corners | None:
    if corners is None or factor == 1:
        return corners
    (a, b, c, d) = (((x * factor), (y * factor)) for x, y in corners)
    return a, b, c, d

"""A second opinion on linear symbols through libzbar; its reads are never confirmed by themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from traceward.scanner.native import libzbar

Gray = NDArray[np.uint8]

# DataBar Expanded stays out: libzbar 0.23.92 reads it silently wrong (55 of 60 clean symbols).
# test_zbar_is_never_asked_for_databar_expanded guards this list.
SYMBOLOGIES = ("CODE128", "CODE39", "EAN13", "EAN8", "I25", "DATABAR", "QRCODE")

# libzbar does not report the symbology identifier; Code 128 and GS1-128 look the same and are told apart by the parse.
_IDENTIFIERS = {
    "CODE39": "]A1",
    "EAN13": "]E0",
    "EAN8": "]E4",
    "I25": "]I1",
    "DATABAR": "]e0",
    "QRCODE": "]Q1",
}


@dataclass(frozen=True, slots=True)
class LinearRead:
    """Bytes of one symbol with the identifier that fits best."""

    symbology_identifier: str
    data: bytes
    corners: tuple[tuple[float, float], ...]


def read_with_zbar(image: Gray, is_gs1: Callable[[str, bytes], bool]) -> tuple[LinearRead, ...]:
    """Read linear symbols and QR codes of the picture as it came, never of an altered one.

    image: (height, width) uint8. is_gs1(identifier, data) judges whether Code 128 data parses as GS1-128.
    Gives nothing when libzbar is missing.
    """
    module = libzbar().module
    if module is None:
        return ()
    symbols = [module.ZBarSymbol[name] for name in SYMBOLOGIES]
    return tuple(_read(decoded, is_gs1) for decoded in module.decode(np.ascontiguousarray(image), symbols=symbols))


def _read(decoded: Any, is_gs1: Callable[[str, bytes], bool]) -> LinearRead:
    data = bytes(decoded.data)
    identifier = _IDENTIFIERS.get(decoded.type)
    if identifier is None:
        identifier = "]C1" if is_gs1("]C1", data) else "]C0"
    corners = tuple((float(point.x), float(point.y)) for point in decoded.polygon)
    return LinearRead(identifier, data, corners)

"""Symbols through zxing-cpp, the leading engine; asks for bytes, never for its readable text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import zxingcpp
from numpy.typing import NDArray

from traceward.scanner.symbol import Corners

Gray = NDArray[np.uint8]

_FORMAT = zxingcpp.BarcodeFormat
# Code39Std, since zxing-cpp's default is Code 39 Extended, which turns HIBC's +A123 into a123.
MATRIX = zxingcpp.BarcodeFormats([_FORMAT.DataMatrix, _FORMAT.QRCode])
DATA_MATRIX = zxingcpp.BarcodeFormats([_FORMAT.DataMatrix])
LINEAR = zxingcpp.BarcodeFormats(
    [_FORMAT.Code128, _FORMAT.Code39Std, _FORMAT.EAN13, _FORMAT.EAN8, _FORMAT.UPCA, _FORMAT.UPCE, _FORMAT.ITF,
     _FORMAT.DataBar, _FORMAT.DataBarLtd, _FORMAT.DataBarExp],
)  # fmt: skip
ALL = zxingcpp.BarcodeFormats(
    [_FORMAT.DataMatrix, _FORMAT.QRCode, _FORMAT.Code128, _FORMAT.Code39Std, _FORMAT.EAN13, _FORMAT.EAN8,
     _FORMAT.UPCA, _FORMAT.UPCE, _FORMAT.ITF, _FORMAT.DataBar, _FORMAT.DataBarLtd, _FORMAT.DataBarExp],
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ZxingRead:
    """One symbol as zxing-cpp reports it, with its corners in pixels of the picture that was given."""

    symbology_identifier: str
    data: bytes
    corners: Corners


def read_with_zxing(
    image: Gray,
    formats: zxingcpp.BarcodeFormats,
    *,
    rotate: bool = True,
    invert: bool = True,
    downscale: bool = True,
) -> tuple[ZxingRead, ...]:
    """Read all symbols of the formats; image: (height, width) uint8, 0 black."""
    barcodes = zxingcpp.read_barcodes(
        np.ascontiguousarray(image),
        formats=formats,
        try_rotate=rotate,
        try_invert=invert,
        try_downscale=downscale,
        text_mode=zxingcpp.TextMode.Plain,
    )
    return tuple(_read(barcode) for barcode in barcodes if barcode.valid)


def _read(barcode: zxingcpp.Barcode) -> ZxingRead:
    at = barcode.position
    corners = (
        (float(at.top_left.x), float(at.top_left.y)),
        (float(at.top_right.x), float(at.top_right.y)),
        (float(at.bottom_right.x), float(at.bottom_right.y)),
        (float(at.bottom_left.x), float(at.bottom_left.y)),
    )
    return ZxingRead(barcode.symbology_identifier, bytes(barcode.bytes), corners)

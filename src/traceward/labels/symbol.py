"""The modules of a GS1 symbol, written by zxing-cpp and read back before they are given out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import zxingcpp

from traceward.gs1.parsed import ParsedElementStrings
from traceward.labels.errors import LabelError

_FORMATS = {"datamatrix": zxingcpp.BarcodeFormat.DataMatrix, "gs1-128": zxingcpp.BarcodeFormat.Code128}
_IDENTIFIERS = {"datamatrix": "]d2", "gs1-128": "]C1"}
_MAX_CHARACTERS = {"datamatrix": 200, "gs1-128": 48}


@dataclass(frozen=True, slots=True)
class Modules:
    """Rows of modules without quiet zone, True where dark; a linear symbol has one row."""

    width: int
    rows: tuple[tuple[bool, ...], ...]


def draw_modules(parsed: ParsedElementStrings, symbology: str) -> Modules:
    """The symbol's modules.

    symbology: "datamatrix" or "gs1-128" (at most 48 data characters, GS1 General Specifications 5.4.4.2).
    Raises LabelError when the data does not fit, or when the drawn symbol does not read back as the same data: a wrong
    label is worse than none.
    """
    if symbology not in _FORMATS:
        raise LabelError(f"symbology {symbology!r}; expected one of {', '.join(_FORMATS)}")
    data = parsed.to_element_string()
    if len(data) > _MAX_CHARACTERS[symbology]:
        limit = _MAX_CHARACTERS[symbology]
        raise LabelError(f"{len(data)} characters do not fit in one {symbology} symbol; it holds at most {limit}")
    content = "".join(f"({element.ai}){element.value}" for element in parsed.elements)
    try:
        barcode = zxingcpp.create_barcode(content, _FORMATS[symbology], gs1=True)
    except ValueError as error:
        raise LabelError(f"{content!r} cannot be drawn as {symbology}: {error}") from error
    _check_by_reading(barcode, data, symbology)
    # zxing-cpp's images have the buffer protocol, which their type stubs do not tell.
    pixels = memoryview(cast("bytes", barcode.to_image(scale=1, add_quiet_zones=False)))
    height, width = pixels.shape or (0, 0)
    values = pixels.tobytes()
    count = 1 if symbology == "gs1-128" else height
    rows = tuple(tuple(value < 128 for value in values[row * width : (row + 1) * width]) for row in range(count))
    return Modules(width, rows)


def _check_by_reading(barcode: zxingcpp.Barcode, data: str, symbology: str) -> None:
    image = barcode.to_image(scale=4)
    formats = zxingcpp.BarcodeFormats([_FORMATS[symbology]])
    reads = zxingcpp.read_barcodes(image, formats=formats, text_mode=zxingcpp.TextMode.Plain)
    found = [(read.symbology_identifier, bytes(read.bytes)) for read in reads]
    if found != [(_IDENTIFIERS[symbology], data.encode("ascii"))]:
        raise LabelError(f"the {symbology} drawn for {data!r} reads back as {found!r}")

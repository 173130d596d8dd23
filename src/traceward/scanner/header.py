"""The format and size of a picture from its first bytes, before anything is decoded; imports no decoder."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from traceward.scanner.errors import NotAPicture, PictureTooLarge

MAX_PIXELS = 40_000_000
_ACCEPTED = "PNG, JPEG or WebP"
_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"heis", b"avif"})
_OTHER_MAGICS = (
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"%PDF", "PDF"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"<svg", "SVG"),
    (b"PK\x03\x04", "ZIP"),
)


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """Format and size as the header says, before orientation."""

    format: str
    width_px: int
    height_px: int


def read_header(data: bytes) -> PictureHeader:
    """Format and size of a picture from its first bytes.

    Raises NotAPicture for anything but PNG, JPEG and WebP, PictureTooLarge above 40 megapixels.
    """
    if not data:
        raise NotAPicture(f"the picture is empty; expected {_ACCEPTED}")
    try:
        header = _header(data)
    except (struct.error, IndexError):
        header = None
    if header is None:
        raise NotAPicture(f"the bytes are {_other_name(data)}; expected {_ACCEPTED}")
    pixels = header.width_px * header.height_px
    if pixels == 0:
        raise NotAPicture(f"the {header.format} header says {header.width_px} x {header.height_px} pixels")
    if pixels > MAX_PIXELS:
        raise PictureTooLarge(
            f"the picture has {header.width_px} x {header.height_px} = {pixels} pixels; at most {MAX_PIXELS} are read",
        )
    return header


def _header(data: bytes) -> PictureHeader | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
        return PictureHeader("PNG", *struct.unpack(">II", data[16:24]))
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg_header(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp_header(data)
    return None


def _jpeg_header(data: bytes) -> PictureHeader | None:
    at = 2
    while at + 9 < len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker in _JPEG_FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return PictureHeader("JPEG", width, height)
        elif 0xD0 <= marker <= 0xD8 or marker == 0x01:  # markers without a segment
            at += 2
        else:
            at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    return None


def _webp_header(data: bytes) -> PictureHeader | None:
    chunk = data[12:16]
    if chunk == b"VP8X":
        width = 1 + int.from_bytes(data[24:27], "little")
        height = 1 + int.from_bytes(data[27:30], "little")
        return PictureHeader("WebP", width, height)
    if chunk == b"VP8L" and data[20] == 0x2F:
        bits = struct.unpack("<I", data[21:25])[0]
        return PictureHeader("WebP", 1 + (bits & 0x3FFF), 1 + ((bits >> 14) & 0x3FFF))
    if chunk == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", data[26:30])
        return PictureHeader("WebP", width & 0x3FFF, height & 0x3FFF)
    return None


def _other_name(data: bytes) -> str:
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        return "HEIC or AVIF, which is not read: set the phone's camera to JPEG (most compatible)"
    for magic, name in _OTHER_MAGICS:
        if data.startswith(magic):
            return f"a {name} file"
    return f"no picture that is known (they begin with {data[:8].hex(' ')})"

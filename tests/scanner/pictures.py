"""Draws the pictures of the scanner's tests: symbols by zxing-cpp's writer, then degraded with OpenCV."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import zxingcpp

from traceward.scanner.picture import cv2

VALVE = "(01)09521141010235(17)280131(10)L23-A(21)V23-0007"
VALVE_DATA = b"01095211410102351728013110L23-A\x1d21V23-0007"
SCREW = "(01)09521141045305(10)LOT77A"
SCREW_DATA = b"010952114104530510LOT77A"


def symbol(text: str, kind: str, *, gs1: bool = True, scale: int = 4) -> np.ndarray:
    """Grey pixels of one symbol with its quiet zone."""
    barcode = zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, kind), gs1=gs1)
    pixels = np.array(barcode.to_image(scale=scale))
    return cv2.copyMakeBorder(pixels, 24, 24, 24, 24, cv2.BORDER_CONSTANT, value=255)


def png(pixels: np.ndarray) -> bytes:
    """The pixels as a PNG file."""
    return cv2.imencode(".png", pixels)[1].tobytes()


def jpeg(pixels: np.ndarray, quality: int = 90) -> bytes:
    """The pixels as a JPEG file."""
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def beside(*images: np.ndarray) -> np.ndarray:
    """Symbols in one row on white."""
    height = max(image.shape[0] for image in images)
    padded = [cv2.copyMakeBorder(i, 0, height - i.shape[0], 0, 30, cv2.BORDER_CONSTANT, value=255) for i in images]
    return np.hstack(padded)


def noisy(pixels: np.ndarray, sigma: float, seed: int = 7) -> np.ndarray:
    """The pixels with Gaussian noise at contrast 60..200."""
    noise = np.random.default_rng(seed).normal(0, sigma, pixels.shape)
    return np.clip(pixels * (140 / 255) + 60 + noise, 0, 255).astype(np.uint8)


def png_bomb(width: int, height: int, rows: int = 0) -> bytes:
    """A small PNG whose header announces width x height pixels; `rows` of them are really there, compressed."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(b"\0" * (width + 1) * rows, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")

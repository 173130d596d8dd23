"""Films for Chromium's fake camera: a medical label with its symbols, drawn, then degraded as a phone sees it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import zxingcpp

WIDTH_PX, HEIGHT_PX = 1280, 720
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def symbol(bracketed: str, kind: str = "DataMatrix", *, gs1: bool = True, scale: int = 5) -> np.ndarray:
    """Grey pixels of one symbol with its quiet zone."""
    barcode = zxingcpp.create_barcode(bracketed, getattr(zxingcpp.BarcodeFormat, kind), gs1=gs1)
    pixels = np.asarray(barcode.to_image(scale=scale))
    return cv2.copyMakeBorder(pixels, 20, 20, 20, 20, cv2.BORDER_CONSTANT, value=255)


def label(symbols: Sequence[np.ndarray], lines: Sequence[str] = (), *, tilt_degrees: float = 5) -> np.ndarray:
    """One camera frame (720, 1280, 3): a white label with symbols and print on a grey table, tilted, soft and noisy."""
    frame = np.full((HEIGHT_PX, WIDTH_PX), 120, np.uint8)
    width = sum(image.shape[1] for image in symbols) + 40 * (len(symbols) + 1)
    text_width = 330 if lines else 0
    height = max([image.shape[0] for image in symbols] + [34 * len(lines) + 30]) + 40
    left, top = (WIDTH_PX - width - text_width) // 2, (HEIGHT_PX - height) // 2
    frame[top : top + height, left : left + width + text_width] = 250
    at = left + 40
    for image in symbols:
        frame[top + 20 : top + 20 + image.shape[0], at : at + image.shape[1]] = image
        at += image.shape[1] + 40
    for index, line in enumerate(lines):
        cv2.putText(frame, line, (at - 10, top + 60 + 34 * index), _FONT, 0.7, 20, 2, cv2.LINE_AA)
    turn = cv2.getRotationMatrix2D((WIDTH_PX / 2, HEIGHT_PX / 2), tilt_degrees, 1)
    frame = cv2.warpAffine(frame, turn, (WIDTH_PX, HEIGHT_PX), borderValue=120)
    frame = cv2.GaussianBlur(frame, (3, 3), 0.8)
    noise = np.random.default_rng(7).normal(0, 4, frame.shape)
    return cv2.cvtColor(np.clip(frame + noise, 0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)


def empty() -> np.ndarray:
    """One frame of a table with nothing on it but noise."""
    noise = np.random.default_rng(3).normal(120, 12, (HEIGHT_PX, WIDTH_PX, 3))
    return np.clip(noise, 0, 255).astype(np.uint8)


def film(path: Path, frames: Sequence[np.ndarray]) -> Path:
    """Write frames as a Motion-JPEG file, which Chromium plays in a loop as its camera."""
    path.write_bytes(
        b"".join(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes() for frame in frames)
    )
    return path

"""Altered pixels for the later stages of a scan; each is (height, width) uint8 in, the same out."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
Matrix = NDArray[np.float64]


# Of the structure tensor: the share of one direction that counts as bars, the energy of plain ground in squared grey
# levels, and the energy above which a place has no more say than its neighbours.
_ONE_DIRECTION, _FAINT, _STRONG = 0.6, 1_000.0, 20_000.0
_LEVEL_DEGREES = 4.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """Pixels and the affine map (2 x 3) that leads from them back to the picture they were made from."""

    pixels: Gray
    back: Matrix


def unchanged(image: Gray) -> Prepared:
    """The picture itself."""
    return Prepared(image, _scale(1.0))


def gaussian(image: Gray, sigma: float) -> Prepared:
    """Blurred: joins the dots of noisy or dot-peened marks."""
    return _same_place(cv2.GaussianBlur(image, (0, 0), sigma))


def vertical_box(image: Gray, rows: int) -> Prepared:
    """Averaged along upright bars, which removes noise and keeps their edges."""
    return _same_place(cv2.blur(image, (1, rows)))


def doubled_vertical_box(image: Gray) -> Prepared:
    """Twice the size, then averaged along upright bars: for heavy noise, and a second view of bars read once."""
    return Prepared(_gray(cv2.blur(_up2(image), (1, 15))), _scale(0.5))


def inverted(image: Gray) -> Prepared:
    """Light and dark exchanged: zxing-cpp's own inversion does not reach linear symbols."""
    return _same_place(cv2.bitwise_not(image))


def normalised_unsharp(image: Gray) -> Prepared:
    """Contrast stretched to the full range, then sharpened."""
    stretched = cv2.normalize(image, np.empty_like(image), 0, 255, cv2.NORM_MINMAX)
    return _same_place(_unsharp(_gray(stretched), 1.5, 1.5))


def evened(image: Gray) -> Prepared:
    """Each place divided by the light around it: shadow across a label, marks that hardly differ from their ground."""
    small = cv2.resize(image, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    ground = cv2.resize(cv2.dilate(small, np.ones((15, 15), np.uint8)), image.shape[::-1])
    light = cv2.GaussianBlur(ground, (0, 0), 8)
    return _same_place(cv2.divide(image, light, scale=255))


def doubled(image: Gray) -> Prepared:
    """Twice the size, cubic."""
    return Prepared(_up2(image), _scale(0.5))


def doubled_unsharp(image: Gray) -> Prepared:
    """Twice the size and strongly sharpened: brings back symbols out of focus."""
    return Prepared(_unsharp(_up2(image), 2.0, 4.0), _scale(0.5))


def joined_dark_dots(image: Gray) -> Prepared:
    """Dark dots grown until they touch, then blurred: dot-peen on light ground."""
    return _same_place(cv2.GaussianBlur(cv2.erode(image, np.ones((3, 3), np.uint8)), (0, 0), 1.5))


def joined_light_dots(image: Gray) -> Prepared:
    """Light dots grown until they touch, then blurred: laser marks on dark ground."""
    return _same_place(cv2.GaussianBlur(cv2.dilate(image, np.ones((3, 3), np.uint8)), (0, 0), 2.0))


def halved(image: Gray) -> Prepared:
    """Half the size by area."""
    return Prepared(_half(image), _scale(2.0))


def eroded_halved(image: Gray) -> Prepared:
    """Dark dots grown by two pixels, then half the size: the widest gaps of dot-peen."""
    return Prepared(_half(_gray(cv2.erode(image, np.ones((5, 5), np.uint8)))), _scale(2.0))


def turned(image: Gray, degrees: float) -> Prepared:
    """Turned about its middle, on a canvas that holds all of it."""
    height, width = image.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
    new_width, new_height = int(height * sine + width * cosine), int(height * cosine + width * sine)
    matrix[0, 2] += new_width / 2 - width / 2
    matrix[1, 2] += new_height / 2 - height / 2
    pixels = cv2.warpAffine(image, matrix, (new_width, new_height), borderMode=cv2.BORDER_REPLICATE)
    return Prepared(_gray(pixels), np.asarray(cv2.invertAffineTransform(matrix), np.float64))


def tilt_of_bars(image: Gray) -> float | None:
    """Degrees by which `turned` sets the bars of linear symbols upright, 0 to 180.

    None where no direction stands out, and where the bars are level already: within 4 degrees of upright or lying.
    """
    small = cv2.GaussianBlur(shrunk(image, 400).pixels, (0, 0), 1.0)
    across, down = cv2.Sobel(small, cv2.CV_32F, 1, 0), cv2.Sobel(small, cv2.CV_32F, 0, 1)
    # The structure tensor of each neighbourhood: bars give gradients of one direction alone, text and texture many.
    xx, yy, xy = (cv2.boxFilter(product, -1, (15, 15)) for product in (across * across, down * down, across * down))
    energy = xx + yy
    of_one_direction = np.hypot(xx - yy, 2 * xy) > _ONE_DIRECTION * (energy + _FAINT)
    if not of_one_direction.any():
        return None
    angles = np.degrees(np.arctan2(2 * xy, xx - yy)[of_one_direction]) / 2 % 180
    votes, _ = np.histogram(angles, bins=180, range=(0, 180), weights=np.minimum(energy[of_one_direction], _STRONG))
    round_about = np.convolve(np.concatenate([votes[-2:], votes, votes[:2]]), np.ones(5), "valid")
    angle = float(round_about.argmax()) + 0.5
    return None if abs((angle + 45) % 90 - 45) <= _LEVEL_DEGREES else angle


def shrunk(image: Gray, longest_px: int) -> Prepared:
    """Reduced by area until the longer side has longest_px pixels; smaller pictures stay as they are."""
    longest = max(image.shape)
    if longest <= longest_px:
        return unchanged(image)
    factor = longest_px / longest
    pixels = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return Prepared(_gray(pixels), _scale(1 / factor))


def _unsharp(image: Gray, sigma: float, amount: float) -> Gray:
    blurred = cv2.GaussianBlur(image, (0, 0), sigma)
    return _gray(cv2.addWeighted(image, 1 + amount, blurred, -amount, 0))


def _up2(image: Gray) -> Gray:
    return _gray(cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))


def _half(image: Gray) -> Gray:
    return _gray(cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))


def _same_place(pixels: object) -> Prepared:
    return Prepared(_gray(pixels), _scale(1.0))


def _gray(pixels: object) -> Gray:
    return np.asarray(pixels, np.uint8)


def _scale(factor: float) -> Matrix:
    return np.array([[factor, 0.0, 0.0], [0.0, factor, 0.0]])

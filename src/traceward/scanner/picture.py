"""The pixels of a picture that header.py let in, upright and grey; it must not be called with any other."""

from __future__ import annotations

import os

from traceward.scanner.errors import NotAPicture
from traceward.scanner.header import MAX_PIXELS

# OpenCV reads this once, at import: a second wall behind our own reading of the header.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]

cv2.setNumThreads(1)


def decode_gray(data: bytes, *, half: bool = False) -> Gray:
    """The upright grey pixels of a picture whose header was accepted: (height, width) uint8, 0 black.

    half: decode at half the width and height, which JPEG does at a third of the cost. EXIF orientation is applied.
    Raises NotAPicture when the data behind the header cannot be decoded.
    """
    flag = cv2.IMREAD_REDUCED_GRAYSCALE_2 if half else cv2.IMREAD_GRAYSCALE
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error as error:
        raise NotAPicture(f"the picture cannot be decoded: {error.err or 'damaged data'}") from error
    if image is None:
        raise NotAPicture("the picture cannot be decoded: the data is damaged or cut off")
    return np.asarray(image, np.uint8)

"""Pictures of labels, drawn with the symbols' own encoder; nothing here reads them."""

from pathlib import Path

import numpy as np
import zxingcpp
from PIL import Image

ELEMENTS = "(01)09521141010235(17)300131(21)V23-0007"


def draw_label(path: Path, elements: str = ELEMENTS) -> Path:
    """Write a picture of a GS1 DataMatrix with these bracketed element strings, and return its path."""
    barcode = zxingcpp.create_barcode(elements, zxingcpp.BarcodeFormat.DataMatrix, gs1=True)
    modules = np.array(zxingcpp.write_barcode_to_image(barcode, scale=6, add_quiet_zones=True))
    Image.fromarray(modules).save(path)
    return path

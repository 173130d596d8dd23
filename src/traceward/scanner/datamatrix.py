"""DataMatrix through libdmtx with its FNC1 characters kept; reads no other symbology."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traceward.scanner.native import libdmtx

Gray = NDArray[np.uint8]

_GS = 0x1D


@dataclass(frozen=True, slots=True)
class DataMatrixRead:
    """Bytes of one DataMatrix; `gs1` when the symbol began with FNC1 (]d2), which `data` no longer holds."""

    data: bytes
    gs1: bool


def read_data_matrix(image: Gray, *, timeout_ms: int, max_count: int | None = 1) -> tuple[DataMatrixRead, ...]:
    """Read the DataMatrix symbols of a picture.

    image: (height, width) uint8. timeout_ms: wall time; a picture without a symbol uses all of it.
    Gives nothing when libdmtx is missing.
    """
    module = libdmtx().module
    if module is None:
        return ()
    pixels = np.ascontiguousarray(image)
    height, width = pixels.shape
    buffer = ctypes.cast(pixels.ctypes.data, module.c_ubyte_p)
    deadline = module.dmtxTimeAdd(module.dmtxTimeNow(), timeout_ms)
    found: list[DataMatrixRead] = []
    # pylibdmtx.decode() has no argument for the FNC1 property and libdmtx drops every FNC1 unless told which byte to
    # write for it: lot and serial would run together. test_libdmtx_keeps_fnc1 guards this loop.
    with (
        module._image(buffer, width, height, module.DmtxPackOrder.DmtxPack8bppK) as dmtx_image,  # noqa: SLF001
        module._decoder(dmtx_image, 1) as decoder,  # noqa: SLF001
    ):
        module.dmtxDecodeSetProp(decoder, module.DmtxProperty.DmtxPropFnc1, _GS)
        while max_count is None or len(found) < max_count:
            with module._region(decoder, deadline) as region:  # noqa: SLF001
                if not region:
                    break
                with module._decoded_matrix_region(decoder, region, module.DmtxUndefined) as message:  # noqa: SLF001
                    if message:
                        found.append(_read(message.contents))
    return tuple(found)


def _read(message: ctypes.Structure) -> DataMatrixRead:
    # The length is given because string_at would stop at a NUL byte.
    data = ctypes.string_at(message.output, message.outputIdx)
    gs1 = data[:1] == bytes([_GS])
    return DataMatrixRead(data[1:] if gs1 else data, gs1)

"""The values that a scan gives; they carry no GS1 meaning."""

from dataclasses import dataclass

Corners = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Symbol:
    """One barcode as read.

    symbology_identifier: ISO/IEC 15424, e.g. "]d2"; for engines that do not report it, derived from what they do.
    data: the symbol's bytes; FNC1 separators are 0x1D, the leading FNC1 of a GS1 symbol is not part of it.
    confirmed: whether the read may become an event by itself. A read by libzbar alone never is; a read from altered
    pixels is when it parses strictly and, for linear symbols, a second stage gave the same bytes.
    position: four corners in pixels of the upright picture, clockwise from the symbol's own top left; None if unknown.
    """

    symbology_identifier: str
    data: bytes
    engine: str
    stage: str
    confirmed: bool
    position: Corners | None = None

    @property
    def text(self) -> str:
        """The data as text: UTF-8 where it is, otherwise ISO/IEC 8859-1, the default of all these symbologies."""
        try:
            return self.data.decode("utf-8")
        except UnicodeDecodeError:
            return self.data.decode("iso-8859-1")


@dataclass(frozen=True, slots=True)
class ScanResult:
    """All symbols of one picture, confirmed ones first, and what was tried to find them.

    elapsed_ms and cpu_ms cover decoding of the picture and all stages. budget_exhausted: the deadline passed at a stage
    border before the cascade was finished.
    """

    symbols: tuple[Symbol, ...]
    stages_tried: tuple[str, ...]
    width_px: int
    height_px: int
    elapsed_ms: float
    cpu_ms: float
    budget_exhausted: bool

"""Tells which engine serves which symbology here, and what is missing; scans nothing."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata

from traceward.scanner.native import libdmtx, libzbar


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """One engine: available or the reason why not, its version, the symbologies it serves and its part in a scan."""

    engine: str
    version: str
    available: bool
    symbologies: tuple[str, ...]
    part: str
    missing: str | None


def report() -> tuple[EngineStatus, ...]:
    """The status of the three engines in the order in which a scan uses them."""
    dmtx, zbar = libdmtx(), libzbar()
    return (
        EngineStatus(
            "zxing-cpp",
            metadata.version("zxing-cpp"),
            available=True,
            symbologies=(
                "GS1 DataMatrix", "DataMatrix", "GS1-128", "Code 128", "Code 39", "QR", "GS1 QR", "EAN/UPC", "ITF-14",
                "GS1 DataBar",
            ),
            part="leads; its reads of an unaltered picture are confirmed",
            missing=None,
        ),
        EngineStatus(
            "libdmtx",
            dmtx.version,
            dmtx.available,
            ("GS1 DataMatrix", "DataMatrix"),
            "dot-peen, missing quiet zones and low contrast",
            dmtx.missing,
        ),
        EngineStatus(
            "libzbar",
            zbar.version,
            zbar.available,
            ("GS1-128", "Code 128", "Code 39", "EAN", "ITF", "GS1 DataBar", "QR"),
            "second opinion on linear symbols; never confirmed by itself",
            zbar.missing,
        ),
    )  # fmt: skip

"""The messages between the server and a scan worker: a length, then msgpack; imports no decoder."""

import struct

import msgspec

from traceward.scanner.symbol import ScanResult

READY = b"\x06"  # what a worker says once its engines are loaded
HEADER = struct.Struct(">I")
MAX_ANSWER_BYTES = 4 << 20


class ScanRequest(msgspec.Struct, frozen=True):
    """One picture to read; mode and budget_ms as in scan.scan_picture."""

    picture: bytes
    mode: str
    budget_ms: int | None


class ScanAnswer(msgspec.Struct, frozen=True):
    """Either a result or the code and message of a ScannerError."""

    result: ScanResult | None
    error_code: str | None = None
    error_message: str = ""

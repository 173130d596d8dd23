"""The process that decodes pictures: reads requests from standard input, writes answers to standard output."""

from __future__ import annotations

import os
import resource
import sys
from typing import BinaryIO

import msgspec

from traceward.scanner.errors import ScannerError
from traceward.scanner.protocol import HEADER, READY, ScanAnswer, ScanRequest
from traceward.scanner.scan import BUDGET_MS, scan_picture


def serve(source: BinaryIO, sink: BinaryIO, cpu_s: int) -> None:
    """Answer requests until the source ends; each picture gets cpu_s seconds of processor time."""
    while len(header := source.read(HEADER.size)) == HEADER.size:
        request = msgspec.msgpack.decode(source.read(*HEADER.unpack(header)), type=ScanRequest)
        _allow_cpu(cpu_s)
        body = msgspec.msgpack.encode(_answer(request))
        sink.write(HEADER.pack(len(body)) + body)
        sink.flush()


def _answer(request: ScanRequest) -> ScanAnswer:
    if request.mode not in BUDGET_MS:
        return ScanAnswer(None, "unknown_mode", f"mode {request.mode!r}; expected one of {', '.join(BUDGET_MS)}")
    try:
        return ScanAnswer(scan_picture(request.picture, mode=request.mode, budget_ms=request.budget_ms))
    except ScannerError as error:
        return ScanAnswer(None, error.code, str(error))


def _allow_cpu(cpu_s: int) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime) + 1 + cpu_s, hard))


def main(memory_bytes: int, cpu_s: int) -> None:
    """Set the limits and serve the pipes of this process."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # C libraries print to descriptor 1; the answers get one of their own.
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sink.write(READY)
    sink.flush()
    serve(sys.stdin.buffer, sink, cpu_s)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

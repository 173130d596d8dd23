"""Capture of XML 2.0 and 1.2 against capture of JSON over HTTP: events a second of each, in one run on SQLite.

Prints ratios; never passes or fails on a time. Run: python3 dev.py bench xml_capture
Rounds of the formats alternate, so that a busy machine slows all; each document has 1,000 events that no other has.
"""

import statistics
import tempfile
import time
from pathlib import Path

import httpx

from bench.capture import Recorder, served
from bench.capture_documents import made_document
from traceward.epcis import json_codec, xml_codec
from traceward.epcis.xml_codec import Version

EVENTS = 1000
ROUNDS = 7
WARM_UP = 2
TARGET = 0.5
FORMATS: tuple[tuple[str, Version | None], ...] = (("JSON", None), ("XML 2.0", "2.0"), ("XML 1.2", "1.2"))


def main() -> int:
    """Print events a second of each format, and the ratio of each to JSON."""
    seconds: dict[str, list[float]] = {name: [] for name, _ in FORMATS}
    with tempfile.TemporaryDirectory() as name, served(Path(name) / "data", None, Recorder([])) as client:
        for number in range(WARM_UP + ROUNDS):
            for offset, (label, version) in enumerate(FORMATS):
                body, media_type = document(number * len(FORMATS) + offset, version)
                taken_s = capture_seconds(client, body, media_type)
                if number >= WARM_UP:
                    seconds[label].append(taken_s)
    in_json = seconds["JSON"]
    for label, taken in seconds.items():
        ratios = [json_s / own_s for json_s, own_s in zip(in_json, taken, strict=True)]
        print(
            f"{label}: {EVENTS / statistics.median(taken):,.0f} events/s, {statistics.median(ratios):.0%} of JSON "
            f"(median of {ROUNDS} rounds, {min(ratios):.0%} to {max(ratios):.0%}; target {TARGET:.0%})"
        )
    return 0


def document(number: int, version: Version | None) -> tuple[bytes, str]:
    """The document of that number in a format, None for JSON, and its media type."""
    in_json = made_document(number, EVENTS)
    if version is None:
        return in_json, "application/json"
    read = json_codec.read_document(in_json)
    pieces = xml_codec.document_pieces(
        read.events, creation_date="2026-05-01T00:00:00Z", version=version, context=read.context
    )
    return b"".join(pieces), "application/xml"


def capture_seconds(client: httpx.Client, body: bytes, media_type: str) -> float:
    """From the request to the end of the job."""
    started = time.perf_counter()
    answer = client.post("/epcis/capture", content=body, headers={"Content-Type": media_type})
    assert answer.status_code == 202, answer.text
    job = client.get(answer.headers["location"]).json()
    assert job["success"], job
    assert not job["running"], job
    return time.perf_counter() - started


if __name__ == "__main__":
    raise SystemExit(main())

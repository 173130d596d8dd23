"""The event hash against the reference generator, on the same events in the same run.

Prints ratios; never passes or fails on a time. Run: python3 dev.py bench hash
The generator is installed into an environment of its own, which is thrown away, and runs there in a process that waits
between rounds; rounds of both alternate, so that a busy machine slows both. Timed are whole documents of 300 events
from bytes to hashes, in JSON and in XML, and the hashing alone of events that are read already.

The documents spell the namespace of CBV's attributes as the EPCIS context does, and declare it: the generator takes
`cbvmda` for a bare word where JSON leaves it to the context, and the XML spelling without the last colon for another
namespace, while for Traceward they are one.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path

import orjson

from bench.capture_documents import made_document
from traceward.epcis import json_codec, xml_codec
from traceward.epcis.document import Document
from traceward.epcis.event_hash import event_hash
from traceward.epcis.extension import CBVMDA

EVENTS = 300
ROUNDS = 7
WARM_UP = 1
TARGET = 3.0
REFERENCE = "epcis-event-hash-generator"

# Runs in the reference's environment: for each line "format path" on its input it prints seconds and hashes as JSON.
CHILD = """
import json, sys, time, logging
logging.disable(logging.CRITICAL)
from epcis_event_hash_generator import json_to_py, xml_to_py, hash_generator
read = {"json": json_to_py.event_list_from_epcis_document_str, "xml": xml_to_py.event_list_from_epcis_document_str}
print("ready", flush=True)
for line in sys.stdin:
    kind, path = line.split()
    text = open(path, encoding="utf-8").read()
    if kind == "xml":
        text = text.partition("?>")[2]  # it parses str, and lxml refuses str with an encoding declaration
    started = time.perf_counter()
    events = read[kind](text)
    parsed = time.perf_counter()
    hashes = hash_generator.epcis_hashes_from_events(events)
    ended = time.perf_counter()
    print(json.dumps([ended - started, ended - parsed, hashes]), flush=True)
"""


def main() -> int:
    """Print what both need per event, and the ratios."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        documents = made_documents(folder)
        with reference(folder) as child:
            for kind, path in documents.items():
                measure(kind, path, child)
    return 0


def made_documents(folder: Path) -> dict[str, Path]:
    """The same events in both formats, by format."""
    paths = {kind: folder / f"events.{kind}" for kind in ("json", "xml")}
    made = orjson.loads(made_document(1, EVENTS))
    made["@context"].append({"cbvmda": CBVMDA})
    paths["json"].write_bytes(orjson.dumps(made))
    document = json_codec.read_document(paths["json"].read_bytes())
    pieces = xml_codec.document_pieces(document.events, creation_date="2026-01-01T00:00:00Z", context=document.context)
    text = b"".join(pieces)
    paths["xml"].write_bytes(text.replace(b'"%b"' % CBVMDA[:-1].encode(), b'"%b"' % CBVMDA.encode()))
    return paths


def reference(folder: Path) -> subprocess.Popen[str]:
    """The reference generator, ready in a process of its own."""
    environment = folder / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-qq", REFERENCE], check=True)
    child = subprocess.Popen(
        [python, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def measure(kind: str, path: Path, child: subprocess.Popen[str]) -> None:
    """Print one format's figures."""
    assert child.stdin is not None
    assert child.stdout is not None
    read: Callable[[bytes], Document] = {"json": json_codec.read_document, "xml": xml_codec.read_document}[kind]
    rounds = []
    for _ in range(WARM_UP + ROUNDS):
        print(kind, path, file=child.stdin, flush=True)
        theirs_s, theirs_hash_s, theirs = json.loads(child.stdout.readline())
        body = path.read_bytes()
        started = time.perf_counter()
        document = read(body)
        pairs = [(event.data, event.context) for event in document.events]
        parsed = time.perf_counter()
        ours = [event_hash(data, context) for data, context in pairs]
        ended = time.perf_counter()
        rounds.append((theirs_s, ended - started, theirs_hash_s, ended - parsed))
    kept = rounds[WARM_UP:]
    for what, at in (("bytes to hashes", 0), ("hashing alone", 2)):
        theirs_us, ours_us = (statistics.median(one[at + i] for one in kept) * 1e6 / EVENTS for i in (0, 1))
        ratios = [one[at] / one[at + 1] for one in kept]
        print(
            f"{kind}, {what}: reference {theirs_us:.0f} us, Traceward {ours_us:.0f} us per event; ratio "
            f"{statistics.median(ratios):.1f} (median of {ROUNDS}, {min(ratios):.1f} to {max(ratios):.1f}; "
            f"target {TARGET:.0f})"
        )
    same = len(set(ours) & set(theirs))
    print(f"  {same} of {EVENTS} hashes are the same")


if __name__ == "__main__":
    sys.exit(main())

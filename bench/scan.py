"""Read rates, wrong reads and processor time of the scanner over the labelled pictures of the shared data.

Prints one line per mode (zxing-cpp alone, default, thorough) with ratios against zxing-cpp alone, the share per kind
and the break points per degradation. Run: python3 dev.py bench scan
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from traceward.scanner import zxing
from traceward.scanner.picture import decode_gray
from traceward.scanner.scan import scan_picture
from traceward.scanner.symbol import Symbol

Reader = Callable[[bytes], Iterable[Symbol]]


@dataclass
class Tally:
    """What one mode read: symbols right, symbols in all, wrong reads, processor time."""

    right: int = 0
    total: int = 0
    wrong_confirmed: list[str] = field(default_factory=list)
    wrong_unconfirmed: list[str] = field(default_factory=list)
    unconfirmed_right: int = 0
    cpu_ms: float = 0.0
    pictures: int = 0
    by_kind: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    by_level: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    @property
    def share(self) -> float:
        """Percentage of symbols read right."""
        return 100 * self.right / self.total


def zxing_alone(data: bytes) -> Iterable[Symbol]:
    """What zxing-cpp reads of the picture as it came."""
    for read in zxing.read_with_zxing(decode_gray(data), zxing.ALL):
        yield Symbol(read.symbology_identifier, read.data, "zxing-cpp", "alone", confirmed=True)


MODES: dict[str, Reader] = {
    "zxing-cpp alone": zxing_alone,
    "default": lambda data: scan_picture(data, budget_ms=60_000).symbols,
    "thorough": lambda data: scan_picture(data, mode="thorough", budget_ms=60_000).symbols,
}


def pictures_folder() -> Path:
    """The folder of labelled pictures, or an exit that says what is missing."""
    root = Path(os.environ.get("TRACEWARD_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    folder = root / "barcodes" / "images"
    if not (folder / "labels.json").exists():
        raise SystemExit(
            f"no labelled pictures at {folder}: set TRACEWARD_SHARED to the folder that holds barcodes/images"
        )
    return folder


def measure(reader: Reader, folder: Path, labels: list[dict]) -> Tally:
    """Run one reader over all pictures."""
    tally = Tally()
    for label in labels:
        data = (folder / label["file"]).read_bytes()
        started = time.process_time()
        symbols = list(reader(data))
        tally.cpu_ms += (time.process_time() - started) * 1000
        tally.pictures += 1
        expected = {(s["symbology_identifier"], s["text"]) for s in label["symbols"]}
        read = {(s.symbology_identifier, s.text): s.confirmed for s in symbols}
        for symbol in label["symbols"]:
            right = (symbol["symbology_identifier"], symbol["text"]) in read
            tally.right += right
            tally.total += 1
            tally.by_kind[symbol["kind"]][0] += right
            tally.by_kind[symbol["kind"]][1] += 1
            tally.by_level[(label["condition"], str(label["level"]))][0] += right
            tally.by_level[(label["condition"], str(label["level"]))][1] += 1
        for key, confirmed in read.items():
            if key in expected:
                tally.unconfirmed_right += not confirmed
            else:
                (tally.wrong_confirmed if confirmed else tally.wrong_unconfirmed).append(f"{label['file']}: {key}")
    return tally


def main() -> None:
    """Print the table."""
    folder = pictures_folder()
    labels = json.loads((folder / "labels.json").read_text())["images"]
    tallies = {name: measure(reader, folder, labels) for name, reader in MODES.items()}
    alone = tallies["zxing-cpp alone"]
    print(f"{len(labels)} pictures, {alone.total} symbols")
    print("mode                    read   share  points  CPU ms  ratio  wrong confirmed  wrong unconfirmed")
    for name, tally in tallies.items():
        print(
            f"{name:16} {tally.right:5}/{tally.total:<5} {tally.share:6.1f}% {tally.share - alone.share:+7.1f}"
            f" {tally.cpu_ms / tally.pictures:7.1f} {tally.cpu_ms / alone.cpu_ms:6.2f}"
            f" {len(tally.wrong_confirmed):16} {len(tally.wrong_unconfirmed):18}"
            f"  (right but unconfirmed: {tally.unconfirmed_right})",
        )
    print("\nread of all, per kind")
    for kind in sorted(alone.by_kind):
        print(f"  {kind:10}", "  ".join(f"{n}: {t.by_kind[kind][0]}/{t.by_kind[kind][1]}" for n, t in tallies.items()))
    print("\nbreak points: condition level, read of all by zxing-cpp alone -> default -> thorough")
    for condition, level in sorted(alone.by_level):
        key = (condition, level)
        reads = [t.by_level[key] for t in tallies.values()]
        mark = "" if reads[-1][0] == reads[-1][1] else "  <- not all read"
        print(f"  {condition:12} {level:>6}  " + " -> ".join(f"{r}/{n}" for r, n in reads) + mark)
    for name, tally in tallies.items():
        for wrong in (*tally.wrong_confirmed, *tally.wrong_unconfirmed):
            print(f"WRONG in {name}: {wrong}")


if __name__ == "__main__":
    main()

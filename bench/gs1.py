"""Processor time of parsing 10,000 realistic UDIs against biip's, and agreement with the published vectors.

Prints ratios and counts; never passes or fails on a time. Run: python3 dev.py bench gs1
The vectors are those of the shared data; without it their part says so.
"""

from __future__ import annotations

import random
import string
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import biip

from traceward.gs1.check_digits import check_digit
from traceward.gs1.element_string import GS, check_associations, parse
from traceward.gs1.epc_uri import _canonical
from traceward.gs1.udi import udi_from_elements

LABELS = 10_000
ROUNDS = 3


def realistic_udis(count: int, seed: int = 14) -> list[str]:
    """Scan data of medical labels: GTIN, expiry, lot, often a serial number, production date or reference."""
    chance = random.Random(seed)
    return [_label(chance) for _ in range(count)]


def _label(chance: random.Random) -> str:
    body = "0" + "".join(chance.choices(string.digits, k=12))
    lot = "".join(chance.choices(string.ascii_uppercase + string.digits, k=chance.randint(4, 12)))
    serial = "".join(chance.choices(string.ascii_uppercase + string.digits + "-/", k=chance.randint(4, 16)))
    expiry = f"{chance.randint(26, 33)}{chance.randint(1, 12):02}{chance.randint(0, 28):02}"
    produced = f"11{chance.randint(20, 25)}{chance.randint(1, 12):02}{chance.randint(1, 28):02}"
    made = chance.random()
    parts = f"]d201{body}{check_digit(body)}{produced if made < 0.3 else ''}17{expiry}10{lot}"
    if made > 0.2:
        parts += f"{GS}21{serial}"
    return parts + (f"{GS}240REF-{chance.randint(100, 9999)}" if made > 0.8 else "")


def microseconds(action: Callable[[str], object], texts: Sequence[str]) -> float:
    """Processor time per text, the best of a few rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        for text in texts:
            action(text)
        best = min(best, time.process_time() - start)
    return best / len(texts) * 1e6


def print_speed() -> None:
    labels = realistic_udis(LABELS)
    ours = microseconds(parse, labels)
    with_associations = microseconds(lambda text: check_associations(parse(text).elements), labels)
    to_udi = microseconds(lambda text: udi_from_elements(parse(text), reference_year=2026), labels)
    theirs = microseconds(biip.parse, labels[: LABELS // 5])
    print(f"parsing of {LABELS} UDIs, us of processor time each, and times faster than biip {biip.__version__}")
    for name, found in (("parse", ours), ("parse + associations", with_associations), ("parse + UDI + EPC", to_udi)):
        print(f"  {name:<22}{found:8.1f}   {theirs / found:5.1f}x")
    print(f"  {'biip.parse':<22}{theirs:8.1f}")
    urns = [f"urn:epc:id:sgtin:9521141.{number:06}.V23-{number}" for number in range(LABELS)]
    links = [f"https://id.gs1.org/01/{'09521141010235'}/21/V23-{number}" for number in range(LABELS)]
    print(f"canonical identifier, not cached: URN {microseconds(_canonical, urns):.1f} us, ", end="")
    print(f"Digital Link {microseconds(_canonical, links):.1f} us")


def print_agreement() -> None:
    """Counts per vector file, and for the odd cases per category beside biip's own verdicts."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    from gs1.disagreements import DISAGREEMENTS  # noqa: PLC0415  # the tests are a folder, not a package of ours
    from gs1.vectors import FILES, disagreeing_inputs, odd_case_agrees, vector_cases  # noqa: PLC0415
    from shared_data import shared_folder  # noqa: PLC0415

    if not (shared_folder() / "barcodes").exists():
        print(f"agreement with vectors: not counted, no shared data at {shared_folder()}")
        return
    print("vectors                          cases   disagree   not listed with a reason")
    for name, (count, _, _) in FILES.items():
        found = disagreeing_inputs(name)
        print(f"  {name:<30}{count:6}{len(found):11}{len(found - set(DISAGREEMENTS.get(name, {}))):10}")
    cases = vector_cases("odd_cases.json")
    total = Counter(case["category"] for case in cases)
    ours = Counter(case["category"] for case in cases if odd_case_agrees(case))
    theirs = Counter(case["category"] for case in cases if case["biip_ok"] == case["engine_ok"])
    print("odd cases, by category: verdict as GS1's engine    cases   ours   biip")
    for category, count in sorted(total.items()):
        print(f"  {category:<46}{count:8}{ours[category]:7}{theirs[category]:7}")
    print(f"  {'all':<46}{len(cases):8}{ours.total():7}{theirs.total():7}")


def main() -> None:
    """Print both parts."""
    print_speed()
    print_agreement()


if __name__ == "__main__":
    main()

"""Script that writes code_lists.txt from the linter test cases of a GS1 Barcode Syntax Dictionary release.

This script must not be imported by the product: it runs when a code list changes.

    python -m traceward.gs1.tables.make_code_lists linters.json

linters.json: {"linters": {name: [{"ok": bool, "input": code}, ...]}}. The cases name every code that is accepted, so
the accepted inputs are the list. Source: the dictionary's linter tests (Apache-2.0, GS1 AISBL), which follow
ISO 3166-1, ISO 4217 and UN/ECE Recommendation 21.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

_TABLE = Path(__file__).with_name("code_lists.txt")
_LISTS = ("iso3166", "iso3166alpha2", "iso4217", "packagetype", "mediatype")


def main() -> None:
    """Rewrite the lists from the file named on the command line."""
    linters = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["linters"]
    lines = [
        "# Code lists that component linters look values up in, one list a line: its name, then its codes.",
        "# Facts of ISO 3166-1, ISO 4217 (numeric), UN/ECE Recommendation 21 and GS1 AIDC media types, as the GS1",
        "# Barcode Syntax Dictionary of release 2026-01-27 accepts them. Made by make_code_lists.py.",
    ]
    for name in _LISTS:
        codes = sorted({case["input"] for case in linters[name] if case["ok"]})
        lines.append(" ".join([name, *codes]))
        sys.stdout.write(f"{name}: {len(codes)} codes\n")
    _TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Writes `src/generated/ai.json`, the client's table of application identifiers, from the server's; it decides nothing.

Shape: {"01": ["Trade item number (GTIN)", 14, 14], ...}: data title, shortest and longest length of the value, in
characters. Needs no installed package: the room `traceward.gs1` has no third-party imports.
"""  # noqa: INP001

import json
import sys
from pathlib import Path

WEB = Path(__file__).resolve().parent
sys.path.insert(0, str(WEB.parent / "src"))

from traceward.gs1.application_identifiers import APPLICATION_IDENTIFIERS  # noqa: E402


def table() -> dict[str, list[str | int]]:
    """Title and length bounds of every application identifier."""
    return {ai: [entry.title, entry.shortest, entry.longest] for ai, entry in sorted(APPLICATION_IDENTIFIERS.items())}


def main() -> None:
    """Write the table, unless the file already says the same (so that its time does not change)."""
    target = WEB / "src" / "generated" / "ai.json"
    text = json.dumps(table(), separators=(",", ":")) + "\n"
    if not target.is_file() or target.read_text(encoding="utf-8") != text:
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

"""Script that writes application_identifiers.tsv from a release of the GS1 Barcode Syntax Dictionary.

This script must not be imported by the product: it runs when GS1 publishes a release.

    python -m traceward.gs1.tables.make_application_identifiers gs1-syntax-dictionary.txt

It takes the facts of each entry (AI, predefined length, data attribute, components, associations, primary key) and
states them in the format that application_identifiers.py describes. Titles are ours and are kept from the present
table; an AI that is new gets the dictionary's data title until someone words one.
Source: https://ref.gs1.org/tools/gs1-barcode-syntax-resource/syntax-dictionary/ (Apache-2.0, GS1 AISBL).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

_TABLE = Path(__file__).with_name("application_identifiers.tsv")
_TYPES = {"N": "digits", "X": "cset82", "Y": "cset39", "Z": "cset64"}
_COMPONENT = re.compile(r"(\[?)([NXYZ])(\.\.)?(\d+)\]?((?:,\w+)*)")
_COLUMNS = ("ai", "title", "predefined", "attribute", "components", "requires", "excludes", "primary_key")


def main() -> None:
    """Rewrite the table from the dictionary named on the command line."""
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    release = re.search(r"^# Release: (\S+)", text, re.MULTILINE)
    number = release[1] if release else "unknown"
    titles = _present_titles()
    rows = [_row(line, titles) for line in text.splitlines() if line[:1].isdigit()]
    header = [
        f"# Application identifiers: facts of the GS1 Barcode Syntax Dictionary, release {number}, in our own format.",
        "# Made by make_application_identifiers.py; columns are described in application_identifiers.py.",
        "\t".join(_COLUMNS),
    ]
    _TABLE.write_text("\n".join(header + rows) + "\n", encoding="utf-8")
    sys.stdout.write(f"{_TABLE.name}: {len(rows)} entries\n")


def _present_titles() -> dict[str, str]:
    if not _TABLE.exists():
        return {}
    lines = _TABLE.read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t")[:2] for line in lines if line[:1].isdigit())


def _row(line: str, titles: dict[str, str]) -> str:
    facts, _, title = line.partition("#")
    ai, *words = facts.split()
    flags = words.pop(0) if not words[0][0].isalpha() and words[0][0] != "[" else ""
    components, attributes = [], []
    for word in words:
        found = _COMPONENT.fullmatch(word)
        if found is None:
            attributes.append(word.partition("="))
            continue
        optional, kind, varies, length, linters = found.groups()
        size = f"1-{length}" if varies else length
        part = [_TYPES[kind], size, *linters.split(",")[1:], *(["optional"] if optional else [])]
        components.append(" ".join(part))
    requires = "; ".join(value.replace(",", " | ") for name, _, value in attributes if name == "req")
    excludes = " ".join(value.replace(",", " ") for name, _, value in attributes if name == "ex")
    keys = [value for name, _, value in attributes if name == "dlpkey"]
    primary_key = (keys[0].replace(",", " ").replace("|", " | ") or "alone") if keys else ""
    known = [titles.get(ai, title.strip() or ai), "yes" if "*" in flags else "", "yes" if "?" in flags else ""]
    return "\t".join([ai, *known, "; ".join(components), requires, excludes, primary_key])


if __name__ == "__main__":
    main()

"""Writes docs/settings.md from the settings' own source: names, defaults, meaning; it must not hold any of them itself.

Run it in the checkout's environment: `.dev/venv/bin/python docs/make_settings.py`; a test fails when the page is stale.
"""

import ast
import itertools
import sys
from pathlib import Path

from pydantic_core import PydanticUndefined

from traceward.api import settings as source
from traceward.api.settings import Settings

PAGE = Path(__file__).with_name("settings.md")

HEAD = """# Settings

Each is an environment variable; flags of `traceward serve` go before them. Sizes are in bytes, names that end in `_S`
in seconds. Made by `docs/make_settings.py`.

| variable | default | meaning |
|---|---|---|
"""


def page() -> str:
    """The text of docs/settings.md as the settings of this checkout demand it."""
    meanings = attribute_docstrings(Path(source.__file__).read_text(encoding="utf-8"), Settings.__name__)
    rows = []
    for name, field in Settings.model_fields.items():
        default = "required" if field.default is PydanticUndefined else shown(field.default)
        rows.append(f"| `TRACEWARD_{name.upper()}` | {default} | {meanings.get(name, '')} |\n")
    return HEAD + "".join(rows)


def shown(default: object) -> str:
    """A default as a reader would type it."""
    if default is None or default in ((), ""):
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default}`"


def attribute_docstrings(text: str, class_name: str) -> dict[str, str]:
    """The string below each annotated attribute of a class, on one line."""
    tree = ast.parse(text)
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == class_name)
    found = {}
    for attribute, below in itertools.pairwise(body):
        if isinstance(attribute, ast.AnnAssign) and isinstance(attribute.target, ast.Name):
            match below:
                case ast.Expr(value=ast.Constant(value=str(meaning))):
                    found[attribute.target.id] = " ".join(meaning.split())
    return found


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")

"""Holds what the documentation says to what the code does; it must not judge how it is said."""

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from typer.main import get_command

from shared_data import CHECKOUT
from traceward.cli.main import app
from traceward.store.tables import metadata

PAGES = sorted([*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md")])
DECISIONS = sorted((CHECKOUT / "docs" / "adr").glob("0*.md"))


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up while they are made.
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def commands(page: Path) -> list[list[str]]:
    """The words of every `dev.py` and `traceward` command in the page's code blocks and code spans."""
    text = page.read_text(encoding="utf-8")
    code = "\n".join(
        re.findall(r"^```[a-z]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE) + re.findall(r"`([^`\n]+)`", text)
    )
    return [
        line.split() for line in re.findall(r"(?:^|(?<= ))((?:dev\.py|traceward) [a-z][^\n#]*)", code, re.MULTILINE)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_exists(page: Path) -> None:
    """Rejects a page that still names a command or a flag after it was renamed."""
    dev = load(CHECKOUT / "dev.py")
    product = get_command(app)
    for program, name, *rest in commands(page):
        known = dev.COMMANDS if program == "dev.py" else product.commands  # type: ignore[attr-defined]
        assert name in known, f"{page.name} names '{program} {name}'; there are {sorted(known)}"
        flags = {word for word in rest if word.startswith("--")}
        if name == "serve":
            serve = product.commands["serve"]  # type: ignore[attr-defined]
            assert flags <= {option for parameter in serve.params for option in parameter.opts}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_of_a_page_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) + re.findall(r"\bsrc=\"([^\"]+)\"", text):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_settings_page_is_that_of_the_settings() -> None:
    maker = load(CHECKOUT / "docs" / "make_settings.py")
    assert maker.PAGE.read_text(encoding="utf-8") == maker.page(), "run docs/make_settings.py"
    assert "|  |\n" not in maker.page(), "a setting says nothing of its meaning"


def test_decisions_are_numbered_without_gaps_and_listed_and_have_their_four_parts() -> None:
    index = (CHECKOUT / "docs" / "adr" / "README.md").read_text(encoding="utf-8")
    for number, decision in enumerate(DECISIONS, start=1):
        text = decision.read_text(encoding="utf-8")
        assert decision.name.startswith(f"{number:04d}-")
        assert text.startswith(f"# {number}. ")
        assert decision.name in index
        for part in ("**Status:**", "## Context", "## Decision", "## Consequences"):
            assert part in text, f"{decision.name} lacks {part}"


def test_dev_needs_the_standard_library_alone() -> None:
    """Rejects a convenience import that a machine without any package would stumble over."""
    tree = ast.parse((CHECKOUT / "dev.py").read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= set(sys.stdlib_module_names)


def test_lock_files_pin_by_hash_and_agree_with_each_other() -> None:
    pins: dict[str, str] = {}
    for file in sorted((CHECKOUT / "requirements").glob("*.lock")):
        requirements = file.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
        for requirement in requirements:
            name = requirement.split("==")[0]
            assert "--hash=sha256:" in requirement, f"{file.name}: {name} has no hash"
            marker = requirement.partition(" --hash")[0]
            assert pins.setdefault(marker.partition(";")[0].split("==")[0] + marker.partition(";")[2], marker) == marker


def test_dev_help_works_without_any_environment() -> None:
    done = subprocess.run(
        [sys.executable, "-S", CHECKOUT / "dev.py", "--help"], capture_output=True, text=True, check=True
    )
    assert "serve" in done.stdout


def test_every_table_of_the_database_stands_on_the_page_of_the_store() -> None:
    """Rejects a page that was complete once."""
    page = (CHECKOUT / "docs" / "store.md").read_text(encoding="utf-8")
    named = {name for line in page.splitlines() if line.startswith("| `") for name in re.findall(r"`(\w+)`", line)}
    assert metadata.tables.keys() - named == set()

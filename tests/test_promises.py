"""Holds docs/promises.md to what there is: one test for each row, endpoints that are served, screens that exist."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared_data import CHECKOUT
from traceward.api.app import create_app
from traceward.api.settings import Settings

PAGE = CHECKOUT / "docs" / "promises.md"
ROWS = [
    f"{letter}{number}" for letter, count in (("P", 7), ("T", 3), ("C", 8), ("A", 4)) for number in range(1, count + 1)
]
FILES = sorted((CHECKOUT / "tests" / "api").glob("test_rows_*.py"))


@dataclass(frozen=True)
class Row:
    """One line of a table of the page."""

    name: str
    test: str
    file: str
    operations: tuple[tuple[str, str], ...]
    screens: tuple[str, ...]


def rows() -> dict[str, Row]:
    """The lines of the page by the name of their row; none of them twice."""
    found: dict[str, Row] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 5 or not re.fullmatch(r"[PTCA]\d", cells[0]):
            continue
        assert cells[0] not in found, cells[0]
        test, file = re.findall(r"`([^`]+)`", cells[2])
        operations = tuple((one.split()[0], one.split()[1]) for one in re.findall(r"`([^`]+)`", cells[3]))
        found[cells[0]] = Row(cells[0], test, file, operations, tuple(re.findall(r"`([^`]+)`", cells[4])))
    return found


def named_after(row: str) -> list[tuple[str, ast.FunctionDef]]:
    """(file, function) of the tests that are named after a row."""
    return [
        (file.name, node)
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith(f"test_{row}_")
    ]


def test_the_page_has_every_row_once() -> None:
    assert sorted(rows()) == sorted(ROWS)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_exactly_one_test_which_says_what_it_rejects(row: str) -> None:
    """Rejects a page that goes on naming a test that was renamed or taken away, and rows with two half tests."""
    told = rows()[row]
    ((file, function),) = named_after(row)
    assert (told.test, told.file) == (f"test_{row}", file)
    assert "Rejects " in (ast.get_docstring(function) or "")


def test_no_test_of_the_rows_is_for_a_row_that_is_not_there() -> None:
    named = {
        match[1] for file in FILES for match in re.finditer(r"def test_([A-Z]\d+)_", file.read_text(encoding="utf-8"))
    }
    assert named == set(ROWS)


def test_the_interface_serves_what_the_page_names(tmp_path: Path) -> None:
    paths = create_app(Settings(data_dir=tmp_path)).openapi()["paths"]
    for row in rows().values():
        assert row.operations, row.name
        for method, path in row.operations:
            assert method.lower() in paths.get(path, {}), (row.name, method, path)


def test_the_screens_that_the_page_names_exist() -> None:
    screens = set(re.findall(r'path: "(/[a-z]+)"', (CHECKOUT / "web" / "src" / "app.tsx").read_text(encoding="utf-8")))
    for row in rows().values():
        assert set(row.screens) <= screens, row.name

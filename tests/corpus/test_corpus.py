"""The published examples on their way through two servers: what docs/corpus.md says is what happens."""

import importlib.util
import sys
from types import ModuleType

import pytest

from shared_data import CHECKOUT, shared

#: One file of so many in an ordinary run.
SAMPLE = 13


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    shared("standard/examples/gs1")
    spec = importlib.util.spec_from_file_location("make_corpus", CHECKOUT / "docs" / "make_corpus.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up while they are made.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_page_says_what_becomes_of_each_example(maker: ModuleType, full_run: bool) -> None:
    """Rejects a format that loses or changes an event on its way out and in again, and a page that is stale."""
    written = maker.PAGE.read_text(encoding="utf-8")
    if full_run:
        assert maker.page() == written, "run docs/make_corpus.py"
        return
    lines = set(written.splitlines())
    for row in maker.rows(maker.files()[::SAMPLE]):
        assert row.line() in lines, "run docs/make_corpus.py"


def test_every_example_that_is_captured_comes_back_equal_in_every_format(maker: ModuleType) -> None:
    written = maker.PAGE.read_text(encoding="utf-8")
    rows = [
        line.split(" | ") for line in written.splitlines() if line.startswith("| ") and not line.startswith("| file")
    ]
    assert len(rows) == len(maker.files())
    captured = [row for row in rows if row[2] == "yes"]
    assert len(captured) > 110
    assert [row for row in captured if row[3:6] != ["equal"] * 3] == []

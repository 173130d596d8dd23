"""Every example in a docstring of gs1/ holds."""

import doctest
import importlib
import pkgutil

import pytest

import traceward.gs1

MODULES = sorted(module.name for module in pkgutil.walk_packages(traceward.gs1.__path__, "traceward.gs1."))


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_parsing_modules_all_have_examples() -> None:
    """Rejects a run that finds no docstrings at all, as with modules that were moved and no longer searched."""
    tried = {name: doctest.testmod(importlib.import_module(name)).attempted for name in MODULES}
    assert sum(tried.values()) > 50
    for room in ("element_string", "epc_uri", "digital_link", "check_digits", "dates", "keys", "company_prefix"):
        assert tried[f"traceward.gs1.{room}"] > 0

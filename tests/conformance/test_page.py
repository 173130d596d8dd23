"""Holds docs/conformance.md to the cases and mutations that there are."""

from shared_data import CHECKOUT
from traceward.conformance.runner import GROUPS

from .mutations import ALL
from .partner import FAULTS
from .test_nonsense import NONSENSE

PAGE = (CHECKOUT / "docs" / "conformance.md").read_text(encoding="utf-8")


def test_the_page_counts_the_cases_of_each_part() -> None:
    for group in GROUPS:
        assert f"| {group.title} | `{group.key}` | {len(group.cases)} |" in PAGE


def test_the_page_counts_the_mutations() -> None:
    assert f"| mutations of requests and answers | {len(ALL)} | {len(ALL)} |" in PAGE
    assert f"| rules broken by the partner's server | {len(FAULTS)} | {len(FAULTS)} |" in PAGE
    assert len(NONSENSE) == 11

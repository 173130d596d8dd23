"""The pages have words for every kind that the server knows, and for no kind that it knows no longer."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from traceward.ledger.alerts_model import KINDS as ALERTS
from traceward.ledger.conflicts import KINDS as CONFLICTS
from traceward.services.queries.gaps import KINDS as GAPS
from web.pages import ROOT

KINDS = json.loads((ROOT / "web/src/ui/kinds.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("name", "known"), [("conflicts", CONFLICTS), ("alerts", ALERTS), ("gaps", GAPS)])
def test_every_kind_that_the_server_tells_has_words_on_the_pages(name: str, known: Iterable[str]) -> None:
    """Rejects a kind that is added to the ledger alone: readers saw its name in the program."""
    words = KINDS[name]
    assert set(words) == set(known)
    assert list(words) == sorted(words)
    assert len(set(words.values())) == len(words)
    for text in words.values():
        assert text[0].isupper()
        assert "_" not in text
        # A tag on a card of 320 px is one line.
        assert len(text) <= 30

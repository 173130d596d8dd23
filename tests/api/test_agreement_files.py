"""Agreements as files: what is exported imports, each item by itself, and a dry run writes nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.conftest import Site
from api.test_agreements import NORTHGATE, SITE, VALVE, propose, sign, terms
from traceward.cli.main import app

FIRST, SECOND = "https://example.org/agreement/CA-1", "https://example.org/agreement/CA-2"


def imported(site: Site, name: str, items: list[dict[str, Any]], query: str = "") -> list[dict[str, Any]]:
    """What POST /agreements/import answers of each item."""
    answer = site.request(name, "POST", f"/agreements/import{query}", json={"agreements": items})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_what_is_exported_imports_as_unchanged(site: Site) -> None:
    propose(site, "cordia", terms(FIRST))
    exported = site.get("northgate-supply", "/agreements/export")["agreements"]
    assert [one["agreementID"] for one in exported] == [FIRST]
    assert [one["outcome"] for one in imported(site, "northgate-supply", exported)] == ["unchanged"]
    assert site.get("rival-supplier", "/agreements/export") == {"agreements": []}


def test_each_item_is_judged_by_itself(site: Site) -> None:
    """Rejects an import that stops at the first bad item, or takes none for its sake."""
    wrong = terms(SECOND, lines=[{"gtin": VALVE[:-1] + "6"}])
    foreign = terms("urn:x:3", supplier="https://id.gs1.org/417/9506000000008", hospital=NORTHGATE)
    good, bad, others = imported(site, "cordia", [terms(FIRST), wrong, foreign])
    assert (good["outcome"], good["version"], good["findings"]) == ("proposed", 1, [])
    assert (bad["outcome"], bad["findings"][0]["path"]) == ("refused", "lines[0].gtin")
    assert "no GTIN" in bad["findings"][0]["message"]
    assert others["outcome"] == "refused"
    assert [one["agreementID"] for one in site.get("cordia", "/agreements")["agreements"]] == [FIRST]


def test_a_dry_run_finds_the_same_and_writes_nothing(site: Site) -> None:
    propose(site, "cordia", terms(FIRST))
    sign(site, "northgate-supply", FIRST)
    items = [terms(SECOND, sites=[f"{SITE}/254/OR3"]), terms(FIRST, notSeenDays=5), terms(FIRST)]
    tried = imported(site, "cordia", items, "?dry-run=true")
    assert [(one["outcome"], one["version"]) for one in tried] == [("refused", None), ("proposed", 2), ("unchanged", 1)]
    assert FIRST in tried[0]["findings"][0]["message"]
    assert len(site.get("cordia", "/agreements")["agreements"]) == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            {
                "prices": [
                    {"amount": "5", "currency": "EUR", "validTo": "2026-06-30"},
                    {"amount": "6", "currency": "EUR", "validFrom": "2026-06-30"},
                ]
            },
            ("5 EUR", "6 EUR"),
        ),
        ({"par": [{"place": SITE, "minimum": 1, "maximum": 2}] * 2}, (SITE, "more than once")),
        ({"storageCelsius": ["8", "2"]}, ("lower bound first",)),
    ],
)
def test_terms_that_contradict_each_other_are_refused_with_both_named(
    site: Site, line: dict[str, Any], said: tuple[str, ...]
) -> None:
    refused = propose(site, "cordia", terms(lines=[{"gtin": VALVE} | line]))
    assert refused.status_code == 400
    for text in said:
        assert text in refused.text


def test_places_below_a_site_by_the_hospitals_master_data_are_covered(site: Site) -> None:
    """Rejects cover by the text of identifiers alone, and master data by which a supplier widens its agreement."""
    other = "https://id.gs1.org/414/4012345000023"
    propose(site, "cordia", terms(FIRST))
    sign(site, "northgate-supply", FIRST)
    book = site.server.app.state.runtime.agreement_books
    store = site.server.app.state.runtime.store

    def covered() -> bool:
        found = book.current(store)
        ((agreement,),) = found.named(FIRST, NORTHGATE)
        return bool(found.covers(agreement, other))

    below = {"id": SITE, "children": [other]}
    vocabulary = {"type": "urn:epcglobal:epcis:vtype:BusinessLocation", "vocabularyElementList": [below]}
    assert not covered()
    for name, expected in (("cordia", False), ("northgate-supply", True)):
        told = site.request(name, "POST", "/masterdata/vocabularies", json={"vocabularyList": [vocabulary]})
        assert told.status_code < 300, told.text
        assert covered() is expected


def test_the_command_exports_imports_and_signs(site: Site, tmp_path: Path) -> None:
    def run(name: str, *words: str) -> Any:
        options = ["--url", site.server.url, "--key", site.server.keys[name]]
        return CliRunner().invoke(app, ["agreements", *words, *options])

    file = tmp_path / "agreements.json"
    file.write_text(json.dumps({"agreements": [terms(FIRST), terms(SECOND, lines=[])]}))
    first = run("cordia", "import", str(file))
    assert first.exit_code == 1, first.output
    assert f"{FIRST}: proposed as version 1" in first.output
    assert "lines:" in first.output
    assert "is in_force" in run("northgate-supply", "sign", FIRST, "--version", "1").output
    assert "in_force" in run("cordia", "list").output
    file.write_text(run("cordia", "export").output)
    again = run("northgate-supply", "import", str(file), "--dry-run")
    assert (again.exit_code, again.output.strip()) == (0, f"{FIRST}: unchanged as version 1")

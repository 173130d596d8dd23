"""Every published vector that concerns parsing gets its verdict, or the documented better one."""

import json
from pathlib import Path

import pytest

from gs1.disagreements import DISAGREEMENTS
from gs1.vectors import FILES, disagreeing_inputs, vector_cases
from shared_data import shared
from traceward.gs1.element_string import GS, parse_scan_data
from traceward.gs1.linters import LINTERS

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("name", FILES)
def test_every_vector_gets_its_verdict_unless_the_disagreement_is_listed(name: str) -> None:
    """Rejects parsers that guess: each listed disagreement must still be one, and no other may appear."""
    assert len(vector_cases(name)) == FILES[name][0]
    assert disagreeing_inputs(name) == set(DISAGREEMENTS.get(name, {}))


def test_every_linter_case_gets_its_verdict_and_position() -> None:
    """Rejects linters that find an error but mark another place, or another error."""
    linters = json.loads(shared("barcodes/linters.json").read_text(encoding="utf-8"))["linters"]
    tried = 0
    for name, cases in linters.items():
        for case in cases if name != "_stubs" else []:
            if case.get("error") in ("INVALID_GCP_PREFIX", "GCP_DATASOURCE_OFFLINE"):
                continue
            tried += 1
            fault = LINTERS[name](case["input"])
            wanted = case.get("error", "").replace("EXIPIRATION", "EXPIRATION").lower() or None
            assert (fault.code if fault else None) == wanted, (name, case)
            if fault is not None:
                end = fault.position + fault.length
                text = case["input"]
                marked = f"{text[: fault.position]}*{text[fault.position : end]}*{text[end:]}"
                assert marked == case["marked"], (name, case)
    assert tried == 5659


def test_scan_data_of_the_generation_vectors_reads_back() -> None:
    tried = 0
    for case in vector_cases("scandata_generate.json"):
        scan = case["expected"]
        if not scan or scan[:3] not in ("]C1", "]e0", "]d2", "]Q3", "]J1") or "|" in scan or not case["input"]:
            continue
        tried += 1
        parsed = parse_scan_data(scan)
        assert parsed.is_valid, case
        assert parsed.to_element_string() == scan[3:].rstrip(GS), case
    assert tried >= 5


def test_every_disagreement_stands_in_the_documentation() -> None:
    """Rejects a table in the docs that has fallen behind the tests."""
    page = DOCS.joinpath("gs1.md").read_text(encoding="utf-8")
    for name, cases in DISAGREEMENTS.items():
        assert name in page
        for text, reason in cases.items():
            assert f"| `{text}` | {reason} |" in page, text

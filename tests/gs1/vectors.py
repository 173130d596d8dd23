"""How each file of published vectors is asked of our parser; test_vectors.py and `dev.py bench gs1` use it."""

import json
from collections.abc import Callable
from typing import Any

from shared_data import shared
from traceward.gs1.element_string import (
    GS,
    ParsedElementStrings,
    check_associations,
    parse_bracketed,
    parse_digital_link,
    parse_element_strings,
    parse_scan_data,
)
from traceward.gs1.errors import DigitalLinkError

Case = dict[str, Any]
FINDING_OF_RULE = {
    "validateAIrepeats": "repeated_ai",
    "validateAImutex": "excluded_ai_present",
    "validateAIrequisites": "required_ai_missing",
    "validateDigSigRequiresSerialisedKey": "unserialised_key",
}


def unbracketed(parsed: ParsedElementStrings) -> str | None:
    return "^" + parsed.to_element_string().replace(GS, "^") if parsed.is_valid else None


def bracketed_agrees(case: Case) -> bool:
    return unbracketed(parse_bracketed(case["input"])) == case["expected"]


def unbracketed_agrees(case: Case) -> bool:
    text: str = case["input"]
    # Without a leading FNC1 the engine takes the data for no GS1 data; such data has no symbology identifier either.
    parsed = parse_element_strings(text[1:].replace("^", GS)) if text.startswith("^") else parse_scan_data(text)
    return parsed.is_valid == case["ok"]


def linter_error_agrees(case: Case) -> bool:
    codes = [found.code.upper() for found in parse_bracketed(case["input"]).findings if found.severity == "error"]
    return (codes[0] if codes else None) == case["lint_error"]


def association_agrees(case: Case) -> bool:
    parsed = parse_bracketed(case["input"])
    broken = {finding.code for finding in check_associations(parsed.elements)}
    return (FINDING_OF_RULE[case["rule"]] not in broken) == case["ok"]


def link_parse_agrees(case: Case) -> bool:
    return unbracketed(parse_digital_link(case["uri"])) == case["expected"]


def link_build_agrees(case: Case) -> bool:
    parsed = parse_bracketed(case["input"])
    try:
        built = parsed.to_digital_link(case["stem"]) if case["stem"] else parsed.to_digital_link()
    except DigitalLinkError:
        built = None
    return built == case["expected"]


def scan_data_agrees(case: Case) -> bool:
    return parse_scan_data(case["scan"]).is_valid == case["ok"]


def odd_case_agrees(case: Case) -> bool:
    parsed = parse_scan_data(case["scan"])
    accepted = parsed.is_valid and not check_associations(parsed.elements)
    return accepted == case["engine_ok"] and (not accepted or parsed.to_bracketed() == case["engine_ai"])


# File -> (number of cases, name of the input, whether our verdict is the vector's).
FILES: dict[str, tuple[int, str, Callable[[Case], bool]]] = {
    "bracketed_to_unbracketed.json": (27, "input", bracketed_agrees),
    "unbracketed_valid.json": (79, "input", unbracketed_agrees),
    "ai_linter_errors.json": (99, "input", linter_error_agrees),
    "associations.json": (77, "input", association_agrees),
    "dl_parse.json": (118, "uri", link_parse_agrees),
    "dl_generate.json": (22, "input", link_build_agrees),
    "scandata_process.json": (54, "scan", scan_data_agrees),
    "odd_cases.json": (220, "scan", odd_case_agrees),
}


def disagreeing_inputs(name: str) -> set[str]:
    """The inputs of a vector file that our parser answers otherwise."""
    _, key, agrees = FILES[name]
    return {case[key] for case in vector_cases(name) if not agrees(case)}


def vector_cases(name: str) -> list[Case]:
    cases: list[Case] = json.loads(shared(f"barcodes/{name}").read_text(encoding="utf-8"))["cases"]
    return cases

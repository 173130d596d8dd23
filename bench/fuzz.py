"""Coverage-guided fuzzing of the GS1 parsers: whatever the bytes, only the module's own errors may come out.

Run: python3 dev.py bench fuzz [seconds]. A crash ends the run with the input; it then becomes a regression test.
"""

from __future__ import annotations

import os
import sys
import time

import atheris

with atheris.instrument_imports(include=["traceward.gs1"]):
    from traceward.gs1.dates import parse_yymmdd
    from traceward.gs1.element_string import check_associations, parse, parse_bracketed, parse_element_strings
    from traceward.gs1.epc_uri import (
        canonical_identifier,
        contains_patient_identifier,
        digital_link_to_urn,
        identifier_kind,
        urn_to_digital_link,
    )
    from traceward.gs1.errors import Gs1Error
    from traceward.gs1.parsed import join_symbols
    from traceward.gs1.udi import parse_hibc, parse_iccbba, parse_udi, udi_from_elements

_SLOW_S = 1.0


def _element_strings(text: str) -> None:
    strict, lenient = parse_element_strings(text), parse(text, mode="lenient")
    check_associations(join_symbols([strict, lenient]).elements)
    udi_from_elements(lenient)
    if strict.is_valid:
        again = parse_element_strings(strict.to_element_string())
        assert [e[:2] for e in again.elements] == [e[:2] for e in strict.elements], text


def _bracketed(text: str) -> None:
    parsed = parse_bracketed(text)
    if parsed.is_valid:
        assert parse_bracketed(parsed.to_bracketed()).elements, text


def _identifiers(text: str) -> None:
    canonical = canonical_identifier(text)
    assert canonical_identifier(canonical) == canonical, text
    identifier_kind(canonical)
    contains_patient_identifier(text)
    digital_link_to_urn(canonical, lambda _digits: 7)
    urn_to_digital_link(text)


def _other(text: str) -> None:
    for judge in (parse_udi, parse_hibc, parse_iccbba):
        try:
            judge(text)
        except Gs1Error:
            continue
    parse_yymmdd(text, 2026)


TARGETS = (_element_strings, _bracketed, _identifiers, _other)


def fuzz_one(data: bytes) -> None:
    """One input through one target, chosen by its first byte."""
    provider = atheris.FuzzedDataProvider(data)
    target = TARGETS[provider.ConsumeIntInRange(0, len(TARGETS) - 1)]
    text = provider.ConsumeUnicode(2000)
    started = time.perf_counter()
    try:
        target(text)
    except Gs1Error:
        return
    if time.perf_counter() - started > _SLOW_S:
        raise TimeoutError(f"{target.__name__} took more than {_SLOW_S} s for {text!r}")


def main() -> None:
    """Fuzz for the seconds given (60 unless told), and print how many executions found nothing."""
    seconds = next((word for word in sys.argv[1:] if word.isdigit()), "60")
    os.environ.setdefault("PYTHONHASHSEED", "0")
    arguments = [sys.argv[0], f"-max_total_time={seconds}", "-max_len=600", "-print_final_stats=1", "-verbosity=1"]
    atheris.Setup(arguments, fuzz_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

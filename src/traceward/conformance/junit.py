"""A verdict as JUnit XML, for continuous integration; it must not decide what counts as a failure."""

import xml.etree.ElementTree as ET

from traceward.conformance.model import Exchange, Outcome
from traceward.conformance.runner import Result, Verdict, groups_of

_TOLD = ("gs1-", "content-type", "location", "link", "allow", "www-authenticate", "retry-after")
_CONTROL = {code: "\N{REPLACEMENT CHARACTER}" for code in (*range(32), 0xFFFE, 0xFFFF) if code not in {9, 10, 13}}


def junit_xml(verdict: Verdict) -> bytes:
    """One testsuite for each group; what is not supported or was skipped counts as skipped."""
    root = ET.Element(
        "testsuites", _counts(verdict.results) | {"name": _clean(f"EPCIS 2.0 conformance of {verdict.url}")}
    )
    for title, results in groups_of(verdict.results).items():
        suite = ET.SubElement(root, "testsuite", _counts(results) | {"name": title})
        for result in results:
            _add_case(suite, result)
    ET.indent(root)
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _counts(results: list[Result] | tuple[Result, ...]) -> dict[str, str]:
    failed = sum(one.outcome is Outcome.FAIL for one in results)
    passed = sum(one.outcome is Outcome.PASS for one in results)
    return {
        "tests": str(len(results)),
        "failures": str(failed),
        "errors": "0",
        "skipped": str(len(results) - failed - passed),
        "time": f"{sum(one.seconds for one in results):.3f}",
    }


def _add_case(suite: ET.Element, result: Result) -> None:
    group, _, name = result.case.name.partition("/")
    case = ET.SubElement(suite, "testcase", classname=group, name=name, time=f"{result.seconds:.3f}")
    message = _clean(f"{result.outcome.value}: {result.reason}")
    if result.outcome is Outcome.FAIL:
        failure = ET.SubElement(case, "failure", message=message, type=result.case.level.value)
        told = [result.case.title, f"Clause: {result.case.clause}", *map(exchange_text, result.exchanges)]
        failure.text = _clean("\n\n".join(told))
    elif result.outcome is not Outcome.PASS:
        ET.SubElement(case, "skipped", message=message)


def exchange_text(exchange: Exchange) -> str:
    """The request and its answer as text, with the headers that EPCIS speaks of."""
    lines = [f"{exchange.method} {exchange.url}"]
    lines += [f"{name}: {value}" for name, value in exchange.request_headers.items()]
    if exchange.request_body:
        lines += ["", exchange.request_body]
    lines += ["", f"{exchange.status if exchange.status is not None else 'no answer'}"]
    told = {name: value for name, value in exchange.answer_headers.items() if name.startswith(_TOLD)}
    lines += [f"{name}: {value}" for name, value in told.items()]
    if len(told) < len(exchange.answer_headers):
        lines += [f"({len(exchange.answer_headers) - len(told)} other headers)"]
    if exchange.answer_body:
        lines += ["", exchange.answer_body]
    return "\n".join(lines)


def _clean(text: str) -> str:
    return text.translate(_CONTROL)

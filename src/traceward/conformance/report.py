"""A verdict as one page of HTML without external assets; it must not decide what counts as a failure."""

import re
from html import escape
from typing import Final

from traceward.conformance.junit import exchange_text
from traceward.conformance.model import Level, Outcome
from traceward.conformance.runner import Result, Verdict, groups_of

_WORDS: Final = {
    Outcome.PASS: ("pass", "passed"),
    Outcome.FAIL: ("fail", "failed"),
    Outcome.NOT_SUPPORTED: ("none", "not supported"),
    Outcome.SKIPPED: ("skip", "skipped"),
}

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2126; --soft: #5b6670; --line: #d9dfe4; --paper: #fff; --tint: #f4f6f8;
  --pass: #1d7a46; --fail: #b3261e; --none: #8a5a00; --skip: #5b6670 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaee; --soft: #9aa6b1; --line: #39434c; --paper: #14181c;
  --tint: #1e242a; --pass: #63c78e; --fail: #ff8a80; --none: #e3b04b; --skip: #9aa6b1 } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 74rem; padding: 2rem 1.5rem 4rem; color: var(--ink); background: var(--paper);
  font: 15px/1.5 system-ui, sans-serif }
h1 { font-size: 1.6rem; margin: 0 0 .25rem } h2 { font-size: 1.1rem; margin: 2.2rem 0 .5rem }
p { margin: .25rem 0 } .soft { color: var(--soft) } a { color: inherit }
code, pre { font: 13px/1.45 ui-monospace, monospace }
.verdict { font-size: 1.15rem; font-weight: 600; margin: 1rem 0 .5rem }
.bar { display: flex; height: .75rem; border-radius: .4rem; overflow: hidden; margin: .75rem 0;
  background: var(--line) }
.bar span { min-width: 3px } table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top }
th { font-weight: 600; color: var(--soft) } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
.cases { table-layout: fixed; overflow-wrap: anywhere }
.cases td:first-child { width: 8.5rem; white-space: nowrap; font-weight: 600 }
.cases td:last-child { width: 15rem; color: var(--soft) }
.pass { color: var(--pass) } .fail { color: var(--fail) } .none { color: var(--none) } .skip { color: var(--skip) }
.bar .pass { background: var(--pass) } .bar .fail { background: var(--fail) } .bar .none { background: var(--none) }
.bar .skip { background: var(--skip) } .reason { margin: .3rem 0; overflow-wrap: anywhere }
summary { cursor: pointer } pre { background: var(--tint); border: 1px solid var(--line); border-radius: .4rem;
  padding: .6rem .8rem; margin: .5rem 0; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere }
.name { font: 12.5px ui-monospace, monospace; color: var(--soft); overflow-wrap: anywhere }
@media (max-width: 45rem) { .cases, .cases tbody, .cases tr, .cases td { display: block; width: auto }
  .cases td { border: 0; padding: .1rem 0 } .cases tr { border-bottom: 1px solid var(--line); padding: .5rem 0 }
  .cases td:first-child, .cases td:last-child { width: auto } th, td { padding: .3rem .2rem }
  table:not(.cases) { font-size: 13px } }
"""


def html_report(verdict: Verdict, vendor: str = "") -> str:
    """The page: what the verdict is, counts by group, then each case; what failed is open with its exchanges."""
    groups = groups_of(verdict.results)
    body = "\n".join(
        (
            "<h1>EPCIS 2.0 conformance</h1>",
            f"<p><code>{escape(verdict.url)}</code>{f' &middot; {escape(vendor)}' if vendor else ''}</p>",
            f'<p class="soft">{escape(_circumstances(verdict))}</p>',
            f'<p class="verdict {"pass" if verdict.conforms else "fail"}">{escape(headline(verdict))}</p>',
            _bar(verdict),
            _levels(verdict),
            "<h2>Parts</h2>",
            _overview(groups),
            *(_group(title, results) for title, results in groups.items()),
            '<p class="soft">What each level means, and what the kit leaves out: docs/conformance.md of Traceward.</p>',
        )
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>EPCIS 2.0 conformance of {escape(verdict.url)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def headline(verdict: Verdict) -> str:
    """One sentence on the whole.

    "3 of 412 cases fail, 2 of them mandatory; 5 mandatory parts are not supported."
    """
    failed, mandatory = verdict.count(Outcome.FAIL), verdict.count(Outcome.FAIL, Level.MANDATORY)
    missing = verdict.count(Outcome.NOT_SUPPORTED, Level.MANDATORY)
    optional = verdict.count(Outcome.NOT_SUPPORTED) - missing
    skipped = verdict.count(Outcome.SKIPPED)
    parts = [f"No case of {len(verdict.results)} fails"]
    if mandatory:
        parts = [f"{failed} of {len(verdict.results)} cases fail, {mandatory} of them mandatory"]
    elif failed:
        # The verdict comes first: whoever reads "fail" first takes a server that conforms for one that does not.
        parts = [f"No mandatory case fails; {failed} of {len(verdict.results)} do that are recommended or optional"]
    if missing:
        parts.append(f"{missing} mandatory {'part is' if missing == 1 else 'parts are'} not supported")
    if optional:
        parts.append(f"{optional} recommended or optional {'part is' if optional == 1 else 'parts are'} not supported")
    if skipped:
        parts.append(f"{skipped} {'case was' if skipped == 1 else 'cases were'} skipped")
    return "; ".join(parts) + "."


def _circumstances(verdict: Verdict) -> str:
    requests = sum(one.requests for one in verdict.results)
    when = f"{verdict.started:%Y-%m-%d %H:%M} UTC"
    return f"{when}, {len(verdict.results)} cases, {requests} requests, {verdict.seconds:.1f} s"


def _bar(verdict: Verdict) -> str:
    spans = "".join(
        f'<span class="{css}" style="flex:{verdict.count(outcome)}" title="{verdict.count(outcome)} {word}"></span>'
        for outcome, (css, word) in _WORDS.items()
        if verdict.count(outcome)
    )
    return f'<div class="bar" role="img" aria-label="{escape(headline(verdict), quote=True)}">{spans}</div>'


def _levels(verdict: Verdict) -> str:
    head = "".join(f'<th class="n">{word}</th>' for _, word in _WORDS.values())
    rows = "".join(
        f"<tr><td>{level.value}</td>{_cells([verdict.count(outcome, level) for outcome in Outcome])}</tr>"
        for level in Level
    )
    return f"<table><tr><th>level</th>{head}</tr>{rows}</table>"


def _overview(groups: dict[str, list[Result]]) -> str:
    head = "".join(f'<th class="n">{word}</th>' for _, word in _WORDS.values())
    rows = "".join(
        f'<tr><td><a href="#{_anchor(title)}">{escape(title)}</a></td>'
        f"{_cells([sum(one.outcome is outcome for one in results) for outcome in Outcome])}</tr>"
        for title, results in groups.items()
    )
    return f"<table><tr><th>part</th>{head}</tr>{rows}</table>"


def _cells(counts: list[int]) -> str:
    classes = [css for css, _ in _WORDS.values()]
    return "".join(
        f'<td class="n {css if count else ""}">{count or "&ndash;"}</td>'
        for css, count in zip(classes, counts, strict=True)
    )


def _group(title: str, results: list[Result]) -> str:
    """What did not pass, in the open; what passed, folded away."""
    heading = f'<h2 id="{_anchor(title)}">{escape(title)}</h2>'
    others = _cases([one for one in results if one.outcome is not Outcome.PASS])
    passed = [one for one in results if one.outcome is Outcome.PASS]
    summary = f'<summary class="pass">{len(passed)} of {len(results)} passed</summary>'
    folded = f"<details>{summary}\n{_cases(passed)}</details>" if passed else ""
    return f"{heading}\n{others}\n{folded}"


def _cases(results: list[Result]) -> str:
    rows = "\n".join(_case(one) for one in results)
    return f'<table class="cases">\n{rows}\n</table>' if rows else ""


def _case(result: Result) -> str:
    css, word = _WORDS[result.outcome]
    case = result.case
    reason = f'<p class="reason {css}">{escape(result.reason)}</p>' if result.reason else ""
    exchanges = ""
    if result.exchanges:
        shown = "".join(f"<pre>{escape(exchange_text(one))}</pre>" for one in result.exchanges)
        more = result.requests - len(result.exchanges)
        before = f'<p class="soft">{more} earlier requests are left out.</p>' if more > 0 else ""
        exchanges = f"<details><summary>Requests and answers</summary>{before}{shown}</details>"
    return (
        f'<tr id="{_anchor(case.name)}"><td class="{css}">{word}</td><td>{escape(case.title)} '
        f'<span class="name">{escape(case.name)}</span>{reason}{exchanges}</td>'
        f"<td>{escape(case.clause)}<br>{case.level.value}</td></tr>"
    )


def _anchor(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-").lower()

"""Runs cases one after the other and gives their results; it must not print or write files."""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from traceward.conformance.case import Case, Group
from traceward.conformance.cases import (
    association,
    capture,
    discovery,
    encodings,
    errors,
    formats,
    named_queries,
    parameters,
    resources,
    results,
    soap,
    subscriptions,
    xml,
)
from traceward.conformance.client import Client, NoAnswer
from traceward.conformance.model import Exchange, Level, NotSupported, Outcome, Skipped, Unmet
from traceward.conformance.run import Run

GROUPS: tuple[Group, ...] = (
    discovery.GROUP,
    capture.GROUP,
    errors.GROUP,
    parameters.GROUP,
    results.GROUP,
    resources.GROUP,
    formats.GROUP,
    xml.GROUP,
    encodings.GROUP,
    parameters.SENSORS,
    association.SENSOR_RULES,
    association.GROUP,
    named_queries.GROUP,
    subscriptions.GROUP,
    soap.GROUP,
)
CASES: tuple[Case, ...] = tuple(case for group in GROUPS for case in group.cases)
KEPT_EXCHANGES = 4


class CannotRun(Exception):
    """The server cannot be judged at all; the message says why and what would help."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one case came to. reason: empty for a pass. exchanges: the last ones of a case that failed."""

    case: Case
    outcome: Outcome
    reason: str
    exchanges: tuple[Exchange, ...]
    requests: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """All results of one run against one server."""

    url: str
    started: datetime
    seconds: float
    results: tuple[Result, ...]

    def count(self, outcome: Outcome, level: Level | None = None) -> int:
        """How many cases of that level, or of any, came to this."""
        return sum(one.outcome is outcome and level in {None, one.case.level} for one in self.results)

    @property
    def conforms(self) -> bool:
        """Whether nothing mandatory failed or is missing."""
        missing = self.count(Outcome.NOT_SUPPORTED, Level.MANDATORY)
        return not self.count(Outcome.FAIL, Level.MANDATORY) and not missing


def selected(pattern: str | None) -> tuple[Case, ...]:
    """The cases whose names hold the text, or match it as a pattern with `*`; all without one.

    >>> [case.name for case in selected("discovery/root*")]
    ['discovery/root-lists-nine-resources']
    """
    if pattern is None:
        return CASES
    wild = re.escape(pattern).replace(r"\*", ".*")
    match = re.compile(wild, re.IGNORECASE)
    return tuple(case for case in CASES if (match.fullmatch if "*" in pattern else match.search)(case.name))


def find_base(client: Client) -> str:
    """The address of the EPCIS interface: the one given, or below it `/epcis` where that is what answers.

    Raises CannotRun where no answer comes, or the key is refused.
    """
    given = client.url
    for url in (given, f"{given}/epcis"):
        client.url = url
        try:
            answer = client.request("GET", "/events", {"perPage": "1"})
        except NoAnswer as error:
            raise CannotRun(str(error)) from error
        if answer.status in {401, 403}:
            raise CannotRun(f"{url}/events answers {answer.status}: give a key that may capture and query (--key)")
        if answer.status != 404 and answer.media_type != "text/html":
            return url
    client.url = given
    raise CannotRun(f"neither {given}/events nor {given}/epcis/events is there; give the base address of the EPCIS API")


def run_cases(run: Run, cases: Sequence[Case], tell: Callable[[Result], None] = lambda _: None) -> Verdict:
    """The verdict on the server of that run; `tell` gets each result as it comes."""
    started, clock = datetime.now(UTC), time.perf_counter()
    found = []
    for case in cases:
        result = judge(run, case)
        tell(result)
        found.append(result)
    return Verdict(run.client.url, started, time.perf_counter() - clock, tuple(found))


def judge(run: Run, case: Case) -> Result:
    """The result of one case."""
    run.client.exchanges.clear()
    clock = time.perf_counter()
    outcome, reason = Outcome.PASS, ""
    try:
        case.judge(run)
    except NotSupported as error:
        outcome, reason = Outcome.NOT_SUPPORTED, str(error)
    except Skipped as error:
        outcome, reason = Outcome.SKIPPED, str(error)
    except (Unmet, NoAnswer) as error:
        outcome, reason = Outcome.FAIL, str(error)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        # An answer of a shape that no case foresaw: the server's fault, told with what the kit stumbled over.
        outcome, reason = Outcome.FAIL, f"the answer has an unexpected shape: {type(error).__name__}: {error}"
    exchanges = tuple(run.client.exchanges)
    kept = exchanges[-KEPT_EXCHANGES:] if outcome is not Outcome.PASS else ()
    return Result(case, outcome, reason, kept, len(exchanges), time.perf_counter() - clock)


def groups_of(results: Iterable[Result]) -> dict[str, list[Result]]:
    """The results by the title of their group, in order."""
    grouped: dict[str, list[Result]] = {}
    for result in results:
        grouped.setdefault(result.case.group, []).append(result)
    return grouped

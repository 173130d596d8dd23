"""How a receiver's answer is taken: delivered, to be made smaller, to be tried again and when, or the end.

Pure; it must neither wait nor store.
"""

from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final

from traceward.services.outgoing import Answer

_DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """Bounds of the worker. Times in seconds.

    attempts: of one message, before it becomes a dead letter and its subscription is parked. A lease that is not
    renewed ends after lease_s, and another process goes on. kept: delivered messages that are listed.
    """

    attempts: int = 100
    first_wait_s: float = 0.5
    longest_wait_s: float = 3600.0
    batch_events: int = 500
    batch_bytes: int = 1_000_000
    lease_s: float = 8.0
    renew_s: float = 2.0
    claim_at_once: int = 16
    poll_s: float = 0.25
    kept: int = 100


class Outcome(Enum):
    """What one attempt came to."""

    DELIVERED = "delivered"
    TOO_LARGE = "too large"
    GONE = "gone"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One attempt's outcome. error: in our own words, None when delivered; retry_after_s: what the receiver asked."""

    outcome: Outcome
    status: int | None
    error: str | None
    retry_after_s: float | None = None


#: Statuses with a meaning of their own; 2xx is delivered and everything else has failed, redirects included.
_OUTCOMES: Final = {410: Outcome.GONE, 413: Outcome.TOO_LARGE}


def judged(answer: Answer, now_s: float) -> Verdict:
    """What an answer means. EPCIS 2.0 8.2.5; REST webhook, 413."""
    if 200 <= answer.status < 300:
        return Verdict(Outcome.DELIVERED, answer.status, None)
    outcome = _OUTCOMES.get(answer.status, Outcome.FAILED)
    error = f"the receiver answered {answer.status}"
    return Verdict(outcome, answer.status, error, _retry_after_s(answer.headers.get("retry-after"), now_s))


def unreached(reason: str) -> Verdict:
    """The verdict on an attempt without answer."""
    return Verdict(Outcome.FAILED, None, reason)


def wait_s(rules: DeliveryRules, attempts: int, verdict: Verdict, jitter: float) -> float:
    """How long to wait after that many attempts: doubling, half of it by chance, no less than the receiver asked for.

    jitter: from 0 to 1.

    >>> rules = DeliveryRules()
    >>> [wait_s(rules, n, unreached(""), 1.0) for n in (1, 2, 3, 50)]
    [0.5, 1.0, 2.0, 3600.0]
    """
    longest = min(rules.first_wait_s * 2.0 ** min(attempts - 1, 40), rules.longest_wait_s)
    return max(longest * (0.5 + jitter / 2), verdict.retry_after_s or 0.0)


def _retry_after_s(text: str | None, now_s: float) -> float | None:
    """Seconds that Retry-After asks for, at most a day; None where it says nothing. RFC 9110 10.2.3."""
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) < 10:
        return min(float(text), _DAY_S)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # A date without zone, as the obsolete form of asctime is, is in UTC: RFC 9110 5.6.7.
    until_s = (until if until.tzinfo is not None else until.replace(tzinfo=UTC)).timestamp()
    return min(max(until_s - now_s, 0.0), _DAY_S)

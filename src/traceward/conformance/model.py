"""What a case is judged to be, and how a case tells it; it must not speak HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How binding a case is: what a server must do, should do, or may leave out."""

    MANDATORY = "mandatory"
    RECOMMENDED = "recommended"
    OPTIONAL = "optional"


class Outcome(StrEnum):
    """What one case came to."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    NOT_SUPPORTED = "not supported"
    """The server says that it does not have this part: 501, or 404, 405, 406, 415 where the case allows it."""
    SKIPPED = "skipped"
    """The case could not be put, and the reason says why: nothing was judged."""


class Unmet(Exception):
    """The server did not do what the case expects. expected, found: one sentence each."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"expected {expected}; found {found}")
        self.expected = expected
        self.found = found


class NotSupported(Exception):
    """The server says that it does not have the part under test."""


class Skipped(Exception):
    """The case could not be put; the message says why."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, bodies cut to an excerpt, secrets left out. status: None where no answer came."""

    method: str
    url: str
    request_headers: Mapping[str, str]
    request_body: str
    status: int | None
    answer_headers: Mapping[str, str]
    answer_body: str
    seconds: float

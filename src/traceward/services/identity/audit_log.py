"""Reading the audit log, and proving that it is whole.

Only the privacy officer of an organisation reads its entries. It must not write.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from traceward.epcis.times import format_time_us
from traceward.services.identity.audit import COLUMNS, FIRST, HEAD, entry_digest
from traceward.services.identity.principals import Principal, Right
from traceward.services.runtime import Runtime
from traceward.services.times import instant
from traceward.services.tokens import page_bounds
from traceward.store import counters
from traceward.store.read import Reader

_AT_ONCE: Final = 1000
_SELECT: Final = f"SELECT {','.join(COLUMNS)} FROM audit"  # noqa: S608
_LAST_SEQ: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are asked for; None asks for any. start, end: dates or date-times, start <= time < end."""

    action: str | None = None
    principal: str | None = None
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """One page of entries, newest first, as plain values. numbers: of each in the log, not for others to see."""

    entries: list[dict[str, Any]]
    next_token: str | None
    expires_us: int
    numbers: tuple[int, ...] = ()


def page(runtime: Runtime, caller: Principal, wanted: AuditFilter, token: str | None, per_page: int) -> AuditPage:
    """The entries that concern the caller's organisation, newest first. Raises ForbiddenException, BadPageToken."""
    caller.require(Right.READ_AUDIT)
    digest = hashlib.sha256(f"audit {wanted!r}".encode()).digest()
    bounds = page_bounds(runtime, caller, digest, token)
    tests, params = ["party=?", "seq<?"], [caller.party_number, bounds.cursor.seq if bounds.cursor else _LAST_SEQ]
    for column, value in (("action", wanted.action), ("principal", wanted.principal)):
        if value is not None:
            tests.append(f"{column}=?")
            params.append(value)  # type: ignore[arg-type]
    if wanted.start is not None:
        tests.append("time_us>=?")
        params.append(instant("from", wanted.start, end_of_day=False))
    if wanted.end is not None:
        tests.append("time_us<?")
        params.append(instant("to", wanted.end, end_of_day=False))
    with runtime.store.reader() as reader:
        rows = reader.fetch(f"{_SELECT} WHERE {' AND '.join(tests)} ORDER BY seq DESC LIMIT ?", [*params, per_page + 1])
    shown = rows[:per_page]
    more = len(rows) > per_page and bool(shown)
    next_token = bounds.next_token((shown[-1][0], shown[-1][0])) if more else None
    numbers = tuple(row[0] for row in shown)
    return AuditPage([_body(row) for row in shown], next_token, bounds.expires_us, numbers)


def entry_of(runtime: Runtime, caller: Principal, number: int) -> dict[str, Any] | None:
    """The entry of a number, where it concerns the caller's organisation. Raises ForbiddenException."""
    caller.require(Right.READ_AUDIT)
    with runtime.store.reader() as reader:
        rows = reader.fetch(f"{_SELECT} WHERE seq=? AND party=?", (number, caller.party_number))
    return _body(rows[0]) if rows else None


def _body(row: Sequence[Any]) -> dict[str, Any]:
    known = dict(zip(COLUMNS, row, strict=True))
    return {
        "time": format_time_us(known["time_us"]),
        "principal": known["principal"],
        "role": known["role"],
        "credential": known["credential"],
        "action": known["action"],
        "resource": known["resource"],
        "filterDigest": bytes(known["filter_digest"]).hex(),
        "resultCount": known["result_count"],
        "eventIDs": msgspec.json.decode(known["event_ids"]),
        "outcome": known["outcome"],
        "purpose": known["purpose"],
        "requestID": known["request_id"],
        "hash": bytes(known["hash"]).hex(),
    }


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """Whether the log is whole. count: entries that were found good, from the first on; head: the last one's hash.

    bad_seq, fault: the first entry that is not as it was written, and what is wrong with it.
    """

    count: int
    head: str
    bad_seq: int | None = None
    fault: str = ""


def verify(reader: Reader, expected: tuple[int, str] | None = None) -> ChainVerdict:
    """Walk the chain from its first entry.

    expected: number and hash of an entry that was noted elsewhere before; a log that was cut and written anew
    as a whole shows only by it.
    """
    before, count = FIRST, 0
    for row in _all_rows(reader):
        seq = count + 1
        fault = _fault(row, seq, before)
        if not fault and expected is not None and expected[0] == seq and bytes(row[-1]).hex() != expected[1]:
            fault = f"its hash is {bytes(row[-1]).hex()}, noted was {expected[1]}"
        if fault:
            return ChainVerdict(count, before.hex(), seq, fault)
        before, count = bytes(row[-1]), seq
    last = max(counters.value_of(reader, HEAD), expected[0] if expected is not None else 0)
    if last > count:
        return ChainVerdict(count, before.hex(), count + 1, f"missing: the log ends with {count}, expected {last}")
    return ChainVerdict(count, before.hex())


def _fault(row: Sequence[Any], seq: int, before: bytes) -> str:
    if row[0] != seq:
        return f"missing: the next entry there is {row[0]}"
    if bytes(row[-2]) != before:
        return "it does not follow the entry before it"
    if entry_digest(row[:-1]) != bytes(row[-1]):
        return "its content is not what its hash was made of"
    return ""


def _all_rows(reader: Reader) -> Iterator[Sequence[Any]]:
    after = -_LAST_SEQ
    while rows := reader.fetch(f"{_SELECT} WHERE seq>? ORDER BY seq LIMIT {_AT_ONCE}", (after,)):
        yield from rows
        after = rows[-1][0]

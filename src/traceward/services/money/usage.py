"""GET /usage: the uses of consigned goods that a caller takes part in, with how far each has come.

It names no patient: private events are never read here. Prices and papers are for roles that see prices alone.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from traceward.epcis.decimals import normal_decimal
from traceward.epcis.errors import ForbiddenException, QueryParameterException
from traceward.epcis.predicates import AnyTerm, TimeRange
from traceward.epcis.times import format_time_us
from traceward.gs1.epc_uri import canonical_identifier
from traceward.ledger.agreement import AgreementBook
from traceward.ledger.conflicts import conflict
from traceward.ledger.facts import GS1, class_parts
from traceward.services.agreements import agreements
from traceward.services.amounts import money
from traceward.services.identity.principals import Principal, Sight
from traceward.services.money import invoices
from traceward.services.money.usage_events import (
    USE_TYPES,
    OrderEvent,
    UseEvent,
    UseLine,
    find_orders,
    find_uses,
    report_clause,
)
from traceward.services.money.usage_matching import STATES, Matches, Progress, match
from traceward.services.money.usage_prices import Charge, charge_of
from traceward.services.pages import BodyPage
from traceward.services.queries.visible_events import goods_terms
from traceward.services.runtime import Runtime
from traceward.services.times import instant
from traceward.services.tokens import page_bounds
from traceward.services.tracing import stock
from traceward.services.tracing.labels import printed_parts, with_labels
from traceward.store import business_lists
from traceward.store.read import Reader

_EXAMINED: Final = 2000
"""How many events one answer looks at for a state that few of them have; the next page goes on from there."""

_AT_ONCE: Final = 100
_SHORT: Final = "lot_short"
_UNPRICED_STATES: Final = frozenset({"ordered", "invoiced", "settled"})


@dataclass(frozen=True, slots=True)
class UsageFilter:
    """Which uses are asked for; None asks for any. start <= eventTime < end. place: where used or taken from."""

    report: str | None = None
    start: str | None = None
    end: str | None = None
    place: str | None = None
    gtin: str | None = None
    use_type: str | None = None
    state: str | None = None


def usage_page(runtime: Runtime, caller: Principal, wanted: UsageFilter, token: str | None, per_page: int) -> BodyPage:
    """The uses that the caller's organisation takes part in, newest first.

    Raises ForbiddenException for a role that sees no uses, QueryParameterException for what is no value of a filter.
    """
    require_sight(caller, Sight.USE)
    _check(wanted)
    digest = hashlib.sha256(repr(wanted).encode()).digest()
    bounds = page_bounds(runtime, caller, digest, token)
    clauses, times, after = _clauses(wanted), _times(wanted), bounds.cursor
    book = agreements.book(runtime)
    bodies: list[dict[str, Any]] = []
    examined = 0
    with runtime.store.reader() as reader:
        while True:
            limit = max(per_page - len(bodies), 1)
            found, following = find_uses(runtime, reader, caller, clauses, times, after=after, limit=limit)
            uses = [use for _, use in found]
            matches = matches_of(runtime, reader, caller, uses)
            beyond = _beyond_book(reader, caller, uses)
            told = (_use_body(caller, book, use, matches, beyond) for use in uses)
            bodies += [body for use, body in zip(uses, told, strict=True) if _is_wanted(wanted, use, body)]
            after, examined = following, examined + limit
            if after is None or len(bodies) >= per_page or examined >= _EXAMINED:
                break
        bodies = _labelled(reader, caller, bodies)
    next_token = bounds.next_token(after) if after is not None else None
    named = stock.names(runtime, caller, _named(bodies))
    return BodyPage({"uses": bodies, **named}, next_token, bounds.expires_us)


def require_sight(caller: Principal, sight: Sight) -> None:
    """Nothing when the caller's role sees this kind of data; else raises ForbiddenException."""
    if not caller.sees(sight):
        raise ForbiddenException(f"the role {caller.role!r} does not see {sight.value}")


def matches_of(
    runtime: Runtime,
    reader: Reader,
    caller: Principal,
    uses: Sequence[UseEvent],
    papers_for: Iterable[str] = (),
    more_orders: Iterable[OrderEvent] = (),
) -> Matches:
    """How far these uses have come, by every paper that the caller may see.

    papers_for: items whose papers count too, whether or not one of the uses is theirs. more_orders: known beside.
    """
    reports = {report for use in uses for report in use.papers.usage_reports}
    items = {line.item for use in uses for line in use.lines}
    products = {f"{GS1}01/{gtin}" for item in items if (gtin := class_parts(item)[0]) is not None}
    reports |= {report for order in more_orders for report in order.papers.usage_reports}
    items |= {*papers_for, *(item for order in more_orders for item, _ in order.items)}
    found = find_orders(runtime, reader, caller, reports, items | products)
    orders = list({one.event_id: one for one in (*more_orders, *found)}.values())
    keys = [use.line_key(line) for use in uses for line in use.lines]
    settled = business_lists.settled_lines(reader, caller.organisation, keys)
    charged = invoices.records_of(reader, caller, items | products)
    # A paper may answer uses of other pages as well: each use gets its own share only where all are known.
    beside = _beside(runtime, reader, caller, reports, items) if orders or charged else []
    by_eid = {use.eid: use for use in (*beside, *uses)}
    return match(by_eid.values(), orders, charged, settled)


def _beside(
    runtime: Runtime, reader: Reader, caller: Principal, reports: Iterable[str], items: Iterable[str]
) -> list[UseEvent]:
    """The uses that papers of these usage reports and items may answer too."""
    pairs = [pair for report in sorted(reports) for pair in report_clause(report).pairs]
    pairs += [("epcClass", item) for item in sorted(items)]
    found: list[UseEvent] = []
    for start in range(0, len(pairs), _AT_ONCE):
        clause = AnyTerm(tuple(pairs[start : start + _AT_ONCE]))
        uses, _ = find_uses(runtime, reader, caller, [clause], TimeRange(), after=None, limit=_EXAMINED)
        found += [use for _, use in uses]
    return found


def line_money(charge: Charge) -> dict[str, Any]:
    """What a line comes to, for roles that see prices."""
    return {
        "payer": charge.payer,
        "unitPrice": money(charge.unit_price, charge.currency) if charge.unit_price is not None else None,
        "amount": money(charge.amount, charge.currency) if charge.amount is not None else None,
        "currency": charge.currency,
        "agreement": charge.agreement.terms.agreement_id if charge.agreement is not None else None,
        "agreementVersion": charge.agreement.version if charge.agreement is not None else None,
        "billMode": charge.product.bill_mode if charge.product is not None else None,
        "priceProblem": charge.problem,
    }


def item_body(line: UseLine) -> dict[str, Any]:
    """A line's goods."""
    quantity = normal_decimal(line.quantity)
    return {"item": line.item, **printed_parts(line.item), "quantity": quantity, "uom": line.uom}


def _check(wanted: UsageFilter) -> None:
    for name, value, known in (("useType", wanted.use_type, USE_TYPES), ("state", wanted.state, STATES)):
        if value is not None and value not in known:
            raise QueryParameterException(f"{name} is {value[:40]!r}; expected one of {', '.join(known)}")


def _times(wanted: UsageFilter) -> TimeRange:
    start = instant("from", wanted.start, end_of_day=False) if wanted.start is not None else None
    end = instant("to", wanted.end, end_of_day=False) if wanted.end is not None else None
    return TimeRange(start, end)


def _clauses(wanted: UsageFilter) -> list[AnyTerm]:
    clauses = []
    if wanted.report is not None:
        clauses.append(report_clause(wanted.report))
    if wanted.place is not None:
        place = canonical_identifier(wanted.place)
        clauses.append(AnyTerm(tuple((key, place) for key in ("readPoint", "bizLocation", "source:location"))))
    if wanted.gtin is not None:
        clauses.append(AnyTerm(goods_terms(f"{GS1}01/{wanted.gtin.zfill(14)}")))
    return clauses


def _is_wanted(wanted: UsageFilter, use: UseEvent, body: dict[str, Any]) -> bool:
    if wanted.use_type is not None and use.use_type != wanted.use_type:
        return False
    return wanted.state is None or any(line["state"] == wanted.state for line in body["lines"])


def _beyond_book(reader: Reader, caller: Principal, uses: Iterable[UseEvent]) -> dict[str, str]:
    """Line key -> how much more was used than the ledger had there; the conflict `lot_short` says so."""
    names = {
        conflict(_SHORT, (line.item,), (use.eid,), (), use.event_time_us).id: use.line_key(line)
        for use in uses
        for line in use.lines
        if line.serial is None
    }
    found = business_lists.amounts_of_conflicts(reader, caller.organisation, names)
    return {names[name]: normal_decimal(quantity) for name, quantity in found.items()}


def _use_body(
    caller: Principal, book: AgreementBook, use: UseEvent, matches: Matches, beyond: Mapping[str, str]
) -> dict[str, Any]:
    with_money = caller.sees(Sight.PRICE)
    lines = [
        _line_body(book, use, matches.lines[use.line_key(line)], with_money=with_money)
        | {"beyondBook": beyond.get(use.line_key(line))}
        for line in use.lines
    ]
    return {
        "eventID": use.event_id,
        "eventTime": format_time_us(use.event_time_us),
        "recordTime": format_time_us(use.record_time_us),
        "usageReport": use.usage_report,
        "useType": use.use_type,
        "reason": use.reason,
        "noCharge": use.papers.no_charge,
        "place": use.place,
        "takenFrom": use.taken_from,
        "supplier": use.supplier,
        "hospital": use.hospital,
        "state": min((line["state"] for line in lines), key=STATES.index, default="used"),
        "lines": lines,
    }


def _labelled(reader: Reader, caller: Principal, bodies: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The bodies of uses, their lines with the lots of serialised goods."""
    uses = list(bodies)
    lines = [line | {"eventTime": use["eventTime"]} for use in uses for line in use["lines"]]
    lots = iter(with_labels(reader, caller, lines))
    return [use | {"lines": [line | {"lot": next(lots)["lot"]} for line in use["lines"]]} for use in uses]


def _line_body(book: AgreementBook, use: UseEvent, progress: Progress, *, with_money: bool) -> dict[str, Any]:
    state = progress.state
    if with_money:
        papers = {
            "orders": progress.orders,
            "invoices": progress.invoices,
            "ordered": normal_decimal(progress.ordered),
            "invoiced": normal_decimal(progress.invoiced),
        }
        charge = line_money(charge_of(book, use, progress.line)) | papers
        if not progress.line.counts:
            # No ownership passed by it, or it was taken back: whatever its price, nobody owes it.
            nothing = money(Decimal(0), charge["currency"]) if charge["amount"] is not None else None
            charge |= {"payer": "none", "amount": nothing, "priceProblem": None}
        return item_body(progress.line) | {"state": state, "counts": progress.line.counts, "charge": charge}
    if state in _UNPRICED_STATES:
        state = "reported" if use.usage_report is not None else "used"
    return item_body(progress.line) | {"state": state, "counts": progress.line.counts, "charge": None}


def _named(bodies: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for body in bodies:
        found.append({"place": body["place"], "owner": body["supplier"], "holder": body["hospital"]})
        found.append({"place": body["takenFrom"]})
        found += body["lines"]
    return found

"""The two reports of GS1's healthcare consignment process: Transfer of Ownership, Consignment Stock Status.

Both parties draw the same lines for the same period or moment; the digest is of what both may read, prices left out.
It must not show a line that names the caller neither as owner nor as holder. GS1 Model for Supply Chain Processes in
Healthcare, use and reconciliation of consignment stock.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from traceward.epcis.errors import QueryTooComplexException
from traceward.epcis.times import format_time_us, parse_time_us
from traceward.gs1.epc_uri import canonical_identifier
from traceward.ledger.agreement import AgreementBook, day_of, start_of
from traceward.ledger.agreement_terms import ParLevel
from traceward.services.agreements import agreements
from traceward.services.amounts import money, rounded, totals
from traceward.services.identity.principals import Principal, Right, Sight, is_within
from traceward.services.money.settlement import digest_of
from traceward.services.money.usage import item_body, line_money, require_sight
from traceward.services.money.usage_events import STANDING, UseEvent, UseLine, read_uses
from traceward.services.money.usage_prices import charge_of, value_of
from traceward.services.queries.visible_events import moment, visible_event_ids
from traceward.services.runtime import Runtime
from traceward.services.times import instant
from traceward.services.tracing import stock
from traceward.services.tracing.labels import with_labels
from traceward.store import business_lists, ledger_lists
from traceward.store.read import Reader

OWNERSHIP: Final = "Transfer of Ownership Report"
STOCK: Final = "Consignment Stock Status Report"
_MOST: Final = 20_000
_AT_ONCE: Final = 1000
_PRICES: Final = ("unitPrice", "amount", "currency", "payer", "priceProblem")


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """Which report is asked for: start <= eventTime < end, or the moment; partner: the other party alone (PGLN)."""

    start: str | None = None
    end: str | None = None
    as_of: str | None = None
    known_at: str | None = None
    partner: str | None = None


def transfer_of_ownership(runtime: Runtime, caller: Principal, wanted: ReportFilter) -> dict[str, Any]:
    """What ownership passed from or to the caller in a period (this month where none is given), by eventTime.

    Raises ForbiddenException for roles that see no uses, QueryTooComplexException beyond 20,000 events.
    """
    caller.require(Right.READ)
    require_sight(caller, Sight.USE)
    now_us = runtime.now_us()
    end_us = instant("to", wanted.end, end_of_day=False) if wanted.end is not None else now_us + 1
    month = start_of(day_of(end_us - 1).replace(day=1))
    start_us = instant("from", wanted.start, end_of_day=False) if wanted.start is not None else month
    with runtime.store.reader() as reader:
        book = agreements.book_of(reader)
        passed = _passed(runtime, reader, caller, start_us, end_us)
        event_ids = visible_event_ids(reader, caller, {use.eid for use, _ in passed})
        partner = _partner(wanted)
        told = [
            _transfer_line(book, use, line, with_money=caller.sees(Sight.PRICE))
            for use, line in passed
            if use.eid in event_ids and (partner is None or partner in (line.owner, use.hospital))
        ]
        lines = with_labels(reader, caller, told)
    lines.sort(key=lambda one: (one["eventTime"], one["eventID"], one["item"], one["quantity"]))
    period = {"from": format_time_us(start_us), "to": format_time_us(end_us)}
    return _report(runtime, caller, OWNERSHIP, period, lines, partner, ("from", "to"))


def stock_status(runtime: Runtime, caller: Principal, wanted: ReportFilter) -> dict[str, Any]:
    """What one party holds of another's goods at a moment, by place and item, with levels agreed for the place.

    Raises ForbiddenException for roles that see no stock, QueryTooComplexException beyond 20,000 balances.
    """
    caller.require(Right.READ)
    require_sight(caller, Sight.STOCK)
    at = moment(runtime, wanted.as_of, wanted.known_at)
    page = stock.stock_page(
        runtime, caller, stock.StockFilter(as_of=wanted.as_of, known_at=wanted.known_at), None, _MOST
    )
    if page.next_token is not None:
        raise QueryTooComplexException(f"more than {_MOST} balances; ask GET /consignment/stock page by page")
    partner, book = _partner(wanted), agreements.book(runtime)
    lines = [
        _stock_line(book, one, at.as_of_us, with_money=caller.sees(Sight.PRICE))
        for one in page.body["items"]
        if one["owner"] and one["holder"] and one["owner"] != one["holder"]
        if partner is None or partner in (one["owner"], one["holder"])
    ]
    lines.sort(key=lambda one: (one["place"] or "", one["item"], one["owner"], one["status"], one["quantity"]))
    report = _report(runtime, caller, STOCK, {"asOf": at.text}, lines, partner, ("owner", "holder"))
    return report | {"levels": list(_levels(caller, book, lines, partner, at.as_of_us))}


def _passed(
    runtime: Runtime, reader: Reader, caller: Principal, start_us: int, end_us: int
) -> list[tuple[UseEvent, UseLine]]:
    """The lines by which ownership passed from or to the caller and that count."""
    eids: set[bytes] = set()
    after: tuple[int, str] | None = None
    while True:
        rows = ledger_lists.transfers_of_party(
            reader, caller.organisation, from_us=start_us, before_us=end_us, after=after, limit=_AT_ONCE
        )
        eids |= {bytes(row.eid) for row in rows if not row.voided}
        if len(rows) < _AT_ONCE:
            break
        if len(eids) > _MOST:
            raise QueryTooComplexException(f"more than {_MOST} events passed ownership; expected a shorter period")
        after = (rows[-1].event_time_us, rows[-1].id)
    documents = reader.documents(business_lists.event_numbers(reader, eids), witnesses=True)
    found = read_uses(runtime, reader, caller, documents, any_kind=True)
    return [(use, line) for use in found if use.status == STANDING for line in use.lines if line.counts]


def _transfer_line(book: AgreementBook, use: UseEvent, line: UseLine, *, with_money: bool) -> dict[str, Any]:
    told = item_body(line) | {
        "eventTime": format_time_us(use.event_time_us),
        "eventID": use.event_id,
        "from": line.owner,
        "to": use.hospital,
        "what": use.kind,
        "useType": use.use_type,
        "reason": use.reason,
        "usageReport": use.usage_report,
        "place": use.taken_from,
    }
    if not with_money:
        return told | dict.fromkeys(_PRICES)
    charge = line_money(charge_of(book, use, line))
    return told | {name: charge[name] for name in _PRICES}


def _stock_line(book: AgreementBook, row: dict[str, Any], at_us: int, *, with_money: bool) -> dict[str, Any]:
    kept = ("item", "gtin", "lot", "serial", "expiry", "place", "container", "owner", "holder", "status", "quantity")
    told = {name: row[name] for name in (*kept, "uom", "flags", "expired", "usable")} | dict.fromkeys(_PRICES)
    price = value_of(book, row["owner"], row["holder"], row["gtin"], row["place"], at_us) if with_money else None
    if price is None or row["uom"] is not None:
        return told
    each, currency = price
    amount = rounded(each * Decimal(row["quantity"]), currency)
    return told | {"unitPrice": money(each, currency), "amount": money(amount, currency), "currency": currency}


def _levels(
    caller: Principal, book: AgreementBook, lines: Iterable[dict[str, Any]], partner: str | None, at_us: int
) -> Iterator[dict[str, Any]]:
    """For each level agreed in force then: what is usable there, and what is on its way to it."""
    held = list(lines)
    for agreement in book.all_in_force(at_us):
        terms = agreement.terms
        others = {terms.supplier, terms.hospital} - {caller.organisation}
        if len(others) == 1 and partner in (None, *others):
            for product in terms.lines:
                own = [one for one in held if one["gtin"] == product.gtin and one["owner"] == terms.supplier]
                for level in product.par:
                    yield _level(product.gtin, level, own) | {"supplier": terms.supplier, "hospital": terms.hospital}


def _level(gtin: str, level: ParLevel, own: Iterable[dict[str, Any]]) -> dict[str, Any]:
    usable, coming = Decimal(0), Decimal(0)
    for one in own:
        place = one["place"]
        if one["usable"] and place is not None and is_within(place, level.place):
            usable += Decimal(one["quantity"])
        elif one["status"] == "in_transit" and place is not None and is_within(level.place, place):
            coming += Decimal(one["quantity"])
    return {
        "gtin": gtin,
        "place": level.place,
        "usable": format(usable, "f"),
        "inTransitToSite": format(coming, "f"),
        "minimum": level.minimum,
        "maximum": level.maximum,
    }


def _partner(wanted: ReportFilter) -> str | None:
    return canonical_identifier(wanted.partner) if wanted.partner is not None else None


def _report(
    runtime: Runtime,
    caller: Principal,
    name: str,
    when: dict[str, str],
    lines: list[dict[str, Any]],
    partner: str | None,
    sides: tuple[str, str],
) -> dict[str, Any]:
    involved = {caller.organisation, *([partner] if partner is not None else [])}
    involved |= {party for line in lines for side in sides if (party := line[side]) is not None}
    unpriced = [{key: value for key, value in line.items() if key not in _PRICES} for line in lines]
    content = {"report": name, **when, "parties": sorted(involved), "lines": unpriced}
    named = stock.names(runtime, caller, [{"owner": party, "holder": None} for party in involved] + unpriced)
    amounts = ((Decimal(one["amount"]) if one["amount"] else None, one["currency"]) for one in lines)
    return {
        "report": name,
        **when,
        "parties": [
            {"id": party, "gln": party.rpartition("/")[2], "name": named["parties"][party]}
            for party in sorted(involved)
        ],
        "lines": lines,
        "totals": totals(amounts),
        "digest": digest_of(content),
        "drawnAt": format_time_us(runtime.now_us()),
        "places": named["places"],
        "products": named["products"],
    }


def file_stamp(report: Mapping[str, Any]) -> str:
    """The day that a report's file is named by: the first of its period, or its moment's."""
    return day_of(parse_time_us(report.get("from") or report["asOf"])).isoformat()

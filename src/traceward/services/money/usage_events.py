"""Uses of consigned goods and the papers that follow them, read from the events that a caller may see.

It must not decide what a use costs (`usage_prices`) nor how far it has come (`usage_matching`); it reads no private
event, so that nothing here can name a patient.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from traceward.epcis.predicates import AnyTerm, Query, TimeRange
from traceward.ledger import corrections
from traceward.ledger.facts import MCX, LedgerEvent, class_parts
from traceward.ledger.state import class_record, item_of
from traceward.ledger.steps import DESTROY, LOSE, USE, effect_of
from traceward.services.identity.principals import Principal
from traceward.services.indexing.preparation import expanded_stored
from traceward.services.ordering.order_progress import paper_ids
from traceward.services.queries.facts import stored_fact
from traceward.services.runtime import Runtime
from traceward.store import business_lists
from traceward.store.compile import Cursor, VisibleTo
from traceward.store.read import Reader
from traceward.store.rows import Balance, OwnershipTransfer, StoredEvent

USE_TYPES: Final = ("implanted", "consumed", "wasted", "trial_not_used")
USE_TERMS: Final = AnyTerm((
    *(("bizStep", step) for step in ("dispensing", "retail_selling", "destroying")),
    *(("disposition", word) for word in ("dispensed", "retail_sold", "destroyed", "disposed")),
    *((f"ext:{MCX}useType", word) for word in USE_TYPES),
))  # fmt: skip
"""What an event of a use has one of; `is_use` then judges the event itself."""

REPORT_TYPE: Final = f"{MCX}btt/usage_report"
STANDING, DECLARED, CLAIMED = "standing", "declared_in_error", "claimed"
_DECLARED: Final = AnyTerm((("has:errorDeclaration", ""),))
_TRANSACTIONS: Final = AnyTerm((("eventType", "TransactionEvent"),))
_AT_ONCE: Final = 100
_MOST: Final = 2000


@dataclass(frozen=True, slots=True)
class Papers:
    """What an event names beside goods. orders, invoices: transaction ids of types po and inv, as sent."""

    orders: tuple[str, ...] = ()
    invoices: tuple[str, ...] = ()
    usage_reports: tuple[str, ...] = ()
    no_charge: bool = False


@dataclass(frozen=True, slots=True)
class UseLine:
    """One item of a use. counts: ownership passed by it, and it counts for money. owner: before it, where known."""

    item: str
    quantity: Decimal
    uom: str | None
    counts: bool
    owner: str | None

    @property
    def gtin(self) -> str | None:
        """The product, 14 digits."""
        return class_parts(self.item)[0]

    @property
    def serial(self) -> str | None:
        """The serial of a serialised item."""
        return class_parts(self.item)[2]


@dataclass(frozen=True, slots=True)
class UseEvent:
    """What one event tells of goods that were used, lost or bought. kind: use, loss or purchase.

    taken_from: the place debited. status: standing, declared_in_error or claimed (by a party that may not move it).
    charge_stated: the event says who owns the goods afterwards, or that they are free of charge.
    """

    eid: bytes
    event_id: str
    event_time_us: int
    record_time_us: int
    kind: str
    use_type: str | None
    place: str | None
    taken_from: str | None
    supplier: str | None
    hospital: str | None
    agreement: str | None
    reason: str | None
    status: str
    charge_stated: bool
    papers: Papers
    lines: tuple[UseLine, ...]

    @property
    def usage_report(self) -> str | None:
        """The first usage report that the event names."""
        return next(iter(self.papers.usage_reports), None)

    def line_key(self, line: UseLine) -> str:
        """What a line of a use is settled under."""
        return f"{self.eid.hex()}|{line.item}"


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """A TransactionEvent that ties orders or invoices to goods (domain: F11). items: (item, quantity)."""

    event_id: str
    event_time_us: int
    captured_by: tuple[str, ...]
    papers: Papers
    items: tuple[tuple[str, Decimal], ...]


def is_use(fact: LedgerEvent) -> bool:
    """Whether an event tells of a use: it says so, or it takes goods out of stock by use."""
    if fact.private or fact.declares is not None or fact.type != "ObjectEvent":
        return False
    if fact.use_type in USE_TYPES:
        return True
    effect = effect_of(fact)
    return effect == USE or (effect == DESTROY and (fact.usage_report is not None or _passes(fact)))


def find_uses(
    runtime: Runtime,
    reader: Reader,
    caller: Principal,
    clauses: Sequence[AnyTerm],
    event_time: TimeRange,
    *,
    after: Cursor | None,
    limit: int,
) -> tuple[list[tuple[Cursor, UseEvent]], Cursor | None]:
    """Up to `limit` events among the newest that may be uses, those that are, and where the next ones start."""
    query = Query(clauses=(USE_TERMS, *clauses), event_time=event_time)
    page = reader.find(
        query, VisibleTo(caller.viewers), after=after, limit=limit, deadline_s=runtime.limits.query_deadline_s
    )
    stored = {one.seq: one for one in reader.documents(page.seqs, witnesses=True)}
    uses = {one.eid: one for one in read_uses(runtime, reader, caller, stored.values())}
    found = [(key, uses[stored[key.seq].eid]) for key in page.keys if key.seq in stored and stored[key.seq].eid in uses]
    return found, page.next


def read_uses(
    runtime: Runtime, reader: Reader, caller: Principal, stored: Iterable[StoredEvent], *, any_kind: bool = False
) -> list[UseEvent]:
    """The uses among stored events that the caller may see; any_kind: whatever passed ownership, too."""
    documents = [one for one in stored if not one.private]
    pairs = [(one, stored_fact(one, runtime.registry)) for one in documents]
    wanted = [(one, fact) for one, fact in pairs if is_use(fact) or (any_kind and fact.declares is None)]
    facts = [fact for _, fact in wanted]
    struck = _struck(runtime, reader, caller, facts)
    transfers: dict[bytes, list[OwnershipTransfer]] = {}
    for row in business_lists.transfers_at(reader, caller.organisation, (fact.event_time_us for fact in facts)):
        transfers.setdefault(row.eid, []).append(row)
    lasting = [fact for fact in facts if fact.eid not in transfers]
    names = {
        name for fact in lasting for name in (*fact.instances, *(class_record(key) for key, _, _ in fact.quantities))
    }
    owners = _owners(business_lists.balances_of_records(reader, caller.organisation, names))
    found = []
    for document, fact in wanted:
        use = _use(runtime, document, fact, transfers.get(fact.eid, []), owners, declared=fact.eid in struck)
        if any_kind or caller.organisation in (use.supplier, use.hospital):
            found.append(_own(runtime, caller, use))
    return found


def _own(runtime: Runtime, caller: Principal, use: UseEvent) -> UseEvent:
    """The use without the items of other suppliers, where the caller is the supplier of some of them."""
    if caller.organisation == use.hospital:
        return use
    maker_of = runtime.registry.parties.maker_of
    own = tuple(line for line in use.lines if (line.owner or maker_of(line.item)) == caller.organisation)
    return replace(use, lines=own)


def find_orders(
    runtime: Runtime, reader: Reader, caller: Principal, reports: Collection[str], items: Collection[str]
) -> list[OrderEvent]:
    """The transactions (F11) that the caller may see and that name one of these usage reports or items."""
    pairs = [
        *(pair for report in sorted(reports) for pair in _report_pairs(report)),
        *((term, item) for item in sorted(items) for term in ("epc", "epcClass")),
    ]
    found: dict[int, OrderEvent] = {}
    for start in range(0, len(pairs), _AT_ONCE):
        clauses = (_TRANSACTIONS, AnyTerm(tuple(pairs[start : start + _AT_ONCE])))
        found.update(orders_where(runtime, reader, caller, clauses, TimeRange()))
    return sorted(found.values(), key=lambda one: (one.event_time_us, one.event_id))


def orders_where(
    runtime: Runtime, reader: Reader, caller: Principal, clauses: tuple[AnyTerm, ...], event_time: TimeRange
) -> dict[int, OrderEvent]:
    """The standing transactions that the caller may see and that fit the clauses, by event number."""
    query = Query(clauses=clauses or (_TRANSACTIONS,), event_time=event_time)
    page = reader.find(query, VisibleTo(caller.viewers), limit=_MOST, deadline_s=runtime.limits.query_deadline_s)
    documents = [one for one in reader.documents(page.seqs, witnesses=True) if not one.private]
    facts = {one.seq: stored_fact(one, runtime.registry) for one in documents}
    standing = {fact.eid for fact in corrections.standing(facts.values())}
    found = {}
    for one in documents:
        fact = facts[one.seq]
        if fact.type == "TransactionEvent" and fact.action != "DELETE" and fact.eid in standing:
            papers = papers_of(expanded_stored(one.text, one.context, one.event_id))
            found[one.seq] = OrderEvent(
                fact.event_id, fact.event_time_us, fact.captured_by, papers, tuple(_amounts(fact))
            )
    return found


def papers_of(expanded: dict[str, Any]) -> Papers:
    """The papers that an expanded event names."""
    by_type = paper_ids(expanded)
    report = expanded.get(f"{MCX}usageReport")
    reports = [report] if isinstance(report, str) else []
    return Papers(
        orders=by_type.get("po", ()),
        invoices=by_type.get("inv", ()),
        usage_reports=tuple(dict.fromkeys([*reports, *by_type.get(REPORT_TYPE, ())])),
        no_charge=expanded.get(f"{MCX}noCharge") == "true",
    )


def report_clause(report: str) -> AnyTerm:
    """What an event of a usage report has."""
    return AnyTerm(_report_pairs(report))


def _report_pairs(report: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (f"ext:{MCX}usageReport", report), (f"bizTransaction:{REPORT_TYPE}", report)


def _struck(runtime: Runtime, reader: Reader, caller: Principal, facts: Sequence[LedgerEvent]) -> set[bytes]:
    """Those of these events that all their captors have declared in error."""
    names = sorted({fact.event_id for fact in facts})
    declarations: list[LedgerEvent] = []
    for start in range(0, len(names), _AT_ONCE):
        pairs = tuple(("eventID", name) for name in names[start : start + _AT_ONCE])
        page = reader.find(Query(clauses=(_DECLARED, AnyTerm(pairs))), VisibleTo(caller.viewers), limit=_MOST)
        documents = reader.documents(page.seqs, witnesses=True)
        declarations += [stored_fact(one, runtime.registry) for one in documents if not one.private]
    if not declarations:
        return set()
    resolved = corrections.resolve([*facts, *declarations])
    return {fact.eid for fact in facts if not resolved.captors.get(fact.eid, fact.captured_by)}


def _owners(balances: Iterable[Balance]) -> dict[tuple[str, bytes | None], str]:
    """(item, eid) -> owner of what that event left; (item, None) -> owner of any of it, of what is consigned first."""
    found: dict[tuple[str, bytes | None], str] = {}
    for row in sorted(balances, key=lambda one: one.owner == one.holder):
        item = item_of(row.record_key)
        found[item, bytes(row.last_eid)] = row.owner
        found.setdefault((item, None), row.owner)
    return found


def _use(
    runtime: Runtime,
    document: StoredEvent,
    fact: LedgerEvent,
    transfers: Sequence[OwnershipTransfer],
    owners: dict[tuple[str, bytes | None], str],
    *,
    declared: bool,
) -> UseEvent:
    parties = runtime.registry.parties
    papers = papers_of(expanded_stored(document.text, document.context, document.event_id))
    source, target = fact.owning or (None, None)
    taken_from = fact.location[0] if fact.location is not None and fact.location[0] else fact.read_point
    amounts = list(_amounts(fact))
    hospital = target if _passes(fact) else None
    hospital = hospital or parties.party_of_place(fact.read_point or fact.biz_location)
    hospital = hospital or next(iter(fact.captured_by), None)
    lines = tuple(_lines(fact, amounts, transfers, owners))
    owner = source or next((line.owner for line in lines if line.owner), None)
    owner = owner or next((maker for item, _ in amounts if (maker := parties.maker_of(item))), None)
    status = DECLARED if declared else CLAIMED if _passes(fact) and not transfers else STANDING
    return UseEvent(
        eid=fact.eid,
        event_id=fact.event_id,
        event_time_us=fact.event_time_us,
        record_time_us=fact.record_time_us,
        kind=_kind(fact),
        use_type=_use_type(fact),
        place=fact.read_point or fact.biz_location,
        taken_from=taken_from,
        supplier=owner,
        hospital=hospital,
        agreement=fact.agreement,
        reason=fact.reason,
        status=status,
        charge_stated=papers.no_charge or (fact.owning is not None and None not in fact.owning),
        papers=papers,
        lines=lines,
    )


def _lines(
    fact: LedgerEvent,
    amounts: Iterable[tuple[str, Decimal]],
    transfers: Sequence[OwnershipTransfer],
    owners: dict[tuple[str, bytes | None], str],
) -> Iterator[UseLine]:
    """A line for each passing of ownership, which tells the quantity that passed; else one for each item named."""
    if transfers:
        passed: dict[tuple[str, str | None, bool, str], Decimal] = {}
        for row in transfers:
            group = (row.key, row.uom, row.voided, row.from_party)
            passed[group] = passed.get(group, Decimal(0)) + Decimal(row.quantity)
        for (key, uom, voided, owner), quantity in passed.items():
            yield UseLine(key, quantity, uom, not voided, owner or None)
        return
    units = {key: uom for key, _, uom in fact.quantities}
    for item, quantity in amounts:
        owner_left = owners.get((item, fact.eid)) or owners.get((item, None)) or None
        yield UseLine(item, quantity, units.get(item), counts=False, owner=owner_left)


def _amounts(fact: LedgerEvent) -> Iterator[tuple[str, Decimal]]:
    yield from ((item, Decimal(1)) for item in fact.instances)
    yield from ((key, quantity) for key, quantity, _ in fact.quantities if quantity is not None)


def _passes(fact: LedgerEvent) -> bool:
    return fact.owning is not None and None not in fact.owning and fact.owning[0] != fact.owning[1]


def _kind(fact: LedgerEvent) -> str:
    if is_use(fact):
        return "use"
    return "loss" if effect_of(fact) == LOSE else "purchase"


def _use_type(fact: LedgerEvent) -> str | None:
    """The type of use as stated; an unstated one is what the ledger books it as."""
    if fact.use_type in USE_TYPES:
        return fact.use_type
    if not is_use(fact):
        return None
    return "consumed" if effect_of(fact) == USE else "wasted"

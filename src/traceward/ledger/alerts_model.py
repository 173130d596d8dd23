"""Alerts and obligations as values: the table of their kinds, one alert, and the facts that the rules read.

It must not judge (the families `alerts_*` do) and reads no clock. An alert says when it opens and when it closes, be
that in the future, so that the same facts give the same alerts whenever they are looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from decimal import Decimal
from hashlib import blake2b
from typing import Final, NamedTuple

from traceward.ledger.agreement import Agreement, AgreementBook, Judgement
from traceward.ledger.agreement_terms import Side
from traceward.ledger.expiry import ended_us
from traceward.ledger.steps import IN_TRANSIT, ON_HAND


class Kind(NamedTuple):
    """A kind of alert. sight: who of the two parties may read it, goods | price | patient. text: its message."""

    severity: str
    sight: str
    text: str


GOODS: Final = "goods"
PRICE: Final = "price"
PATIENT: Final = "patient"
"""Alerts about patients are for the clinical role of the hospital alone; no other party ever has them."""

KINDS: Final[Mapping[str, Kind]] = {
    "expiring": Kind("medium", GOODS, "{item}: expires on {expiry}"),
    "expired_on_hand": Kind("high", GOODS, "{item}: expired on {expiry}, and still in stock"),
    "short_dated": Kind("medium", GOODS, "{item}: came with {daysLeft} days of shelf life, {daysAgreed} are agreed"),
    "expires_before_use": Kind("medium", GOODS, "{item}: {quantity} will not be used before {expiry}"),
    "below_par": Kind(
        "medium",
        GOODS,
        "{gtin}: {usable} usable at {place}, {inTransit} on the way and {onOrder} on order; {minimum} is the minimum",
    ),
    "no_opening_count": Kind(
        "low", GOODS, "{gtin}: no count yet of what lies at {place}, so that nothing is ordered for it"
    ),
    "order_issued": Kind("low", GOODS, "{gtin}: {quantity} ordered for {place} by {number}, {received} received"),
    "order_late": Kind("medium", GOODS, "{gtin}: {missing} of {number} for {place} due since {dueDay}"),
    "above_par": Kind("low", GOODS, "{gtin}: {quantity} at {place}, {maximum} is the maximum"),
    "not_seen": Kind("low", GOODS, "{item}: last seen on {lastSeen}, more than {days} days ago"),
    "in_transit": Kind("medium", GOODS, "{item}: on its way since {lastSeen}, for more than {days} days"),
    "off_agreement": Kind("medium", GOODS, "{item}: in stock at {place}, which no agreement covers for it"),
    "agreement_unknown": Kind("medium", GOODS, "an event names the agreement {agreement}, which was not in force"),
    "agreement_ends": Kind("medium", GOODS, "the agreement {agreement} ends on {lastDay}"),
    "price_ends": Kind("medium", PRICE, "{gtin}: its price is agreed until {lastDay} only"),
    "price_missing": Kind("medium", PRICE, "{gtin}: no price is agreed for today"),
    "ownership_due": Kind("medium", GOODS, "{item}: ownership is to pass on {trigger}; the accepting event is owed"),
    "usage_late": Kind("medium", GOODS, "{item}: its use was reported {hours} hours after, {hoursAgreed} are agreed"),
    "usage_without_order": Kind("high", PRICE, "{item}: used, and no order was given within {hours} hours"),
    "count_due": Kind("low", GOODS, "a count is due by {dueDay}"),
    "count_overdue": Kind("medium", GOODS, "no count since {since}; one was due by {dueDay}"),
    "count_missed": Kind("high", GOODS, "no count within the time to report it: variances since {since} are waived"),
    "count_sign_off": Kind("low", GOODS, "the count of {day} at {place} waits to be signed off"),
    "variance": Kind("medium", GOODS, "{item}: {quantity} missing at {place} since a count, and not accounted for"),
    "found": Kind("low", GOODS, "{item}: {quantity} found at {place} beyond the book"),
    "write_off": Kind("high", GOODS, "{item}: {quantity} missing beyond the time to find it; write-off: {payer} pays"),
    "recall_unacknowledged": Kind("critical", GOODS, "{item}: recalled; the hospital has not acknowledged it"),
    "recall_not_quarantined": Kind("critical", GOODS, "{item}: recalled, and {quantity} not in quarantine at {place}"),
    "recall_patients": Kind("critical", PATIENT, "{item}: recalled; {quantity} used are tied to no patient yet"),
    "held_back": Kind("medium", GOODS, "{item}: {quantity} held back at {place}: {flags}"),
    "excursion": Kind("high", GOODS, "{item}: {quantity} at {place} neither held nor checked since a sensor's alarm"),
    "used_wrongly": Kind("critical", GOODS, "{reason}"),
    "loaner_overdue": Kind("medium", GOODS, "{item}: due back since {dueDay}"),
    "tray_incomplete": Kind("high", GOODS, "{item}: {quantity} of {content} did not come back with it"),
}
"""Every alert and obligation, one row each."""

Detail = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert, as both parties read it. Times: microseconds since 1970 UTC.

    responsible: the party that has to act. subject: what it is about. period: what tells it from an earlier one about
    the same. due_us: when it is to be done. closes_us: when it ends by itself. evidence: eids that caused it. shared:
    False where it rests on what the hospital alone may see.
    """

    kind: str
    supplier: str
    hospital: str
    responsible: str
    subject: str
    opens_us: int
    period: str = ""
    agreement_id: str | None = None
    place: str | None = None
    gtin: str | None = None
    due_us: int | None = None
    closes_us: int | None = None
    evidence: tuple[bytes, ...] = ()
    detail: tuple[tuple[str, str | int], ...] = ()
    shared: bool = True

    @property
    def base(self) -> str:
        """What it is the same alert by, at every evaluation: 32 hexadecimal digits."""
        parts = (self.kind, self.supplier, self.hospital, self.subject, self.period)
        return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()

    @property
    def message(self) -> str:
        """What it says."""
        return KINDS[self.kind].text.format(**dict(self.detail))

    @property
    def severity(self) -> str:
        """critical, high, medium or low."""
        return KINDS[self.kind].severity

    @property
    def sight(self) -> str:
        """goods, price or patient."""
        return KINDS[self.kind].sight

    def is_open(self, now_us: int) -> bool:
        """Whether it stands at a time."""
        return self.opens_us <= now_us and (self.closes_us is None or now_us < self.closes_us)


@dataclass(frozen=True, slots=True)
class Stock:
    """A balance of the supplier's goods at the hospital, or on the way there. flags: those of notices included.

    mark: what tells it from another balance of its class at the same place, such as what is held back of it. zone: of
    the place, by whose calendar its expiry date is judged.
    """

    key: str
    gtin: str | None
    lot: str | None
    serial: str | None
    expiry: str | None
    place: str | None
    container: str | None
    status: str
    quantity: Decimal
    uom: str | None
    flags: frozenset[str]
    last_us: int
    eid: bytes
    mark: str = ""
    zone: tzinfo = UTC

    @property
    def subject(self) -> str:
        """The item, and for a class where it lies: a serial stays the same wherever it goes."""
        if self.serial is not None or self.gtin is None:
            return self.key
        return "|".join((self.key, self.place or "", self.container or "", self.mark))

    @property
    def expired_from_us(self) -> int | None:
        """The first instant after its last day of use, by its place's calendar; None without an expiry date."""
        return ended_us(self.expiry, self.zone)

    def is_usable(self, now_us: int) -> bool:
        """Whether it can be used: neither expired nor held back nor on its way."""
        ended = self.expired_from_us
        fresh = ended is None or now_us < ended
        return fresh and self.status == ON_HAND and not self.flags and self.quantity > 0

    @property
    def is_here(self) -> bool:
        """Whether it lies at the hospital."""
        return self.status == ON_HAND and self.quantity > 0

    @property
    def is_coming(self) -> bool:
        """Whether it is on its way."""
        return self.status == IN_TRANSIT and self.quantity > 0


@dataclass(frozen=True, slots=True)
class Arrival:
    """That goods came to the hospital, by which event; one for each item or class.

    oldest_us, oldest_eid: of the first receipt of which something lies there still, what came first having gone first.
    """

    key: str
    time_us: int
    eid: bytes
    place: str | None
    oldest_us: int
    oldest_eid: bytes


@dataclass(frozen=True, slots=True)
class Use:
    """A use that passed ownership, as reported. recorded_us: when this server heard of it. ordered: a PO names it.

    free: the event says that it is not charged. place: what it was taken from. agreement_id: what the event names.
    """

    key: str
    time_us: int
    recorded_us: int
    eid: bytes
    quantity: Decimal
    use_type: str | None
    report: str | None
    ordered: bool = False
    free: bool = False
    place: str | None = None
    agreement_id: str | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """A complete count of a place that both parties see. gtins: the products under agreements that it is about."""

    eid: bytes
    time_us: int
    place: str
    gtins: frozenset[str]


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """A replenishment order that stands, in eaches; shipped, received: what events say has been.

    made_us: when it was made; sent_us: when the hospital sent it, None while it waits for that.
    """

    number: str
    place: str
    quantity: int
    shipped: Decimal
    received: Decimal
    made_us: int = 0
    sent_us: int | None = None


@dataclass(frozen=True, slots=True)
class WrittenOff:
    """A line of a write-off by an agreement: so much of an item, and what of it is charged. waits: for its answer."""

    agreement_id: str
    item: str
    quantity: Decimal
    charged: Decimal
    waits: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """What counts miss of an item at a place, or find beyond the book (found). eids: of the counts.

    booked: how much of the supplier's goods is on the book there, of which a share may be missing at nobody's cost.
    beside: what the same count misses there in all, (item, quantity). written_off: what stands of the same count.
    """

    key: str
    place: str
    quantity: Decimal
    since_us: int
    eids: tuple[bytes, ...]
    found: bool = False
    booked: Decimal = Decimal(0)
    beside: tuple[tuple[str, Decimal], ...] = ()
    written_off: tuple[WrittenOff, ...] = ()


@dataclass(frozen=True, slots=True)
class Recall:
    """That a class is recalled by its maker or owner.

    untraced: units used that are tied to no patient. acknowledged: the hospital has answered the notice. here: the
    items and classes of the stock that it is about.
    """

    key: str
    time_us: int
    eid: bytes
    untraced: Decimal = Decimal(0)
    acknowledged: bool = False
    here: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class WrongUse:
    """A critical conflict about a use that both parties may be told of."""

    kind: str
    key: str
    time_us: int
    eids: tuple[bytes, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Excursion:
    """That a sensor at a place reported an exception. shared: both parties see its event."""

    place: str
    time_us: int
    eid: bytes
    shared: bool


@dataclass(frozen=True, slots=True)
class NamedAgreement:
    """That an event names an agreement."""

    agreement_id: str
    time_us: int
    eid: bytes


@dataclass(frozen=True, slots=True)
class Leftover:
    """What was taken out of a tray, was not used, and did not go back with it."""

    tray: str
    key: str
    quantity: Decimal
    time_us: int
    eid: bytes


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules read of one product between one pair of parties; gtin None: of the pair as such.

    now_us: for rules on rates of use alone. signed: (base of an alert, party) of acknowledgements. stated: places
    with a level of the product whose opening balance was ever stated.
    """

    supplier: str
    hospital: str
    gtin: str | None
    now_us: int
    book: AgreementBook
    stock: tuple[Stock, ...] = ()
    arrivals: tuple[Arrival, ...] = ()
    uses: tuple[Use, ...] = ()
    counts: tuple[Counted, ...] = ()
    missing: tuple[Missing, ...] = ()
    recalls: tuple[Recall, ...] = ()
    wrong_uses: tuple[WrongUse, ...] = ()
    named: tuple[NamedAgreement, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    excursions: tuple[Excursion, ...] = ()
    orders: tuple[OpenOrder, ...] = ()
    stated: frozenset[str] = frozenset()
    signed: frozenset[tuple[str, str]] = field(default_factory=frozenset)

    def judge(self, place: str | None, at_us: int) -> Judgement | None:
        """The agreement and line that cover the product at a place and time."""
        return self.book.judge(self.supplier, self.hospital, self.gtin, place, at_us)

    def judge_use(self, use: Use) -> Judgement | None:
        """What covers a use: what its event names or its place falls under, else any that has the product."""
        found = self.book.judge_use(
            self.supplier, self.hospital, self.gtin, use.place, use.time_us, named=use.agreement_id
        )
        return found if found is not None else self.judge(None, use.time_us)

    def judge_now(self, place: str | None) -> Judgement | None:
        """What covers the product at a place now."""
        return self.judge(place, self.now_us)

    def in_force(self) -> list[Agreement]:
        """The agreements of the pair that are in force now and have a line of the product, or all of the pair's."""
        mine = self.book.of_pair(self.supplier, self.hospital, self.now_us)
        return mine if self.gtin is None else [one for one in mine if one.line_of(self.gtin) is not None]

    def owed_from(self, agreement: Agreement, time_us: int) -> int:
        """From when on what began at a time is owed: nobody owes anything of a time before both had signed.

        The first version counts that both signed, and that has a line of the product where there is one.
        """
        versions = self.book.versions(agreement.key)
        known = [one for one in versions if self.gtin is None or one.line_of(self.gtin) is not None]
        signed = [one.signed_us for one in known if one.signed_us is not None]
        return max(time_us, min(signed, default=time_us))

    def party(self, side: Side) -> str:
        """The party of a side."""
        return self.supplier if side == "supplier" else self.hospital

    def alert(
        self,
        kind: str,
        subject: str,
        *,
        by: Side,
        opens_us: int,
        agreement: Agreement | None = None,
        detail: Detail,
        period: str = "",
        place: str | None = None,
        due_us: int | None = None,
        closes_us: int | None = None,
        evidence: tuple[bytes, ...] = (),
    ) -> Alert:
        """An alert of a kind between the two parties; by: the side that has to act.

        One that rests on an agreement opens no earlier than both had signed it.
        """
        agreement_id = agreement.terms.agreement_id if agreement is not None else None
        opens_us = self.owed_from(agreement, opens_us) if agreement is not None else opens_us
        return Alert(
            kind, self.supplier, self.hospital, self.party(by), subject, opens_us, period, agreement_id, place,
            self.gtin, due_us, closes_us, evidence, tuple(sorted(detail.items())),
        )  # fmt: skip

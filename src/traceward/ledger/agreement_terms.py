"""The terms of a consignment agreement, as values: what both parties sign, field by field.

Nothing here judges events or reads clocks (`agreement` does); every term that real contracts differ in is a field,
with the default that a silent contract is taken to mean.
"""

from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from traceward.gs1.check_digits import has_valid_check_digit
from traceward.gs1.epc_uri import canonical_identifier, identifier_kind

Side = Literal["supplier", "hospital"]
Payer = Literal["supplier", "hospital", "none"]
UseType = Literal["implanted", "consumed", "wasted", "trial_not_used"]

GTIN_DIGITS: Final = 14


def _identifier_of(kind: str, example: str) -> AfterValidator:
    def check(text: str) -> str:
        identifier = canonical_identifier(text)
        if identifier_kind(identifier).kind != kind:
            raise ValueError(f"{text!r} is no {kind.upper()}; expected one such as {example}")
        return identifier

    return AfterValidator(check)


def _gtin(text: str) -> str:
    digits = text.zfill(GTIN_DIGITS)
    if not digits.isdigit() or len(digits) != GTIN_DIGITS or not has_valid_check_digit(digits):
        raise ValueError(f"{text!r} is no GTIN; expected 8, 12, 13 or 14 digits with a valid check digit")
    return digits


PartyId = Annotated[str, _identifier_of("pgln", "https://id.gs1.org/417/9521141000007")]
PlaceId = Annotated[str, _identifier_of("sgln", "https://id.gs1.org/414/4012345000016/254/OR3")]
Gtin = Annotated[str, AfterValidator(_gtin)]
Days = Annotated[int, Field(ge=0, le=3650)]
Hours = Annotated[int, Field(ge=0, le=8760)]
Amount = Annotated[Decimal, Field(ge=0, le=Decimal("1e12"), max_digits=18)]


class Terms(BaseModel):
    """A part of an agreement: frozen, camelCase on the wire, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class ParLevel(Terms):
    """How much of a product lies at a place: replenished at `minimum` or below, up to `maximum`, in eaches."""

    place: PlaceId
    minimum: Annotated[int, Field(ge=0)]
    maximum: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _in_order(self) -> "ParLevel":
        if self.minimum >= self.maximum:
            raise ValueError(f"minimum is {self.minimum} and maximum {self.maximum}; expected minimum below maximum")
        return self


class Price(Terms):
    """What one each costs. currency: ISO 4217. Valid through both dates; an open end is None."""

    amount: Amount
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    valid_from: date | None = None
    valid_to: date | None = None


class ProductLine(Terms):
    """One product under the agreement. family and size: what usage trends are grouped by.

    delivery_days: within how many days an order comes; None: as the agreement says.
    """

    gtin: Gtin
    par: tuple[ParLevel, ...] = ()
    prices: tuple[Price, ...] = ()
    order_multiple: Annotated[int, Field(ge=1)] = 1
    min_remaining_shelf_life_days: Days = 0
    delivery_days: Days | None = None
    bill_mode: Literal["bill_only", "bill_and_replenish"] = "bill_and_replenish"
    tracking: Literal["lot", "serial"] = "lot"
    implantable: bool = False
    storage_celsius: tuple[Decimal, Decimal] | None = None
    family: str | None = None
    size: str | None = None

    @model_validator(mode="after")
    def _without_contradiction(self) -> "ProductLine":
        places = [level.place for level in self.par]
        twice = sorted({place for place in places if places.count(place) > 1})
        if twice:
            raise ValueError(f"par names {', '.join(twice)} more than once; expected one level for each place")
        for one, other in combinations(self.prices, 2):
            if _overlap(one, other):
                raise ValueError(
                    f"prices {_price_text(one)} and {_price_text(other)} are valid on the same days; expected one price"
                    " for each day"
                )
        if self.storage_celsius is not None and self.storage_celsius[0] > self.storage_celsius[1]:
            raise ValueError(
                f"storageCelsius is {list(map(str, self.storage_celsius))}; expected the lower bound first"
            )
        return self


def _overlap(one: Price, other: Price) -> bool:
    first, last = date.min, date.max
    return max(one.valid_from or first, other.valid_from or first) <= min(one.valid_to or last, other.valid_to or last)


def _price_text(price: Price) -> str:
    return f"{price.amount} {price.currency} ({price.valid_from or '...'} to {price.valid_to or '...'})"


class OwnershipTerms(Terms):
    """When ownership is to pass. The ledger moves it by events alone: this says which event is owed, and when."""

    trigger: Literal["point_of_consumption", "on_receipt", "after_days", "on_write_off"] = "point_of_consumption"
    after_days: Days | None = None

    @model_validator(mode="after")
    def _days_where_due(self) -> "OwnershipTerms":
        if (self.trigger == "after_days") != (self.after_days is not None):
            raise ValueError("afterDays goes with the trigger after_days, and only with it")
        return self


_PAYERS: Final[dict[UseType, Payer]] = {
    "implanted": "hospital",
    "consumed": "hospital",
    "wasted": "hospital",
    "trial_not_used": "none",
}


class UseTerms(Terms):
    """Which uses count, who pays each, and how soon they are reported."""

    payer: dict[UseType, Payer] = Field(default_factory=lambda: dict(_PAYERS))
    report_within_hours: Hours = 24
    order_within_hours: Hours = 72
    settlement: Literal["per_use", "daily", "monthly"] = "per_use"


class ExpiryTerms(Terms):
    """Who watches dates, who rotates stock, who bears what expires."""

    monitor: Side = "supplier"
    rotation: Side = "hospital"
    alert_days: tuple[Days, ...] = (180, 90, 30)
    cost: Side = "supplier"
    return_within_days: Days | None = None


class LossTerms(Terms):
    """Who answers for what is missing. tolerance: units per count that nobody pays."""

    liable: Side = "hospital"
    tolerance_units: Annotated[int, Field(ge=0)] = 0
    tolerance_percent: Annotated[Decimal, Field(ge=0, le=100)] = Decimal(0)
    grace_days: Days = 30
    waived_without_count: bool = True


class CountTerms(Terms):
    """Who counts, how often, and when a variance is final. recount_at: units of variance that ask for a recount."""

    counter: Side = "hospital"
    every_days: Days | None = 90
    blind: bool = True
    recount_at: Annotated[int, Field(ge=1)] = 1
    sign_off: Literal["both", "supplier", "hospital"] = "both"
    report_within_days: Days = 7


class LoanerTerms(Terms):
    """When a loaned tray is due back, and who answers for what is missing from it."""

    due_back_hours: Hours = 48
    liable_for_missing: Side = "hospital"


class DataTerms(Terms):
    """Whose event stream is official, how long it may be disputed, and what the supplier sees of uses."""

    official: Side = "hospital"
    dispute_days: Days = 30
    visibility: Literal["full", "coarse"] = "full"


class Contact(Terms):
    """Where digests of alerts go for a side: an e-mail address or a webhook, each day, each week, or never."""

    side: Side
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)] | None = None
    webhook: Annotated[str, Field(pattern=r"^https?://\S+$", max_length=500)] | None = None
    digest: Literal["daily", "weekly", "never"] = "daily"

    @model_validator(mode="after")
    def _one_way(self) -> "Contact":
        if (self.email is None) == (self.webhook is None):
            raise ValueError("a contact has an email or a webhook, and not both")
        return self


class AgreementTerms(Terms):
    """One version of an agreement, as its parties propose and sign it.

    agreement_id: a URI, as events name it in mcx:agreement. sites: the places covered, each with all below it.
    valid_from, valid_to: days in UTC, both included; an open end is None. notice_days: how long before an agreement or
    a price ends both sides are told. delivery_days: within how many days after it was sent an order comes, where its
    line does not say otherwise.
    """

    agreement_id: Annotated[str, Field(alias="agreementID", pattern=r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$", max_length=500)]
    title: Annotated[str, Field(max_length=200)] = ""
    supplier: PartyId
    hospital: PartyId
    valid_from: date
    valid_to: date | None = None
    sites: Annotated[tuple[PlaceId, ...], Field(min_length=1, max_length=500)]
    lines: Annotated[tuple[ProductLine, ...], Field(min_length=1, max_length=20_000)]
    ownership: OwnershipTerms = OwnershipTerms()
    use: UseTerms = UseTerms()
    expiry: ExpiryTerms = ExpiryTerms()
    loss: LossTerms = LossTerms()
    counts: CountTerms = CountTerms()
    loaners: LoanerTerms = LoanerTerms()
    data: DataTerms = DataTerms()
    not_seen_days: Days = 90
    in_transit_days: Days = 7
    notice_days: Days = 60
    delivery_days: Days | None = None
    contacts: tuple[Contact, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> "AgreementTerms":
        if self.supplier == self.hospital:
            raise ValueError("supplier and hospital are the same party; expected two")
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError(f"validTo is {self.valid_to}, before validFrom {self.valid_from}")
        gtins = [line.gtin for line in self.lines]
        twice = sorted({gtin for gtin in gtins if gtins.count(gtin) > 1}) if len(set(gtins)) < len(gtins) else []
        if twice:
            raise ValueError(f"lines name {', '.join(twice)} more than once; expected one line for each product")
        return self

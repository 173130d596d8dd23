"""The kinds of conflict that the ledger raises, and a conflict as a value.

A conflict must never stop a capture: the fact is kept, the contradiction is recorded beside it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of conflict: how grave it is and what it says; the text may use {key}, {what}."""

    severity: str
    text: str


SEVERITIES = ("critical", "high", "medium", "low")
KINDS = {
    "claimed": Kind(
        "high", "{key}: captured by a party that neither owns nor holds it, nor is sent it; kept as a claim"
    ),
    "owner_mismatch": Kind("high", "{key}: the event names another owner than the ledger: {what}"),
    "already_owned": Kind("medium", "{key}: ownership passes to the party that owns it already"),
    "already_commissioned": Kind("high", "{key}: commissioned a second time"),
    "consumed_twice": Kind("high", "{key}: used again after it had been used up; the first use counts"),
    "seen_after_use": Kind("medium", "{key}: seen after it was {what}: mis-scan, or label used again"),
    "seen_after_end": Kind("high", "{key}: seen after it was {what}"),
    "used_expired": Kind("critical", "{key}: used after its expiry date {what}"),
    "used_recalled": Kind("critical", "{key}: used while recalled"),
    "used_held": Kind("critical", "{key}: used while held back: {what}"),
    "use_missing": Kind("medium", "{key}: taken out of a patient, and nothing tells of its use"),
    "void_too_late": Kind("medium", "{key}: a shipment is voided that is on its way no longer: {what}"),
    "used_in_transit": Kind("medium", "{key}: used while in transit: its receipt is missing"),
    "used_elsewhere": Kind("medium", "{key}: used while still with its consignor: its receipt is missing"),
    "implied_receipt": Kind("low", "{key}: handled by its consignee without a receipt; a receipt is implied"),
    "implied_disaggregation": Kind("low", "{key}: handled alone while still packed in {what}; unpacking is implied"),
    "not_in_container": Kind("low", "{key}: taken out of {what}, in which it was not"),
    "container_cycle": Kind("high", "{key}: packed into its own contents {what}; kept apart"),
    "place_mismatch": Kind(
        "medium", "{key}: the event takes it from another place than where the ledger has it: {what}"
    ),
    "lot_short": Kind("medium", "{key}: {what} more than the ledger has there"),
    "first_seen": Kind("low", "{key}: seen here first; nothing tells where it came from"),
    "guessed_source": Kind("low", "{key}: the event does not say from where; taken from {what}"),
    "moved_after_recall": Kind("high", "{key}: moved after its recall notice, and not to quarantine or back"),
    "recalled_not_quarantined": Kind("high", "{key}: recalled stock not in quarantine: {what}"),
    "receipt_short": Kind("medium", "{key}: a receipt left {what} of what was sent still on its way"),
    "receipt_over": Kind("medium", "{key}: {what} received that was not on its way"),
    "left_in_container": Kind("medium", "{key}: unpacked as checked, yet by the ledger still in it: {what}"),
    "sterilisation_missing": Kind(
        "high", "{key}: units taken from the tray, which was not sterilised since it was packed"
    ),
    "event_id_reused": Kind("medium", "{key}: two parties captured different content under one eventID"),
    "label_mismatch": Kind("high", "{key}: lot or expiry differs from what was known: {what}"),
    "wrong_check_digit": Kind("high", "{key}: the check digit of its GTIN {what} does not fit: typing or label error"),
    "link_of_corrected_use": Kind("critical", "{key}: tied to a patient by a use that was declared in error"),
    "original_missing": Kind("low", "{key}: declared in error, but no capture of the event by the same party is here"),
    "not_declarant": Kind("medium", "{key}: declared in error by a party that did not capture it; no effect"),
    "dated_ahead": Kind("medium", "{key}: dated {what}, which was still to come when it was recorded"),
    "unknown_step": Kind("low", "{key}: business step {what} is not known here and moves nothing"),
    "off_agreement": Kind("medium", "{key}: {what}"),
    "count_variance": Kind("medium", "{key}: counted {what}"),
    "counted_elsewhere": Kind("low", "{key}: counted at another place than where the ledger has it: {what}"),
}


@dataclass(frozen=True, slots=True)
class Conflict:
    """A contradiction between facts. id: stable, made of kind, subject and events. state: open | explained.

    parties: who may be told of it; the list itself is for no reader. private_to: the one party whose clinical role
    alone may see it. event_time_us: of the event that raised it. quantity: what it comes to, where that is an amount.
    """

    id: str
    kind: str
    severity: str
    state: str
    keys: tuple[str, ...]
    eids: tuple[bytes, ...]
    parties: tuple[str, ...]
    private_to: str | None
    message: str
    event_time_us: int
    quantity: Decimal | None = None


def conflict(
    kind: str,
    keys: Sequence[str],
    eids: Iterable[bytes],
    parties: Iterable[str | None],
    event_time_us: int,
    *,
    subject: str = "",
    what: str = "",
    private_to: str | None = None,
    state: str = "open",
    quantity: Decimal | None = None,
) -> Conflict:
    """The conflict of a kind about keys, raised by events (eids); subject tells apart conflicts alike in all else."""
    row = KINDS[kind]
    named = tuple(eids)
    identity = blake2b("\0".join((kind, subject, *keys)).encode(), digest_size=16)
    for eid in named:
        identity.update(eid)
    told = (private_to,) if private_to is not None else tuple(sorted({party for party in parties if party}))
    return Conflict(
        identity.hexdigest(), kind, row.severity, state, tuple(keys), named, told, private_to,
        row.text.format(key=keys[0], what=what), event_time_us, quantity,
    )  # fmt: skip

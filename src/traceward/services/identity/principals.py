"""Who is asking: roles, what each may do, what kinds of data each may see, and which viewer compartments it reads.

Pure values; it must not read keys or databases (`parties` does).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from traceward.epcis.errors import ForbiddenException


class Right(StrEnum):
    """One thing that a role may be allowed to do; the text completes "the role ... may not"."""

    ADMINISTER = "administer"
    CAPTURE = "capture"
    CAPTURE_PRIVATE = "capture private events"
    READ = "read events"
    READ_PRIVATE = "read private events"
    KNOW_PATIENTS = "know patients"
    SCAN = "scan"
    BREAK_GLASS = "open a patient or lot outside its place"
    READ_AUDIT = "read the audit log"
    ERASE_PATIENTS = "erase patients"
    RELEASE_QUARANTINE = "release or delete what is quarantined"
    EXPORT = "export"


class Sight(StrEnum):
    """A kind of data of a party that takes part, as the visibility table of `ROLE_SEES` names it."""

    MOVEMENTS = "shipping and receiving"
    STOCK = "placement, stock, counts"
    USE = "use with lot, serial, ward"
    PATIENT = "patient links and case numbers"
    PRICE = "price, order and invoice"
    STAFF = "who captured"


_TRADE: Final = frozenset({Right.CAPTURE, Right.READ, Right.SCAN, Right.EXPORT})

ROLE_RIGHTS: Final[dict[str, frozenset[Right]]] = {
    # Runs the server and reads no events.
    "admin": frozenset({Right.ADMINISTER}),
    "clinical": _TRADE
    | {
        Right.CAPTURE_PRIVATE,
        Right.READ_PRIVATE,
        Right.KNOW_PATIENTS,
        Right.BREAK_GLASS,
        Right.RELEASE_QUARANTINE,
    },
    "supply": _TRADE,
    # A supplier's documents may name service relations (AI 8018) too; they stay its own, and no one else reads them.
    "supplier": _TRADE | {Right.CAPTURE_PRIVATE, Right.READ_PRIVATE},
    "carrier": frozenset({Right.CAPTURE, Right.READ, Right.SCAN}),
    # Watches over the organisation's patients and reads no goods.
    "privacy_officer": frozenset({Right.READ_AUDIT, Right.ERASE_PATIENTS, Right.RELEASE_QUARANTINE}),
    "device": frozenset({Right.CAPTURE, Right.SCAN}),
    "reader": frozenset({Right.READ}),
}
"""What each role may do. Private events are always those of the caller's own organisation."""

_GOODS: Final = frozenset({Sight.MOVEMENTS, Sight.STOCK, Sight.USE})

ROLE_SEES: Final[dict[str, frozenset[Sight]]] = {
    "admin": frozenset(),
    "clinical": _GOODS | {Sight.PATIENT, Sight.STAFF},
    "supply": _GOODS | {Sight.PRICE, Sight.STAFF},
    "supplier": _GOODS | {Sight.PRICE},
    "carrier": frozenset({Sight.MOVEMENTS}),
    "privacy_officer": frozenset(),
    "device": frozenset(),
    "reader": _GOODS,
}
"""The kinds of data that a role sees of what concerns its organisation; never anything of events that do not."""

CARRIER: Final = "carrier"
"""The kind of organisation, and its role, to which only the movements of its consignments are visible."""

CARRIER_STEPS: Final = ("shipping", "receiving", "departing", "arriving", "transporting", "loading", "unloading")
"""The business steps that a carrier sees where it is named, CBV 2.0 section 7.1."""

PLACE_BOUND_ROLES: Final = frozenset({"device"})
"""Roles whose keys must name the one place that they act at."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller: one organisation in one role.

    organisation: canonical party id; party_number: the small number that viewer compartments are made of.
    place: canonical SGLN that the caller is bound to, with what lies below it. granted: the rights that its key was
    given of its role's, None for all of them. expires_us: when what it showed ends, where that is known.
    """

    organisation: str
    organisation_name: str
    party_number: int
    role: str
    key_id: str
    name: str
    place: str | None = None
    granted: frozenset[Right] | None = None
    expires_us: int | None = None

    def may(self, right: Right) -> bool:
        """Whether the role has `right`, and the key was given it."""
        return right in ROLE_RIGHTS[self.role] and (self.granted is None or right in self.granted)

    def sees(self, sight: Sight) -> bool:
        """Whether the role sees a kind of data of what concerns its organisation."""
        return sight in ROLE_SEES[self.role]

    def require(self, right: Right) -> None:
        """Nothing when the caller has `right`; else raises ForbiddenException (403)."""
        if right not in ROLE_RIGHTS[self.role]:
            raise ForbiddenException(f"the role {self.role!r} may not {right.value}")
        if not self.may(right):
            raise ForbiddenException(f"this key was not given the right to {right.value}")

    @property
    def viewers(self) -> frozenset[int]:
        """The viewer numbers that this caller reads; empty for roles that read no events.

        A caller that is bound to a place reads private events by patient look-ups only, which heed the place.
        """
        if not self.may(Right.READ):
            return frozenset()
        shared = shared_viewer(self.party_number)
        if self.place is None and self.may(Right.READ_PRIVATE):
            return frozenset({shared, shared + 1})
        return frozenset({shared})

    def acts_at(self, place: str | None) -> bool:
        """Whether a canonical place is the one that the caller is bound to, or below it; any place when unbound."""
        return self.place is None or (place is not None and is_within(place, self.place))


def is_within(place: str, whole: str) -> bool:
    """Whether a place is `whole` or a part of it: the same GLN, and its extension where `whole` has one.

    >>> is_within("https://id.gs1.org/414/4012345000016/254/OR3", "https://id.gs1.org/414/4012345000016")
    True
    >>> is_within("https://id.gs1.org/414/4012345000016/254/OR3", "https://id.gs1.org/414/4012345000016/254/OR1")
    False
    """
    return place == whole or (place.startswith(whole + "/254/") and "/254/" not in whole)


def shared_viewer(party_number: int) -> int:
    """The viewer number of what every reading role of the party sees."""
    return party_number * 2


def clinical_viewer(party_number: int) -> int:
    """The viewer number of the party's private events, which its supply role does not see."""
    return party_number * 2 + 1

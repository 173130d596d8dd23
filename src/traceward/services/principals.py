"""Who is asking: roles, what each may do, and which viewer compartments it reads.

Pure values; it must not read keys or databases (`parties` does).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from traceward.epcis.errors import ForbiddenException


class Right(StrEnum):
    """One thing that a role may be allowed to do."""

    ADMINISTER = "administer"
    CAPTURE = "capture"
    CAPTURE_PRIVATE = "capture private events"
    READ = "read events"
    READ_PRIVATE = "read private events"
    KNOW_PATIENTS = "know patients"
    SCAN = "scan"


_TRADE: Final = frozenset({Right.CAPTURE, Right.READ, Right.SCAN})

ROLE_RIGHTS: Final[dict[str, frozenset[Right]]] = {
    # Runs the server and reads no events.
    "admin": frozenset({Right.ADMINISTER}),
    "clinical": _TRADE | {Right.CAPTURE_PRIVATE, Right.READ_PRIVATE, Right.KNOW_PATIENTS},
    "supply": _TRADE,
    # A supplier's documents may name service relations (AI 8018) too; they stay its own, and no one else reads them.
    "supplier": _TRADE | {Right.CAPTURE_PRIVATE, Right.READ_PRIVATE},
    "reader": frozenset({Right.READ}),
}
"""What each role may do. Private events are always those of the caller's own organisation."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller: one organisation in one role.

    organisation: canonical party id; party_number: the small number that viewer compartments are made of.
    """

    organisation: str
    organisation_name: str
    party_number: int
    role: str
    key_id: str
    name: str

    def may(self, right: Right) -> bool:
        """Whether the role has `right`."""
        return right in ROLE_RIGHTS[self.role]

    def require(self, right: Right) -> None:
        """Nothing when the role has `right`; else raises ForbiddenException (403)."""
        if not self.may(right):
            raise ForbiddenException(f"the role {self.role!r} may not {right.value}")

    @property
    def viewers(self) -> frozenset[int]:
        """The viewer numbers that this caller reads; empty for roles that read no events."""
        if not self.may(Right.READ):
            return frozenset()
        shared = shared_viewer(self.party_number)
        return frozenset({shared, shared + 1}) if self.may(Right.READ_PRIVATE) else frozenset({shared})


def shared_viewer(party_number: int) -> int:
    """The viewer number of what every reading role of the party sees."""
    return party_number * 2


def clinical_viewer(party_number: int) -> int:
    """The viewer number of the party's private events, which its supply role does not see."""
    return party_number * 2 + 1

"""What recalled goods went into and are still part of: kits and lots made of them, or packed with them, at any level.

Read from shared events that the caller may see, within the bounds of genealogy, so that a cycle ends where it closes
and what was not followed is told. It must not decide whose goods are recalled: a notice does.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from traceward.ledger.facts import GS1, class_parts
from traceward.services.identity.principals import Principal
from traceward.services.queries.visible_events import Moment
from traceward.services.recalls.notices import RecallNotice
from traceward.services.runtime import Runtime
from traceward.services.tracing.genealogy import made_of


@dataclass(frozen=True, slots=True)
class Containing:
    """The items and lots that contain recalled goods and that no line of the notice covers itself.

    parts: item or class -> what of the recalled goods, or of what these went into, is in it. more: what was not
    followed any further, for a bound. All canonical identifiers.
    """

    parts: Mapping[str, tuple[str, ...]]
    more: tuple[str, ...] = ()

    def covers(self, gtin: str, lot: str | None, serial: str | None) -> bool:
        """Whether it is about an item or class, serials of a lot included. lot, serial: percent-encoded."""
        return bool(self.parts_in(gtin, lot, serial))

    def parts_in(self, gtin: str, lot: str | None, serial: str | None) -> tuple[str, ...]:
        """What of the recalled goods is in an item or class; nothing where it is about another. As `covers` has it."""
        product = f"{GS1}01/{gtin}"
        names = [f"{product}/21/{serial}"] if serial is not None else []
        names += [f"{product}/10/{lot}"] if lot is not None else []
        names += [product] if (lot, serial) == (None, None) else []
        return next((self.parts[name] for name in names if name in self.parts), ())


def containing_of(
    runtime: Runtime, caller: Principal, notice: RecallNotice, keys: Collection[str], at: Moment
) -> Containing:
    """What contains goods that a notice covers, as the caller may know at a moment.

    keys: the items and classes that the notice covers, with their products (`notices.keys_of`).
    """
    wholes = {f"{GS1}01/{line.gtin}" for line in notice.lines if line.lot is None and line.serials is None}
    starts = [key for key in keys if key[36:] or key in wholes]
    found, more = made_of(runtime, caller, starts, at)
    parts = {}
    for key, listed in found.items():
        gtin, lot, serial = class_parts(key)
        if gtin is not None and not notice.covers(gtin, lot, serial):
            parts[key] = listed
    return Containing(parts, more)

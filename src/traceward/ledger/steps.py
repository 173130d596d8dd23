"""What a business step does to stock: the table (type, action, bizStep, disposition) -> effect, and the fold's order.

It must not look at state: the same event always has the same effect and the same rank.
"""

from traceward.ledger.facts import MCX, LedgerEvent

CREATE = "create"
TRANSFORM = "transform"
UNPACK = "unpack"
RECEIVE = "receive"
MOVE = "move"
PACK = "pack"
SHIP = "ship"
VOID_SHIP = "void_ship"
COUNT = "count"
USE = "use"
LOSE = "lose"
DESTROY = "destroy"
END = "end"
NOTE = "note"
UNKNOWN = "unknown"

ON_HAND = "on_hand"
IN_TRANSIT = "in_transit"
OPENING = "opening_balance"
"""The reason (mcx:reason) of an event that begins the book of stock which was there before any event told of it."""
EXPLANTED = "explanted"
"""The reason (mcx:reason) of an event that places what came out of a patient; its status, and a flag that stays."""
STERILISING = MCX + "bizstep/sterilizing"
SINKS = frozenset({"implanted", "consumed", "wasted", "destroyed", "lost", "decommissioned", "transformed"})

# CBV 2.0 section 7.1, and our own step for sterilising, which CBV has no term for. A step that is missing here moves
# nothing and is flagged.
_OBSERVED = {
    "accepting": RECEIVE,
    "arriving": RECEIVE,
    "receiving": RECEIVE,
    "shipping": SHIP,
    "departing": SHIP,
    "consigning": SHIP,
    "void_shipping": VOID_SHIP,
    "cycle_counting": COUNT,
    "stock_taking": COUNT,
    "dispensing": USE,
    "retail_selling": USE,
    "destroying": DESTROY,
    "decommissioning": END,
    "holding": MOVE,
    "loading": MOVE,
    "picking": MOVE,
    "staging_outbound": MOVE,
    "stocking": MOVE,
    "storing": MOVE,
    "unloading": MOVE,
    "entering_exiting": MOVE,
    "transporting": MOVE,
    STERILISING: MOVE,
    "reserving": NOTE,
    "inspecting": NOTE,
    "sampling": NOTE,
    "repairing": NOTE,
    "replacing": NOTE,
    "encoding": NOTE,
    "sensor_reporting": NOTE,
    "packing": NOTE,
    "unpacking": NOTE,
    "repackaging": NOTE,
    "commissioning": NOTE,
    "creating_class_instance": NOTE,
    "collecting": NOTE,
    "assembling": NOTE,
    "disassembling": NOTE,
    "installing": NOTE,
    "removing": NOTE,
    "killing": END,
    "other": NOTE,
}
# These dispositions take stock out whatever the step or action says.
_OUT = {"dispensed": USE, "retail_sold": USE, "destroyed": DESTROY, "disposed": DESTROY}
_LOSS = frozenset({"unavailable", "stolen"})
_DELETED = {"dispensing": USE, "retail_selling": USE, "destroying": DESTROY}
_USE_STATUS = {"implanted": "implanted", "consumed": "consumed", "wasted": "wasted", None: "consumed"}
_NOT_USED = "trial_not_used"
_FIXED_STATUS = {LOSE: "lost", END: "decommissioned", TRANSFORM: "transformed"}

# A disposition that holds stock back until a later event says otherwise; `recalled` and `expired` stay until unset.
_HELD_BY_DISPOSITION = {
    "damaged": "damaged",
    "needs_replacement": "held",
    "no_pedigree_match": "held",
    "non_conformant": "non_conformant",
    "non_sellable_other": "held",
    "reserved": "reserved",
    "returned": "returned",
    "unavailable": "held",
    "mismatch_class": "held",
    "mismatch_instance": "held",
}
STICKY = frozenset({"recalled", "expired", EXPLANTED})

_RANKS = {
    CREATE: 0,
    TRANSFORM: 1,
    UNPACK: 2,
    RECEIVE: 3,
    MOVE: 4,
    PACK: 5,
    SHIP: 6,
    VOID_SHIP: 7,
    COUNT: 8,
    USE: 9,
    LOSE: 10,
    DESTROY: 11,
    END: 12,
    NOTE: 13,
    UNKNOWN: 14,
}
_PRIVATE_RANK = 15
_CONTAINING = {"ADD": PACK, "DELETE": UNPACK}


def effect_of(event: LedgerEvent) -> str:
    """The effect of a shared event on stock. CBV 2.0 7.1 and 7.2."""
    kind = event.type
    if kind == "ObjectEvent":
        if event.use_type == _NOT_USED:
            return NOTE
        if event.action == "ADD":
            return CREATE
        if event.action == "DELETE":
            return _DELETED.get(event.biz_step or "") or _OUT.get(event.disposition or "", END)
        return observed_effect(event)
    if kind in ("AggregationEvent", "AssociationEvent"):
        return _CONTAINING.get(event.action or "") or observed_effect(event)
    if kind == "TransformationEvent":
        return TRANSFORM
    return NOTE if kind == "TransactionEvent" else UNKNOWN


def observed_effect(event: LedgerEvent) -> str:
    """The effect that the event's step and disposition have on the objects it observes."""
    if event.disposition in _OUT:
        return _OUT[event.disposition]
    if event.biz_step is None:
        return MOVE if event.biz_location is not None else NOTE
    if event.biz_step == "stock_taking" and event.disposition in _LOSS:
        return LOSE
    return _OBSERVED.get(event.biz_step, UNKNOWN)


def sink_of(event: LedgerEvent, effect: str) -> str:
    """The sink into which an effect that ends stock books it."""
    if effect == USE:
        return _USE_STATUS.get(event.use_type, "consumed")
    if effect == DESTROY:
        return "wasted" if event.use_type == "wasted" else "destroyed"
    return _FIXED_STATUS[effect]


def is_explant(event: LedgerEvent) -> bool:
    """Whether a shared event puts somewhere what was taken out of a patient."""
    return event.reason == EXPLANTED and effect_of(event) == MOVE


def flags_after(flags: tuple[str, ...], event: LedgerEvent) -> tuple[str, ...]:
    """The flags of stock that an event moved: sticky ones stay until unset, the others follow the event."""
    held = _HELD_BY_DISPOSITION.get(event.disposition or "")
    # A holding without a place, such as a recall of serials, is a statement: it sets nothing apart.
    apart = event.biz_step == "holding" and (event.biz_location is not None or event.read_point is not None)
    explanted = is_explant(event)
    if not flags and held is None and not event.set_flags and not apart and not explanted:
        return (event.disposition,) if event.disposition in STICKY else ()
    kept = {flag for flag in flags if flag in STICKY}
    kept.update(event.set_flags)
    kept.difference_update(event.unset_flags)
    if held is not None:
        kept.add(held)
    if event.disposition in STICKY:
        kept.add(event.disposition or "")
    if apart:
        kept.add("held")
    if explanted:
        kept.add(EXPLANTED)
    return tuple(sorted(kept))


def order_of(event: LedgerEvent) -> tuple[int, int, bytes]:
    """Where the event stands in the fold: (eventTime, rank of its effect, eid). Arrival never counts."""
    return (event.event_time_us, _PRIVATE_RANK if event.private else _RANKS[effect_of(event)], event.eid)

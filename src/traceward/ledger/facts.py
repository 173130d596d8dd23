"""What the ledger reads of an event: `LedgerEvent`, made once at capture and kept beside the event.

It must not judge: no rule of stock, entitlement or visibility stands here, and nothing is read but the expanded event.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from traceward.gs1.epc_uri import canonical_identifier
from traceward.gs1.percent import encode_link_segment

MCX = "https://ns.traceward.org/consignment/"
MDA = "urn:epcglobal:cbv:mda:"
GS1 = "https://id.gs1.org/"
PRODUCT_END = len(GS1) + len("01/") + 14
"""Where the product ends in the identifier of an item or a lot that has a GTIN; qualifiers are behind it."""
PATIENT = GS1 + "8018/"
LOCATION = GS1 + "414/"

Pair = tuple[str | None, str | None]
"""(from, to) of a source and destination list, canonical identifiers; None where that side is not stated."""

Quantity = tuple[str, Decimal | None, str | None]
"""(class identifier, quantity, unit of measure). Quantity None: the class as such; unit None: each."""


class Declaration(msgspec.Struct, frozen=True, array_like=True):
    """An error declaration: when, why, and the eventIDs of the events that correct it. EPCIS 2.0 7.4.1.4."""

    declaration_time_us: int
    reason: str | None = None
    correctives: tuple[str, ...] = ()


class LedgerEvent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The facts of one event that the ledger folds.

    eid: 16 bytes. Times: microseconds since 1970 UTC. captured_by: canonical PGLNs, sorted. private: it mentions a
    patient. owning, possessing, location: (from, to). expiry: date as the label has it (YYYY-MM-DD, or YYYY-MM-00).
    lot: percent-encoded, as identifiers have it. instances, children, inputs, outputs: canonical identifiers.
    recalled_serials: (GTIN, first, last) of each range to which a statement on the class of that GTIN is restricted.
    labels: (item or class, lot, expiry) of each label that was scanned with the event, where it is not the event's own.
    advices: the despatch advices (business transactions of type desadv) that it is about.
    """

    eid: bytes
    event_id: str
    type: str
    event_time_us: int
    offset: str
    record_time_us: int
    captured_by: tuple[str, ...]
    private: bool = False
    action: str | None = None
    biz_step: str | None = None
    disposition: str | None = None
    instances: tuple[str, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    parent: str | None = None
    children: tuple[str, ...] = ()
    child_quantities: tuple[Quantity, ...] = ()
    inputs: tuple[str, ...] = ()
    input_quantities: tuple[Quantity, ...] = ()
    outputs: tuple[str, ...] = ()
    output_quantities: tuple[Quantity, ...] = ()
    read_point: str | None = None
    biz_location: str | None = None
    owning: Pair | None = None
    possessing: Pair | None = None
    location: Pair | None = None
    lot: str | None = None
    expiry: str | None = None
    set_flags: tuple[str, ...] = ()
    unset_flags: tuple[str, ...] = ()
    use_type: str | None = None
    reason: str | None = None
    usage_report: str | None = None
    agreement: str | None = None
    count_scope: str | None = None
    count_gtins: tuple[str, ...] = ()
    declares: Declaration | None = None
    recalled_serials: tuple[tuple[str, str, str], ...] = ()
    labels: tuple[tuple[str, str | None, str | None], ...] = ()
    advices: tuple[str, ...] = ()


_FACTS = msgspec.msgpack.Encoder()
_EVENT = msgspec.msgpack.Decoder(LedgerEvent)


def encode_event(event: LedgerEvent) -> bytes:
    """The event's facts as bytes for the store; `decode_event` gives them back equal."""
    return _FACTS.encode(event)


def decode_event(facts: bytes) -> LedgerEvent:
    """The event whose facts `encode_event` made."""
    return _EVENT.decode(facts)


def ledger_event(
    expanded: Mapping[str, Any], eid: bytes, captured_by: Iterable[str], record_time_us: int, private: bool
) -> LedgerEvent:
    """The facts of an expanded event.

    expanded: the semantic form of the event (epcis.identity.expand). eid: 16 bytes. captured_by: canonical PGLNs.
    private: the event mentions a patient (GSRN, AI 8018).
    """
    get = expanded.get
    ilmd = get("ilmd")
    lot, expiry = _lot_and_expiry(ilmd if ilmd is not None else expanded)
    disposition = get("persistentDisposition")
    error = get("errorDeclaration")
    sources, destinations = get("sourceList"), get("destinationList")
    owning = possessing = location = None
    if sources or destinations:
        ends = _ends(sources or (), destinations or ())
        owning, possessing, location = ends.get("owning_party"), ends.get("possessing_party"), ends.get("location")
    read_point, biz_location = get("readPoint"), get("bizLocation")
    return LedgerEvent(
        eid,
        get("eventID", ""),
        expanded["type"],
        expanded["eventTime"],
        get("eventTimeZoneOffset", "+00:00"),
        record_time_us,
        tuple(sorted(captured_by)),
        private,
        get("action"),
        get("bizStep"),
        get("disposition"),
        tuple(get("epcList", ())),
        _quantities(get("quantityList")),
        get("parentID"),
        tuple(get("childEPCs", ())),
        _quantities(get("childQuantityList")),
        tuple(get("inputEPCList", ())),
        _quantities(get("inputQuantityList")),
        tuple(get("outputEPCList", ())),
        _quantities(get("outputQuantityList")),
        read_point["id"] if read_point else None,
        biz_location["id"] if biz_location else None,
        owning,
        possessing,
        location,
        lot,
        expiry,
        tuple(disposition.get("set", ())) if disposition else (),
        tuple(disposition.get("unset", ())) if disposition else (),
        _text(get(MCX + "useType")),
        _text(get(MCX + "reason")),
        _text(get(MCX + "usageReport")),
        _text(get(MCX + "agreement")),
        _text(get(MCX + "countScope")),
        _texts(get(MCX + "countGTINs")),
        Declaration(error.get("declarationTime", 0), error.get("reason"), tuple(error.get("correctiveEventIDs", ())))
        if error is not None
        else None,
        tuple(serial_ranges(ranges)) if (ranges := get(MCX + "recallSerials")) is not None else (),
        _labels(get(MCX + "scannedLot"), get(MCX + "scannedExpiry")),
        () if private else _advices(get("bizTransactionList")),
    )


def _advices(papers: Sequence[Mapping[str, Any]] | None) -> tuple[str, ...]:
    if papers is None:
        return ()
    return tuple(paper["bizTransaction"] for paper in papers if paper.get("type") == "desadv")


def keys(event: LedgerEvent) -> tuple[str, ...]:
    """Every item, class and container that the event names, sorted; the streams to which it belongs.

    A patient and a place are no keys, though either can be the parent of an association.
    """
    instances = event.instances
    if event.type == "ObjectEvent" and not (event.quantities or event.children or event.parent or event.private):
        return instances if len(instances) == 1 else tuple(sorted(set(instances)))
    return tuple(sorted(item_keys(event) | class_keys(event)))


def item_keys(event: LedgerEvent) -> set[str]:
    """The serialised items and containers that the event names."""
    found = {*event.instances, *event.children, *event.inputs, *event.outputs}
    container = container_of(event)
    if container is not None:
        found.add(container)
    return {key for key in found if not key.startswith(PATIENT)} if event.private else found


def class_keys(event: LedgerEvent) -> set[str]:
    """The classes that the event names."""
    if event.type == "ObjectEvent":
        return {entry[0] for entry in event.quantities} if event.quantities else set()
    return {
        entry[0]
        for named in (event.quantities, event.child_quantities, event.input_quantities, event.output_quantities)
        for entry in named
    }


def container_of(event: LedgerEvent) -> str | None:
    """The event's parent where that is a container or composite object: neither a patient nor a place."""
    parent = event.parent
    return None if parent is None or parent.startswith((PATIENT, LOCATION)) else parent


def patient_of(event: LedgerEvent) -> str | None:
    """The patient to whom a private event ties its children or objects, None where none is named as such."""
    if event.parent is not None and event.parent.startswith(PATIENT):
        return event.parent
    return next((key for key in (*event.instances, *event.children) if key.startswith(PATIENT)), None)


def label_of(event: LedgerEvent, key: str) -> tuple[str | None, str | None]:
    """(lot, expiry) that an event says of an item or class: what was scanned of it, else what it says of all.

    What a transformation says of all, it says of its outputs. EPCIS 2.0 TransformationEvent, ilmd.
    """
    own = (event.lot, event.expiry)
    if event.type == "TransformationEvent" and key not in event.outputs:
        own = own if any(name == key for name, _, _ in event.output_quantities) else (None, None)
    for named, lot, expiry in event.labels:
        if named == key:
            return lot or own[0], expiry or own[1]
    return own


def lots_told(event: LedgerEvent) -> Iterator[tuple[str, str]]:
    """(item, lot) of each serialised item whose lot an event tells."""
    if event.lot is not None or event.labels:
        for key in (*event.instances, *event.outputs):
            lot = label_of(event, key)[0]
            if lot is not None:
                yield key, lot


def class_parts(key: str) -> tuple[str | None, str | None, str | None]:
    """(GTIN, lot, serial) of a canonical item or class identifier; None for what it does not carry.

    >>> class_parts("https://id.gs1.org/01/09521141045305/10/LOT77A")
    ('09521141045305', 'LOT77A', None)
    """
    if not key.startswith(GS1 + "01/"):
        return None, None, None
    if key[36:40] == "/21/" and "/" not in key[40:]:
        return key[22:36], None, key[40:]
    gtin, _, rest = key[22:].partition("/")
    lot = serial = None
    parts = rest.split("/")
    for ai, value in zip(parts[::2], parts[1::2], strict=False):
        if ai == "10":
            lot = value
        elif ai == "21":
            serial = value
    return gtin, lot, serial


def serial_ranges(value: Any) -> Iterator[tuple[str, str, str]]:
    """(GTIN, first, last) of each range that an expanded mcx:recallSerials names; what is no range is passed over."""
    for entry in value if isinstance(value, list) else [value]:
        if isinstance(entry, Mapping):
            gtin, first, last = (entry.get(MCX + name) for name in ("gtin", "from", "to"))
            if isinstance(gtin, str) and isinstance(first, str) and isinstance(last, str):
                yield gtin, first, last


def _labels(lots: Any, expiries: Any) -> tuple[tuple[str, str | None, str | None], ...]:
    """What mcx:scannedLot and mcx:scannedExpiry, lists of {epc, value}, say by item; what names none is passed over."""
    if lots is None and expiries is None:
        return ()
    found: dict[str, list[str | None]] = {}
    for column, told in enumerate((lots, expiries)):
        for entry in told if isinstance(told, list) else [told]:
            epc, value = (entry.get("epc"), entry.get("value")) if isinstance(entry, Mapping) else (None, None)
            if isinstance(epc, str) and isinstance(value, str):
                text = encode_link_segment(value) if column == 0 else value
                found.setdefault(canonical_identifier(epc), [None, None])[column] = text
    return tuple((key, lot, expiry) for key, (lot, expiry) in sorted(found.items()))


def _quantities(entries: Sequence[Mapping[str, Any]] | None) -> tuple[Quantity, ...]:
    if not entries:
        return ()
    return tuple(
        (entry["epcClass"], Decimal(entry["quantity"]) if "quantity" in entry else None, entry.get("uom"))
        for entry in entries
    )


def _ends(sources: Sequence[Mapping[str, str]], destinations: Sequence[Mapping[str, str]]) -> dict[str, Pair]:
    ends: dict[str, Pair] = {}
    for entry in sources:
        ends.setdefault(entry["type"], (entry["source"], None))
    for entry in destinations:
        start, end = ends.get(entry["type"], (None, None))
        ends[entry["type"]] = (start, end or entry["destination"])
    return ends


def _lot_and_expiry(data: Mapping[str, Any]) -> tuple[str | None, str | None]:
    lot = data.get(MDA + "lotNumber") or data.get(MCX + "lotNumber")
    expiry = data.get(MDA + "itemExpirationDate") or data.get(MCX + "itemExpirationDate")
    return encode_link_segment(lot) if isinstance(lot, str) else None, _text(expiry)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    return tuple(entry for entry in value if isinstance(entry, str))

"""Which receipts and uses are of goods that belong to another than their holder: what agreements are asked about.

It must not change a record, and must not ask any agreement: `off_agreement` judges what is noted here.
"""

from hashlib import blake2b

from traceward.ledger import steps
from traceward.ledger.book import Act, Book
from traceward.ledger.facts import GS1
from traceward.ledger.state import ClassStock, Dealing, Instance

RECEIVED = "received"
_USED = {steps.USE: "used", steps.LOSE: "lost", steps.DESTROY: "destroyed"}
_PRODUCT = f"{GS1}01/"


def note_receipt(
    book: Book,
    act: Act,
    record: Instance | ClassStock,
    owner: str | None,
    holder: str | None,
    place: str | None,
    sent_eid: bytes | None = None,
) -> None:
    """Note that `holder` received goods of `owner` at a place. sent_eid: the event that sent them, where one did."""
    _note(book, act, record, (owner, holder), place, RECEIVED, sent_eid)


def sent_by(record: Instance) -> bytes | None:
    """The event that put an item on its way, None where it is on none."""
    return record.changed_eid if record.status == steps.IN_TRANSIT else None


def note_use(
    book: Book, act: Act, record: Instance | ClassStock, owner: str | None, holder: str | None, place: str | None
) -> None:
    """Note that `holder` used up, lost or destroyed goods of `owner`, taken from a place, where that is what it did."""
    what = _USED.get(act.effect)
    if what is not None:
        _note(book, act, record, (owner, holder), place, what)


def note_content(
    book: Book, act: Act, content: Instance | ClassStock, container: Instance, owner: str | None, sent_eid: bytes | None
) -> None:
    """Note that what lay in a container was received where that arrived. sent_eid: of what was on its way."""
    if sent_eid is not None and container.status == steps.ON_HAND and act.effect != steps.VOID_SHIP:
        note_receipt(book, act, content, owner, container.holder, container.place, sent_eid)


def newest(book: Book, earlier: int) -> Dealing | None:
    """The last dealing, where there are more than `earlier`."""
    return next(reversed(book.dealings.values())) if len(book.dealings) > earlier else None


def note_twin(book: Book, act: Act, twin: Instance, dealt: Dealing | None) -> None:
    """Note of an item what was noted of another that is like it but for the serial."""
    if dealt is not None:
        _note(book, act, twin, (dealt.supplier, dealt.hospital), dealt.place, dealt.what, dealt.sent_eid)


def _note(
    book: Book,
    act: Act,
    record: Instance | ClassStock,
    parties: tuple[str | None, str | None],
    place: str | None,
    what: str,
    sent_eid: bytes | None = None,
) -> None:
    owner, holder = parties
    if record.claimant is not None or owner is None or holder is None or owner == holder:
        return
    # Only organisations of this server sign agreements, and only products are in them.
    if not record.key.startswith(_PRODUCT) or owner not in book.parties or holder not in book.parties:
        return
    event = act.event
    sent = sent_eid.hex() if sent_eid is not None else ""
    text = "\0".join((event.eid.hex(), record.key, owner, holder, place or "", what, sent))
    name = blake2b(text.encode(), digest_size=16).hexdigest()
    book.dealings[name] = Dealing(
        name, event.event_time_us, event.eid, record.key, owner, holder, place, what, sent_eid
    )
    if sent_eid is not None:
        book.shipments.add(sent_eid)

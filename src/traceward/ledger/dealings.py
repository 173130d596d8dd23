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
    book: Book, act: Act, record: Instance | ClassStock, owner: str | None, holder: str | None, place: str | None
) -> None:
    """Note that `holder` received goods of `owner` at a place."""
    _note(book, act, record, (owner, holder), place, RECEIVED)


def note_use(
    book: Book, act: Act, record: Instance | ClassStock, owner: str | None, holder: str | None, place: str | None
) -> None:
    """Note that `holder` used up, lost or destroyed goods of `owner`, taken from a place, where that is what it did."""
    what = _USED.get(act.effect)
    if what is not None:
        _note(book, act, record, (owner, holder), place, what)


def note_content(
    book: Book, act: Act, content: Instance | ClassStock, container: Instance, owner: str | None, status: str
) -> None:
    """Note that what lay in a container on its way was received where that arrived. status: the content's before."""
    arrived = status == steps.IN_TRANSIT and container.status == steps.ON_HAND
    if arrived and act.effect != steps.VOID_SHIP:
        note_receipt(book, act, content, owner, container.holder, container.place)


def newest(book: Book, earlier: int) -> Dealing | None:
    """The last dealing, where there are more than `earlier`."""
    return next(reversed(book.dealings.values())) if len(book.dealings) > earlier else None


def note_twin(book: Book, act: Act, twin: Instance, dealt: Dealing | None) -> None:
    """Note of an item what was noted of another that is like it but for the serial."""
    if dealt is not None:
        _note(book, act, twin, (dealt.supplier, dealt.hospital), dealt.place, dealt.what)


def _note(
    book: Book,
    act: Act,
    record: Instance | ClassStock,
    parties: tuple[str | None, str | None],
    place: str | None,
    what: str,
) -> None:
    owner, holder = parties
    if record.claimant is not None or owner is None or holder is None or owner == holder:
        return
    # Only organisations of this server sign agreements, and only products are in them.
    if not record.key.startswith(_PRODUCT) or owner not in book.parties or holder not in book.parties:
        return
    event = act.event
    text = "\0".join((event.eid.hex(), record.key, owner, holder, place or "", what))
    name = blake2b(text.encode(), digest_size=16).hexdigest()
    book.dealings[name] = Dealing(name, event.event_time_us, event.eid, record.key, owner, holder, place, what)

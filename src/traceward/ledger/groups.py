"""Which events a fold must see together: those that name a thing in common, or hang together by way of others.

What an event does depends on what its items, classes and containers were, and on the notices on their products; so
events that share none of these can be folded apart. It must not part what shares one; to join too much costs time
alone. Of each event it holds two numbers, whatever the events name.
"""

from array import array
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from traceward.ledger.facts import GS1, PRODUCT_END, LedgerEvent, class_keys, keys
from traceward.store.connection import Row
from traceward.store.write import WriteTransaction

_AT_ONCE = 10_000
_PRODUCT = f"{GS1}01/"
_STREAM = (
    "SELECT key_hash, event_time_us, seq FROM stream WHERE (key_hash, event_time_us, seq) > (?,?,?)"
    " ORDER BY key_hash, event_time_us, seq LIMIT ?"
)
_BEFORE_ALL = (-(1 << 63), -(1 << 63), -1)
_LEFT_OUT = -1


class Batch(NamedTuple):
    """Whole groups of events, by number, in the order of event times; times_us beside them."""

    seqs: "array[int]"
    times_us: "array[int]"


class Groups:
    """The groups of events, at first one of each event. seqs: the events' numbers, rising."""

    def __init__(self, seqs: Sequence[int]) -> None:
        last = seqs[-1] if seqs else 0
        # A group is known by the lowest of its numbers; an event's parent is one of its group that is no higher. Beside
        # it stands how many things the event names, then its group, and at last in which batch the group is.
        self._parents = array("q", [_LEFT_OUT]) * (last + 1)
        self._named = array("q", [0]) * (last + 1)
        for seq in seqs:
            self._parents[seq] = seq
            self._named[seq] = 1
        self._seqs = seqs

    def join(self, one: int, other: int) -> None:
        """Put two events' groups together."""
        parents = self._parents
        if parents[one] == parents[other]:
            return
        while parents[one] != one:
            parents[one] = one = parents[parents[one]]
        while parents[other] != other:
            parents[other] = other = parents[parents[other]]
        if one < other:
            parents[other] = one
        else:
            parents[one] = other

    def join_streams(self, tx: WriteTransaction) -> None:
        """Put together what names a thing in common."""
        place: Row = _BEFORE_ALL
        last_key, last_seq = None, _LEFT_OUT
        parents, named, known = self._parents, self._named, len(self._parents)
        while rows := tx.fetch(_STREAM, (*place, _AT_ONCE)):
            place = rows[-1]
            for key, _, seq in rows:
                if seq >= known or parents[seq] == _LEFT_OUT:
                    continue
                named[seq] += 1
                if key == last_key:
                    self.join(last_seq, seq)
                last_key, last_seq = key, seq

    def join_products(self, events: Iterable[tuple[int, LedgerEvent]], products: Iterable[str]) -> None:
        """Put together all that names a thing of one of these products. events: each with its number."""
        first: dict[str, int | None] = dict.fromkeys(products)
        for seq, event in events:
            for product in {key[:PRODUCT_END] for key in keys(event)} & first.keys():
                other = first[product]
                if other is None:
                    first[product] = seq
                else:
                    self.join(other, seq)

    def batches(self, times_us: Sequence[int], things: int) -> list[Batch]:
        """The groups in batches that name about so many things, each at least one group; in the order of numbers.

        times_us: of each event, in the order of numbers.
        """
        parents, named = self._parents, self._named
        for seq in self._seqs:
            root = parents[seq] = parents[parents[seq]]
            if root != seq:
                named[root] += named[seq]
        found: list[Batch] = []
        filled = 0
        for seq in self._seqs:
            if parents[seq] == seq:
                if not found or filled + named[seq] > things:
                    found.append(Batch(array("q"), array("q")))
                    filled = 0
                filled += named[seq]
                named[seq] = len(found) - 1
        for place in sorted(range(len(self._seqs)), key=times_us.__getitem__):
            seq = self._seqs[place]
            seqs, times = found[named[parents[seq]]]
            seqs.append(seq)
            times.append(times_us[place])
        return found


def noticed_products(event: LedgerEvent) -> set[str]:
    """The products about whose classes an event states something as such, so that it is about items of them too."""
    if event.private:
        return set()
    stated = (event.quantities, event.child_quantities, event.input_quantities, event.output_quantities)
    if all(quantity is not None for listed in stated for _, quantity, _ in listed):
        return set()
    return {key[:PRODUCT_END] for key in class_keys(event) if key.startswith(_PRODUCT)}

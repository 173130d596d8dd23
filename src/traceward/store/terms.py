"""Index rows of an event, made before the writer's lock: keyed 64-bit hashes of its terms.

Knows no SQL. A hash is secret-keyed, so nobody outside can make two terms collide, and it is mixed with the viewer's
own salt before it is stored, so that each viewer's postings are apart from every other's.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

Pair = tuple[str, str]
Number = tuple[str, float, str | None]

#: The vocabularies that the top-level resources list, by the number under which they are stored.
VOCABULARY_KINDS: Final = {
    "eventTypes": 0,
    "epcs": 1,
    "bizSteps": 2,
    "bizLocations": 3,
    "readPoints": 4,
    "dispositions": 5,
    "epcClasses": 6,
    "named": 7,
    "bizTransactions": 8,
}
#: Keys of the terms that keep a vocabulary entry alive.
VOCABULARY_KEYS: Final = {
    0: ("eventType",),
    1: ("epc", "parentID", "inputEPC", "outputEPC"),
    2: ("bizStep",),
    3: ("bizLocation",),
    4: ("readPoint",),
    5: ("disposition",),
    6: ("epcClass", "inputEPCClass", "outputEPCClass"),
}


def entry_pairs(kind: int, value: str) -> list[Pair]:
    """The terms of which one keeps a vocabulary entry alive; entries of `named` and `bizTransactions` say it all."""
    if kind in VOCABULARY_KEYS:
        return [(key, value) for key in VOCABULARY_KEYS[kind]]
    identifier, _, key = value.rpartition("\t")
    return [(key, identifier)]


#: PostgreSQL cannot index a key above 2,704 bytes; a longer value is found by query but not listed.
LONGEST_LISTED_VALUE: Final = 2000
_SURELY_LISTED: Final = LONGEST_LISTED_VALUE // 4

_CACHED_TERMS: Final = 1 << 15
#: Enough for one part of a document: each key is hashed for its stream and again for its ledger record.
_CACHED_KEYS: Final = 1 << 14


class PreparedTerms(NamedTuple):
    """The index rows of one event, not yet salted for a viewer.

    hashes: one per term. numbers: (hash of key and unit, number). vocabulary: (kind number, value).
    biz_step, biz_location: the hashes of those two terms, which PostgreSQL keeps in columns; None where absent.
    """

    hashes: tuple[int, ...]
    numbers: tuple[tuple[int, float], ...]
    vocabulary: tuple[tuple[int, str], ...]
    biz_step: int | None
    biz_location: int | None


class TermHasher:
    """Hashes of terms and salts of viewers under one secret; repeated terms are answered from a bounded cache."""

    __slots__ = ("hash", "salt")

    hash: Callable[[Pair], int]
    salt: Callable[[int], int]

    def __init__(self, secret: bytes) -> None:
        # A copy of the keyed state spares setting the key up anew for each term.
        keyed = blake2b(digest_size=8, key=secret).copy

        def digest(pair: Pair) -> int:
            state = keyed()
            state.update(f"{pair[0]}\0{pair[1]}".encode())
            return int.from_bytes(state.digest(), "little", signed=True)

        def salt(viewer: int) -> int:
            return digest(("\0viewer", str(viewer)))

        self.hash = lru_cache(maxsize=_CACHED_TERMS)(digest)
        self.salt = lru_cache(maxsize=1024)(salt)

    def salted(self, viewer: int, pair: Pair) -> int:
        """The hash under which `viewer` has the postings of one term."""
        return self.hash(pair) ^ self.salt(viewer)


def number_pair(key: str, uom: str | None) -> Pair:
    """The pair whose hash names the numbers of one key and unit; never equal to that of a term."""
    return ("\0number", f"{key}\0{'' if uom is None else uom}")


def prepare_terms(
    pairs: Sequence[Pair], numbers: Iterable[Number], vocabulary: Iterable[Pair], secret: bytes
) -> PreparedTerms:
    """The index rows of one event from `epcis.terms`: event_terms, event_numbers and vocabulary_terms.

    secret: `Store.secret_key`.
    """
    hashed = _hasher(secret).hash
    values = dict(pairs)
    step, place = values.get("bizStep"), values.get("bizLocation")
    return PreparedTerms(
        tuple(map(hashed, pairs)),
        tuple([(hashed(number_pair(key, uom)), number) for key, number, uom in numbers]),
        tuple(
            [
                (VOCABULARY_KINDS[kind], value)
                for kind, value in vocabulary
                if len(value) <= _SURELY_LISTED or len(value.encode()) <= LONGEST_LISTED_VALUE
            ]
        ),
        None if step is None else hashed(("bizStep", step)),
        None if place is None else hashed(("bizLocation", place)),
    )


def identifier_hash(text: str, secret: bytes) -> bytes:
    """The 16 bytes by which an eventID is looked up."""
    return blake2b(text.encode(), digest_size=16, key=secret, person=b"eventID").digest()


@lru_cache(maxsize=_CACHED_KEYS)
def key_hash(key: str) -> int:
    """The 64-bit hash of a ledger key, by which its stream of events is found. The same on every server."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "little", signed=True)


@lru_cache(maxsize=4)
def _hasher(secret: bytes) -> TermHasher:
    return TermHasher(secret)


def term_hasher(secret: bytes) -> TermHasher:
    """The hasher of one secret; the same object each time, so that its cache serves captures and queries alike."""
    return _hasher(secret)

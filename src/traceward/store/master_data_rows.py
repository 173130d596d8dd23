"""Master data as rows, and writing the versions of elements whose content is new.

Knows nothing of who may read them: `master_data_read` does. Ids are canonical, attribute names in their one form.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from traceward.store import counters
from traceward.store.master_data_tables import TIME_ZONE
from traceward.store.write import WriteTransaction

PLACES: Final = "places"
"""The counter that goes up whenever what lies below what, or in which time zone, may have changed."""

# What alerts say of places rests on what lies below what, and on their zones (alert_rows.mark_all).
_LOOK_AT_ALERTS: Final = "UPDATE alert_scope SET marked=marked+1, next_us=0"


class NewElement(NamedTuple):
    """An element to be written. digest: 16 bytes of its content. attributes: (name, text or None)."""

    id: str
    vtype: str
    digest: bytes
    name: str | None
    content: str
    attributes: tuple[tuple[str, str | None], ...]
    children: tuple[str, ...]


class ElementRow(NamedTuple):
    """An element in its present version, as a party declared it. content: JSON."""

    party: int
    id: str
    vtype: str
    version: int
    record_time_us: int
    name: str | None
    content: str


class VersionRow(NamedTuple):
    """One version of an element. captured_by: id of a key. content: JSON."""

    version: int
    record_time_us: int
    captured_by: str
    job: str | None
    content: str


class ElementPage(NamedTuple):
    """Elements by (id, vocabulary, party). next: the (id, vocabulary) behind which there may be more; None: no more."""

    elements: list[ElementRow]
    next: tuple[str, str] | None


def write_elements(
    tx: WriteTransaction, party: int, captured_by: str, job: str | None, elements: Sequence[NewElement]
) -> int:
    """Write those elements whose content is new, each as its next version; gives how many there were."""
    sql = "SELECT id, vtype, version, digest FROM master_data WHERE party=? AND id IN {in}"
    known = {
        (identifier, vtype): (version, bytes(digest))
        for identifier, vtype, version, digest in tx.fetch_in(sql, {one.id for one in elements}, (party,))
    }
    fresh = [
        (one, before[0] + 1)
        for one in elements
        if (before := known.get((one.id, one.vtype), (0, b"")))[1] != one.digest
    ]
    at = tx.record_time_us
    tx.write(
        "master_data_version",
        ("party", "id", "vtype", "version", "record_time_us", "captured_by", "job", "content"),
        [(party, one.id, one.vtype, version, at, captured_by, job, one.content) for one, version in fresh],
        "nothing",
    )
    tx.write(
        "master_data",
        ("party", "id", "vtype", "version", "record_time_us", "digest", "name", "content"),
        [(party, one.id, one.vtype, version, at, one.digest, one.name, one.content) for one, version in fresh],
        "replace",
    )
    replaced = [one for one, version in fresh if version > 1]
    for vtype in {one.vtype for one in replaced}:
        ids = [one.id for one in replaced if one.vtype == vtype]
        tx.execute_in("DELETE FROM master_data_attribute WHERE party=? AND vtype=? AND id IN {in}", ids, (party, vtype))
        tx.execute_in("DELETE FROM master_data_child WHERE party=? AND vtype=? AND parent IN {in}", ids, (party, vtype))
    tx.write(
        "master_data_attribute",
        ("id", "name", "party", "vtype", "place", "value"),
        [
            (one.id, name, party, one.vtype, place, value)
            for one, _ in fresh
            for place, (name, value) in enumerate(one.attributes)
        ],
        "nothing",
    )
    tx.write(
        "master_data_child",
        ("parent", "party", "vtype", "child"),
        [(one.id, party, one.vtype, child) for one, _ in fresh for child in one.children],
        "nothing",
    )
    if replaced or any(one.children or TIME_ZONE in dict(one.attributes) for one, _ in fresh):
        counters.bump(tx, PLACES)
        tx.execute(_LOOK_AT_ALERTS)
    return len(fresh)

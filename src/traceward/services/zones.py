"""The zones of places as the store has them, kept until master data of places changes.

It must not judge what has expired: `ledger.expiry` does, by the zone that stands here.
"""

import threading
from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Final

from traceward.ledger.place_zones import Owner, PlaceZones, inherited, zone_named
from traceward.store import counters, master_data_rows
from traceward.store.engine import Store
from traceward.store.master_data_tables import TIME_ZONE
from traceward.store.read import Reader

_COLUMNS: Final = "organisation.id, master_data_attribute.party, master_data_attribute.id, master_data_attribute.value"
_JOINED: Final = "master_data_attribute JOIN organisation ON organisation.number = master_data_attribute.party"
# The name stands in the statement, since only so the index of zones serves it.
_NAMED: Final = f"master_data_attribute.name='{TIME_ZONE}'"
_ZONES: Final = f"SELECT {_COLUMNS} FROM {_JOINED} WHERE {_NAMED} ORDER BY 3, master_data_attribute.vtype"  # noqa: S608
_CHILDREN: Final = "SELECT parent, child FROM master_data_child WHERE party=?"


class ZoneCache:
    """The zones that one store's master data declares; safe from any thread. default: where nothing is declared."""

    def __init__(self, default: tzinfo = UTC) -> None:
        self._default = default
        self._lock = threading.Lock()
        self._version: int | None = None
        self._zones: Mapping[str, Mapping[str, tzinfo]] = {}

    def current(self, store: Store, owner: Owner) -> PlaceZones:
        """The zones as they stand now. owner: the party that a place belongs to."""
        with store.reader() as reader:
            version = counters.value_of(reader, master_data_rows.PLACES)
            with self._lock:
                if version != self._version:
                    self._zones, self._version = _read(reader), version
                return PlaceZones(self._zones, owner, self._default)


def _read(reader: Reader) -> dict[str, dict[str, tzinfo]]:
    """Party -> place -> zone, with what places inherit. A name that is no zone declares nothing."""
    own: dict[tuple[str, int], dict[str, tzinfo]] = {}
    for party, number, place, name in reader.fetch(_ZONES):
        zone = zone_named(name) if name is not None else None
        if zone is not None:
            own.setdefault((party, number), {})[place] = zone
    return {party: inherited(zones, _children(reader, number)) for (party, number), zones in own.items()}


def _children(reader: Reader, number: int) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for parent, child in reader.fetch(_CHILDREN, (number,)):
        found.setdefault(parent, []).append(child)
    return found

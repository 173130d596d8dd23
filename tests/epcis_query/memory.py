"""Master data in memory: what a store answers of declared elements and of the ids that events name."""

from collections.abc import Collection, Mapping
from typing import Any

from traceward.epcis.terms import event_terms

_KEYS = {
    "readPoint": ("readPoint",),
    "bizLocation": ("bizLocation",),
    "epcClass": ("epcClass", "inputEPCClass", "outputEPCClass"),
    "microorganism": ("microorganism",),
    "chemicalSubstance": ("chemicalSubstance",),
    "resource": ("deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "bizRules"),
    "location": ("readPoint", "bizLocation", "source:location", "destination:location"),
    "party": tuple(f"{end}:{kind}_party" for end in ("source", "destination") for kind in ("owning", "possessing")),
}
_PREFIXES = {
    "bizTransaction": ("bizTransaction:",),
    "source": ("source:",),
    "destination": ("destination:",),
    "sourceDest": ("source:", "destination:"),
}


class MemorySource:
    """A `MasterDataSource` over expanded events, all of them the caller's own."""

    def __init__(
        self,
        events: list[dict[str, Any]],
        children: Mapping[str, list[str]],
        declared: Mapping[str, Mapping[str, str]],
    ) -> None:
        self._pairs = {pair for event in events for pair in event_terms(event)}
        self._children = children
        self._declared = declared

    def children(self, ids: Collection[str]) -> set[str]:
        return {child for one in ids for child in self._children.get(one, [])}

    def carrying(self, ids: Collection[str], names: Collection[str], values: Collection[str] | None) -> set[str]:
        return {
            one
            for one in ids
            for name, value in self._declared.get(one, {}).items()
            if name in names and (values is None or value in values)
        }

    def named(self, field: str, most: int) -> set[tuple[str, str]]:
        del most
        keys, prefixes = _KEYS.get(field, ()), _PREFIXES.get(field, ())
        return {pair for pair in self._pairs if pair[0] in keys or (prefixes and pair[0].startswith(prefixes))}

"""Which products a caller has met: a doubtful read of a label is believed only for one of them."""

from typing import Final

from traceward.epcis.predicates import AnyTerm, Query
from traceward.epcis.terms import class_prefix
from traceward.gs1.digital_link import CANONICAL_STEM
from traceward.gs1.epc_uri import identifier_kind
from traceward.services.identity.principals import Principal
from traceward.services.runtime import Runtime
from traceward.store.compile import VisibleTo

_KEYS: Final = ("epc", "epcClass")


def is_known_product(runtime: Runtime, caller: Principal, identifier: str) -> bool:
    """Whether any event that the caller may see names an item of the identifier's GTIN.

    identifier: canonical. What has no GTIN is known when an event names it itself.
    """
    gtin = identifier_kind(identifier).gtin
    pairs = [(key, identifier) for key in _KEYS]
    if gtin is not None:
        product = f"{CANONICAL_STEM}/01/{gtin}"
        prefixes = {class_prefix(f"{product}/{qualifier}/1") for qualifier in ("21", "10")}
        pairs = [(f"{key}~class", prefix) for key in _KEYS for prefix in prefixes if prefix is not None]
        pairs += [(key, product) for key in _KEYS]
    query = Query(clauses=(AnyTerm(tuple(sorted(pairs))),))
    with runtime.store.reader() as reader:
        return reader.count_up_to(query, VisibleTo(caller.viewers), 1) > 0

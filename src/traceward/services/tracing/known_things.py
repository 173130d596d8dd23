"""What the caller's own book and master data say of the things on a label: name, flags, whether it is used up already.

It must not tell anything of goods that the caller neither owns, holds nor is being sent, and it captures nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from traceward.gs1.digital_link import CANONICAL_STEM
from traceward.gs1.epc_uri import identifier_kind
from traceward.ledger.state import class_record, item_of
from traceward.ledger.steps import SINKS
from traceward.services.identity.principals import Principal, Right
from traceward.services.queries.master_data import names_of
from traceward.services.runtime import Runtime
from traceward.services.tracing.stock import flags_of_balances
from traceward.store.business_lists import balances_of_records
from traceward.store.rows import Balance


def with_known(runtime: Runtime, caller: Principal, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of a scan, each symbol and item with `known`: product, flags, gone; None where it names no thing.

    product: its name as the caller knows it. flags: what stands against it in the caller's stock, such as recalled.
    gone: what became of a thing that has left stock (implanted, consumed...), None while it is there or unknown. Of a
    lot that is always None: other units of it may be there. Roles that read no events are told nothing.
    """
    bodies = [*answer["symbols"], *answer["items"]]
    told = known_of(runtime, caller, {named for one in bodies if (named := one["epc"] or one["epcClass"])})
    return {
        **answer,
        "symbols": [_with(one, told) for one in answer["symbols"]],
        "items": [_with(one, told) for one in answer["items"]],
    }


def known_of(runtime: Runtime, caller: Principal, items: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What is known of each of these canonical identifiers; empty for a role that reads no events."""
    if not caller.may(Right.READ):
        return {}
    wanted = sorted(set(items))
    products = {item: f"{CANONICAL_STEM}/01/{gtin}" for item in wanted if (gtin := identifier_kind(item).gtin)}
    with runtime.store.reader() as reader:
        found = balances_of_records(
            reader, caller.organisation, [key for one in wanted for key in (one, class_record(one))]
        )
        names = names_of(runtime, reader, caller, set(products.values()))
    flags = flags_of_balances(runtime, found)
    own: defaultdict[str, list[Balance]] = defaultdict(list)
    for row in found:
        own[item_of(row.record_key)].append(row)
    return {
        item: {
            "product": names.get(products.get(item, "")),
            "flags": sorted({
                flag for row in own[item] if row.status not in SINKS for flag in flags[row.record_key, row.slot]
            }),
            "gone": _gone(own[item], item),
        }
        for item in wanted
    }  # fmt: skip


def _gone(own: Iterable[Balance], item: str) -> str | None:
    """What became of a single thing."""
    statuses = {row.status for row in own if row.record_key == item}
    return min(statuses & SINKS, default=None) if statuses <= SINKS else None


def _with(body: Mapping[str, Any], told: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {**body, "known": told.get(body["epc"] or body["epcClass"] or "")}

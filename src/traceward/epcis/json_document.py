"""Documents of events to EPCIS JSON, piece by piece, from whichever format they were read.

Must not judge events, nor change their text but for the EPC format asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

from traceward.epcis.document import RawEvent
from traceward.epcis.extension import STANDARD_CONTEXT, Context, is_standard_context
from traceward.epcis.json_codec import write_json
from traceward.epcis.rendering import EpcFormat, render_event
from traceward.epcis.xml_header import SBDH_KEY, counterpart_sbdh
from traceward.epcis.xml_tables import SBDH

Kind = Literal["EPCISDocument", "EPCISQueryDocument"]

_PARTNERS = ("sender", "receiver", "instanceIdentifier")


def document_pieces(
    events: Iterable[RawEvent],
    *,
    creation_date: str,
    context: Context,
    kind: Kind = "EPCISDocument",
    header: Mapping[str, Any] | None = None,
    epc_format: EpcFormat = EpcFormat.NEVER_TRANSLATES,
    prefix_length: Callable[[str], int | None] | None = None,
) -> Iterator[bytes]:
    """The document of those events in JSON: the head, each event when it is asked for, the tail.

    events: `rules` must have found no error in them. header, context: as a Document has them; creation_date: RFC 3339
    text. epc_format, prefix_length: as `rendering.render_event` takes them. Each event stands on a line of its own.
    EPCIS 2.0 JSON binding, EPCISDocument and EPCISQueryDocument; the latter has master data beside its events and
    has sender, receiver and instanceIdentifier as an SBDH, since its schema has no other place for them.
    """
    fields = dict(header or {})
    stated = fields.pop("queryResults", {})
    vocabularies = _take_vocabularies(fields) if kind == "EPCISQueryDocument" else None
    if kind == "EPCISQueryDocument":
        _partners_as_sbdh(fields, creation_date)
    head = {"@context": _context(context, fields), "type": kind, "schemaVersion": "2.0", "creationDate": creation_date}
    yield write_json(head | fields)[:-1] + b',"epcisBody":{'
    if kind == "EPCISQueryDocument":
        yield b'"queryResults":%b,"resultsBody":{' % write_json({"queryName": "SimpleEventQuery"} | stated)[:-1]
        if vocabularies is not None:
            yield b'"vocabularyList":%b,' % write_json(vocabularies)
    yield b'"eventList":['
    separator = b"\n"
    for event in events:
        yield separator + render_event(event.text, epc_format, prefix_length=prefix_length)
        separator = b",\n"
    yield b"]}}}}\n" if kind == "EPCISQueryDocument" else b"]}}\n"


def _take_vocabularies(fields: dict[str, Any]) -> Any:
    """The vocabularies of the header, taken out of it; what else stood in it moves up beside it."""
    own = dict(fields.pop("epcisHeader", None) or {})
    master_data = own.pop("epcisMasterData", None) or {}
    fields.update(own)
    return master_data.get("vocabularyList")


def _partners_as_sbdh(fields: dict[str, Any], creation_date: str) -> None:
    stated = {name: fields.pop(name) for name in _PARTNERS if name in fields}
    if stated:
        fields.setdefault(SBDH_KEY, counterpart_sbdh(stated, creation_date))


def _context(context: Context, fields: Mapping[str, Any]) -> Any:
    """The document's @context, with what the schema and a kept SBDH need of it."""
    entries = list(context.value) if isinstance(context.value, list) else [context.value]
    if not any(isinstance(entry, str) and is_standard_context(entry) for entry in entries):
        entries.insert(0, STANDARD_CONTEXT)
    if SBDH_KEY in fields and "sbdh" not in context.prefixes:
        entries.append({"sbdh": SBDH + "#"})
    return entries if len(entries) > 1 else entries[0]

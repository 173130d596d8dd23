"""Events whose time lay in the future when they came: they count as stock once it is there.

It must not apply anything early; the projector decides what is due.
"""

import asyncio
from dataclasses import replace
from typing import Final

import structlog

from traceward.epcis.errors import TracewardError
from traceward.ledger.projector import Projection
from traceward.services.changes import came_within
from traceward.services.indexing.indexing import index_projection
from traceward.services.runtime import Runtime
from traceward.store import alert_rows
from traceward.store.write import WriteTransaction

_log = structlog.get_logger("traceward.due")

_EVERY_S: Final = 60.0


def apply_due(runtime: Runtime) -> None:
    """Let the events count whose time has come."""

    def unit(tx: WriteTransaction) -> set[str]:
        seqs = [seq for (seq,) in tx.fetch("SELECT seq FROM due WHERE apply_us <= ?", (tx.record_time_us,))]
        if not seqs:
            return set()
        alert_rows.touch(tx, seqs)
        projection = runtime.projector_within(tx).apply_due(tx, tx.record_time_us)
        return index_projection(tx, runtime.registry, due_as_newly_visible(projection), {}, runtime.store.secret_key)

    runtime.changes.publish(runtime.store.committer.run(unit))


def due_as_newly_visible(projection: Projection) -> Projection:
    """The same projection for events that were stored before: those who see them count as having gained them."""
    gained = [(party, eid) for eid, parties in projection.visible.items() for party in sorted(parties)]
    return replace(projection, visible={}, newly_visible=(*projection.newly_visible, *gained))


async def apply_due_regularly(runtime: Runtime) -> None:
    """Once a minute, let the events count whose time has come, until the server stops."""
    while not runtime.stopping.is_set():
        try:
            await asyncio.to_thread(apply_due, runtime)
        except TracewardError as error:
            _log.warning("due events wait", reason=error.detail)
        await came_within(runtime.stopping, _EVERY_S)

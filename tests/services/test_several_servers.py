"""Two servers of one database: what one of them learns of organisations, the other captures by at once."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from traceward.services.identity import parties
from traceward.services.identity.principals import Principal
from traceward.services.intake import capture
from traceward.services.queries import query
from traceward.services.queries.answers import Representation
from traceward.services.runtime import Limits, Runtime, open_runtime
from traceward.services.tracing import ledger_care

SUPPLIER, HOSPITAL = "https://id.gs1.org/417/9521141000007", "https://id.gs1.org/417/4012345000009"
LOT = "https://id.gs1.org/01/09521141045305/10/LOT1"
DC, DOCK = "https://id.gs1.org/414/9521141000106", "https://id.gs1.org/414/4012345000016"


@pytest.fixture(params=["sqlite", "postgresql"])
def open_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Runtime]]:
    """Opens one more server of the same database."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("new_postgres_database")()
    opened: list[Runtime] = []

    def one() -> Runtime:
        opened.append(open_runtime(url, data_dir=tmp_path, limits=Limits(), scan_workers=1))
        return opened[-1]

    yield one
    for runtime in opened:
        runtime.close()


def add(runtime: Runtime, identifier: str, prefix: str) -> None:
    parties.add_organisation(runtime, identifier=identifier, name=prefix, company_prefixes=[prefix], places={})


def caller(runtime: Runtime, identifier: str, role: str) -> Principal:
    owner = runtime.registry.find(identifier)
    assert owner is not None
    return Principal(owner.id, owner.name, owner.number, role, "0123456789", "")


def made_and_sent(runtime: Runtime, lot: str = LOT) -> None:
    """Ten of a lot made and sent on consignment, captured by their maker on one server."""
    head: dict[str, Any] = {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "ObjectEvent",
        "eventTimeZoneOffset": "+00:00",
        "quantityList": [{"epcClass": lot, "quantity": 10}],
        "readPoint": {"id": DC},
    }
    made = {"eventTime": "2026-05-01T10:00:00Z", "action": "ADD", "bizStep": "commissioning", "bizLocation": {"id": DC}}
    pairs = (("possessing_party", SUPPLIER, HOSPITAL), ("owning_party", SUPPLIER, SUPPLIER), ("location", DC, DOCK))
    sent = {
        "eventTime": "2026-05-02T10:00:00Z",
        "action": "OBSERVE",
        "bizStep": "shipping",
        "sourceList": [{"type": kind, "source": source} for kind, source, _ in pairs],
        "destinationList": [{"type": kind, "destination": target} for kind, _, target in pairs],
    }
    for event in (made, sent):
        capture.capture_event(runtime, caller(runtime, SUPPLIER, "supplier"), orjson.dumps(head | event))


def seen_by_hospital(runtime: Runtime) -> bytes:
    return query.find_events(
        runtime, caller(runtime, HOSPITAL, "supply"), {}, None, 100, Representation()
    ).document  # fmt: skip


def test_a_server_captures_by_the_organisations_that_another_has_added(open_server: Callable[[], Runtime]) -> None:
    """Rejects a server that folds until its end by the organisations which it knew when it began: the maker's lots
    would be anybody's to it, and the hospital would not find what is sent to it.
    """
    one, other = open_server(), open_server()
    add(one, SUPPLIER, "9521141")
    add(one, HOSPITAL, "4012345")
    other.registry.reload()
    made_and_sent(other)
    assert b"LOT1" in seen_by_hospital(one)
    assert b"LOT1" in seen_by_hospital(other)
    kept_up = ledger_care.verify(one.store)
    ledger_care.rebuild(one.store, one.registry)
    assert ledger_care.verify(one.store) == kept_up


def test_what_a_server_left_when_it_ended_is_taken_up_by_the_next(
    open_server: Callable[[], Runtime], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rejects a look through the stored events that a crash right after the new organisation leaves out for good."""
    one = open_server()
    add(one, SUPPLIER, "9521141")
    made_and_sent(one)
    with monkeypatch.context() as crash:
        crash.setattr(Runtime, "parties_changed", lambda self, _before: self.registry.reload())
        add(one, HOSPITAL, "4012345")
    assert b"LOT1" not in seen_by_hospital(one)
    assert b"LOT1" in seen_by_hospital(open_server())

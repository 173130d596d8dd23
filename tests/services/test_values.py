"""Keys, sessions, page tokens, spool and the demo's story: the small parts of the services, without HTTP."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest

from shared_data import shared
from traceward.epcis.document import RawEvent
from traceward.epcis.json_codec import read_document
from traceward.gs1.patient import contains_patient_identifier
from traceward.services.demo.storyline import cordia_document, northgate_document
from traceward.services.identity.keys import KeyText, new_key, parse_key
from traceward.services.identity.principals import ROLE_RIGHTS, Principal, Right
from traceward.services.indexing.preparation import PreparedEvent, prepare, prepare_again, stored_terms
from traceward.services.intake.spool import Spool
from traceward.services.runtime import Runtime
from traceward.services.tokens import page_bounds, text_position
from traceward.store.engine import open_store
from traceward.store.errors import BadPageToken
from traceward.store.paging import PageTokens

SECRET = b"s" * 32


def counting_bytes(count: int) -> bytes:
    """The same bytes each time."""
    return bytes(range(count))


def principal(role: str = "clinical", number: int = 3) -> Principal:
    """A caller of the organisation with that number."""
    return Principal("https://id.gs1.org/417/4012345000009", "Northgate", number, role, "0123456789", "")


def prepared(document: dict[str, Any]) -> list[PreparedEvent]:
    """The events of a document that must all be valid."""
    found = [prepare(raw, SECRET) for raw in read_document(orjson.dumps(document)).events]
    assert all(isinstance(event, PreparedEvent) for event in found)
    return cast("list[PreparedEvent]", found)


@pytest.mark.parametrize(
    ("own", "file"), [(cordia_document(), "cordia"), (northgate_document(), "northgate")], ids=["cordia", "northgate"]
)
def test_the_demo_has_the_identities_of_the_published_story(own: dict[str, Any], file: str) -> None:
    """Rejects any difference of content: one digit in a place or a time gives another digest."""
    published = orjson.loads(shared(f"examples/storyline-{file}.json").read_bytes())
    assert {event.eid for event in prepared(own)} == {event.eid for event in prepared(published)}


def test_an_event_that_is_stored_gives_the_index_rows_that_it_gave_when_it_came() -> None:
    """Rejects rows that depend on the document around an event: a late viewer would not find it."""
    for event in prepared(northgate_document()):
        found = stored_terms(event.text, event.context, event.event_id, SECRET, private=event.private)
        assert found == event.terms


def test_an_event_prepared_again_has_an_id_of_its_content() -> None:
    """Rejects a second id that is random, or made of the hash that was taken."""
    document = cordia_document()
    events = document["epcisBody"]["eventList"]
    without = document | {"epcisBody": {"eventList": [{k: v for k, v in events[0].items() if k != "eventID"}]}}
    (first,) = prepared(without)
    again = prepare_again(first, SECRET)
    assert first.assigned
    assert first.event_id.startswith("ni:///sha-256;")
    assert again.event_id.startswith("urn:uuid:")
    assert again.event_id == prepare_again(first, SECRET).event_id
    assert again.eid != first.eid


@pytest.mark.parametrize(
    "spelling",
    [
        "urn:epc:id:gsrn:4012345.0000012345",
        "URN:EPC:ID:GSRN:4012345.0000012345",
        "https://id.gs1.org/8018/401234500000123452",
        "https://example.org/gsrn/401234500000123452",
        "https://example.org/%38018/401234500000123452",
        "(8018)401234500000123452",
        "https:\\u002F\\u002Fid.gs1.org\\u002f8018\\u002f401234500000123452",
        "https://id.gs1.org/\\u0038018/401234500000123452",
    ],
)
def test_no_spelling_of_a_patient_passes_the_first_look(spelling: str) -> None:
    """Rejects a prefilter that looks at the text before escapes are undone."""
    text = orjson.dumps(northgate_document()["epcisBody"]["eventList"][0])[:-1]
    text += b',"mcx:note":"' + spelling.encode() + b'"}'
    assert contains_patient_identifier(orjson.loads(b'"' + spelling.encode() + b'"'))
    document = read_document(
        orjson.dumps(northgate_document() | {"epcisBody": {"eventList": []}}).replace(b"[]", b"[" + text + b"]")
    )
    (raw,) = document.events
    event = prepare(raw, SECRET)
    assert isinstance(event, PreparedEvent)
    assert event.private


def test_a_patient_behind_a_prefix_of_the_context_is_found() -> None:
    """Rejects a first look at the event's text alone: a prefix can stand for the beginning of a GSRN."""
    document = northgate_document()
    event = document["epcisBody"]["eventList"][0] | {"parentID": "p:401234500000123452"}
    document["@context"] = [*document["@context"], {"p": "https://id.gs1.org/8018/"}]
    document["epcisBody"] = {"eventList": [event | {"type": "AggregationEvent", "childEPCs": event["epcList"]}]}
    event = document["epcisBody"]["eventList"][0]
    event.pop("epcList")
    event["action"] = "ADD"
    (found,) = prepared(document)
    assert found.private


def test_a_key_is_taken_apart_only_in_its_own_form() -> None:
    key = new_key(counting_bytes)
    assert parse_key(str(key)) == key
    assert "tw_" not in repr(key)
    assert key.secret not in repr(key)
    for wrong in ("", "tw_", str(key)[:-1], str(key) + "A", str(key).replace("tw_", "tx_"), f" {key}"):
        assert parse_key(wrong) is None


def test_a_secret_matches_its_own_digest_alone() -> None:
    key, other = new_key(counting_bytes), KeyText("0123456789", "A" * 43)
    assert key.matches(key.digest)
    assert not other.matches(key.digest)


def test_roles_read_only_their_own_compartments() -> None:
    """Rejects an administrator who reads events, and a supply role that reads patients."""
    assert principal("clinical").viewers == {6, 7}
    assert principal("supply").viewers == {6}
    assert principal("admin").viewers == frozenset()
    assert Right.READ not in ROLE_RIGHTS["admin"]


def test_a_page_token_ends_with_its_time_and_serves_one_role_and_query(tmp_path: Path) -> None:
    """Rejects a token without end, and one that another role of the organisation may use."""
    clock = [0]
    store = open_store(f"sqlite:///{tmp_path / 'tokens.db'}", clock=lambda: clock[0])
    runtime = cast(
        "Runtime",
        SimpleNamespace(
            store=store,
            page_tokens=PageTokens(SECRET),
            now_us=lambda: clock[0],
            limits=SimpleNamespace(page_token_ttl_s=10),
        ),
    )
    token = page_bounds(runtime, principal(), b"query", None).next_text_token("text", 5, 7)
    found = text_position(runtime, principal(), b"query", token)
    assert found is not None
    assert (found.text, found.order_us, found.number) == ("text", 5, 7)
    for caller, query in ((principal("supply"), b"query"), (principal(), b"other")):
        with pytest.raises(BadPageToken):
            text_position(runtime, caller, query, token)
    clock[0] = 10_000_000
    with pytest.raises(BadPageToken):
        text_position(runtime, principal(), b"query", token)
    store.close()


@pytest.mark.parametrize(("size", "on_disk"), [(10, False), (11, True)])
def test_a_body_above_the_threshold_goes_to_disk_and_is_deleted_unless_kept(
    tmp_path: Path, size: int, on_disk: bool
) -> None:
    async def filled(*, keep: bool) -> Path | None:
        async with Spool(tmp_path / "spool", 10) as spool:
            for _ in range(size):
                await spool.write(b"x")
            assert spool.on_disk is on_disk
            if not on_disk:
                assert spool.content() == b"x" * size
                return None
            return spool.keep() if keep else None

    asyncio.run(filled(keep=False))
    assert not list(tmp_path.glob("spool/*"))
    kept = asyncio.run(filled(keep=True))
    assert (kept is not None) is on_disk
    if kept is not None:
        assert kept.read_bytes() == b"x" * size


def test_an_event_without_context_of_its_own_is_read_alone() -> None:
    raw = RawEvent(0, b'{"type": "ObjectEvent"}', None, orjson.loads)
    assert raw.context.is_standard

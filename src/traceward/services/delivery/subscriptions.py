"""Subscriptions of named queries: made, shown, paused and ended by those who share the query.

A subscription belongs to the owner of its query and has that owner's sight. It must not deliver (`worker` does), and
must not show a signatureToken to anyone.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import orjson

from traceward.epcis.errors import (
    DuplicateSubscriptionException,
    Finding,
    NoSuchNameException,
    NoSuchSubscriptionException,
    SubscribeNotPermittedException,
    ValidationException,
)
from traceward.epcis.rendering import EpcFormat
from traceward.epcis.subscription import SubscriptionSpec
from traceward.epcis.times import format_time_us
from traceward.epcis.xml_codec import CbvXmlFormat
from traceward.gs1.patient import contains_patient_identifier
from traceward.services.identity.principals import Principal
from traceward.services.identity.sealing import seal, unseal
from traceward.services.outgoing import check_destination
from traceward.services.queries.answers import Representation
from traceward.services.queries.named_queries import check_reportable, from_row, owner_of, public_name, stored
from traceward.services.runtime import Runtime
from traceward.store.compile import Cursor
from traceward.store.named_query_models import NamedQueryRow
from traceward.store.read import Reader
from traceward.store.subscription_models import Subscription
from traceward.store.write import WriteTransaction

MAX_SUBSCRIPTIONS: Final = 100
"""Most subscriptions of one owner."""

_LONGEST_ID: Final = 255
_NO_ID: Final = re.compile(r"[\x00-\x1f\x7f/\\?#\ud800-\udfff]")
_TOKEN: Final = b"webhook token"
_ABSENT: Final = "there is no subscription of this id"


def create(
    runtime: Runtime,
    caller: Principal,
    query_name: str,
    spec: SubscriptionSpec,
    representation: Representation,
    subscription_id: str | None = None,
    definition: NamedQueryRow | None = None,
) -> Subscription:
    """A new subscription to the caller's query of that name; subscription_id: of the client's choice, else made here.

    definition: the query itself, where it is the subscription's own and ends with it.

    Raises NoSuchNameException, QueryParameterException for a query that is of one whole answer (`check_reportable`),
    ForbiddenException for a destination that this server does not call,
    DuplicateSubscriptionException, SubscribeNotPermittedException beyond 100, ValidationException for an id that cannot
    stand in a URL. EPCIS 2.0 8.2.5.
    """
    owner = owner_of(caller)
    check_destination(spec.dest, runtime.outgoing.rules)
    if contains_patient_identifier(spec.dest):
        raise _invalid("dest", "dest holds a patient's identifier (AI 8018); expected a URI without one")
    key = runtime.random_bytes(16).hex()
    chosen = key if subscription_id is None else _checked_id(subscription_id)

    def unit(tx: WriteTransaction) -> Subscription:
        query = stored(tx, owner, query_name) if definition is None else from_row(definition)
        if query is None:
            raise NoSuchNameException("there is no query of this name")
        check_reportable(query)
        own = tx.select(Subscription, owner=owner)
        if any(one.subscription_id == chosen for one in own):
            raise DuplicateSubscriptionException(f"there is a subscription {chosen!r} already; end it first")
        if len(own) >= MAX_SUBSCRIPTIONS:
            raise SubscribeNotPermittedException(f"there are {MAX_SUBSCRIPTIONS} subscriptions already; end one first")
        row = _row(runtime, tx, key, owner, chosen, query_name, spec, representation)
        if definition is not None:
            tx.put(definition)
        tx.put(row)
        return row

    made = runtime.store.committer.run(unit)
    announce(runtime)
    return made


def list_of(runtime: Runtime, caller: Principal, query_name: str) -> list[Subscription]:
    """The subscriptions of the caller's query, oldest first. Raises NoSuchNameException for an unknown query."""
    owner = owner_of(caller)
    with runtime.store.reader() as reader:
        if stored(reader, owner, query_name) is None:
            raise NoSuchNameException("there is no query of this name")
        return _by_age(reader.select(Subscription, owner=owner, query_name=query_name))


def all_of(runtime: Runtime, caller: Principal) -> list[Subscription]:
    """The subscriptions of all of the caller's queries, oldest first."""
    with runtime.store.reader() as reader:
        return _by_age(reader.select(Subscription, owner=owner_of(caller)))


def find(runtime: Runtime, caller: Principal, query_name: str | None, subscription_id: str) -> Subscription:
    """The caller's subscription of that id; query_name: None for any query.

    Raises NoSuchSubscriptionException, for absent ones and those of others alike.
    """
    with runtime.store.reader() as reader:
        return find_in(reader, owner_of(caller), query_name, subscription_id)


def find_in(
    source: Reader | WriteTransaction, owner: int, query_name: str | None, subscription_id: str
) -> Subscription:
    """As `find`, in a transaction and for an owner as `named_queries.owner_of` gives it."""
    found = source.select(Subscription, owner=owner, subscription_id=subscription_id)
    if not found or (query_name is not None and found[0].query_name != query_name):
        raise NoSuchSubscriptionException(_ABSENT)
    return found[0]


def delete(runtime: Runtime, caller: Principal, query_name: str | None, subscription_id: str) -> None:
    """End the caller's subscription; what waited for its receiver is dropped. Raises NoSuchSubscriptionException."""
    owner = owner_of(caller)

    def unit(tx: WriteTransaction) -> None:
        _remove(tx, find_in(tx, owner, query_name, subscription_id))

    runtime.store.committer.run(unit)
    announce(runtime)


def delete_all_of_query(tx: WriteTransaction, owner: int, query_name: str) -> None:
    """End every subscription of a query, in the unit that deletes it; owner: as `named_queries.owner_of` gives it."""
    for row in tx.select(Subscription, owner=owner, query_name=query_name):
        _remove(tx, row)


def announce(runtime: Runtime) -> None:
    """Tell this process's worker to look at the subscriptions again; other processes look by themselves."""
    runtime.changes.publish(())


def as_body(row: Subscription) -> dict[str, Any]:
    """The wire form; the token and our own states are not in it. EPCIS 2.0 REST, Subscription."""
    body: dict[str, Any] = {
        "subscriptionID": row.subscription_id,
        "queryName": public_name(row.query_name),
        "dest": row.dest,
        "createdAt": format_time_us(row.created_us),
        "minRecordTime": format_time_us(row.cursor_order_us),
        "epcFormat": representation_of(row).epc_format.value,
    }
    if row.schedule is None:
        body["stream"] = True
    else:
        body |= {"schedule": orjson.loads(row.schedule), "reportIfEmpty": bool(row.report_if_empty)}
    for name, time_us in (
        ("initialRecordTime", row.initial_record_time_us),
        ("lastNotifiedAt", row.last_notified_us),
    ):
        if time_us is not None:
            body[name] = format_time_us(time_us)
    return body


def representation_of(row: Subscription) -> Representation:
    """How the subscriber wants its messages."""
    fields = orjson.loads(row.representation)
    return Representation(
        media_type=fields["media_type"],
        epc_format=EpcFormat(fields["epc_format"]),
        cbv_format=CbvXmlFormat(fields["cbv_format"]),
        version=fields["version"],
        extensions=fields["extensions"],
    )


def signature_token(runtime: Runtime, row: Subscription) -> str | None:
    """The client's secret in the clear, for signing alone."""
    if row.token is None:
        return None
    return unseal(runtime.store.secret_key, _TOKEN, row.key, bytes(row.token)).decode()


def viewers_of(row: Subscription) -> frozenset[int]:
    """The viewer numbers that its messages may show: those of the roles that share its query."""
    return frozenset({row.owner}) if row.owner % 2 == 0 else frozenset({row.owner - 1, row.owner})


def cursor_of(row: Subscription) -> Cursor:
    """How far it has come in the order in which events became visible."""
    return Cursor(row.cursor_order_us, row.cursor_number)


def _row(
    runtime: Runtime,
    tx: WriteTransaction,
    key: str,
    owner: int,
    subscription_id: str,
    query_name: str,
    spec: SubscriptionSpec,
    representation: Representation,
) -> Subscription:
    initial = spec.initial_record_time_us
    # A time stands for its first number, which the first reading finds: it may lie in the future.
    cursor = Cursor(tx.record_time_us, tx.last_seq) if initial is None else Cursor(initial, 0)
    token = spec.signature_token
    return Subscription(
        key=key,
        owner=owner,
        subscription_id=subscription_id,
        query_name=query_name,
        dest=spec.dest,
        token=None if token is None else seal(runtime.store.secret_key, _TOKEN, key, token.encode()),
        representation=_json(asdict(representation)),
        schedule=None if spec.schedule_fields is None else _json(dict(spec.schedule_fields)),
        report_if_empty=spec.report_if_empty,
        initial_record_time_us=initial,
        created_us=tx.record_time_us,
        cursor_order_us=cursor.order_us,
        cursor_number=cursor.seq,
        next_run_us=None if spec.schedule is None else spec.schedule.next_after(tx.record_time_us),
    )


def _checked_id(text: str) -> str:
    if not text.strip() or len(text) > _LONGEST_ID or _NO_ID.search(text) or text in {".", ".."}:
        raise _invalid(
            "subscriptionID",
            f"subscriptionID is {text[:80]!a}; expected 1 to {_LONGEST_ID} characters, "
            "without control characters / \\ ? #",
        )
    if contains_patient_identifier(text):
        raise _invalid("subscriptionID", "subscriptionID holds a patient's identifier (AI 8018); ids stand in URLs")
    return text


def _remove(tx: WriteTransaction, row: Subscription) -> None:
    tx.delete(Subscription, row.key)
    if public_name(row.query_name) != row.query_name:
        tx.delete(NamedQueryRow, row.owner, row.query_name)
    tx.execute("DELETE FROM delivery WHERE subscription=?", (row.key,))


def _by_age(rows: list[Subscription]) -> list[Subscription]:
    return sorted(rows, key=lambda row: (row.created_us, row.subscription_id))


def _invalid(path: str, message: str) -> ValidationException:
    return ValidationException(message, [Finding(path, "subscription", message, "EPCIS 2.0 8.2.5")])


def _json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value).decode()

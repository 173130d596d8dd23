"""Organisations and their keys: who is known to this server, and who a key stands for.

The registry is a copy in memory of two small tables; it must not hold secrets, only their digests.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from traceward.epcis.errors import Finding, NoSuchResource, ResourceAlreadyExistsException, ValidationException
from traceward.epcis.times import format_time_us
from traceward.gs1.epc_uri import canonical_identifier, identifier_kind
from traceward.ledger.parties import Parties, Party
from traceward.services.keys import KeyText, new_key, parse_key
from traceward.services.principals import ROLE_RIGHTS, Principal
from traceward.store import models
from traceward.store.engine import Store
from traceward.store.write import WriteTransaction

if TYPE_CHECKING:
    from traceward.services.runtime import Runtime

ADMINISTRATION: Final = "administration"
"""Stands for the organisation of administrators, who belong to none."""

_CLAUSE: Final = "Traceward administration"


@dataclass(frozen=True, slots=True)
class Organisation:
    """A known trading partner. number: what its viewers are made of. place_names: SGLN -> name, as declared.

    consignees: party ids of those who hold its goods by agreement.
    """

    number: int
    id: str
    name: str
    company_prefixes: tuple[str, ...]
    place_names: dict[str, str]
    consignees: tuple[str, ...] = ()

    def party(self) -> Party:
        """The organisation as the ledger knows it."""
        return Party(id=self.id, name=self.name, company_prefixes=self.company_prefixes, consignees=self.consignees)


class Registry:
    """The organisations and live keys of one database; safe to use from several threads.

    It reads the tables again when a key is not found, so that a key made by another process is known at once.
    """

    def __init__(self, store: Store, now_us: Callable[[], int]) -> None:
        self._store = store
        self._now_us = now_us
        self._lock = threading.Lock()
        self._last_miss_us = 0
        self.reload()

    def reload(self) -> None:
        """Read both tables again."""
        with self._store.reader() as reader:
            known = [_organisation(row) for row in reader.select(models.Organisation)]
            keys = reader.select(models.ApiKey, revoked_us=None)
        with self._lock:
            self._organisations = {one.id: one for one in known}
            self._by_number = {one.number: one for one in known}
            self._keys = {key.id: key for key in sorted(keys, key=lambda one: (one.created_us, one.id))}
            self._parties = Parties(one.party() for one in known)

    @property
    def parties(self) -> Parties:
        """The organisations as the ledger's value."""
        return self._parties

    def organisations(self) -> list[Organisation]:
        """Every organisation, in the order in which they were made known."""
        return list(self._organisations.values())

    def find(self, identifier: str) -> Organisation | None:
        """The organisation of a canonical party id."""
        return self._organisations.get(identifier)

    def by_number(self, number: int) -> Organisation | None:
        """The organisation of a number, as witnesses carry it."""
        return self._by_number.get(number)

    def numbers(self, identifiers: Iterable[str]) -> list[int]:
        """The numbers of those identifiers that are organisations here."""
        return [self._organisations[one].number for one in identifiers if one in self._organisations]

    def live_keys(self) -> list[models.ApiKey]:
        """Every key that is not revoked."""
        return list(self._keys.values())

    def has_key(self, key_id: str) -> bool:
        """Whether a key still lives."""
        key = self._keys.get(key_id)
        return key is not None and not self._expired(key)

    def authenticate(self, text: str) -> Principal | None:
        """Whom a key's text stands for; None for every kind of wrong key."""
        parsed = parse_key(text)
        if parsed is None:
            return None
        key = self._keys.get(parsed.id)
        if key is None and self._may_look_again():
            self.reload()
            key = self._keys.get(parsed.id)
        if key is None or not parsed.matches(key.secret_sha256) or self._expired(key):
            return None
        return self._principal(key)

    def _principal(self, key: models.ApiKey) -> Principal | None:
        if key.party is None:
            return Principal(ADMINISTRATION, "Administration", 0, key.role, key.id, key.label)
        owner = self._by_number.get(key.party)
        if owner is None or key.role not in ROLE_RIGHTS:
            return None
        return Principal(owner.id, owner.name, owner.number, key.role, key.id, key.label)

    def _expired(self, key: models.ApiKey) -> bool:
        return key.expires_us is not None and key.expires_us <= self._now_us()

    def _may_look_again(self) -> bool:
        """At most once a second: a flood of wrong keys must not become a flood of reads."""
        now = self._now_us()
        with self._lock:
            if now - self._last_miss_us < 1_000_000:
                return False
            self._last_miss_us = now
            return True


def add_organisation(
    runtime: "Runtime",
    *,
    identifier: str,
    name: str,
    company_prefixes: Sequence[str],
    places: dict[str, str],
    consignees: Sequence[str] = (),
) -> Organisation:
    """Make an organisation known, and what was captured before visible to it.

    identifier: its PGLN in any spelling. places: SGLN in any spelling -> name. consignees: PGLNs of the parties that
    hold its goods by agreement.
    Raises ValidationException when the id is no party, ResourceAlreadyExistsException when it is taken.
    """
    party = _party_identifier(identifier)
    profile = {
        "places": {canonical_identifier(place): label for place, label in places.items()},
        "consignees": [_party_identifier(one) for one in consignees],
    }

    def unit(tx: WriteTransaction) -> None:
        if tx.select(models.Organisation, id=party):
            raise ResourceAlreadyExistsException(f"the organisation {party} is known already")
        last = max((one.number for one in tx.select(models.Organisation)), default=0)
        tx.put(
            models.Organisation(
                number=last + 1,
                id=party,
                name=name,
                company_prefixes=_json(list(company_prefixes)),
                profile=_json(profile),
                created_us=tx.record_time_us,
            )
        )

    runtime.store.committer.run(unit)
    runtime.parties_changed()
    added = runtime.registry.find(party)
    assert added is not None
    return added


def agree_consignment(runtime: "Runtime", *, owner: str, consignee: str) -> Organisation:
    """Let a party hold another's goods by agreement: what it captured of them before counts from then on, too.

    owner, consignee: PGLNs in any spelling. Saying it again changes nothing. Raises NoSuchResource for an owner, and
    ValidationException for a consignee, that is no organisation here or the same one.
    """
    owner_id, consignee_id = _party_identifier(owner), _party_identifier(consignee)
    if consignee_id == owner_id or runtime.registry.find(consignee_id) is None:
        message = f"consignee is {consignee!r}; expected another organisation that this server knows"
        raise ValidationException(message, [Finding("consignee", "party", message, _CLAUSE)])

    def unit(tx: WriteTransaction) -> None:
        for row in tx.select(models.Organisation, id=owner_id):
            profile = orjson.loads(row.profile)
            agreed = [*profile.get("consignees", [])]
            if consignee_id not in agreed:
                row.profile = _json(profile | {"consignees": [*agreed, consignee_id]})
                tx.put(row)
            return
        raise NoSuchResource(f"the organisation {owner_id} is not known")

    runtime.store.committer.run(unit)
    runtime.parties_changed()
    changed = runtime.registry.find(owner_id)
    assert changed is not None
    return changed


def add_key(
    runtime: "Runtime", *, organisation: str, role: str, name: str = "", expires_us: int | None = None
) -> tuple[models.ApiKey, KeyText]:
    """A new key and its text, which is not stored. organisation: a party id, or ADMINISTRATION for role admin.

    Raises ValidationException for an unknown role, NoSuchResource for an unknown organisation.
    """
    if role not in ROLE_RIGHTS:
        raise ValidationException(f"role is {role!r}; expected one of {', '.join(sorted(ROLE_RIGHTS))}")
    number: int | None = None
    if role != "admin":
        owner = runtime.registry.find(canonical_identifier(organisation))
        if owner is None:
            raise NoSuchResource(f"there is no organisation {organisation!r}")
        number = owner.number
    text = new_key(runtime.random_bytes)
    key = models.ApiKey(
        id=text.id,
        party=number,
        role=role,
        secret_sha256=text.digest,
        label=name,
        created_us=runtime.now_us(),
        expires_us=expires_us,
    )
    runtime.store.committer.run(lambda tx: tx.put(key))
    runtime.registry.reload()
    return key, text


def revoke_key(runtime: "Runtime", key_id: str) -> None:
    """End a key and its sessions. Raises NoSuchResource when there is no such key."""

    def unit(tx: WriteTransaction) -> None:
        key = tx.get(models.ApiKey, key_id)
        if key is None or key.revoked_us is not None:
            raise NoSuchResource(f"there is no key {key_id[:40]!r}")
        key.revoked_us = tx.record_time_us
        tx.put(key)

    runtime.store.committer.run(unit)
    runtime.registry.reload()
    runtime.sessions.close_key(key_id)


def key_body(key: models.ApiKey, registry: Registry) -> dict[str, Any]:
    """The key as an administrator sees it: never its digest."""
    owner = registry.by_number(key.party) if key.party is not None else None
    return {
        "id": key.id,
        "organisation": owner.id if owner is not None else ADMINISTRATION,
        "role": key.role,
        "name": key.label,
        "createdAt": format_time_us(key.created_us),
    }


def _party_identifier(text: str) -> str:
    party = canonical_identifier(text)
    if identifier_kind(party).kind != "pgln":
        message = f"id is {text!r}; expected the GLN of a party as a PGLN, such as https://id.gs1.org/417/9521141000007"
        raise ValidationException(message, [Finding("id", "party_id", message, "GS1 General Specifications, AI 417")])
    return party


def _organisation(row: models.Organisation) -> Organisation:
    profile = orjson.loads(row.profile)
    prefixes = tuple(orjson.loads(row.company_prefixes))
    return Organisation(
        row.number, row.id, row.name, prefixes, profile.get("places", {}), tuple(profile.get("consignees", ()))
    )


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()

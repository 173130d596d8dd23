"""Organisations and their keys: who is known to this server, and who a key stands for.

The registry is a copy in memory of two small tables; it must not hold secrets, only their digests.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from traceward.epcis.errors import Finding, NoSuchResource, ResourceAlreadyExistsException, ValidationException
from traceward.epcis.times import format_time_us
from traceward.gs1.epc_uri import canonical_identifier, identifier_kind
from traceward.ledger.parties import Parties, Party
from traceward.services.identity import audit
from traceward.services.identity.keys import KeyText, new_key, parse_key
from traceward.services.identity.principals import CARRIER, PLACE_BOUND_ROLES, ROLE_RIGHTS, Principal, Right
from traceward.services.identity.sessions import close_sessions
from traceward.store import models
from traceward.store.engine import Store
from traceward.store.errors import StoreUnavailable
from traceward.store.write import WriteTransaction

if TYPE_CHECKING:
    from traceward.services.runtime import Runtime

ADMINISTRATION: Final = "administration"
"""Stands for the organisation of administrators, who belong to none."""

KINDS: Final = ("partner", CARRIER)
"""Kinds of organisation: a carrier sees the movements of its consignments and nothing else."""

DEFAULT_OVERLAP_S: Final = 24 * 3600
"""How long a rotated key still opens the door beside its successor."""

_CLAUSE: Final = "Traceward administration"
_VERSION: Final = "accounts"
_LOOK_AGAIN_US: Final = 1_000_000
_USED_EVERY_US: Final = 60_000_000


@dataclass(frozen=True, slots=True)
class Organisation:
    """A known trading partner. number: what its viewers are made of. place_names: SGLN -> name, as declared.

    consignees: party ids of those who hold its goods by agreement. kind: one of KINDS.
    """

    number: int
    id: str
    name: str
    company_prefixes: tuple[str, ...]
    place_names: dict[str, str]
    consignees: tuple[str, ...] = ()
    kind: str = "partner"

    def party(self) -> Party:
        """The organisation as the ledger knows it."""
        return Party(id=self.id, name=self.name, company_prefixes=self.company_prefixes, consignees=self.consignees)


class Registry:
    """The organisations and live keys of one database; safe to use from several threads.

    It looks once a second whether another process has changed them, and reads the tables again then: a key is known,
    and one that was revoked is refused, within a second on every server of the database.
    """

    def __init__(self, store: Store, now_us: Callable[[], int]) -> None:
        self._store = store
        self._now_us = now_us
        self._lock = threading.Lock()
        self._looked_us = 0
        self._version = -1
        self._used_us: dict[str, int] = {}
        self.reload()

    def reload(self) -> None:
        """Read both tables again."""
        with self._store.reader(snapshot=True) as reader:
            version = _version(reader.fetch(_SELECT_VERSION, (_VERSION,)))
            known = [_organisation(row) for row in reader.select(models.Organisation)]
            keys = reader.select(models.ApiKey, revoked_us=None)
        with self._lock:
            self._version = version
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
        """Every key that is not revoked; those that have expired among them."""
        return list(self._keys.values())

    def used_us(self, key: models.ApiKey) -> int | None:
        """When a key was last used, as far as this server knows; within a minute for other servers' uses."""
        return max((one for one in (key.last_used_us, self._used_us.get(key.id)) if one is not None), default=None)

    def has_key(self, key_id: str) -> bool:
        """Whether a key still lives."""
        key = self._keys.get(key_id)
        return key is not None and not self._expired(key)

    def authenticate(self, text: str) -> Principal | None:
        """Whom a key's text stands for; None for every kind of wrong key."""
        parsed = parse_key(text)
        if parsed is None:
            return None
        self._look_again()
        key = self._keys.get(parsed.id)
        if key is None or not parsed.matches(key.secret_sha256):
            return None
        return self._used(key)

    def of_key(self, key_id: str) -> Principal | None:
        """Whom a key stands for that a session was opened with; None once it is revoked or expired."""
        self._look_again()
        key = self._keys.get(key_id)
        return self._used(key) if key is not None else None

    def _used(self, key: models.ApiKey) -> Principal | None:
        if self._expired(key):
            return None
        now_us = self._now_us()
        if now_us - (self.used_us(key) or 0) >= _USED_EVERY_US:
            self._used_us[key.id] = now_us
            self._note_use(key.id, now_us)
        return self._principal(key)

    def _note_use(self, key_id: str, now_us: int) -> None:
        """Remember when a key was used. Nobody waits for it, and a store that cannot write must not shut the door."""
        try:
            self._store.committer.submit(
                lambda tx: tx.execute("UPDATE api_key SET last_used_us=? WHERE id=?", (now_us, key_id))
            )
        except StoreUnavailable:
            return

    def _principal(self, key: models.ApiKey) -> Principal | None:
        granted = frozenset(Right(one) for one in orjson.loads(key.rights)) if key.rights is not None else None
        if key.party is None:
            return Principal(ADMINISTRATION, "Administration", 0, key.role, key.id, key.label, None, granted)
        owner = self._by_number.get(key.party)
        if owner is None or key.role not in ROLE_RIGHTS:
            return None
        return Principal(owner.id, owner.name, owner.number, key.role, key.id, key.label, key.place, granted)

    def _expired(self, key: models.ApiKey) -> bool:
        return key.expires_us is not None and key.expires_us <= self._now_us()

    def _look_again(self) -> None:
        """Take up what another process changed; at most once a second, so that a flood of keys is no flood of reads."""
        now_us = self._now_us()
        with self._lock:
            if 0 <= now_us - self._looked_us < _LOOK_AGAIN_US:
                return
            self._looked_us = now_us
        try:
            with self._store.reader() as reader:
                version = _version(reader.fetch(_SELECT_VERSION, (_VERSION,)))
        except StoreUnavailable:
            return
        if version != self._version:
            self.reload()


def add_organisation(
    runtime: "Runtime",
    *,
    identifier: str,
    name: str,
    company_prefixes: Sequence[str],
    places: dict[str, str],
    consignees: Sequence[str] = (),
    kind: str = "partner",
    by: Principal | None = None,
) -> Organisation:
    """Make an organisation known, and what was captured before visible to it.

    identifier: its PGLN in any spelling. places: SGLN in any spelling -> name. consignees: PGLNs of the parties that
    hold its goods by agreement. kind: one of KINDS. by: who asks for it, for the audit log.
    Raises ValidationException when the id is no party, ResourceAlreadyExistsException when it is taken.
    """
    party = _party_identifier(identifier)
    if kind not in KINDS:
        raise ValidationException(f"kind is {kind!r}; expected one of {', '.join(KINDS)}")
    made = audit.entry(by, "organisation added", party)
    profile = {
        "kind": kind,
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
        _changed(tx)
        audit.append(tx, replace(made, party=last + 1))

    runtime.store.committer.run(unit)
    runtime.parties_changed()
    added = runtime.registry.find(party)
    assert added is not None
    return added


def agree_consignment(runtime: "Runtime", *, owner: str, consignee: str, by: Principal | None = None) -> Organisation:
    """Let a party hold another's goods by agreement: what it captured of them before counts from then on, too.

    owner, consignee: PGLNs in any spelling. Saying it again changes nothing. Raises NoSuchResource for an owner, and
    ValidationException for a consignee, that is no organisation here or the same one.
    """
    owner_id, consignee_id = _party_identifier(owner), _party_identifier(consignee)
    if consignee_id == owner_id or runtime.registry.find(consignee_id) is None:
        message = f"consignee is {consignee!r}; expected another organisation that this server knows"
        raise ValidationException(message, [Finding("consignee", "party", message, _CLAUSE)])
    made = audit.entry(by, "consignment agreed", f"{owner_id} {consignee_id}")

    def unit(tx: WriteTransaction) -> None:
        for row in tx.select(models.Organisation, id=owner_id):
            profile = orjson.loads(row.profile)
            agreed = [*profile.get("consignees", [])]
            if consignee_id not in agreed:
                row.profile = _json(profile | {"consignees": [*agreed, consignee_id]})
                tx.put(row)
                _changed(tx)
                audit.append(tx, replace(made, party=row.number))
            return
        raise NoSuchResource(f"the organisation {owner_id} is not known")

    runtime.store.committer.run(unit)
    runtime.parties_changed()
    changed = runtime.registry.find(owner_id)
    assert changed is not None
    return changed


def add_key(
    runtime: "Runtime",
    *,
    organisation: str,
    role: str,
    name: str = "",
    expires_us: int | None = None,
    place: str | None = None,
    rights: Collection[Right] | None = None,
    by: Principal | None = None,
) -> tuple[models.ApiKey, KeyText]:
    """A new key and its text, which is not stored. organisation: a party id, or ADMINISTRATION for role admin.

    place: SGLN in any spelling that the key is bound to. rights: those of its role that it is given, None for all.
    by: who asks for it, for the audit log.
    Raises ValidationException for a role, place or right that does not fit, NoSuchResource for an unknown organisation.
    """
    if role not in ROLE_RIGHTS:
        raise ValidationException(f"role is {role!r}; expected one of {', '.join(sorted(ROLE_RIGHTS))}")
    number: int | None = None
    if role != "admin":
        owner = runtime.registry.find(canonical_identifier(organisation))
        if owner is None:
            raise NoSuchResource(f"there is no organisation {organisation!r}")
        if (role == CARRIER) != (owner.kind == CARRIER) and role not in PLACE_BOUND_ROLES:
            raise ValidationException(
                f"role is {role!r} for an organisation of kind {owner.kind!r}; a carrier's keys "
                f"have the role {CARRIER!r} or 'device', and nobody else's are {CARRIER!r}"
            )
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
        place=_place_of_key(role, place),
        rights=_rights_of_key(role, rights),
    )
    made = audit.entry(by, "key created", f"{text.id} {role}", party=number)

    def unit(tx: WriteTransaction) -> None:
        tx.put(key)
        _changed(tx)
        audit.append(tx, made)

    runtime.store.committer.run(unit)
    runtime.registry.reload()
    return key, text


def rotate_key(
    runtime: "Runtime", key_id: str, *, overlap_s: int = DEFAULT_OVERLAP_S, by: Principal | None = None
) -> tuple[models.ApiKey, KeyText]:
    """A new key with the scope of another, which then ends after overlap_s seconds; both open the door until then.

    Raises NoSuchResource when there is no such key, ResourceAlreadyExistsException when it was rotated before.
    """
    text = new_key(runtime.random_bytes)
    made = audit.entry(by, "key rotated", f"{key_id} {text.id}")

    def unit(tx: WriteTransaction) -> models.ApiKey:
        old = _live_key(tx, key_id)
        if old.successor is not None:
            raise ResourceAlreadyExistsException(
                f"the key {key_id} was rotated already; its successor is {old.successor}"
            )
        new = models.ApiKey(**(old.model_dump() | {
            "id": text.id,
            "secret_sha256": text.digest,
            "created_us": tx.record_time_us,
            "last_used_us": None,
        }))  # fmt: skip
        end_us = tx.record_time_us + overlap_s * 1_000_000
        old.expires_us = end_us if old.expires_us is None else min(old.expires_us, end_us)
        old.successor = text.id
        tx.put(new)
        tx.put(old)
        _changed(tx)
        audit.append(tx, replace(made, party=old.party))
        return new

    key = runtime.store.committer.run(unit)
    runtime.registry.reload()
    return key, text


def revoke_key(runtime: "Runtime", key_id: str, *, by: Principal | None = None) -> None:
    """End a key and its sessions. Raises NoSuchResource when there is no such key."""
    made = audit.entry(by, "key revoked", key_id[:40])

    def unit(tx: WriteTransaction) -> None:
        key = _live_key(tx, key_id)
        key.revoked_us = tx.record_time_us
        tx.put(key)
        close_sessions(tx, key_id)
        _changed(tx)
        audit.append(tx, replace(made, party=key.party))

    runtime.store.committer.run(unit)
    runtime.registry.reload()


def key_body(key: models.ApiKey, registry: Registry) -> dict[str, Any]:
    """The key as an administrator sees it: never its digest."""
    owner = registry.by_number(key.party) if key.party is not None else None
    used_us = registry.used_us(key)
    return {
        "id": key.id,
        "organisation": owner.id if owner is not None else ADMINISTRATION,
        "role": key.role,
        "name": key.label,
        "createdAt": format_time_us(key.created_us),
        "expiresAt": format_time_us(key.expires_us) if key.expires_us is not None else None,
        "lastUsedAt": format_time_us(used_us) if used_us is not None else None,
        "place": key.place,
        "rights": orjson.loads(key.rights) if key.rights is not None else None,
        "successor": key.successor,
    }


def _live_key(tx: WriteTransaction, key_id: str) -> models.ApiKey:
    key = tx.get(models.ApiKey, key_id)
    if key is None or key.revoked_us is not None:
        raise NoSuchResource(f"there is no key {key_id[:40]!r}")
    return key


def _place_of_key(role: str, place: str | None) -> str | None:
    if place is None:
        if role in PLACE_BOUND_ROLES:
            message = f"a key of the role {role!r} needs the place that it acts at"
            raise ValidationException(message, [Finding("place", "place", message, _CLAUSE)])
        return None
    canonical = canonical_identifier(place)
    if identifier_kind(canonical).kind != "sgln":
        message = f"place is {place[:200]!r}; expected an SGLN, such as https://id.gs1.org/414/4012345000016/254/OR3"
        raise ValidationException(message, [Finding("place", "place", message, _CLAUSE)])
    return canonical


def _rights_of_key(role: str, rights: Collection[Right] | None) -> str | None:
    if rights is None:
        return None
    beyond = sorted(right.value for right in rights if right not in ROLE_RIGHTS[role])
    if beyond:
        message = f"the role {role!r} has not the right to {beyond[0]}; a key is given rights of its role only"
        raise ValidationException(message, [Finding("rights", "right", message, _CLAUSE)])
    return _json(sorted(right.value for right in rights))


def _changed(tx: WriteTransaction) -> None:
    """Let every server of this database read organisations and keys again."""
    tx.execute(
        "INSERT INTO counter (name, value) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = counter.value + 1",
        (_VERSION,),
    )


_SELECT_VERSION: Final = "SELECT value FROM counter WHERE name=?"


def _version(rows: Sequence[Sequence[Any]]) -> int:
    return int(rows[0][0]) if rows else 0


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
        row.number,
        row.id,
        row.name,
        prefixes,
        profile.get("places", {}),
        tuple(profile.get("consignees", ())),
        profile.get("kind", KINDS[0]),
    )


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()

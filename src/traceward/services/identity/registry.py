"""Who is known to this server, and who a key stands for.

The registry is a copy in memory of two small tables; it must not write to them, nor hold secrets, only their digests.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import orjson

from traceward.ledger.parties import Parties, Party
from traceward.services.identity.keys import parse_key
from traceward.services.identity.principals import CARRIER, ROLE_RIGHTS, Principal, Right
from traceward.store import counters, models
from traceward.store.engine import Store
from traceward.store.errors import StoreUnavailable

ADMINISTRATION: Final = "administration"
"""Stands for the organisation of administrators, who belong to none."""

KINDS: Final = ("partner", CARRIER)
"""Kinds of organisation: a carrier sees the movements of its consignments and nothing else."""

VERSION: Final = "accounts"
"""The counter that tells every server of a database that organisations or keys have changed."""
CHANGES: Final = "organisation_changes"
"""How often organisations were added or agreed on consignment."""
CHANGES_TAKEN_UP: Final = "organisation_changes_taken_up"
"""After how many of these changes the stored events were looked through."""

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
        self._parties = Parties()
        self.reload()

    def reload(self) -> None:
        """Read both tables again."""
        with self._store.reader(snapshot=True) as reader:
            version = counters.value_of(reader, VERSION)
            known = [_organisation(row) for row in reader.select(models.Organisation)]
            keys = reader.select(models.ApiKey, revoked_us=None)
        with self._lock:
            self._version = version
            self._organisations = {one.id: one for one in known}
            self._by_number = {one.number: one for one in known}
            self._keys = {key.id: key for key in sorted(keys, key=lambda one: (one.created_us, one.id))}
            parties = [one.party() for one in known]
            if parties != list(self._parties):
                self._parties = Parties(parties)

    @property
    def version(self) -> int:
        """What the counter VERSION stood at when the tables were read."""
        return self._version

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
                version = counters.value_of(reader, VERSION)
        except StoreUnavailable:
            return
        if version != self._version:
            self.reload()


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

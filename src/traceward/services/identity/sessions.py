"""Server-side sessions of the web pages: a key is exchanged once, the browser then holds only an opaque token.

Sessions are rows, so they last over restarts and end on every server at once; it must not hold keys or tokens, only
which key a token's digest stands for.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Final

from traceward.services.identity.principals import Principal
from traceward.store import models
from traceward.store.engine import Store
from traceward.store.errors import StoreUnavailable
from traceward.store.write import WriteTransaction

_MOST_OF_A_KEY: Final = 200
_SEEN_EVERY_US: Final = 60_000_000


class Sessions:
    """The open sessions of one database; safe to use from several threads.

    now_us: the clock, int microseconds since 1970 UTC. A session lasts ttl_s seconds from sign-in, and ends earlier
    when it is not used for idle_s seconds.
    """

    def __init__(
        self,
        store: Store,
        *,
        now_us: Callable[[], int],
        random_bytes: Callable[[int], bytes],
        ttl_s: int,
        idle_s: int,
    ) -> None:
        self._store = store
        self._now_us = now_us
        self._random_bytes = random_bytes
        self._ttl_us = ttl_s * 1_000_000
        self._idle_us = idle_s * 1_000_000

    def open(self, principal: Principal) -> str:
        """A new token (256 bits, base64url) that stands for the principal's key; durable on return."""
        token = urlsafe_b64encode(self._random_bytes(32)).rstrip(b"=").decode()
        now_us = self._now_us()
        row = models.Session(
            id_sha256=_digest(token),
            key_id=principal.key_id,
            created_us=now_us,
            expires_us=now_us + self._ttl_us,
            last_seen_us=now_us,
        )

        def unit(tx: WriteTransaction) -> None:
            tx.execute("DELETE FROM session WHERE expires_us<=?", (now_us,))
            kept = sorted(tx.select(models.Session, key_id=principal.key_id), key=lambda one: one.created_us)
            for old in kept[: max(0, len(kept) + 1 - _MOST_OF_A_KEY)]:
                tx.delete(models.Session, old.id_sha256)
            tx.put(row)

        self._store.committer.run(unit)
        return token

    def key_id(self, token: str) -> str | None:
        """The key that a token stands for, or None when it is unknown, expired or was not used for too long."""
        digest = _digest(token)
        with self._store.reader() as reader:
            row = reader.get(models.Session, digest)
        now_us = self._now_us()
        if row is None or row.expires_us <= now_us:
            return None
        seen_us = row.last_seen_us if row.last_seen_us is not None else row.created_us
        if seen_us + self._idle_us <= now_us:
            return None
        if now_us - seen_us >= min(_SEEN_EVERY_US, self._idle_us // 4):
            self._note_use(digest, now_us)
        return row.key_id

    def close(self, token: str) -> None:
        """End the session of `token`, if there is one; no server takes the token afterwards."""
        self._store.committer.run(lambda tx: tx.delete(models.Session, _digest(token)))

    def close_key(self, key_id: str) -> int:
        """End every session that was opened with that key; gives how many there were."""
        return self._store.committer.run(lambda tx: close_sessions(tx, key_id))

    def _note_use(self, digest: bytes, now_us: int) -> None:
        """Remember that a session was used. Nobody waits: a use that is forgotten only shortens the idle time."""
        try:
            self._store.committer.submit(
                lambda tx: tx.execute("UPDATE session SET last_seen_us=? WHERE id_sha256=?", (now_us, digest))
            )
        except StoreUnavailable:
            return


def close_sessions(tx: WriteTransaction, key_id: str) -> int:
    """End every session of a key, in the caller's unit; gives how many there were."""
    return tx.execute("DELETE FROM session WHERE key_id=?", (key_id,))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()

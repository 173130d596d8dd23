"""Server-side sessions of the web pages: a key is exchanged once, the browser then holds only an opaque token.

Sessions live in memory and end with the server; it must not hold keys, only which principal a token stands for.
"""

import hashlib
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass

from traceward.services.principals import Principal

_MAX_SESSIONS = 10_000


@dataclass(frozen=True, slots=True)
class _Session:
    principal: Principal
    expires_us: int


class Sessions:
    """The open sessions; safe to use from several threads.

    now_us: the clock, int microseconds since 1970 UTC. A session lasts ttl_s seconds from sign-in.
    """

    def __init__(self, *, now_us: Callable[[], int], random_bytes: Callable[[int], bytes], ttl_s: int) -> None:
        self._now_us = now_us
        self._random_bytes = random_bytes
        self._ttl_us = ttl_s * 1_000_000
        self._open: dict[bytes, _Session] = {}
        self._lock = threading.Lock()

    def open(self, principal: Principal) -> str:
        """A new token (256 bits, base64url) that stands for `principal`."""
        token = urlsafe_b64encode(self._random_bytes(32)).rstrip(b"=").decode()
        now = self._now_us()
        with self._lock:
            for digest in [digest for digest, session in self._open.items() if session.expires_us <= now]:
                del self._open[digest]
            while len(self._open) >= _MAX_SESSIONS:
                self._open.pop(next(iter(self._open)))
            self._open[_digest(token)] = _Session(principal, now + self._ttl_us)
        return token

    def principal(self, token: str) -> Principal | None:
        """Whom the token stands for, or None when it is unknown or expired."""
        with self._lock:
            session = self._open.get(_digest(token))
        return session.principal if session is not None and session.expires_us > self._now_us() else None

    def close(self, token: str) -> None:
        """End the session of `token`, if there is one."""
        with self._lock:
            self._open.pop(_digest(token), None)

    def close_key(self, key_id: str) -> None:
        """End every session that was opened with that key."""
        with self._lock:
            for digest in [d for d, session in self._open.items() if session.principal.key_id == key_id]:
                del self._open[digest]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()

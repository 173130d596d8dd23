"""API keys as text: making them, taking them apart, and the digest that is stored instead of the secret.

Pure but for the randomness that is handed in; it must not look keys up (`parties` does).
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass

_KEY = re.compile(r"tw_([a-z0-9]{8,16})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class KeyText:
    """The two parts of a key: `id` may be logged and listed, `secret` (256 bits, base64url) never."""

    id: str
    secret: str

    def __str__(self) -> str:
        return f"tw_{self.id}_{self.secret}"

    def __repr__(self) -> str:
        return f"KeyText(id={self.id!r})"

    @property
    def digest(self) -> bytes:
        """SHA-256 of the secret: enough without salt or stretching for 256 random bits (ASVS 6.5.2)."""
        return hashlib.sha256(self.secret.encode()).digest()

    def matches(self, digest: bytes) -> bool:
        """Whether `digest` is that of this secret, compared in constant time."""
        return hmac.compare_digest(self.digest, digest)


def new_key(random_bytes: Callable[[int], bytes]) -> KeyText:
    """A key from 5 random bytes for its id and 32 for its secret."""
    secret = urlsafe_b64encode(random_bytes(32)).rstrip(b"=").decode()
    return KeyText(id=random_bytes(5).hex(), secret=secret)


def parse_key(text: str) -> KeyText | None:
    """The parts of a key's text, or None when it has not the form `tw_<id>_<secret>`.

    >>> parse_key("tw_0123456789_" + "A" * 43).id
    '0123456789'
    """
    match = _KEY.fullmatch(text)
    return KeyText(match[1], match[2]) if match else None

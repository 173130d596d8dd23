"""Secrets that have to be kept readable, sealed under a key that only this instance has.

It must not be used for what a digest can prove: keys of callers are hashed, not sealed.
"""

from hashlib import blake2b
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from traceward.epcis.errors import ImplementationException

_KEY_BYTES: Final = 64
_LONGEST_PURPOSE: Final = 16


def seal(secret: bytes, purpose: bytes, owner: str, data: bytes) -> bytes:
    """The sealed data. purpose: at most 16 bytes; owner: whose it is; both are needed to unseal it. RFC 5297."""
    return _cipher(secret, purpose).encrypt(data, [owner.encode()])


def unseal(secret: bytes, purpose: bytes, owner: str, sealed: bytes) -> bytes:
    """The data that `seal` was given. Raises ImplementationException where the secret is another or it was altered."""
    try:
        return _cipher(secret, purpose).decrypt(sealed, [owner.encode()])
    except (InvalidTag, ValueError):
        raise ImplementationException("a sealed value was altered, or the instance's secret is another") from None


def _cipher(secret: bytes, purpose: bytes) -> AESSIV:
    if len(purpose) > _LONGEST_PURPOSE:
        raise ValueError(f"purpose {purpose!r} has {len(purpose)} bytes; expected at most {_LONGEST_PURPOSE}")
    return AESSIV(blake2b(secret, digest_size=_KEY_BYTES, person=purpose).digest())

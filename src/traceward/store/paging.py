"""Page tokens: a place in an answer, sealed so that it can be neither read, altered, shared nor used elsewhere.

Sealed and not only signed, since the number of an event would tell how many hidden ones there are. It reads no
database; whoever uses a token must still ask with the caller's own rights.
"""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from hashlib import blake2b
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from traceward.store.compile import Cursor
from traceward.store.errors import BadPageToken

#: order value, event number, expiry; microseconds since 1970 UTC.
_BODY: Final = struct.Struct(">qqq")
_KEY_ID_BYTES: Final = 4
_DIGEST_BYTES: Final = 16
_LENGTH_BYTES: Final = 2
_BLOCK_BYTES: Final = 64
#: One text for every refusal, so that a refusal tells nothing about the token.
REFUSAL: Final = "the page token is not one that this server gave to this caller for this query, or it has expired"


class PageTokens:
    """Makes and reads page tokens under one secret; `previous` secrets are still read after a change of secret."""

    def __init__(self, secret: bytes, *, previous: tuple[bytes, ...] = ()) -> None:
        self._current = _key_id(secret)
        self._ciphers = {_key_id(each): AESSIV(_key(each)) for each in (*previous, secret)}

    def issue(self, cursor: Cursor, query_digest: bytes, caller: str, expires_us: int) -> str:
        """The URL-safe token of a place. query_digest: any bytes that stand for the query; caller: who may use it."""
        return self.seal(_BODY.pack(cursor.order_us, cursor.seq, expires_us), query_digest, caller)

    def read(self, token: str, query_digest: bytes, caller: str, now_us: int) -> Cursor:
        """The place that a token stands for.

        Raises BadPageToken, with the same text each time, for a token that is altered, of another query or caller, or
        past its time.
        """
        order_us, seq, expires_us = self._body(token, query_digest, caller)
        if now_us >= expires_us:
            raise BadPageToken(REFUSAL)
        return Cursor(order_us, seq)

    def expires_us(self, token: str, query_digest: bytes, caller: str) -> int:
        """When a token ends; raises BadPageToken as `read` does, but not for its time."""
        return self._body(token, query_digest, caller)[2]

    def seal(self, body: bytes, query_digest: bytes, caller: str) -> str:
        """The URL-safe token of any place, as bytes of the caller's own making; it has no end of its own.

        Filled up to a whole block, since the length of a number would tell how large it is.
        """
        framed = len(body).to_bytes(_LENGTH_BYTES, "big") + body
        filled = framed + bytes(-len(framed) % _BLOCK_BYTES)
        sealed = self._ciphers[self._current].encrypt(_digest(query_digest) + filled, [caller.encode()])
        return urlsafe_b64encode(self._current + sealed).rstrip(b"=").decode()

    def unseal(self, token: str, query_digest: bytes, caller: str) -> bytes:
        """The bytes that `seal` was given; raises BadPageToken as `read` does, but not for its time."""
        opened = self._opened(token, caller)
        if opened[:_DIGEST_BYTES] != _digest(query_digest):
            raise BadPageToken(REFUSAL)
        return _unframed(opened[_DIGEST_BYTES:])

    def unseal_any(self, token: str, caller: str) -> bytes:
        """The bytes of a token of any query of the caller; raises BadPageToken as `unseal` does."""
        return _unframed(self._opened(token, caller)[_DIGEST_BYTES:])

    def _opened(self, token: str, caller: str) -> bytes:
        try:
            data = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        except (Base64Error, UnicodeEncodeError):
            raise BadPageToken(REFUSAL) from None
        canonical = urlsafe_b64encode(data).rstrip(b"=").decode() == token
        cipher = self._ciphers.get(data[:_KEY_ID_BYTES])
        if cipher is None or not canonical:
            raise BadPageToken(REFUSAL)
        try:
            opened = cipher.decrypt(data[_KEY_ID_BYTES:], [caller.encode()])
        except (InvalidTag, ValueError):
            raise BadPageToken(REFUSAL) from None
        if len(opened) < _DIGEST_BYTES:
            raise BadPageToken(REFUSAL)
        return opened

    def _body(self, token: str, query_digest: bytes, caller: str) -> tuple[int, int, int]:
        body = self.unseal(token, query_digest, caller)
        if len(body) != _BODY.size:
            raise BadPageToken(REFUSAL)
        order_us, seq, expires_us = _BODY.unpack(body)
        return order_us, seq, expires_us


def _unframed(filled: bytes) -> bytes:
    """The body of a block; raises BadPageToken for what `seal` has not filled."""
    end = _LENGTH_BYTES + int.from_bytes(filled[:_LENGTH_BYTES], "big")
    if end > len(filled):
        raise BadPageToken(REFUSAL)
    return filled[_LENGTH_BYTES:end]


def _digest(query_digest: bytes) -> bytes:
    """What stands for the query inside a token; sealed, not asked for, so that a token can be known without it."""
    return blake2b(query_digest, digest_size=_DIGEST_BYTES, person=b"page token query").digest()


def _key(secret: bytes) -> bytes:
    return blake2b(secret, digest_size=64, person=b"page tokens").digest()


def _key_id(secret: bytes) -> bytes:
    return blake2b(secret, digest_size=_KEY_ID_BYTES, person=b"page token id").digest()

"""Where the next page of an answer begins, as a token that only its own caller can use for its own query.

The token carries a position, never data; it must not prove anything: what may be seen is decided anew on each page.
"""

import hashlib
from dataclasses import dataclass

import msgspec

from traceward.services.identity.principals import Principal
from traceward.services.runtime import Runtime
from traceward.store.compile import Cursor
from traceward.store.errors import BadPageToken
from traceward.store.named_query_models import RevokedPageToken
from traceward.store.paging import REFUSAL, PageTokens
from traceward.store.write import WriteTransaction


class _Position(msgspec.Struct, array_like=True, frozen=True):
    """expires_us: int microseconds since 1970 UTC. given: how many entries the pages before have held."""

    expires_us: int
    order_us: int | None = None
    seq: int | None = None
    given: int = 0
    text: str = ""


_decoder = msgspec.msgpack.Decoder(_Position)


@dataclass(frozen=True, slots=True)
class PageBounds:
    """Where a page begins, and the maker of the token of the one after it.

    cursor: of ordered events, or after: of ordered texts; given: entries of the pages before. expires_us: of the
    tokens that this page gives.
    """

    cursor: Cursor | None
    after: str
    given: int
    expires_us: int
    _tokens: PageTokens
    _digest: bytes
    _caller: str

    def next_token(self, cursor: tuple[int, int], given: int = 0) -> str:
        """The token of the page that begins behind `cursor` (order value, number)."""
        return self._token(_Position(self.expires_us, cursor[0], cursor[1], given))

    def next_text_token(
        self, text: str, order_us: int | None = None, number: int | None = None, *, given: int = 0
    ) -> str:
        """The token of the page that begins behind `text`, with a number beside it where the order has one."""
        return self._token(_Position(self.expires_us, order_us, number, given, text))

    def _token(self, position: _Position) -> str:
        return self._tokens.seal(msgspec.msgpack.encode(position), self._digest, self._caller)


@dataclass(frozen=True, slots=True)
class TextPosition:
    """A place in a list that is ordered by a time or number and a text."""

    number: int | None
    order_us: int | None
    text: str


def page_bounds(runtime: Runtime, caller: Principal, query_digest: bytes, token: str | None) -> PageBounds:
    """Where the page of that token begins; the first page without one. Raises BadPageToken for any other token."""
    position = _read(runtime, caller, query_digest, token) if token is not None else _Position(0)
    cursor = (
        Cursor(position.order_us, position.seq) if position.order_us is not None and position.seq is not None else None
    )
    return PageBounds(
        cursor=cursor,
        after=position.text,
        given=position.given,
        expires_us=runtime.now_us() + runtime.limits.page_token_ttl_s * 1_000_000,
        _tokens=runtime.page_tokens,
        _digest=query_digest,
        _caller=_name(caller),
    )


def text_position(runtime: Runtime, caller: Principal, query_digest: bytes, token: str | None) -> TextPosition | None:
    """The place in a list of texts that a token stands for; None for the first page."""
    if token is None:
        return None
    position = _read(runtime, caller, query_digest, token)
    return TextPosition(position.seq, position.order_us, position.text)


def _read(runtime: Runtime, caller: Principal, query_digest: bytes, token: str) -> _Position:
    position = _decoder.decode(runtime.page_tokens.unseal(token, query_digest, _name(caller)))
    if position.expires_us <= runtime.now_us():
        raise BadPageToken(REFUSAL)
    with runtime.store.reader() as reader:
        if reader.get(RevokedPageToken, _token_digest(token)) is not None:
            raise BadPageToken(REFUSAL)
    return position


def revoke(runtime: Runtime, caller: Principal, token: str) -> None:
    """Give a page token back, which then works no more; giving it back again is refused like any unknown token.

    Raises BadPageToken for a token that is altered, another caller's, past its time or given back already.
    EPCIS 2.0 REST binding, DELETE /nextPageToken/{token}.
    """
    try:
        position = _decoder.decode(runtime.page_tokens.unseal_any(token, _name(caller)))
    except msgspec.DecodeError:
        raise BadPageToken(REFUSAL) from None
    digest = _token_digest(token)

    def unit(tx: WriteTransaction) -> None:
        now_us = runtime.now_us()
        if position.expires_us <= now_us or tx.get(RevokedPageToken, digest) is not None:
            raise BadPageToken(REFUSAL)
        # Past their time tokens are refused without this list.
        tx.execute("DELETE FROM revoked_page_token WHERE expires_us <= ?", (now_us,))
        tx.put(RevokedPageToken(digest=digest, expires_us=position.expires_us))

    runtime.store.committer.run(unit)


def _token_digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _name(caller: Principal) -> str:
    """Whose tokens they are: any key of the same organisation and role may go on with a page."""
    return f"{caller.organisation} {caller.role}"

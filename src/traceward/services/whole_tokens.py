"""Page tokens that carry their query with them, for clients that send the token of a next page and nothing else.

They must not widen what a page token may do: each holds an ordinary one, which is read as ever.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from traceward.services.identity.principals import Principal
from traceward.services.runtime import Runtime
from traceward.store.errors import BadPageToken


class _Whole(msgspec.Struct, array_like=True, frozen=True):
    token: str
    parameters: dict[str, list[str]]


_PURPOSE: Final = b"a page token with its query"
_decoder = msgspec.msgpack.Decoder(_Whole)


def pack(runtime: Runtime, caller: Principal, token: str, parameters: Mapping[str, Sequence[str]]) -> str:
    """A token that stands for `token` and the query's own parameters together, for the same caller alone."""
    body = msgspec.msgpack.encode(_Whole(token, {name: list(values) for name, values in parameters.items()}))
    return runtime.page_tokens.seal(body, _PURPOSE, _name(caller))


def unpack(runtime: Runtime, caller: Principal, token: str) -> tuple[str, dict[str, list[str]]] | None:
    """The ordinary token and the parameters inside; None for a token that `pack` did not make for this caller."""
    try:
        whole = _decoder.decode(runtime.page_tokens.unseal(token, _PURPOSE, _name(caller)))
    except BadPageToken:
        return None
    return whole.token, whole.parameters


def _name(caller: Principal) -> str:
    return f"{caller.organisation} {caller.role}"

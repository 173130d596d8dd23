"""What a bearer shows: a key of this server, or a token of an issuer that it trusts.

It must not tell why a credential is refused: the answer is one for all of them.
"""

from traceward.services.identity.issuers import is_token
from traceward.services.identity.principals import Principal
from traceward.services.runtime import Runtime


def authenticated(runtime: Runtime, credential: str) -> Principal | None:
    """Whom a bearer credential stands for; None for every one that is not taken. It may call the token's issuer."""
    if is_token(credential):
        return runtime.tokens.principal(credential) if runtime.tokens is not None else None
    return runtime.registry.authenticate(credential)


def is_alive(runtime: Runtime, caller: Principal) -> bool:
    """Whether what the caller showed still opens the door: for connections that stay open."""
    if caller.expires_us is not None:
        return caller.expires_us > runtime.now_us()
    return runtime.registry.of_key(caller.key_id) is not None

"""The OpenID Connect issuers that a server trusts, as settings, and how a token is told from a key.

Loads no cryptography: most servers trust no issuer. It must not judge tokens (`oidc` does).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

TOKEN_PARTS: Final = 3
"""Header, claims and signature. RFC 7515 section 7.1."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """One issuer that this server trusts, as a setting.

    issuer: its URL, equal to `iss`. audience: what `aud` must hold. jwks_uri: of its keys; found by discovery without
    it. organisation: the party that all its users belong to, else organisation_claim names it, through organisations.
    role_claim: a text or list; roles: its value -> role here, the first entry that applies is taken. place_claim: SGLN.
    """

    issuer: str
    audience: str
    jwks_uri: str | None = None
    organisation: str | None = None
    organisation_claim: str = "organisation"
    organisations: Mapping[str, str] = field(default_factory=dict)
    role_claim: str = "roles"
    roles: Mapping[str, str] = field(default_factory=dict)
    place_claim: str | None = None


def is_token(text: str) -> bool:
    """Whether a bearer credential has the form of a JWT; keys of this server have not."""
    return text.count(".") == TOKEN_PARTS - 1

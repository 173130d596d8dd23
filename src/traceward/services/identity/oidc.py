"""Bearer tokens of OpenID Connect issuers: whose they are, and whom they stand for here.

An issuer, its audience and its claims are settings; its keys are fetched from it and kept for a while. It must not take
a key, an algorithm or an address from a token: those come from the settings and from the issuer alone.
"""

import asyncio
import hashlib
import threading
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
import structlog
from joserfc import jwk, jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jws import JWSRegistry

from traceward.gs1.epc_uri import canonical_identifier
from traceward.services.identity.issuers import TOKEN_PARTS, Issuer
from traceward.services.identity.principals import CARRIER, PLACE_BOUND_ROLES, ROLE_RIGHTS, Principal
from traceward.services.identity.registry import ADMINISTRATION, Registry
from traceward.services.outgoing import NotReached, Outgoing, OutgoingRules

SKEW_S: Final = 60
"""How far clocks may differ."""

ALGORITHMS: Final = {
    "RS256": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}
"""What a token may be signed with: algorithm -> type and curve of the key. Nothing symmetric, and never nothing."""

_LONGEST_TOKEN: Final = 16_384
_MOST_KEYS: Final = 100
_LEAST_RSA_BITS: Final = 2048
_KEYS_LAST_S: Final = 3600
_LOOK_AGAIN_S: Final = 60
_OK: Final = 200
_KEYS_OF_TOKENS: Final = frozenset({"jwk", "jku", "x5u", "x5c", "crit", "b64"})

_log = structlog.get_logger("traceward.oidc")


@dataclass(slots=True)
class _Keys:
    """An issuer's keys by id, and when they were fetched, or last asked for in vain."""

    by_id: dict[str, jwk.Key] = field(default_factory=dict)
    fetched_us: int | None = None
    asked_us: int | None = None


class _OneAlgorithm(JWSRegistry):
    """Takes the one algorithm that it was made for; joserfc 1.8 would warn of EdDSA, which RFC 9864 only renames."""

    def get_alg(self, name: str) -> Any:
        """The algorithm of that name. Raises UnsupportedAlgorithmError for any other."""
        if self.allowed is None or name not in self.allowed:
            raise UnsupportedAlgorithmError("the algorithm is not the one expected")
        return self.algorithms[name]


class Refused(Exception):  # an answer, told to the log and to nobody else
    """A token that is not taken; the text says why, for the log."""


class TokenVerifier:
    """Checks tokens of the issuers; safe to use from several threads. now_us: the clock, microseconds since 1970."""

    def __init__(
        self, issuers: Sequence[Issuer], registry: Registry, *, rules: OutgoingRules, now_us: Callable[[], int]
    ) -> None:
        self._issuers = {one.issuer: one for one in issuers}
        self._registry = registry
        self._rules = rules
        self._now_us = now_us
        self._keys = {one: _Keys() for one in self._issuers}
        self._lock = threading.Lock()

    def principal(self, token: str) -> Principal | None:
        """Whom a token stands for; None for every token that is not taken, for whatever reason. It may call the issuer.

        RFC 7519, RFC 8725, OpenID Connect Core 3.1.3.7.
        """
        if not self._issuers:
            return None
        try:
            return self._judged(token)
        except Refused as reason:
            _log.info("token refused", reason=str(reason))
            return None

    def _judged(self, token: str) -> Principal:
        header, claims = _peek(token)
        issuer = self._issuers.get(str(claims.get("iss", "")))
        if issuer is None:
            raise Refused("its issuer is not known here")
        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS:
            raise Refused("its algorithm is not one that is taken")
        if _KEYS_OF_TOKENS & header.keys():
            raise Refused("its header names keys or extensions of its own")
        if str(header.get("typ", "JWT")).lower().removeprefix("application/") not in {"jwt", "at+jwt"}:
            raise Refused("its type is not JWT")
        key = self._key(issuer, header.get("kid"), algorithm)
        try:
            checked = jwt.decode(token, key, registry=_OneAlgorithm(algorithms=[algorithm])).claims
        except (JoseError, ValueError, TypeError) as error:
            raise Refused(f"its signature does not hold: {type(error).__name__}") from error
        expires_us = self._check_claims(checked, issuer)
        return self._caller(issuer, checked, expires_us)

    def _check_claims(self, claims: Mapping[str, Any], issuer: Issuer) -> int:
        """When the token ends, in microseconds since 1970 UTC, with the skew."""
        audience = claims.get("aud")
        if issuer.audience not in (audience if isinstance(audience, list) else [audience]):
            raise Refused("it is for another audience")
        now_s = self._now_us() / 1_000_000
        times = {name: claims.get(name) for name in ("exp", "nbf", "iat")}
        for name, value in times.items():
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
                raise Refused(f"{name} is no time")
        expires, before, issued = times["exp"], times["nbf"], times["iat"]
        if expires is None or expires + SKEW_S <= now_s:
            raise Refused("it has expired, or never does")
        if (before is not None and before - SKEW_S > now_s) or issued is None or issued - SKEW_S > now_s:
            raise Refused("it is not valid yet, or does not say since when")
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise Refused("it names nobody")
        return int((expires + SKEW_S) * 1_000_000)

    def _caller(self, issuer: Issuer, claims: Mapping[str, Any], expires_us: int) -> Principal:
        role = _role(issuer, claims)
        subject = hashlib.sha256(f"{issuer.issuer}\0{claims['sub']}".encode()).hexdigest()[:16]
        credential, name = f"oidc:{subject}", str(claims["sub"])[:200]
        if role == "admin":
            return Principal(ADMINISTRATION, "Administration", 0, role, credential, name, expires_us=expires_us)
        named = issuer.organisation or claims.get(issuer.organisation_claim)
        named = issuer.organisations.get(str(named), named)
        owner = self._registry.find(canonical_identifier(str(named)))
        if owner is None or (role == CARRIER) != (owner.kind == CARRIER):
            raise Refused("its organisation is not known here, or has no such role")
        place = claims.get(issuer.place_claim) if issuer.place_claim is not None else None
        if place is None and role in PLACE_BOUND_ROLES:
            raise Refused("its role needs a place")
        where = canonical_identifier(str(place)) if place is not None else None
        return Principal(owner.id, owner.name, owner.number, role, credential, name, where, expires_us=expires_us)

    # ------------------------------------------------------------------ keys

    def _key(self, issuer: Issuer, kid: object, algorithm: str) -> jwk.Key:
        """The issuer's key of that id. Unknown ids ask the issuer again, at most once a minute."""
        with self._lock:
            kept = self._keys[issuer.issuer]
            now_us = self._now_us()
            stale = kept.fetched_us is None or now_us - kept.fetched_us >= _KEYS_LAST_S * 1_000_000
            unknown = isinstance(kid, str) and kid not in kept.by_id
            asked_lately = kept.asked_us is not None and now_us - kept.asked_us < _LOOK_AGAIN_S * 1_000_000
            if (stale or unknown) and not asked_lately:
                kept.asked_us = now_us
                self._fetch(issuer, kept, now_us)
            found = kept.by_id.get(kid) if isinstance(kid, str) else None
            if kid is None and len(kept.by_id) == 1:
                (found,) = kept.by_id.values()
        if found is None:
            raise Refused("its key is not one of the issuer's")
        _check_key(found, algorithm)
        return found

    def _fetch(self, issuer: Issuer, kept: _Keys, now_us: int) -> None:
        """Take up the issuer's keys; what was known stays where the issuer does not answer."""
        try:
            found = asyncio.run(self._fetched(issuer))
        except (NotReached, ValueError, KeyError, TypeError, JoseError) as error:
            _log.warning("keys of the issuer are not to be had", issuer=issuer.issuer, reason=str(error)[:200])
            return
        kept.by_id, kept.fetched_us = found, now_us

    async def _fetched(self, issuer: Issuer) -> dict[str, jwk.Key]:
        outgoing = Outgoing(self._rules)
        try:
            address = issuer.jwks_uri
            if address is None:
                base = issuer.issuer.rstrip("/")
                about = await _json(outgoing, f"{base}/.well-known/openid-configuration")
                if about.get("issuer") != issuer.issuer:
                    raise ValueError("the discovery document is another issuer's")
                address = str(about["jwks_uri"])
            listed = (await _json(outgoing, address))["keys"]
        finally:
            await outgoing.close()
        return {
            str(one.get("kid", number)): jwk.import_key(one)
            for number, one in enumerate(listed[:_MOST_KEYS])
            if isinstance(one, dict) and one.get("kty") in {"RSA", "EC", "OKP"} and one.get("use", "sig") == "sig"
        }


async def _json(outgoing: Outgoing, address: str) -> dict[str, Any]:
    answer = await outgoing.request("GET", address, {"Accept": "application/json"})
    if answer.status != _OK:
        raise ValueError(f"{address} answered {answer.status}")
    value = orjson.loads(answer.body)
    if not isinstance(value, dict):
        raise TypeError(f"{address} did not answer a JSON object")
    return value


def rules_for(issuers: Sequence[Issuer]) -> OutgoingRules:
    """What may be called for keys: the hosts that the settings name, wherever they lie, and public ones over https."""
    named = [urlsplit(address) for one in issuers for address in (one.issuer, one.jwks_uri) if address]
    return OutgoingRules(
        allow_http=any(address.scheme == "http" for address in named),
        private_hosts=frozenset(address.hostname.lower() for address in named if address.hostname),
        ports=frozenset(),
    )


def _peek(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token of which nothing is proven yet."""
    parts = token.split(".")
    if len(token) > _LONGEST_TOKEN or len(parts) != TOKEN_PARTS or not token.isascii():
        raise Refused("it has not the form of a token")
    try:
        header, claims = (orjson.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2])
    except ValueError as error:
        raise Refused("its parts are no JSON") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise Refused("its parts are no JSON objects")
    return header, claims


def _check_key(key: jwk.Key, algorithm: str) -> None:
    """Refuse a key that is not made for the algorithm: a public key must never be taken for a shared secret."""
    kind, curve = ALGORITHMS[algorithm]
    told = key.as_dict(private=False)
    if told["kty"] != kind or (curve is not None and told.get("crv") != curve):
        raise Refused("its key is of another kind than its algorithm")
    named = told.get("alg", algorithm)
    if named != algorithm and {named, algorithm} != {"EdDSA", "Ed25519"}:
        raise Refused("its key is for another algorithm")
    if kind == "RSA" and len(str(told["n"])) * 6 < _LEAST_RSA_BITS:
        raise Refused("its key is too short")


def _role(issuer: Issuer, claims: Mapping[str, Any]) -> str:
    value = claims.get(issuer.role_claim)
    held = {str(one) for one in value} if isinstance(value, list) else {str(value)}
    role = next((here for there, here in issuer.roles.items() if there in held), None)
    if role is None or role not in ROLE_RIGHTS:
        raise Refused("it has no role here")
    return role

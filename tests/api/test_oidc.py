"""Bearer tokens of a real OpenID Connect provider are taken; everything that looks like one is not."""

import base64
import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc import jwk, jwt
from joserfc.errors import SecurityWarning
from joserfc.jws import JWSRegistry

from traceward.services.identity import parties
from traceward.services.identity.issuers import Issuer
from traceward.services.identity.oidc import TokenVerifier, rules_for
from traceward.services.runtime import Limits, Runtime, open_runtime

from .conftest import Site
from .oidc_provider import ADA, AUDIENCE, Provider, running_provider

NORTHGATE: Final = "https://id.gs1.org/417/4012345000009"
_NOW_S: Final = 1_800_000_000


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """A provider with one user."""
    with running_provider(ADA) as running:
        yield running


def test_a_token_of_a_real_provider_signs_in_and_a_changed_one_does_not(
    provider: Provider, open_site: Callable[..., Any]
) -> None:
    """Rejects a verifier that never asks the issuer for its keys, or does not look at the signature."""
    token = provider.id_token()
    claims = json.loads(_decoded(token.split(".")[1]))
    issuer = {"issuer": claims["iss"], "audience": AUDIENCE}
    issuer |= {"organisation": NORTHGATE, "role_claim": "sub", "roles": {"ada": "clinical"}}
    with open_site(oidc=[issuer]) as site:
        session = _get(site, token, "/session")
        assert session.status_code == 200, session.text
        assert (session.json()["organisation"], session.json()["role"]) == (NORTHGATE, "clinical")
        assert _get(site, token, "/epcis/events").status_code == 200
        assert _get(site, token, "/admin/keys").status_code == 403
        head, body, signature = token.split(".")
        changed = _encoded(json.dumps(claims | {"sub": "eve"}))
        bodies = {
            _get(site, text, "/session").content
            for text in (
                f"{head}.{changed}.{signature}",
                f"{head}.{body}.{signature[:-4]}AAAA",
                f"{head}.{body}.",
                provider.id_token("mallory"),
                "tw_0123456789_" + "A" * 43,
                "..",
            )
        }
        assert len(bodies) == 1, "one body for every credential that is not taken"
        assert b'"status":401' in bodies.pop()


def _get(site: Site, token: str, path: str) -> httpx.Response:
    return site.http.get(path, headers={"Authorization": f"Bearer {token}"})


# ------------------------------------------------------------------ forgeries


@dataclass
class Bench:
    """A verifier whose issuer's keys are served from a file, and the keys themselves."""

    verifier: TokenVerifier
    rsa: jwk.RSAKey
    ec: jwk.ECKey
    okp: jwk.OKPKey
    asked: list[str]
    clock: list[int]
    served: dict[str, Any]
    url: str

    def claims(self, **changed: Any) -> dict[str, Any]:
        """The claims of a good token; None takes a claim out."""
        whole = {"iss": self.url, "aud": AUDIENCE, "sub": "ada", "iat": _NOW_S, "exp": _NOW_S + 300} | ADA | changed
        return {name: value for name, value in whole.items() if value is not None}

    def token(self, key: Any = None, algorithm: str = "RS256", kid: str | None = "r1", **changed: Any) -> str:
        """A token of these claims, signed."""
        header = {"alg": algorithm} | ({"kid": kid} if kid is not None else {})
        registry = JWSRegistry(algorithms=[algorithm])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # of EdDSA, which RFC 9864 only renames
            return str(jwt.encode(header, self.claims(**changed), key or self.rsa, registry=registry))


@pytest.fixture
def bench(tmp_path: Path, key_server: Callable[[dict[str, Any], list[str]], str]) -> Iterator[Bench]:
    """A verifier for an issuer with one key of each kind."""
    clock = [_NOW_S * 1_000_000]
    runtime = open_runtime(
        f"sqlite:///{tmp_path / 'a.db'}", data_dir=tmp_path, limits=Limits(), scan_workers=1, now_us=lambda: clock[0]
    )
    _add(runtime)
    keys = (
        jwk.RSAKey.import_key(rsa.generate_private_key(65537, 2048), {"kid": "r1", "use": "sig"}),
        jwk.ECKey.import_key(ec.generate_private_key(ec.SECP256R1()), {"kid": "e1"}),
        jwk.OKPKey.import_key(ed25519.Ed25519PrivateKey.generate(), {"kid": "o1"}),
    )
    served: dict[str, Any] = {"keys": [key.as_dict(private=False) for key in keys]}
    asked: list[str] = []
    url = key_server(served, asked)
    issuer = Issuer(
        issuer=url,
        audience=AUDIENCE,
        organisations={"northgate": NORTHGATE},
        roles={"chief": "admin", "nurse": "clinical"},
    )
    verifier = TokenVerifier([issuer], runtime.registry, rules=rules_for([issuer]), now_us=lambda: clock[0])
    yield Bench(verifier, *keys, asked, clock, served, url)
    runtime.close()


def _add(runtime: Runtime) -> None:
    parties.add_organisation(runtime, identifier=NORTHGATE, name="Northgate", company_prefixes=[], places={})


@pytest.fixture
def key_server() -> Iterator[Callable[[dict[str, Any], list[str]], str]]:
    """Starts an issuer that only serves its discovery document and keys; gives its URL."""
    import http.server
    import threading

    running = []

    def start(served: dict[str, Any], asked: list[str]) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                url = f"http://127.0.0.1:{self.server.server_address[1]}"
                about = {"issuer": url, "jwks_uri": f"{url}/keys"}
                body = json.dumps(served if self.path == "/keys" else about).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: Any) -> None:
                """Stay quiet."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def test_each_algorithm_of_the_list_is_taken_with_its_own_kind_of_key(bench: Bench) -> None:
    for key, algorithm, kid in (
        (bench.rsa, "RS256", "r1"),
        (bench.ec, "ES256", "e1"),
        (bench.okp, "EdDSA", "o1"),
        (bench.okp, "Ed25519", "o1"),
    ):
        caller = bench.verifier.principal(bench.token(key, algorithm, kid))
        assert caller is not None, algorithm
        assert (caller.organisation, caller.role, caller.name) == (NORTHGATE, "clinical", "ada")
        assert caller.key_id.startswith("oidc:")
        assert caller.expires_us == (_NOW_S + 300 + 60) * 1_000_000
    assert bench.asked == ["/.well-known/openid-configuration", "/keys"]


def forgeries(bench: Bench) -> Iterator[tuple[str, str]]:
    """What is wrong, and a token of which that is wrong."""
    other = jwk.RSAKey.import_key(rsa.generate_private_key(65537, 2048), {"kid": "r1"})
    good = bench.token()
    head, body, signature = good.split(".")
    yield "signed by another's key of the same id", bench.token(other)
    yield "no signature", f"{head}.{body}."
    for none in ("none", "None", "NONE", "nOnE", ""):
        yield f"alg {none!r}", f"{_encoded(json.dumps({'alg': none, 'kid': 'r1'}))}.{body}."
        yield f"alg {none!r} with a signature", f"{_encoded(json.dumps({'alg': none, 'kid': 'r1'}))}.{body}.{signature}"
    for secret in (bench.rsa.as_pem(private=False), json.dumps(bench.rsa.as_dict(private=False)).encode(), b"x" * 32):
        mac = jwk.OctKey.import_key(base64.urlsafe_b64encode(secret).decode())
        yield "HS256 with the public key", _signed({"alg": "HS256", "kid": "r1"}, bench.claims(), secret, mac)
    yield "RS256 under the EC key's id", bench.token(kid="e1")
    yield "ES256 under the RSA key's id", bench.token(bench.ec, "ES256", "r1")
    yield "RS512, which is not on the list", bench.token(bench.rsa, "RS512")
    yield "PS256, which is not on the list", bench.token(bench.rsa, "PS256")
    for kid in ("../../keys", "r1\x00", "' OR 1=1 --", "http://evil.example/keys", "r1 ", "R1", "", "0"):
        yield f"kid {kid!r}", bench.token(kid=kid)
    yield "no kid where there are three keys", bench.token(kid=None)
    for field, value in (
        ("jwk", other.as_dict(private=False)),
        ("jku", "http://evil.example/keys"),
        ("x5u", "http://evil.example/keys"),
        ("x5c", ["AAAA"]),
        ("crit", ["exp"]),
        ("typ", "logout+jwt"),
    ):
        header = {"alg": "RS256", "kid": "r1", field: value}
        yield f"header {field}", _signed_rsa(header, bench.claims(), other if field == "jwk" else bench.rsa)
    for name, changed in (
        ("expired", {"exp": _NOW_S - 61}),
        ("no end", {"exp": None}),
        ("an end that is text", {"exp": str(_NOW_S + 300)}),
        ("an end that is true", {"exp": True}),
        ("not yet", {"nbf": _NOW_S + 61}),
        ("issued in the future", {"iat": _NOW_S + 61}),
        ("never issued", {"iat": None}),
        ("another issuer", {"iss": "https://evil.example"}),
        ("the issuer with a slash", {"iss": bench.url + "/"}),
        ("no issuer", {"iss": None}),
        ("another audience", {"aud": "other"}),
        ("audiences without ours", {"aud": ["other", "another"]}),
        ("no audience", {"aud": None}),
        ("nobody", {"sub": None}),
        ("a role that is not mapped", {"roles": ["janitor"]}),
        ("a role by its name here", {"roles": "clinical"}),
        ("no role", {"roles": None}),
        ("an unknown organisation", {"organisation": "elsewhere"}),
        ("no organisation", {"organisation": None}),
    ):
        yield name, bench.token(**changed)
    for text in (f"{good}.x", f"x.{good}", "..", "a.b.c", good + "é", f"{head}.{body}.{signature}" + "A" * 20_000):
        yield "not the form of a token", text
    yield "another body under the signature", f"{head}.{_encoded(json.dumps(bench.claims(sub='eve')))}.{signature}"


def test_forged_expired_and_foreign_tokens_are_refused(
    bench: Bench, record_property: Callable[[str, object], None]
) -> None:
    """RFC 8725. Rejects a verifier that takes algorithm or key from the token, or skips a claim."""
    assert bench.verifier.principal(bench.token()) is not None
    corpus = list(forgeries(bench))
    taken = [name for name, token in corpus if bench.verifier.principal(token) is not None]
    assert taken == []
    assert bench.verifier.principal(bench.token()) is not None
    record_property("forgeries refused", len(corpus))
    assert len(corpus) >= 50
    assert len(bench.asked) <= 4, "unknown key ids must not become a flood of requests"


def test_clocks_may_differ_by_a_minute(bench: Bench) -> None:
    for changed in ({"exp": _NOW_S - 59}, {"nbf": _NOW_S + 59}, {"iat": _NOW_S + 59}):
        assert bench.verifier.principal(bench.token(**changed)) is not None, changed


def test_a_new_key_of_the_issuer_is_found_and_a_withdrawn_one_ends_with_the_hour(bench: Bench) -> None:
    """Rejects keys that are kept for ever, and an issuer that is asked for every unknown id."""
    assert bench.verifier.principal(bench.token()) is not None
    fresh = jwk.RSAKey.import_key(rsa.generate_private_key(65537, 2048), {"kid": "r2"})
    bench.served["keys"] = [fresh.as_dict(private=False)]
    assert bench.verifier.principal(bench.token(fresh, kid="r2")) is None, "asked less than a minute ago"
    bench.clock[0] += 61 * 1_000_000
    assert bench.verifier.principal(bench.token(fresh, kid="r2")) is not None
    assert bench.verifier.principal(bench.token()) is None
    before = len(bench.asked)
    for number in range(50):
        assert bench.verifier.principal(bench.token(fresh, kid=f"x{number}")) is None
    assert len(bench.asked) == before
    bench.served["keys"] = []
    bench.clock[0] += 3600 * 1_000_000
    assert bench.verifier.principal(bench.token(fresh, kid="r2", exp=_NOW_S + 9000)) is None


def _signed(header: dict[str, Any], claims: dict[str, Any], secret: bytes, _key: Any) -> str:
    import hashlib
    import hmac

    text = f"{_encoded(json.dumps(header))}.{_encoded(json.dumps(claims))}"
    return f"{text}.{_encoded(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


def _signed_rsa(header: dict[str, Any], claims: dict[str, Any], key: jwk.RSAKey) -> str:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    text = f"{_encoded(json.dumps(header))}.{_encoded(json.dumps(claims))}"
    private = key.private_key
    assert isinstance(private, rsa.RSAPrivateKey)
    return f"{text}.{_encoded(private.sign(text.encode(), PKCS1v15(), SHA256()))}"


def _encoded(value: str | bytes) -> str:
    data = value.encode() if isinstance(value, str) else value
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

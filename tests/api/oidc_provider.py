"""A real OpenID Connect provider in a process of its own, for tests of users who sign in by their own issuer."""

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx

AUDIENCE: Final = "traceward"
ADA: Final = {"sub": "ada", "organisation": "northgate", "roles": ["nurse", "staff"]}


@dataclass(frozen=True)
class Provider:
    """A running OpenID Connect provider."""

    url: str

    def id_token(self, subject: str = "ada") -> str:
        """What the provider gives a client for a user, by the authorization code flow."""
        back = "https://client.example/back"
        asked = {"client_id": AUDIENCE, "redirect_uri": back, "response_type": "code", "scope": "openid profile email"}
        with httpx.Client(base_url=self.url) as http:
            answer = http.post("/oauth2/authorize", params=asked, data={"sub": subject})
            code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
            grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": back}
            token = http.post("/oauth2/token", data=grant, auth=(AUDIENCE, "secret"))
        assert token.status_code == 200, token.text
        return str(token.json()["id_token"])

    @property
    def issuer(self) -> str:
        """What the provider calls itself in its tokens."""
        return str(httpx.get(f"{self.url}/.well-known/openid-configuration").json()["issuer"])


@contextlib.contextmanager
def running_provider(*users: Mapping[str, Any], tokens_last_s: int = 3600) -> Iterator[Provider]:
    """A provider with these users, by their claims, until the context ends."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "-p", str(port), "-e", str(tokens_last_s)]
    for user in users:
        command += ["--user-claims", json.dumps(user)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 180
        while not _answers(url):
            assert process.poll() is None, "the provider ended"
            assert time.monotonic() < deadline, "the provider does not answer"
        yield Provider(url)
    finally:
        process.terminate()
        process.wait(timeout=10)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/.well-known/openid-configuration").status_code == 200
    except httpx.TransportError:
        return False

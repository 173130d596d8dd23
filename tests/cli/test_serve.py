"""Starting a server as a user does: what it says, what it makes, and where it refuses."""

import json
import re
import shlex
import socket
import stat
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from cli_processes import keys_in, serving, traceward
from live_server import running_server
from traceward.services.identity.key_files import ADMIN_KEY_FILE


def get(url: str, key: str | None = None, body: Any = None) -> tuple[int, Any]:
    """Status and decoded JSON of one request; a POST where there is a body."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=30) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"null")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_demo_greets_with_keys_and_requests_that_work_as_printed_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with serving("--demo", cwd=tmp_path, TMPDIR=str(tmp_path)) as server:
        (data,) = tmp_path.glob("traceward-demo-*")
        keys = keys_in(data)
        assert set(keys) == {
            "admin",
            "northgate-clinical",
            "northgate-supply",
            "cordia",
            "rival-supplier",
            "northgate-privacy",
        }
        assert all(key in server.greeting for key in keys.values())
        printed = [shlex.split(line) for line in server.greeting.splitlines() if line.strip().startswith("curl ")]
        assert len(printed) == 3
        for _curl, _flag, header, url in printed:
            status, body = get(url, header.removeprefix("Authorization: Bearer "))
            assert status == 200
            assert len(json.dumps(body)) > 300, f"{url} answers next to nothing"
        assert mode(data) == 0o700
        assert mode(data / "demo-keys.json") == 0o600
    assert not data.exists()


def test_a_first_run_prints_a_link_that_finishes_set_up_once_and_keeps_the_admin_key_private(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving("--data", data, cwd=tmp_path) as server:
        link = re.search(r"(http://127\.0\.0\.1:\d+)/setup#(\S+)", server.greeting)
        assert link is not None
        assert mode(data) == 0o700
        assert mode(data / ADMIN_KEY_FILE) == 0o600
        admin = (data / ADMIN_KEY_FILE).read_text().strip()
        assert admin not in server.greeting
        assert get(f"{server.url}/admin/organisations", admin) == (200, {"organisations": []})
        organisation = {
            "id": "https://id.gs1.org/417/4012345000009",
            "name": "Northgate",
            "companyPrefixes": ["4012345"],
        }
        status, answer = get(f"{link[1]}/setup", body={"code": link[2], "organisation": organisation})
        assert status == 200
        assert get(f"{server.url}/admin/keys", answer["key"])[0] == 200
        assert get(f"{link[1]}/setup", body={"code": link[2]})[0] in {401, 403}
    with serving("--data", data, "--host", "0.0.0.0", "--behind-proxy", cwd=tmp_path) as again:
        assert "/setup#" not in again.greeting
        assert get(f"{again.url}/health/ready")[0] == 200


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--host", "0.0.0.0"), "TLS"),
        (("--host", "0.0.0.0", "--behind-proxy"), "set-up is not finished"),
        (("--host", "0.0.0.0", "--behind-proxy", "--demo"), "a demo is for this machine alone"),
        (("--empty",), "--empty goes with --demo"),
        (("--tls-key", __file__), "go together"),
        (("--port", "70000"), "port"),
    ],
)
def test_a_server_that_is_not_ready_for_others_is_not_reachable_by_them(
    arguments: tuple[str, ...], reason: str, tmp_path: Path
) -> None:
    """Rejects a start that warns and serves all the same."""
    folder = () if "--demo" in arguments else ("--data", str(tmp_path / "data"))
    port = () if "--port" in arguments else ("--port", "0")
    done = traceward("serve", *arguments, *folder, *port)
    assert done.exit_code == 2
    assert reason in done.stderr


def test_an_unattended_first_run_is_reachable_with_the_key_of_the_file(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving("--data", data, "--host", "0.0.0.0", "--behind-proxy", "--unattended", cwd=tmp_path) as server:
        assert "/setup#" not in server.greeting
        assert get(f"{server.url}/admin/keys", (data / ADMIN_KEY_FILE).read_text().strip())[0] == 200


def test_a_taken_port_is_told_in_plain_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = traceward("serve", "--port", str(port), "--data", tmp_path / "data")
    assert done.exit_code == 2
    assert f"cannot listen on 127.0.0.1 port {port}" in done.stderr


def test_a_normal_start_refuses_the_database_of_a_demo(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running_server(data, demo=True, demo_storyline=False):
        pass
    done = traceward("serve", "--port", "0", "--data", data)
    assert done.exit_code == 2
    assert "demo" in done.stderr

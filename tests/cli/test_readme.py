"""The requests that the README shows, run by a shell as a reader would run them."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from drawn_label import draw_label
from live_server import LiveServer, running_server
from shared_data import CHECKOUT


def requests() -> list[str]:
    """Every curl command of the README's code blocks, its continuation lines joined."""
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"^```\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    return re.findall(r"^curl .*$", blocks.replace("\\\n", " "), re.MULTILINE)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A demo with its story, one for all requests."""
    with running_server(tmp_path_factory.mktemp("readme") / "data", demo=True) as server:
        yield server


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("command", requests())
def test_request_of_the_readme_is_answered_with_what_it_asks_for(
    command: str, demo: LiveServer, tmp_path: Path
) -> None:
    draw_label(tmp_path / "label.png")
    script = command.replace("curl ", "curl --silent --show-error --fail-with-body ", 1)
    shown = subprocess.run(
        ["bash", "-c", script.replace("http://127.0.0.1:8000", demo.url)],
        cwd=tmp_path,
        env={
            "KEY": demo.keys["northgate-clinical"],
            "ADMIN": demo.keys["admin"],
            "PATH": "/usr/local/bin:/usr/bin:/bin",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr + shown.stdout
    if "label.svg" in command:
        assert "V23-0007" in (tmp_path / "label.svg").read_text()
        return
    answer = json.loads(shown.stdout)
    if "/admin/consignments" in command:
        assert answer["consignees"] == ["https://id.gs1.org/417/4012345000009"]
    elif "/scan" in command:
        assert answer["symbols"][0]["udi"]["serialNumber"] == "V23-0007"
    else:
        assert any(answer.get(part) for part in ("epcisBody", "patients"))


def test_the_readme_shows_requests() -> None:
    assert len(requests()) >= 5

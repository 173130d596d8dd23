"""The questions of docs/questions.md, asked by a shell as a reader would ask them, and answered as the page says."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from live_server import LiveServer, running_server
from shared_data import CHECKOUT

PAGE = CHECKOUT / "docs" / "questions.md"
KEYS = {
    "CLINICAL": "northgate-clinical", "SUPPLY": "northgate-supply", "CORDIA": "cordia", "OFFICER": "northgate-privacy",
}  # fmt: skip
_SECTION = re.compile(r"^## (.+?)$\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
_FIGURE = re.compile(r"`([^`]+)`\s+is\s+`([^`]+)`")


def questions() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """(question, its shell commands, the figures of its answer as (path, value)) in the order of the page."""
    found = []
    for title, text in _SECTION.findall(PAGE.read_text(encoding="utf-8")):
        (commands,) = re.findall(r"^```\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        found.append((title, commands, _FIGURE.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL))))
    return found


def at(answer: Any, path: str) -> str:
    """What stands at a path of an answer, as JSON has it but for quotation marks."""
    for name, choice in _steps(path):
        if isinstance(answer, list):
            assert name == "length", path
            return str(len(answer))
        answer = answer[name]
        if choice.isdecimal():
            answer = answer[int(choice)]
        elif choice:
            key, _, wanted = choice.partition("=")
            answer = next(one for one in answer if at(one, key) == wanted)
    return answer if isinstance(answer, str) else json.dumps(answer)


def _steps(path: str) -> Iterator[tuple[str, str]]:
    while path:
        match = re.match(r"([^.\[]*)(?:\[([^\]]*)\])?(\.?)", path)
        assert match is not None
        yield match[1], match[2] or ""
        path = path[match.end() :]
        if match[3] and not path:
            yield "", ""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A demo with its story, one for all questions: each may use what was exported before."""
    with running_server(tmp_path_factory.mktemp("questions") / "data", demo=True) as server:
        yield server


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_every_question_of_the_page_is_answered_as_it_says(demo: LiveServer, tmp_path: Path) -> None:
    """Rejects a page whose requests have been renamed, or whose figures the server no longer gives."""
    names = {name: demo.keys[key] for name, key in KEYS.items()}
    environment = {"URL": demo.url, "PATH": "/usr/local/bin:/usr/bin:/bin"} | names
    exports = ""
    wrong = []
    for title, commands, figures in questions():
        script = commands.replace("\\\n", " ").replace("curl ", "curl --silent --show-error --fail-with-body ")
        shown = subprocess.run(
            ["bash", "-ec", exports + script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert shown.returncode == 0, (title, shown.stderr, shown.stdout)
        assert figures, title
        answer = json.loads(shown.stdout)
        found = [(path, value, at(answer, path)) for path, value in figures]
        wrong += [(title, path, value, told) for path, value, told in found if told != value]
        exports += "".join(re.findall(r"^export [^\n]*\n", script, re.MULTILINE))
    assert wrong == []


def test_the_page_asks_what_a_hospital_asks() -> None:
    """Rejects a page that has lost half of its questions, and a reader of it that finds none."""
    assert len(questions()) >= 20
    assert sum(len(figures) for _, _, figures in questions()) >= 45


def test_a_path_finds_what_it_names() -> None:
    answer = {"a": [{"b": {"c": "x"}, "n": 1}, {"b": {"c": "y"}, "n": True}], "t": {"": "5"}}
    assert [at(answer, path) for path in ("a.length", "a[1].b.c", "a[b.c=y].n", "t.")] == ["2", "y", "true", "5"]

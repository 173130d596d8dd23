"""Holds the code to the floors and doors of ARCHITECTURE.md; it must not judge behaviour."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared_data import CHECKOUT

SOURCE = CHECKOUT / "src" / "traceward"
MODULES = sorted(SOURCE.rglob("*.py"))

# Rooms and modules whose answers depend on their arguments alone.
PURE = ("gs1/", "epcis/", "ledger/state", "ledger/fold", "ledger/visibility", "ledger/trace", "ledger/facts")
IMPURE_MODULES = {
    *("asyncio", "concurrent", "ftplib", "http", "logging", "multiprocessing", "os", "random", "secrets", "select"),
    *("shutil", "signal", "smtplib", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time"),
    "urllib.request",
}
IMPURE_CALLS = re.compile(r"(?:\b(?:datetime\.(?:now|utcnow|today)|date\.today|uuid1|uuid4)|(?<![.\w])open)\(")

# The century of a two-digit year depends on the year it is read in; who needs the same answer for ever gives it.
DEFAULT_OF_AN_ARGUMENT = "year = reference_year if reference_year is not None else datetime.now(UTC).year"

# Third-party packages that each pure room may use.
PURE_PACKAGES = {
    "gs1": frozenset({"biip"}),
    "epcis": frozenset({"pydantic", "pydantic_core", "orjson", "msgspec", "numpy", "lxml", "typing_extensions"}),
    "ledger": frozenset({"msgspec", "orjson"}),
}

# The one module, or two, that may open each door; None stands for a door that nothing opens yet.
DOORS = {
    "lxml": ("epcis/xml_parser.py",),
    "urllib.request": ("cli/server_client.py", "conformance/client.py"),
    "http.client": ("cli/server_client.py", "conformance/client.py"),
    "httpx": (),
    "httpcore": ("services/outgoing.py",),
    "requests": (),
    "urllib3": (),
    "aiohttp": (),
    "pickle": (),
}


def imports(path: Path) -> Iterator[str]:
    """The dotted name of each module that the file imports, of its own package's the relative name left out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def room_path(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def test_imports_run_down_only() -> None:
    """Fails when a lower room imports a higher one, or a framework leaves its room (tried: `import fastapi` in gs1)."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "src")}
    program = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run(
        [*program, "--no-cache"], cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", [path for path in MODULES if room_path(path).startswith(PURE)], ids=room_path)
def test_pure_rooms_touch_neither_clock_nor_network_nor_disk(path: Path) -> None:
    """Rejects a fold that asks the clock, or a parser that opens files; bundled tables come by importlib.resources."""
    found = {name for name in imports(path) if name in IMPURE_MODULES or name.split(".")[0] in IMPURE_MODULES}
    assert not found, f"{room_path(path)} is pure but imports {sorted(found)}"
    lines = {line.strip() for line in path.read_text(encoding="utf-8").splitlines()} - {DEFAULT_OF_AN_ARGUMENT}
    calls = [line for line in lines if IMPURE_CALLS.search(line)]
    assert not calls, f"{room_path(path)} is pure but calls {calls}"
    room = room_path(path).split("/")[0]
    third_party = {name.split(".")[0] for name in imports(path)} - set(sys.stdlib_module_names) - {"traceward"}
    assert third_party <= PURE_PACKAGES[room], f"{room_path(path)} imports {sorted(third_party - PURE_PACKAGES[room])}"


@pytest.mark.parametrize("door", DOORS)
def test_each_door_is_opened_by_its_own_module_alone(door: str) -> None:
    """Rejects a second XML parser, or a call to another host that goes past the one guard."""
    users = {room_path(path) for path in MODULES if any((name + ".").startswith(door + ".") for name in imports(path))}
    assert users <= set(DOORS[door]), f"{door} may be imported by {DOORS[door]} alone"


@pytest.mark.parametrize(
    "path", [*MODULES, CHECKOUT / "dev.py", CHECKOUT / "hatch_build.py"], ids=lambda path: path.name
)
def test_no_file_is_longer_than_500_lines_and_each_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 500
    assert not text.strip() or ast.get_docstring(ast.parse(text)), f"{path} has no module docstring"


def tracked_files() -> list[Path]:
    shown = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, check=False)
    if shown.returncode != 0:
        pytest.skip("this is no git checkout, so what belongs to it is not known")
    files = [CHECKOUT / name for name in shown.stdout.decode().split("\0") if name]
    return [file for file in files if file.is_file()]


# Assembled so that this file does not hold what it looks for.
FORBIDDEN = {
    "a package registry's address": re.compile(
        "|".join((r"pypi\.o" + "rg", r"pythonhoste" + "d", r"registry\.npm" + "js"))
    ),
    "a path of one machine": re.compile("|".join((r"/ro" + r"ot/", r"/wor" + r"k/", r"/home/[a-z]"))),
    "an unfinished thought": re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME)\b"),
}


@pytest.mark.parametrize("kind", FORBIDDEN)
def test_no_tracked_file_names(kind: str) -> None:
    found = []
    for file in tracked_files():
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{file.relative_to(CHECKOUT)}: {match[0]}" for match in FORBIDDEN[kind].finditer(text)]
    assert not found


def test_ci_runs_the_same_commands_as_a_developer() -> None:
    script = (CHECKOUT / ".ci" / "run").read_text(encoding="utf-8")
    assert "dev.py test" in script
    assert "dev.py check" in script

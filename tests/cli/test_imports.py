"""`traceward import` against a running server: tells, then does, and its exit code says which."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_processes import json_output, traceward
from live_server import running_server

GTIN = "09521141010235"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ...]]:
    """The options that name the server and the hospital's key."""
    with running_server(tmp_path_factory.mktemp("import") / "data", demo=True, demo_storyline=False) as server:
        yield "--url", server.url, "--key", server.keys["northgate-supply"]


def test_an_import_tells_first_and_does_it_when_asked(demo: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "catalogue.csv"
    file.write_text(f"gtin;name\n{GTIN};Valve\n")
    dry = traceward("import", "catalogue", file, *demo)
    assert dry.exit_code == 0, dry.output
    assert "1 new" in dry.stdout
    assert "--apply" in dry.stdout
    done = json_output(traceward("import", "catalogue", file, "--apply", "--json", *demo))
    assert (done["applied"], done["new"]) == (True, 1)
    again = json_output(traceward("import", "catalogue", file, "--apply", "--json", *demo))
    assert (again["new"], again["unchanged"]) == (0, 1)


def test_a_file_with_faults_shows_them_and_ends_with_one(demo: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "stock.csv"
    file.write_text(f"gtin,lot,quantity,place\n{GTIN},1.2E+05,3,4012345000016\n")
    done = traceward("import", "stock", file, "--apply", "--counted-at", "2026-06-30T18:00:00Z", *demo)
    assert done.exit_code == 1, done.output
    for shown in ("1 errors", "lot", "1.2E+05", "shortened"):
        assert shown in done.stdout
    missing = traceward("import", "stock", file, *demo)
    assert missing.exit_code == 1
    assert "countedAt" in missing.stderr


def test_a_template_needs_no_server_and_a_missing_file_is_told() -> None:
    printed = traceward("import", "stock", "--template")
    assert printed.stdout.startswith("gtin,lot,serial,expiry,quantity,place,owner")
    assert traceward("import", "stock").exit_code == 2

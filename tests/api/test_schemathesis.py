"""Our OpenAPI document is whole, valid and true: schemathesis tries to catch the running server at odds with it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from openapi_spec_validator import validate

from shared_data import CHECKOUT
from traceward.api.openapi import spelt

from .conftest import Site
from .official_openapi import DIFFERENCES, repaired, unexplained

HERE = Path(__file__).parent
IDENTITIES = ("cordia", "northgate-supply", "admin")
#: Paths that the document leaves out, and why.
UNTOLD = {
    "/": "sends browsers to the pages",
    "/app": "sends browsers to the pages",
    "/app/{}": "files of the web client",
    "/setup": "the page of a first run; POST /setup is told",
    "/epcis/": "/epcis with a slash at its end",
    "/fhir/{}": "FHIR requests that write, which a read-only server refuses",
    "/epcis/soap": "one address for every SOAP call; its WSDL describes them",
    "/openapi.json": "the document itself",
}
#: What schemathesis is not pointed at, and why.
LEFT_OUT = {
    "/live": "a stream without an end",
}
#: One in an ordinary run stands for its five sisters, which are made of the same table.
SISTERS = r"^/epcis/(eventTypes|bizSteps|bizLocations|readPoints|dispositions)/"


def all_routes(app: FastAPI) -> set[tuple[str, str]]:
    """(path without parameter names, method) of every route, of routers within routers too."""
    return {
        (spelt(route.path), method.lower())
        for route in iter_route_contexts(app.routes)
        if route.path is not None
        for method in route.methods or ()
        if method != "HEAD"
    }


def test_every_route_is_in_the_document_or_on_the_list_with_its_reason(site: Site) -> None:
    """Rejects a route that somebody adds outside the routers, and a document that lags behind."""
    document = site.get("admin", "/openapi.json")
    told = {(spelt(path), method) for path, item in document["paths"].items() for method in item}
    untold = all_routes(site.server.app) - told
    # Outside the binding OPTIONS is what browsers ask before a request to another site, nothing that clients call.
    outside = {path for path, method in untold if method != "options" or path.startswith("/epcis")}
    assert outside <= set(UNTOLD), outside
    assert told <= all_routes(site.server.app), told - all_routes(site.server.app)


def test_the_document_is_valid_openapi(site: Site) -> None:
    validate(site.get("admin", "/openapi.json"))


def test_every_operation_tells_its_problems_its_tag_and_what_it_does(site: Site) -> None:
    document = site.get("admin", "/openapi.json")
    known = {tag["name"] for tag in document["tags"]}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            assert set(operation.get("tags", [])) <= known, where
            assert {"400", "405", "500"} <= set(operation["responses"]), where
            assert "422" not in operation["responses"], where


def run_schemathesis(url: str, key: str, *options: str) -> tuple[int, str]:
    """The exit code and the report of `schemathesis run` with every check."""
    command = [sys.executable, "-m", "schemathesis.cli", f"--config-file={HERE / 'schemathesis.toml'}", "run", url]
    command += ["--checks", "all", "-H", f"Authorization: Bearer {key}", "--no-color", "--continue-on-failure"]
    command += [word for path in LEFT_OUT for word in ("--exclude-path", path)]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": str(HERE / "schemathesis_hooks.py"), "PYTHONUTF8": "1"}
    done = subprocess.run([*command, *options], env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def cases_of(report: str) -> int:
    """How many cases a report counts."""
    found = re.search(r"(\d+) generated", report)
    assert found is not None, report[-3000:]
    return int(found[1])


@pytest.mark.parametrize(
    "identity", [IDENTITIES[0], *(pytest.param(one, marks=pytest.mark.full) for one in IDENTITIES[1:])]
)
def test_schemathesis_finds_nothing_against_our_own_document(
    open_site: Callable[..., Any], identity: str, full_run: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every check, for a supplier, a hospital's supply role and an administrator. docs/openapi.md counts the cases."""
    chosen = ["-n", "25"] if full_run else ["-n", "1", "--phases", "fuzzing", "--exclude-path-regex", SISTERS]
    with open_site(demo_storyline=full_run, body_timeout_s=5.0) as site:
        code, report = run_schemathesis(f"{site.server.url}/openapi.json", site.server.keys[identity], *chosen)
    with capsys.disabled():
        sys.stdout.write(f"\nschemathesis, own document, {identity}: {cases_of(report)} cases, exit code {code}\n")
    assert code == 0, report[-12_000:]


def test_what_differs_from_the_official_document_is_on_the_list(
    open_site: Callable[..., Any], tmp_path: Path, full_run: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """GS1's document, repaired so that it can be read: every finding has its reason. docs/openapi.md says which."""
    document, report = tmp_path / "official.json", tmp_path / "report.json"
    document.write_text(json.dumps(repaired()), encoding="utf-8")
    with open_site(body_timeout_s=5.0) as site:
        code, text = run_schemathesis(
            str(document),
            site.server.keys["cordia"],
            *("--url", f"{site.server.url}/epcis", "--phases", "fuzzing", "-n", "100" if full_run else "2"),
            *("--exclude-checks", "a_schema_valid_request_is_refused_for_a_rule"),
            *("--report-json-path", str(report)),
        )
    assert code in {0, 1}, text[-3000:]
    found = json.loads(report.read_text(encoding="utf-8"))
    with capsys.disabled():
        counts = found["test_cases"]
        sys.stdout.write(
            f"\nschemathesis, GS1's document: {counts['generated']} cases, {counts['unique_failures']} findings, "
            f"{len(unexplained(found))} of them without a reason\n"
        )
    assert unexplained(found) == []
    assert set(re.findall(r"Received: (\d{3})$", text, re.MULTILINE)) <= {"400"}


def test_the_page_gives_each_difference_its_reason() -> None:
    page = (CHECKOUT / "docs" / "openapi.md").read_text(encoding="utf-8")
    for difference in DIFFERENCES:
        assert f"| {difference.title} |" in page
        assert difference.reason in page

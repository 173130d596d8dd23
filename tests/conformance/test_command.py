"""`traceward conformance`: exit codes, the report, JUnit, and what must not leak."""

import json
import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from live_server import LiveServer
from traceward.cli.main import app
from traceward.conformance.junit import junit_xml
from traceward.conformance.model import Exchange, Outcome
from traceward.conformance.report import html_report
from traceward.conformance.runner import CASES, Verdict
from traceward.conformance.runner import Result as CaseResult

from .changes import on, status
from .proxy import Mutation, Proxy


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["conformance", *arguments])


def test_a_server_that_passes_gives_0_a_report_and_junit(server: LiveServer, tmp_path: Path) -> None:
    report, junit = tmp_path / "report.html", tmp_path / "x.xml"
    key = server.keys["cordia"]
    arguments = ("--only", "results/pages*", "--report", str(report), "--junit", str(junit))
    done = invoke(server.url, "--key", key, *arguments)
    assert done.exit_code == 0, done.output
    assert "No case of 1 fails." in done.output
    page = report.read_text(encoding="utf-8")
    assert "results/pages-hold-every-event-once" in page
    assert not re.search(r"(?:src|href)=.?(?:https?:)?//|@import|url\(", page)
    root = ET.fromstring(junit.read_bytes())
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("1", "0", "0")
    assert key not in page + junit.read_text(encoding="utf-8") + done.output


def test_a_server_that_fails_gives_1_and_says_what_was_sent_and_what_came(
    server: LiveServer, proxy: Proxy, tmp_path: Path
) -> None:
    key, report = tmp_path / "key", tmp_path / "report.html"
    key.write_text(server.keys["cordia"], encoding="utf-8")
    secret = ("--key", f"@{key}", "--header", "X-Own-Secret: hush-hush")
    proxy.mutation = Mutation("takes any sensor data", "", answer=on("POST", "/capture", status(400, 200)))
    try:
        done = invoke(proxy.url, *secret, "--only", "sensor-rules/a-germ*", "--json", "--report", str(report))
    finally:
        proxy.mutation = None
    assert done.exit_code == 1, done.output
    (result,) = json.loads(done.stdout)["results"]
    assert result["outcome"] == "fail"
    page = report.read_text(encoding="utf-8")
    assert "microorganism" in page
    assert server.keys["cordia"] not in page
    assert "hush-hush" not in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("http://127.0.0.1:9",), "no answer"),
        (("ftp://127.0.0.1",), "no server address"),
        ((), "no address"),
        (("http://127.0.0.1:9", "--only", "nonsense"), "no case is named"),
        (("http://127.0.0.1:9", "--header", "nonsense"), "expected 'Name: value'"),
        (("http://127.0.0.1:9", "--key", "@/nowhere/key"), "cannot read the key file"),
    ],
)
def test_what_cannot_be_judged_gives_2_and_a_reason(arguments: tuple[str, ...], message: str) -> None:
    done = invoke(*arguments)
    assert done.exit_code == 2
    assert message in done.output


def test_a_server_that_wants_a_key_gives_2(server: LiveServer) -> None:
    done = invoke(server.url)
    assert done.exit_code == 2
    assert "--key" in done.output


def test_the_list_names_every_case_with_its_clause() -> None:
    listed = json.loads(invoke("--list", "--json").stdout)
    assert [one["name"] for one in listed] == [case.name for case in CASES]
    assert all(one["clause"] and one["level"] for one in listed)


def hostile() -> Verdict:
    """A verdict whose server sent markup and control characters."""
    attack = '</pre><script>alert("x")</script>\x00\x1b[2J]]>'
    exchange = Exchange("GET", f"http://h/{attack}", {"A": attack}, attack, 200, {"link": attack}, attack, 0.1)
    result = CaseResult(CASES[0], Outcome.FAIL, attack, (exchange,), 9, 0.1)
    return Verdict(f"http://h/{attack}", datetime(2026, 1, 1, tzinfo=UTC), 1.0, (result,))


def test_what_a_server_sends_is_text_in_the_report() -> None:
    """Rejects a report that pastes answers into its markup."""
    page = html_report(hostile(), "<b>vendor</b>")
    assert "<script" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;" in page


def test_what_a_server_sends_keeps_junit_well_formed() -> None:
    """Rejects control characters, which no XML may hold."""
    root = ET.fromstring(junit_xml(hostile()))
    assert "<script>" in str(root.findtext(".//failure"))

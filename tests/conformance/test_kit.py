"""The kit against our own server as it is, and its client on what servers send."""

import doctest
import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import traceward.conformance
from live_server import LiveServer, running_server
from traceward.conformance import identifiers
from traceward.conformance.client import Answer, Client, next_link
from traceward.conformance.data import make_data
from traceward.conformance.model import Level, Outcome, Unmet
from traceward.conformance.report import headline
from traceward.conformance.run import Run, expect_problem
from traceward.conformance.runner import CASES, run_cases
from traceward.gs1.epc_uri import canonical_identifier


@pytest.fixture(params=["sqlite", "postgresql"])
def judged(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiveServer]:
    """A demo server on each database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("server")
        return
    url = request.getfixturevalue("new_postgres_database")()
    with running_server(
        tmp_path, demo=True, demo_storyline=False, capture_limit_events=60, database_url=url
    ) as running:
        yield running


def test_our_server_passes_every_case(judged: LiveServer, capsys: pytest.CaptureFixture[str]) -> None:
    """Rejects a binding that loses a requirement which it met before, on either database."""
    client = Client(f"{judged.url}/epcis", {"Authorization": f"Bearer {judged.keys['cordia']}"})
    verdict = run_cases(Run(client, patience_s=5.0), CASES)
    client.close()
    with capsys.disabled():
        sys.stdout.write(f"\n{headline(verdict)}\n")
    lost = {one.case.name: one.reason for one in verdict.results if one.outcome is not Outcome.PASS}
    assert not lost


def test_a_second_run_finds_a_server_that_already_holds_data(server: LiveServer) -> None:
    """Rejects data with fixed identifiers, and queries that see what others captured."""
    client = Client(f"{server.url}/epcis", {"Authorization": f"Bearer {server.keys['cordia']}"})
    cases = [case for case in CASES if case.name.startswith(("results/pages", "query/EQ_bizStep", "resources/epcs"))]
    for _ in range(2):
        verdict = run_cases(Run(client, patience_s=5.0), cases)
        assert verdict.count(Outcome.PASS) == len(cases)
    client.close()


def test_no_two_cases_share_a_name_and_each_says_what_it_asks() -> None:
    names = [case.name for case in CASES]
    assert sorted(names) == sorted(set(names))
    for case in CASES:
        assert re.fullmatch(r"[a-z-]+/[A-Za-z0-9_:-]+", case.name), case.name
        assert case.title.endswith(".") or "M1" in case.title, case.title
        assert case.clause
        assert case.level in Level


def test_no_two_runs_share_identifiers() -> None:
    first, second = make_data(), make_data()
    ids = {name for name in first.names if name.startswith(("id_", "s1", "crate", "loc"))}
    assert not {first.names[name] for name in ids} & {second.names[name] for name in ids}


@pytest.mark.parametrize(
    "made",
    [
        identifiers.sgtin("12345", "S7"),
        identifiers.lgtin("00007", "L7"),
        identifiers.sscc("234567890"),
        identifiers.sgln("98765", "X"),
        identifiers.pgln("00000"),
        identifiers.giai("A1"),
    ],
)
def test_identifiers_have_both_spellings(made: identifiers.Identifier) -> None:
    """The kit makes its own; the server's translation is the oracle. Rejects weights 1 and 3 the wrong way round."""
    assert canonical_identifier(made.urn) == made.link


@pytest.mark.parametrize(
    ("reference", "path"),
    [
        ("/capture/7", "/epcis/capture/7"),
        ("/epcis/capture/7", "/epcis/capture/7"),
        ("capture/7", "/epcis/capture/7"),
        ("http://127.0.0.1:9/epcis/capture/7", "/epcis/capture/7"),
        ("?perPage=1", "/epcis?perPage=1"),
        ("/", "/epcis/"),
    ],
)
def test_every_spelling_of_an_address_leads_to_the_same_job(reference: str, path: str) -> None:
    """FasTnT answers `capture/ID`, the openapi's examples `/capture/ID`, others an absolute path or URL."""
    assert Client("http://127.0.0.1:9/epcis").locate(reference) == path


def test_the_key_is_never_sent_to_another_host() -> None:
    with pytest.raises(Unmet, match=r"elsewhere\.example"):
        Client("http://127.0.0.1:9/epcis").locate("https://elsewhere.example/epcis/capture/7")


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ('</epcis/events?nextPageToken=a>; rel="next"', "/epcis/events?nextPageToken=a"),
        ("<https://h/e?x=1>;rel=next", "https://h/e?x=1"),
        ('</first>; rel="first",</next>; rel="next"', "/next"),
        ('</first>; rel="first"', None),
        ("", None),
    ],
)
def test_the_next_page_is_the_link_of_relation_next(link: str, expected: str | None) -> None:
    assert next_link(Answer(200, {"link": link}, b"")) == expected


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, {"content-type": "application/problem+json"}, b'{"type":"epcisException:A","title":"t"}'),
        Answer(400, {"content-type": "application/problem+json"}, b'{"type":"epcisException:B","title":"t"}'),
        Answer(400, {"content-type": "application/problem+json"}, b'{"type":"epcisException:A"}'),
        Answer(400, {"content-type": "application/json"}, b'{"type":"epcisException:A","title":"t"}'),
        Answer(400, {"content-type": "application/problem+json"}, b"<html>"),
    ],
)
def test_a_problem_body_needs_status_type_title_and_media_type(answer: Answer) -> None:
    with pytest.raises(Unmet):
        expect_problem(answer, 400, "A")


def test_the_examples_in_docstrings_hold() -> None:
    for module in pkgutil.walk_packages(traceward.conformance.__path__, "traceward.conformance."):
        failed, _ = doctest.testmod(importlib.import_module(module.name))
        assert not failed, module.name

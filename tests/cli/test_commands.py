"""The commands as people and programs use them: tables, JSON, exit codes; over real processes and a real server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from cli_processes import json_output, traceward
from drawn_label import draw_label
from live_server import running_server
from shared_data import shared


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Keys by name and `url` of a demo without events, one for all tests of this file."""
    with running_server(tmp_path_factory.mktemp("cli-demo") / "data", demo=True, demo_storyline=False) as server:
        yield server.keys | {"url": server.url}


def test_scan_shows_the_udi_of_a_label_and_needs_no_server(tmp_path: Path) -> None:
    done = traceward("scan", draw_label(tmp_path / "label.png"))
    assert done.exit_code == 0, done.stdout + done.stderr
    for shown in (
        "]d2",
        "confirmed",
        "(01)09521141010235",
        "(21)V23-0007",
        "https://id.gs1.org/01/09521141010235/21/V23-0007",
    ):
        assert shown in done.stdout


def test_scan_gives_programs_the_same_as_json(tmp_path: Path) -> None:
    answers = json_output(traceward("scan", "--json", draw_label(tmp_path / "label.png")))
    symbol = answers[0]["symbols"][0]
    assert symbol["udi"]["serialNumber"] == "V23-0007"
    assert symbol["udi"]["expirationDate"] == "2030-01-31"


def test_scan_goes_on_after_a_bad_file_and_ends_with_one(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    Image.new("L", (200, 200), 255).save(tmp_path / "blank.png")
    files = [tmp_path / "absent.png", tmp_path / "text.png", tmp_path / "blank.png", draw_label(tmp_path / "label.png")]
    done = traceward("scan", "--json", *files)
    assert done.exit_code == 1
    absent, text, blank, good = json_output(done)
    assert "No such file" in absent["error"]
    assert text["error"]
    assert blank["symbols"] == []
    assert blank["tried"]
    assert len(good["symbols"]) == 1


def test_doctor_names_the_decoders_and_exits_well_where_nothing_needed_is_missing() -> None:
    done = traceward("doctor", "--json")
    names = {check["name"]: check for check in json_output(done)}
    assert {"SQLite", "zxing-cpp", "libdmtx", "libzbar", "web client"} <= set(names)
    assert done.exit_code == 0
    assert "zxing-cpp" in traceward("doctor").stdout


def test_capture_sends_both_stories_and_sending_them_again_changes_nothing(demo: dict[str, str]) -> None:
    for _ in range(2):
        for key, file in (("cordia", "storyline-cordia.json"), ("northgate-clinical", "storyline-northgate.json")):
            done = traceward("capture", shared(f"examples/{file}"), "--url", demo["url"], "--key", demo[key])
            assert done.exit_code == 0, done.stdout + done.stderr
            assert "captured" in done.stdout


def test_capture_shows_every_fault_with_its_place_and_ends_with_one(demo: dict[str, str], tmp_path: Path) -> None:
    event = {
        "type": "ObjectEvent",
        "eventTime": "2026-05-01T10:00:00Z",
        "eventTimeZoneOffset": "+00:00",
        "action": "OBSERVE",
        "bizStep": "consuming",
        "epcList": ["https://id.gs1.org/01/09521141010235/21/X1"],
    }
    document = {
        "@context": "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-05-01T10:00:00Z",
        "epcisBody": {"eventList": [event, event | {"bizStep": "shipping"}]},
    }
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(document))
    server = ("--url", demo["url"], "--key", demo["cordia"])
    whole = traceward("capture", file, *server)
    assert whole.exit_code == 1
    assert "refused whole" in whole.stdout
    assert "eventList[0].bizStep" in whole.stdout
    part = traceward("capture", file, "--proceed", "--json", *server)
    assert part.exit_code == 1
    (outcome,) = json_output(part)
    assert outcome["job"]["success"] is False
    assert outcome["job"]["running"] is False


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        ((), 2, "no key"),
        (("--key", "@/nowhere/key"), 2, "cannot read the key file"),
        (("--key", "tw_wrong_key"), 3, "HTTP 401"),
        (("--key", "tw_wrong_key", "--url", "http://127.0.0.1:1"), 3, "no answer from http://127.0.0.1:1"),
    ],
)
def test_capture_tells_why_it_cannot(
    arguments: tuple[str, ...], code: int, reason: str, demo: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "empty.json").write_text("{}")
    done = traceward("capture", tmp_path / "empty.json", *arguments, TRACEWARD_URL=demo["url"])
    assert done.exit_code == code, done.stdout + done.stderr
    assert reason in done.stderr


def test_an_administrator_makes_an_organisation_and_a_key_that_works_until_it_is_revoked(demo: dict[str, str]) -> None:
    admin = {"TRACEWARD_URL": demo["url"], "TRACEWARD_KEY": demo["admin"]}
    organisation = "https://id.gs1.org/417/9506000000015"
    made = traceward("organisations", "add", organisation, "Helix North", "--prefix", "950600000001", **admin)
    assert made.exit_code == 0, made.stderr
    assert "Helix North" in traceward("organisations", "list", **admin).stdout
    assert traceward("organisations", "add", organisation, "Again", **admin).exit_code == 1
    key = json_output(traceward("keys", "create", organisation, "supplier", "--name", "pump line", "--json", **admin))
    listed = json_output(traceward("keys", "list", "--json", **admin))["keys"]
    assert key["id"] in {one["id"] for one in listed}
    assert key["key"] not in json.dumps(listed)
    denied = traceward("keys", "list", TRACEWARD_URL=demo["url"], TRACEWARD_KEY=key["key"])
    assert denied.exit_code == 3
    assert traceward("keys", "revoke", key["id"], **admin).exit_code == 0
    assert traceward("keys", "revoke", key["id"], **admin).exit_code == 1


def test_scanned_control_characters_do_not_reach_the_terminal() -> None:
    """Rejects printing a label's text as it is: a symbol may hold escape sequences."""
    from traceward.cli.output import visible

    assert visible("10ABC\x1d21X\x1b[2J") == "10ABC<GS>21X\ufffd[2J"


def test_a_log_that_is_not_there_is_not_proven_whole(tmp_path: Path) -> None:
    """Rejects a verification that makes an empty database where a path was mistyped, and finds that whole."""
    absent = tmp_path / "mistyped.sqlite3"
    done = traceward("audit", "verify", "--database", f"sqlite:///{absent}")
    assert done.exit_code == 2, done.stdout + done.stderr
    assert "does not exist" in done.stderr
    assert not absent.exists()

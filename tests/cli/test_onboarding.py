"""`traceward onboard` against a running server: one command, run again until nothing is open."""

import stat
from pathlib import Path

from cli_processes import json_output, traceward
from live_server import running_server

HOST, PARTNER = "https://id.gs1.org/417/4012345000009", "https://id.gs1.org/417/4098765000003"


def test_onboarding_goes_on_where_it_stopped_and_shows_the_lines_for_the_partner(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", demo=True, demo_storyline=False) as server:
        common = ["onboard", PARTNER, "--host", HOST, "--url", server.url, "--key", server.keys["admin"]]
        missing = traceward(*common)
        assert missing.exit_code == 2
        assert "--role is missing" in missing.stderr
        key_file = tmp_path / "partner-key"
        named = ["--role", "supplier", "--name", "Vita", "--prefix", "4098765", "--key-file", key_file]
        begun = traceward(*common, *named)
        assert begun.exit_code == 0, begun.output
        assert "next, by the host" in begun.stdout
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
        assert key_file.read_text().strip() not in begun.output
        key = key_file.read_text()
        terms = ["--site", "https://id.gs1.org/414/4012345000016", "--gtin", "04098765000010"]
        agreed = json_output(traceward(*common, *terms, "--json", "--host-key", server.keys["northgate-supply"]))
        assert agreed["state"] == "signature"
        assert key_file.read_text() == key
        shown = traceward(*common)
        assert "/agreements/sign" in shown.stdout
        assert "PARTNER_KEY" in shown.stdout

"""The page that takes a hospital from nothing to its first use, run line by line as it stands."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from cli_processes import environment, traceward
from live_server import running_server
from shared_data import CHECKOUT

PAGE = CHECKOUT / "docs" / "getting-started.md"
VALVE = "https://id.gs1.org/01/09521141010235/21/V23-0100"
CABINET = {"gln": "4012345000016", "extension": "OR3-CAB2"}
FILES = {
    "places.csv": "place;name;parent\n4012345000016;Northgate;\n4012345000016/OR3-CAB2;Cabinet 2;4012345000016\n",
    "catalogue.csv": "gtin,name,tracking\n09521141010235,Valve 23 mm,serial\n09521141045305,Screw,lot\n",
    "par.csv": "gtin,place,min,max\n09521141010235,4012345000016/OR3-CAB2,1,4\n",
    "prices.csv": "gtin,price,currency\n09521141010235,1850.00,EUR\n",
    "stock.csv": "gtin,lot,serial,quantity,place\n09521141010235,,V23-0100,1,4012345000016/OR3-CAB2\n"
    "09521141045305,LOT9,,12,4012345000016/OR3-CAB2\n",
    "first-document.json": json.dumps(
        {
            "@context": "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
            "type": "EPCISDocument",
            "schemaVersion": "2.0",
            "creationDate": "2026-07-01T00:00:00Z",
            "epcisBody": {
                "eventList": [
                    {
                        "type": "ObjectEvent",
                        "eventTime": "2026-07-01T00:00:00Z",
                        "eventTimeZoneOffset": "+00:00",
                        "action": "ADD",
                        "bizStep": "commissioning",
                        "epcList": ["https://id.gs1.org/01/09521141010235/21/TEST"],
                    }
                ]
            },
        }
    ),
    "use.json": json.dumps(
        {
            "action": "use",
            "useType": "implanted",
            "place": {"gln": "4012345000016", "extension": "OR3"},
            "from": CABINET,
            "items": [{"epc": VALVE}],
            "eventTime": "2026-07-02T09:00:00.000Z",
        }
    ),
}


def lines() -> list[str]:
    """Every line of the page's shell blocks, in order."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def run_page(url: str) -> list[str]:
    """What each line of the page prints, run in the present folder; a line that fails ends the test."""
    named: dict[str, str] = {}
    printed = []
    for line in lines():
        told = line.replace("http://127.0.0.1:8000", url)
        if told.startswith("export "):
            name, _, value = told.removeprefix("export ").partition("=")
            named[name] = value
        elif told.startswith("traceward "):
            printed.append(run_command(told, named))
        else:
            done = subprocess.run(
                ["bash", "-c", told], env=environment(**named), capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{told}\n{done.stdout}{done.stderr}"
            printed.append(done.stdout)
    return printed


def run_command(line: str, named: dict[str, str]) -> str:
    """What a line of our own command prints, in this process, since starting one takes a second for each line."""
    command, _, file = line.partition(" > ")
    words = [named.get(word[1:], word) if word.startswith("$") else word for word in shlex.split(command)]
    done = traceward(*words[1:], **named)
    assert done.exit_code == 0, f"{line}\n{done.output}"
    if file:
        Path(file).write_text(done.stdout, encoding="utf-8")
    return done.stdout


@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("bash") is None, reason="the page uses bash and curl")
def test_every_line_of_the_page_works_in_its_order_on_an_empty_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rejects a page whose lines were written down and not run: a wrong path, a flag that was renamed."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with running_server(tmp_path / "traceward-data") as server:
        monkeypatch.chdir(tmp_path)
        printed = run_page(server.url)
    assert any("done: the partner may capture" in text for text in printed)
    stock, transfers = (json.loads(text) for text in printed[-2:])
    on_hand = {one["item"] for one in stock["items"] if one["status"] == "on_hand"}
    assert on_hand == {"https://id.gs1.org/01/09521141045305/10/LOT9"}
    assert [one["item"] for one in transfers["transfers"]] == [VALVE]

"""P1 and P3 of docs/promises.md: what happened is on record at once and for good; two servers come to one ledger."""

import json
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import orjson
import pytest
from typer.testing import CliRunner
from websockets.sync.client import ClientConnection, connect

from shared_data import shared
from traceward.cli.main import app as command_line

from .conftest import BACKENDS, PARTY_FILES, PATIENT_SPELLINGS, Site
from .test_kills import Victim, victim

__all__ = ["victim"]

NORTHGATE = "https://id.gs1.org/417/4012345000009"
SERIAL = "https://id.gs1.org/01/09521141010235/21/"
WAREHOUSE = {"gln": "9521141000106"}
CABINET = {"gln": "4012345000016", "extension": "CAB"}
THEATRE = {"gln": "4012345000016", "extension": "OR3"}
PATIENCE_S = 15.0


def act(client: httpx.Client, action: str, place: dict[str, str], number: str, **more: Any) -> dict[str, Any]:
    """The answer to an action on one serialised valve."""
    body = {"action": action, "place": place, "items": [{"epc": SERIAL + number}], **more}
    answer = client.post("/consignment/actions", json=body)
    assert answer.status_code == 201, answer.text
    done: dict[str, Any] = answer.json()
    return done


def consign(cordia: httpx.Client, northgate: httpx.Client, *numbers: str) -> None:
    """Valves of Cordia's that lie in the hospital's cabinet."""
    for number in numbers:
        act(cordia, "commission", WAREHOUSE, number)
        act(cordia, "ship", WAREHOUSE, number, counterparty=NORTHGATE)
        act(northgate, "receive", CABINET, number)


def where(client: httpx.Client, number: str) -> list[tuple[str, str]]:
    """(status, place) of a valve, as the caller's ledger has it now."""
    state = client.get("/trace/item", params={"epc": SERIAL + number}).json()["state"]
    return [] if state is None else [(state["status"], state["owner"])]


def listening(victim: Victim, client: httpx.Client) -> ClientConnection:
    """The client's open websocket on uses."""
    client.post("/epcis/queries", json={"name": "uses", "query": {"EQ_bizStep": ["dispensing"]}})
    url = f"{victim.base.replace('http://', 'ws://')}/epcis/queries/uses/events?stream=true"
    return connect(url, additional_headers={"Authorization": client.headers["authorization"]})


def digests(victim: Victim) -> dict[str, Any]:
    """What `traceward ledger verify` prints of the victim's database."""
    where_ = ["--database", victim.url] if victim.url else ["--data", str(victim.folder)]
    shown = CliRunner().invoke(command_line, ["ledger", "verify", "--json", *where_])
    assert shown.exit_code == 0, shown.output
    found: dict[str, Any] = json.loads(shown.stdout)
    return found


def rebuild(victim: Victim) -> None:
    where_ = ["--database", victim.url] if victim.url else ["--data", str(victim.folder)]
    assert CliRunner().invoke(command_line, ["ledger", "rebuild", "--json", *where_]).exit_code == 0


@pytest.mark.parametrize("victim", BACKENDS, indirect=True)
def test_P1_a_transaction_is_in_the_ledger_with_its_answer_and_no_kill_parts_the_two(victim: Victim) -> None:
    """Rejects an answer before the ledger has the event (the first read would be stale), a recordTime that the client
    chooses, and an event stored in one transaction and projected in the next: killed in between, the ledger would
    stay behind a replay of its events.
    """
    victim.script = Path(__file__).with_name("serve_and_die.py")
    with victim.running(), victim.client() as cordia, victim.client("northgate-clinical") as northgate:
        consign(cordia, northgate, "P1", "P2", "P3")
        with listening(victim, cordia) as told:
            before = time.time()
            done = act(northgate, "use", THEATRE, "P1", useType="consumed", **{"from": CABINET})
            assert where(cordia, "P1") == [("consumed", NORTHGATE)]
            message = json.loads(told.recv(timeout=PATIENCE_S))
            events = message["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
            assert [event["eventID"] for event in events] == [done["eventID"]]
        backdated = done["event"] | {"eventID": "urn:uuid:backdated", "recordTime": "2020-01-01T00:00:00Z"}
        backdated |= {"epcList": [SERIAL + "P0"]}
        answer = northgate.post("/epcis/events", content=orjson.dumps(backdated), headers=_JSON)
        assert answer.status_code == 201, answer.text
        assert _record_time(northgate, "urn:uuid:backdated") > _instant(before - 1)

    for moment, number in (("projecting", "P2"), ("answering", "P3")):
        request = {
            "action": "use", "place": THEATRE, "from": CABINET, "items": [{"epc": SERIAL + number}],
            "useType": "consumed", "eventID": f"urn:uuid:use-{number}", "eventTime": "2026-11-01T10:00:00Z",
        }  # fmt: skip
        with victim.running() as process, victim.client("northgate-clinical") as northgate:
            (victim.folder / "armed").write_text(moment)
            with pytest.raises(httpx.TransportError):
                northgate.post("/consignment/actions", json=request)
            assert process.wait(PATIENCE_S) == -9
        left = digests(victim)
        rebuild(victim)
        assert digests(victim) == left
        with victim.running(), victim.client() as cordia, victim.client("northgate-clinical") as northgate:
            there = moment == "answering"
            assert (northgate.get(f"/epcis/events/urn:uuid:use-{number}").status_code == 200) is there
            assert where(cordia, number)[0][0] == ("consumed" if there else "on_hand")
            for _ in range(2):
                assert northgate.post("/consignment/actions", json=request).status_code == 201
            assert where(cordia, number) == [("consumed", NORTHGATE)]
        left = digests(victim)
        assert left["stock_lines"] >= 3
        rebuild(victim)
        assert digests(victim) == left


_JSON = {"Content-Type": "application/json"}


def _record_time(client: httpx.Client, event_id: str) -> str:
    document = client.get(f"/epcis/events/{event_id}").json()
    (event,) = document["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    found: str = event["recordTime"]
    return found


def _instant(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


@dataclass
class Link:
    """A partner's way from its own server to the other's: it goes on at its watermark, and repeats some of before.

    brought: what the partners have carried, each their own events; whoever captures the other's would vouch for it.
    """

    name: str
    home: Site
    away: Site
    rng: random.Random
    brought: dict[tuple[str, bool], str]
    since: str = "2020-01-01T00:00:00Z"
    sent: list[bytes] = field(default_factory=list)

    def carry(self) -> int:
        """Capture at the other server what is new at home, in any order, some of it twice; how many events are new."""
        document = self.home.get(self.name, f"/epcis/events?perPage=1000&GE_recordTime={quote(self.since)}")
        events = document["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        self.since = max((event.pop("recordTime") for event in events), default=self.since)
        bodies = [orjson.dumps(event) for event in events if self._is_own(event)]
        fresh = [body for body in bodies if body not in self.sent]
        batch = [*bodies, *self.rng.sample(self.sent, k=min(len(self.sent), 6))]
        self.sent += fresh
        self.rng.shuffle(batch)
        for part in _parts(batch, self.rng):
            document |= {"type": "EPCISDocument", "epcisBody": {"eventList": [orjson.loads(body) for body in part]}}
            job = self.away.job(self.name, self.away.capture(self.name, orjson.dumps(document)))
            assert job["success"], job
        return len(fresh)

    def carry_xml(self) -> None:
        """Capture at the other server events of a step of its own once more, as an XML document."""
        asked = f"/epcis/events?perPage=1000&EQ_bizStep={XML_STEPS[self.name]}"
        answer = self.home.request(self.name, "GET", asked, headers={"Accept": "application/xml"})
        assert answer.content.count(b"<eventID>") > 0
        xml = {"Content-Type": "application/xml"}
        taken = self.away.request(self.name, "POST", "/epcis/capture", content=answer.content, headers=xml)
        job = self.away.job(self.name, taken)
        assert job["success"], job

    def _is_own(self, event: dict[str, Any]) -> bool:
        return self.brought.setdefault((event["eventID"], "errorDeclaration" in event), self.name) == self.name


XML_STEPS = {"cordia": "commissioning", "northgate-supply": "receiving"}
"""A step that one of the partners alone has taken."""


def _parts(batch: list[bytes], rng: random.Random) -> Iterable[list[bytes]]:
    """A batch in documents of 1 to 5 events, none twice in one."""
    while batch:
        count = rng.randint(1, 5)
        part, batch = batch[:count], batch[count:]
        yield list(dict.fromkeys(part))


def _told(site: Site, name: str, events: list[Any], story: dict[str, Any]) -> None:
    document = story | {"epcisBody": {"eventList": events}}
    assert site.job(name, site.capture(name, orjson.dumps(document)))["success"]


def _ledger(site: Site) -> dict[str, Any]:
    url = site.server.settings.store_url
    shown = CliRunner().invoke(command_line, ["ledger", "verify", "--json", "--database", url])
    assert shown.exit_code == 0, shown.output
    found: dict[str, Any] = json.loads(shown.stdout)
    return found


def test_P3_two_servers_that_exchange_documents_both_ways_have_one_ledger(open_site: Callable[..., Any]) -> None:
    """Rejects synchronisation by order of arrival or by eventID alone, a repeated document that moves stock again,
    a watermark in eventTime (late events would never be carried), and a patient's link that is carried along.
    """
    rng = random.Random(3)
    stories = {name: orjson.loads(shared(f"examples/{file}").read_bytes()) for name, file in PARTY_FILES.items()}
    waiting = {name: list(story["epcisBody"]["eventList"]) for name, story in stories.items()}
    for events in waiting.values():
        rng.shuffle(events)
    with open_site() as ours, open_site("postgresql") as theirs, open_site() as alone:
        homes = {"cordia": ours, "northgate-clinical": theirs}
        brought: dict[tuple[str, bool], str] = {}
        links = [Link("cordia", ours, theirs, rng, brought), Link("northgate-supply", theirs, ours, rng, brought)]
        while any(waiting.values()):
            for name, events in waiting.items():
                _told(homes[name], name, [events.pop() for _ in range(min(5, len(events)))], stories[name])
            rng.shuffle(links)
            for link in links:
                link.carry()
        assert _ledger(ours) != _ledger(alone)
        while sum([link.carry() for link in links]):
            pass
        for link in links:
            link.carry_xml()
        alone.load_story()
        assert _ledger(ours) == _ledger(theirs) == _ledger(alone)
        assert _ledger(ours)["stock_lines"] > 10
        for name in ("cordia", "northgate-supply"):
            path = "/consignment/stock?perPage=1000&asOf=2026-06-30"
            assert _items(ours, name, path) == _items(theirs, name, path) == _items(alone, name, path)
        everything = ours.request("northgate-clinical", "GET", "/epcis/events?perPage=1000").content
        assert not any(spelling in everything for spelling in PATIENT_SPELLINGS)
        assert PATIENT_SPELLINGS[0] in theirs.request("northgate-clinical", "GET", "/epcis/events").content


def _items(site: Site, name: str, path: str) -> Any:
    return site.get(name, path)["items"]

"""Each role is told exactly what it may see, on every surface, of generated events: neither more nor less."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest
from lxml import etree
from websockets.sync.client import connect

from traceward.services.alerts.digests import DigestRules, send_due
from traceward.services.mail import MailServer

from . import expected, planted, probes, roles
from .conftest import BACKENDS, Site
from .expected import SURFACES, Surface, World
from .planted import CORDIA, PATIENT, RIVAL
from .roles import BY_NAME, ROLES, Headers, Role
from .test_digests import mailbox  # noqa: F401  # a fixture

pytestmark = pytest.mark.timeout(1800)
_TOKEN: Final = re.compile(r"Z(?:COR|RIV|NOR|CAH|RAH|SWI|PAT)\d+")
_READERS: Final = [one for one in ROLES if one.reads]
_SAMPLES: Final = 3


@dataclass(frozen=True)
class Sight:
    """A server with planted events, each role's proof, and the world that the events make."""

    site: Site
    proofs: dict[str, Headers]
    world: World

    def ask(self, role: Role, path: str, accept: str = "") -> httpx.Response:
        """A GET of a role."""
        headers = self.proofs[role.name] | ({"Accept": accept} if accept else {})
        return self.site.http.get(path, headers=headers)

    def pages(self, role: Role, path: str, accept: str = "") -> Iterator[httpx.Response]:
        """All pages of a list, from Link or from the answer's own link."""
        while path:
            answer = self.ask(role, path, accept)
            yield answer
            path = answer.links.get("next", {}).get("url", "")
            if not path and answer.headers["content-type"].startswith("application/fhir+json"):
                links = answer.json().get("link", [])
                path = next((one["url"] for one in links if one["relation"] == "next"), "")


@pytest.fixture(scope="module", params=BACKENDS)
def sight(request: pytest.FixtureRequest, open_site: Callable[..., Any], full_run: bool) -> Iterator[Sight]:
    """288 generated events under agreements, and 10,000 in a full run."""
    with roles.agreed_site(open_site, request.param) as (site, proofs):
        events = list(planted.planted(10_000 if full_run else 288))
        roles.capture_all(site, events)
        yield Sight(site, proofs, World.of(events))


@pytest.mark.parametrize("surface", SURFACES)
def test_each_role_finds_exactly_what_concerns_it_in(sight: Sight, surface: str, figures: list[str]) -> None:
    """Rejects a list that shows more than domain.md 7 allows, or hides what it grants."""
    wanted = SURFACES[surface]
    told = 0
    for role in ROLES:
        if not role.reads or (wanted.trade and not role.trades):
            refused = 401 if role.organisation is None and role.role == "" else 403
            assert sight.ask(role, wanted.path).status_code == refused, role.name
            continue
        right = wanted.expected(role, sight.world)
        found = _found(sight, role, wanted)
        deadline = time.monotonic() + 300
        while "alerts" in surface and found != right and time.monotonic() < deadline:
            time.sleep(1)  # alerts follow the events, some seconds behind
            found = _found(sight, role, wanted)
        assert sorted(found ^ right)[:5] == [], (role.name, len(found), len(right))
        told += len(found)
    figures.append(f"{surface}: {told:,} entries are those that {len(_READERS)} reading roles are to find")


def _found(sight: Sight, role: Role, surface: Surface) -> set[str]:
    """What a list tells, over all its pages."""
    found: set[str] = set()
    paths = (surface.path, *surface.rest)
    for answer in (one for path in paths for one in sight.pages(role, path, surface.accept)):
        assert answer.status_code == 200, (role.name, surface.path, answer.text[:300])
        if surface.rows is None:
            found |= set(_TOKEN.findall(answer.text))
            continue
        for row in answer.json()[surface.rows]:
            if surface.kind is None or row["kind"] == surface.kind:
                found |= {row} if surface.whole else set(_TOKEN.findall(json.dumps(row)))
    return found


@pytest.mark.parametrize("binding", ["JSON", "XML", "SOAP", "websocket"])
def test_each_role_finds_exactly_its_events_by(sight: Sight, binding: str, figures: list[str]) -> None:
    """Rejects a binding that finds its events by another way than the rest, and one that hides too much."""
    reads = {"JSON": _by_json, "XML": _by_xml, "SOAP": _by_soap, "websocket": _by_websocket}[binding]
    told = 0
    for role in _READERS:
        right = expected.event_ids(role, sight.world)
        found = reads(sight, role)
        assert len(found) == len(set(found)), "each event once"
        assert sorted(set(found) ^ right)[:5] == [], (role.name, len(found), len(right))
        told += len(found)
    figures.append(f"{binding}: {told:,} events are those that {len(_READERS)} reading roles may see")


def _by_json(sight: Sight, role: Role) -> list[str]:
    return [
        event["eventID"]
        for answer in sight.pages(role, "/epcis/events?perPage=1000")
        for event in answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    ]


def _by_xml(sight: Sight, role: Role) -> list[str]:
    pages = sight.pages(role, "/epcis/events?perPage=1000", "application/xml")
    return [str(one.text) for answer in pages for one in etree.fromstring(answer.content).iter("eventID")]


def _by_soap(sight: Sight, role: Role) -> list[str]:
    found: list[str] = []
    headers = sight.proofs[role.name] | {"Content-Type": "text/xml"}
    for step in ("commissioning", "shipping", "receiving", "dispensing", "holding", "installing"):
        param = f"<param><name>EQ_bizStep</name><value><string>{step}</string></value></param>"
        answer = sight.site.http.post("/epcis/soap", content=probes.poll(param), headers=headers)
        assert answer.status_code == 200, answer.text[:300]
        found += [str(one.text) for one in etree.fromstring(answer.content).iter("eventID")]
    return found


def _by_websocket(sight: Sight, role: Role) -> list[str]:
    url = sight.site.server.url.replace("http", "ws", 1)
    controls = f"stream=true&initialRecordTime={quote('2020-01-01T00:00:00Z')}"
    target = f"{url}/epcis/queries/SimpleEventQuery/events?{controls}"
    found: list[str] = []
    right = len(expected.event_ids(role, sight.world))
    with connect(target, additional_headers=sight.proofs[role.name], max_size=None) as client:
        try:
            while True:
                # What is too much comes at once after what is right.
                message = json.loads(client.recv(timeout=20 if len(found) < right else 0.3))
                results = message["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
                found += [event["eventID"] for event in results]
        except TimeoutError:
            return found


def test_single_things_are_there_for_those_whom_they_concern_alone(sight: Sight, figures: list[str]) -> None:
    """Rejects a look-up by name that forgets the caller: events, items, lots, UDIs, notices, histories, each by GET."""
    asked = 0
    for role in _READERS:
        for one in _samples(sight.world):
            seen = role.may_see(one)
            item = planted.epc(one.mark, one.number)
            event = quote(one.event["eventID"], safe="")
            assert (sight.ask(role, f"/epcis/events/{event}").status_code == 200) is seen, (role.name, one)
            found = sight.ask(role, f"/epcis/epcs/{quote(item, safe='')}").status_code
            whole = one.item in expected.event_items(role, sight.world)
            assert (found == 200) is whole, (role.name, one)
            trace = sight.ask(role, f"/trace/item?epc={item}").json()
            told = {entry["eventID"] for entry in trace["history"]}
            mine = {
                other.event["eventID"] for other in sight.world.events if other.item == one.item and role.may_see(other)
            }
            assert told == mine, (role.name, one)
            assert (trace["state"] is not None) is bool(whole and one.mark != PATIENT), (role.name, one, trace)
            asked += 3
    figures.append(f"single things: {asked:,} look-ups of {len(_READERS)} reading roles find what concerns them alone")


def _samples(world: World) -> list[planted.Planted]:
    """Some events of every mark and flow."""
    found: dict[tuple[str, str], list[planted.Planted]] = {}
    for one in world.events:
        kept = found.setdefault((one.mark, one.flow), [])
        if len(kept) < _SAMPLES:
            kept.append(one)
    return [one for kept in found.values() for one in kept]


def test_patients_are_found_by_the_clinical_role_alone(sight: Sight) -> None:
    """Rejects a look-up that answers by organisation."""
    links = [one for one in sight.world.events if one.mark == PATIENT][:_SAMPLES]
    for role in ROLES:
        for one in links:
            body = {"epc": planted.epc(PATIENT, one.number), "purpose": "recall"}
            answer = sight.site.http.post("/patients/search", json=body, headers=sight.proofs[role.name])
            assert (planted.gsrn(one.number) in answer.text) is role.private, (role.name, answer.text[:300])


def test_prices_are_told_to_those_who_agreed_on_them(sight: Sight) -> None:
    """Rejects an agreement that is shown by its parties alone, whatever the role."""
    for role in ROLES:
        text = "".join(sight.ask(role, path).text for path in ("/agreements", "/agreements/export", "/usage"))
        for supplier, amount in roles.AGREED.items():
            assert (amount in text) is (role.reads and supplier in role.prices), (role.name, amount)


@pytest.mark.usefixtures("mailbox")
def test_a_digest_tells_each_supplier_of_its_own_goods(sight: Sight, mailbox: tuple[Any, DigestRules]) -> None:  # noqa: F811
    """Rejects a digest that is made of all alerts of the hospital."""
    box, rules = mailbox
    assert isinstance(rules.mail, MailServer)
    sent = asyncio.run(send_due(sight.site.server.app.state.runtime, rules))
    assert sent == len(box.taken) == 2
    for message in box.taken:
        # Decoded: as it is sent, a long line is broken within a token.
        parts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
        body = "\n".join([*parts, *map(str, message.values())])
        own = BY_NAME["cordia" if roles.MAIL[CORDIA] in message["To"] else "rival-supplier"]
        assert set(_TOKEN.findall(body)) <= expected.event_items(own, sight.world)
        other = planted.GTINS[planted.RIVAL_AND_HOSPITAL if own.organisation == CORDIA else planted.CORDIA_AND_HOSPITAL]
        assert other not in body
        assert roles.MAIL[RIVAL if own.organisation == CORDIA else CORDIA] not in body

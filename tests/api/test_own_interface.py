"""Our own endpoints over HTTP: scan, actions, sessions, set-up, keys, health and live updates."""

import stat
import threading
from collections.abc import Callable
from typing import Any

import cv2
import httpx
import numpy as np
import orjson
import pytest

from live_server import running_server
from shared_data import shared

from .conftest import BACKENDS, Site

CLINICAL = "northgate-clinical"
NORTHGATE = "https://id.gs1.org/417/4012345000009"
CORDIA = "https://id.gs1.org/417/9521141000007"
THEATRE = {"id": "https://id.gs1.org/414/4012345000016/254/OR3"}
BALLOON = "https://id.gs1.org/01/09521141060001/10/B2201"


def act(site: Site, name: str = CLINICAL, **request: Any) -> Any:
    """The answer to an action that must be taken."""
    answer = site.request(name, "POST", "/consignment/actions", json=request)
    assert answer.status_code == 201, answer.text
    return answer.json()


def quantity(site: Site, item: str, name: str = CLINICAL) -> int:
    """How many of an item the caller has in stock."""
    items = site.get(name, "/consignment/stock?perPage=1000")["items"]
    return sum(int(row["quantity"]) for row in items if row["item"] == item)


@pytest.mark.parametrize("backend", BACKENDS)
def test_use_lowers_stock_and_passes_ownership(backend: str, open_site: Callable[..., Any]) -> None:
    """Rejects an event that leaves out the owning_party pair or the place debited."""
    with open_site(backend, demo_storyline=True) as site:
        before = quantity(site, BALLOON)
        done = act(
            site,
            action="use",
            place=THEATRE,
            items=[{"elementString": "]d2010952114106000110B2201"}],
            useType="consumed",
        )
        assert done["event"]["bizStep"] == "dispensing"
        assert quantity(site, BALLOON) == before - 1
        last = site.get("cordia", "/consignment/ownership-transfers")["transfers"][-1]
        assert (last["from"], last["to"], last["eventID"]) == (CORDIA, NORTHGATE, done["eventID"])


def test_a_retry_of_an_action_changes_nothing_though_the_ledger_has_moved(open_site: Callable[..., Any]) -> None:
    """Rejects comparing the rebuilt event: after the use its owner is another, and the retry would get 409."""
    request = {
        "action": "use",
        "eventID": "urn:uuid:5d1c7d6a-0000-4000-8000-000000000001",
        "eventTime": "2026-11-01T10:00:00Z",
        "eventTimeZoneOffset": "+01:00",
        "place": THEATRE,
        "items": [{"epcClass": BALLOON, "quantity": 2}],
        "useType": "consumed",
    }
    with open_site(demo_storyline=True) as site:
        first = act(site, **request)
        left = quantity(site, BALLOON)
        assert act(site, **request)["event"] == first["event"]
        assert quantity(site, BALLOON) == left
        other = site.request(CLINICAL, "POST", "/consignment/actions", json=request | {"useType": "wasted"})
        assert other.status_code == 409


def test_goods_travel_from_commissioning_to_use_and_back_by_actions_alone(site: Site) -> None:
    """Every action once, as a supplier and a hospital without other systems would."""
    serial = "https://id.gs1.org/01/09521141010235/21/A1"
    label = "]d20109521141010235172812311" + "0L9\x1d21A1"
    dock = {"gln": "4012345000016", "extension": "DOCK1"}
    cabinet = {"gln": "4012345000016", "extension": "CAB"}
    ward = {"gln": "4012345000016", "extension": "WARD"}
    warehouse = {"gln": "9521141000106"}
    act(site, "cordia", action="commission", place=warehouse, items=[{"elementString": label}])
    act(site, "cordia", action="ship", place=warehouse, items=[{"epc": serial}], counterparty=NORTHGATE)
    assert [row["status"] for row in site.get("cordia", "/consignment/stock")["items"]] == ["in_transit"]
    received = act(site, action="receive", place=dock, items=[{"elementString": label}])
    assert received["warnings"] == []
    act(site, action="put_away", place=cabinet, items=[{"epc": serial}])
    act(site, action="transfer", place=ward, items=[{"epc": serial}])
    act(site, action="count", place=ward, items=[{"epc": serial}], countScope="complete")
    (row,) = site.get(CLINICAL, "/consignment/stock")["items"]
    assert (row["place"], row["owner"], row["holder"]) == (
        "https://id.gs1.org/414/4012345000016/254/WARD",
        CORDIA,
        NORTHGATE,
    )
    act(site, action="return", place=ward, items=[{"epc": serial}], reason="surplus")
    act(site, "cordia", action="receive", place=warehouse, items=[{"epc": serial}])
    (row,) = site.get("cordia", "/consignment/stock")["items"]
    assert (row["owner"], row["holder"], row["status"]) == (CORDIA, CORDIA, "on_hand")
    assert site.get(CLINICAL, "/consignment/stock")["items"] == []
    assert site.get("cordia", "/consignment/conflicts")["conflicts"] == []


def test_an_action_on_goods_of_two_owners_makes_one_event_for_each(site: Site) -> None:
    """A shared event would show one supplier the other's goods."""
    place = {"gln": "4012345000016", "extension": "CAB"}
    mine, theirs = "https://id.gs1.org/01/09521141010235/21/A1", "https://id.gs1.org/01/09506000117843/21/B1"
    done = act(site, action="receive", place=place, items=[{"epc": mine}, {"epc": theirs}])
    assert len(done["eventIDs"]) == 2
    for name, epc in (("cordia", mine), ("rival-supplier", theirs)):
        assert [event["epcList"] for event in site.events(name)] == [[epc]]


def test_a_rivals_claim_moves_nothing_and_is_told_to_the_owner(open_site: Callable[..., Any]) -> None:
    """Rival ships Cordia's serial. Rejects a ledger that believes whoever speaks."""
    valve = "https://id.gs1.org/01/09521141010235/21/V23-0007"
    with open_site(demo_storyline=True) as site:
        before = site.get("cordia", "/consignment/stock")["items"]
        act(
            site,
            "rival-supplier",
            action="ship",
            place={"gln": "9506000000008"},
            items=[{"epc": valve}],
            counterparty=NORTHGATE,
        )
        assert site.get("cordia", "/consignment/stock")["items"] == before
        assert "claimed" in {row["kind"] for row in site.get("cordia", "/consignment/conflicts")["conflicts"]}
        assert len(site.events("rival-supplier")) == 1
        assert site.get("rival-supplier", "/consignment/stock")["items"] == []


@pytest.mark.parametrize(
    ("request_body", "path"),
    [
        ({"action": "use", "place": THEATRE, "items": []}, "items"),
        ({"action": "zap", "place": THEATRE, "items": [{"epc": "urn:x:y"}]}, "action"),
        ({"action": "count", "place": {}, "items": [{"epc": "urn:x:y"}]}, "place"),
        ({"action": "count", "place": THEATRE, "items": [{}]}, "items[0]"),
        ({"action": "count", "place": THEATRE, "items": [{"epc": "urn:x:y"}], "extra": 1}, "extra"),
        (
            {"action": "count", "place": THEATRE, "items": [{"elementString": "(01)09521141010236(21)A"}]},
            "items[0].elementString",
        ),
        ({"action": "ship", "place": THEATRE, "items": [{"epc": "urn:x:y"}]}, "counterparty"),
    ],
)
def test_a_wrong_action_is_refused_with_the_path_of_its_field(
    story: Site, request_body: dict[str, Any], path: str
) -> None:
    answer = story.request(CLINICAL, "POST", "/consignment/actions", json=request_body)
    assert answer.status_code == 400
    assert path in {finding["path"] for finding in answer.json()["errors"]}


def test_a_picture_is_read_and_judged(site: Site) -> None:
    """Show 2, for one picture: the label's text and its UDI."""
    labels = orjson.loads(shared("barcodes/images/labels.json").read_bytes())["images"]
    chosen = next(one for one in labels if one["file"].startswith("gs1dm-clean"))
    picture = shared(f"barcodes/images/{chosen['file']}").read_bytes()
    answer = site.request(CLINICAL, "POST", "/scan", content=picture, headers={"Content-Type": "image/jpeg"})
    assert answer.status_code == 200
    (symbol,) = answer.json()["symbols"]
    assert symbol["text"] == chosen["symbols"][0]["text"]
    assert symbol["confirmed"]
    assert symbol["udi"]["di"] == "04066048764751"
    assert symbol["epcClass"] == "https://id.gs1.org/01/04066048764751/10/Y8J86G-9"


def test_a_picture_without_a_symbol_answers_what_was_tried(site: Site) -> None:
    blank = cv2.imencode(".png", np.full((200, 200), 255, np.uint8))[1].tobytes()
    answer = site.request(CLINICAL, "POST", "/scan", content=blank, headers={"Content-Type": "image/png"})
    assert answer.status_code == 200
    assert answer.json()["symbols"] == []
    assert answer.json()["tried"]


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("image/png", b"no picture", 400),
        ("image/png", b"", 400),
        ("text/plain", b"x", 415),
        ("application/json", b'{"text": "x"}', 400),
        ("application/json", b"[]", 400),
        ("image/png", b"x" * 8_000_001, 413),
    ],
)
def test_what_is_no_picture_is_refused(story: Site, content_type: str, body: bytes, status: int) -> None:
    answer = story.request(CLINICAL, "POST", "/scan", content=body, headers={"Content-Type": content_type})
    assert answer.status_code == status


def test_a_session_stands_for_its_key_until_it_ends(site: Site) -> None:
    """ASVS 3.5. Rejects cookies that scripts can read, and changes by a cookie alone."""
    key = site.server.keys[CLINICAL]
    web = {"X-Traceward-Client": "web"}
    assert site.request(None, "POST", "/session", json={"key": key}).status_code == 403
    assert site.request(None, "POST", "/session", json={"key": key + "x"}, headers=web).status_code == 401
    opened = site.request(None, "POST", "/session", json={"key": key}, headers=web)
    assert opened.status_code == 200
    cookie = opened.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert site.request(None, "GET", "/session").json()["role"] == "clinical"
    assert site.request(None, "GET", "/consignment/stock").status_code == 200
    action = {"action": "count", "place": THEATRE, "items": [{"epc": "https://id.gs1.org/01/09521141010235/21/A"}]}
    assert site.request(None, "POST", "/consignment/actions", json=action).status_code == 403
    assert site.request(None, "POST", "/consignment/actions", json=action, headers=web).status_code == 201
    assert site.request(None, "DELETE", "/session", headers=web).status_code == 204
    assert site.request(None, "GET", "/session").status_code == 401


def test_keys_are_made_listed_and_revoked_by_the_administrator_alone(site: Site) -> None:
    made = site.request(
        "admin", "POST", "/admin/keys", json={"organisation": CORDIA, "role": "supplier", "name": "line 4"}
    )
    assert made.status_code == 201
    key = made.json()
    headers = {"Authorization": f"Bearer {key['key']}"}
    assert site.request(None, "GET", "/epcis/events", headers=headers).status_code == 200
    listed = site.request("admin", "GET", "/admin/keys")
    assert key["id"] in listed.text
    assert key["key"].rpartition("_")[2] not in listed.text
    assert site.request("cordia", "GET", "/admin/keys").status_code == 403
    assert site.request("admin", "DELETE", f"/admin/keys/{key['id']}").status_code == 204
    assert site.request(None, "GET", "/epcis/events", headers=headers).status_code == 401
    assert site.request("admin", "DELETE", f"/admin/keys/{key['id']}").status_code == 404


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_new_organisation_sees_what_concerned_it_before(backend: str, open_site: Callable[..., Any]) -> None:
    """Rejects visibility that is fixed at capture for the organisations of that day."""
    with open_site(backend) as site:
        event = {
            "@context": "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
            "type": "ObjectEvent",
            "eventID": "urn:uuid:1",
            "eventTime": "2026-05-01T10:00:00Z",
            "eventTimeZoneOffset": "+00:00",
            "action": "OBSERVE",
            "bizStep": "shipping",
            "epcList": ["https://id.gs1.org/01/09521141010235/21/A1"],
            "sourceList": [{"type": "possessing_party", "source": CORDIA}],
            "destinationList": [{"type": "possessing_party", "destination": "https://id.gs1.org/417/0614141000005"}],
        }
        assert site.request("cordia", "POST", "/epcis/events", json=event).status_code == 201
        organisation = {
            "id": "urn:epc:id:pgln:0614141.00000",
            "name": "Carrier",
            "companyPrefixes": ["0614141"],
        }
        assert site.request("admin", "POST", "/admin/organisations", json=organisation).status_code == 201
        assert site.request("admin", "POST", "/admin/organisations", json=organisation).status_code == 409
        names = [one["name"] for one in site.get("admin", "/admin/organisations")["organisations"]]
        assert "Carrier" in names
        made = site.request(
            "admin", "POST", "/admin/keys", json={"organisation": organisation["id"], "role": "supplier"}
        ).json()
        headers = {"Authorization": f"Bearer {made['key']}"}
        found = site.request(None, "GET", "/epcis/events", headers=headers).json()
        assert len(found["epcisBody"]["queryResults"]["resultsBody"]["eventList"]) == 1
        assert len(site.events("cordia")) == 1
        assert site.events("rival-supplier") == []


def test_a_first_run_has_one_key_file_and_one_code_that_works_once(tmp_path: Any) -> None:
    """First run; ASVS 6.3.2. Rejects default credentials and codes that can be used again."""
    folder = tmp_path / "data"
    with running_server(folder) as server, httpx.Client(base_url=server.url) as http:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        file = folder / "admin-key"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        headers = {"Authorization": f"Bearer {file.read_text().strip()}"}
        assert http.get("/admin/keys", headers=headers).status_code == 200
        assert http.get("/epcis/events", headers=headers).status_code == 403
        code = server.app.state.first_run.code
        organisation = {"id": CORDIA, "name": "Cordia", "companyPrefixes": ["9521141"]}
        assert http.post("/setup", json={"code": "wrong"}).status_code == 401
        done = http.post("/setup", json={"code": code, "organisation": organisation})
        assert done.status_code == 200
        admin = {"Authorization": f"Bearer {done.json()['key']}"}
        assert http.get("/admin/organisations", headers=admin).json()["organisations"][0]["name"] == "Cordia"
        assert http.post("/setup", json={"code": code}).status_code == 401


def hearing(site: Site, topic: str, names: tuple[str, ...], change: Callable[[], object]) -> dict[str, bool]:
    """Who, of the listeners at /live, heard of a topic within three seconds after the change."""
    heard = {name: threading.Event() for name in names}
    opened = {name: threading.Event() for name in names}

    def listen(name: str) -> None:
        headers = {"Authorization": f"Bearer {site.server.keys[name]}"}
        with httpx.stream("GET", f"{site.server.url}/live", headers=headers, timeout=3) as stream:
            try:
                for line in stream.iter_lines():
                    opened[name].set()
                    if line.startswith("data:"):
                        assert line == "data: {}"
                    if line == f"event: {topic}":
                        heard[name].set()
                    elif line == "" and heard[name].is_set():
                        return
            except httpx.ReadTimeout:
                return

    threads = [threading.Thread(target=listen, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    assert all(event.wait(10) for event in opened.values())
    change()
    for thread in threads:
        thread.join()
    return {name: event.is_set() for name, event in heard.items()}


def test_a_page_hears_that_its_stock_changed(site: Site) -> None:
    """Server-sent events. Rejects a stream that tells every party of every change."""

    def receive() -> None:
        item = {"epc": "https://id.gs1.org/01/09521141010235/21/A1"}
        act(site, action="receive", place={"gln": "4012345000016"}, items=[item])

    heard = hearing(site, "stock", (CLINICAL, "rival-supplier"), receive)
    assert heard == {CLINICAL: True, "rival-supplier": False}


def test_both_sides_pages_hear_that_an_alert_changed_and_a_third_hears_nothing(open_site: Callable[..., Any]) -> None:
    """Rejects a stream that calls an acknowledgement a change of stock, and one that tells its own side alone."""
    with open_site(demo_storyline=True) as site:
        (alert, *_) = site.get("cordia", "/alerts?perPage=5")["alerts"]
        names = ("cordia", "northgate-supply", "rival-supplier")

        def acknowledge() -> None:
            told = site.request("cordia", "POST", f"/alerts/{alert['id']}/acknowledge", json={"note": "seen"})
            assert told.status_code == 200, told.text

        heard = hearing(site, "alerts", names, acknowledge)
        assert heard == {"cordia": True, "northgate-supply": True, "rival-supplier": False}


def test_health_tells_life_and_readiness_without_a_key(story: Site) -> None:
    assert story.request(None, "GET", "/health/live").status_code == 200
    assert story.request(None, "GET", "/health/ready").status_code == 200


def test_openapi_describes_every_operation_that_clients_use(story: Site) -> None:
    paths = story.get("admin", "/openapi.json")["paths"]
    for path in ("/scan", "/consignment/actions", "/consignment/stock", "/trace/lot", "/epcis/events", "/admin/keys"):
        assert path in paths

"""P6 and P7 of docs/promises.md: a phone is enough; what it reads is judged before and after it is believed."""

import http.client
from typing import Any

import cv2
import numpy as np
import orjson
import pytest

from api.conftest import BACKENDS, Site
from api.flows import CABINET, at, capture, day, delivered, event, lot, serial
from api.test_agreements import SCREW, SITE, VALVE
from scanner.pictures import jpeg, symbol

THEATRE = {"id": f"{SITE}/254/OR3"}
PHONE_PIXELS = (4032, 3024)
NURSE = "northgate-supply"


def photo(text: str, kind: str = "DataMatrix") -> bytes:
    """A JPEG as a phone takes it: 12 megapixels, the label small, askew and unevenly lit."""
    label = symbol(text, kind, scale=9)
    height, width = PHONE_PIXELS
    turn = cv2.getRotationMatrix2D((label.shape[1] / 2, label.shape[0] / 2), 11, 1.0)
    turn[:, 2] += np.array((width * 0.35, height * 0.4))
    table = np.tile(np.linspace(120, 190, width), (height, 1)).astype(np.uint8)
    mask = cv2.warpAffine(np.full_like(label, 255), turn, (width, height))
    drawn = cv2.warpAffine(label, turn, (width, height))
    return jpeg(np.where(mask > 0, (drawn * 0.7 + table * 0.2).astype(np.uint8), table), quality=85)


def sent_and_lost(site: Site, name: str, body: dict[str, Any]) -> None:
    """An action that is sent as the network goes: nobody reads its answer."""
    connection = http.client.HTTPConnection(site.server.url.removeprefix("http://"), timeout=30)
    headers = {"Authorization": f"Bearer {site.server.keys[name]}", "Content-Type": "application/json"}
    connection.request("POST", "/consignment/actions", orjson.dumps(body), headers)
    connection.close()


@pytest.mark.parametrize("backend", BACKENDS)
def test_P6_a_phone_photo_becomes_an_event_and_scans_without_network_arrive_once(backend: str, open_site: Any) -> None:
    """Rejects identity and time made by the server (what is sent again would be booked twice, at the time of the
    network's return), a queue that trusts lost answers, and a decoder that wants a scanner's tidy picture.
    """
    with open_site(backend) as site:
        numbers: list[str] = [f"P6-{number}" for number in range(6)]
        delivered(site, {"epcList": [serial(VALVE, one)["epcList"][0] for one in numbers]}, day(400))
        picture = photo(f"(01){VALVE}(17)300131(21){numbers[0]}")
        read = site.request(NURSE, "POST", "/scan", content=picture, headers={"Content-Type": "image/jpeg"}).json()
        (item,) = read["items"]
        (seen,) = [read["symbols"][index] for index in item["symbols"]]
        assert (item["confirmed"], item["udi"]["serialNumber"]) == (True, numbers[0])
        used = {
            "action": "use", "place": THEATRE, "from": {"id": CABINET}, "useType": "implanted",
            "items": [{"elementString": seen["symbologyIdentifier"] + seen["text"]}],
        }  # fmt: skip
        answer = site.request(NURSE, "POST", "/consignment/actions", json=used)
        assert answer.status_code == 201, answer.text
        assert answer.json()["event"]["epcList"] == [f"https://id.gs1.org/01/{VALVE}/21/{numbers[0]}"]

        queue = [
            used | {
                "items": [{"elementString": f"]d201{VALVE}21{number}"}], "eventID": f"urn:uuid:queue-{number}",
                "eventTime": at(-1 - index / 100), "eventTimeZoneOffset": "+02:00",
            }
            for index, number in enumerate(numbers[1:])
        ]  # fmt: skip
        for action in queue[:3]:
            sent_and_lost(site, NURSE, action)
        for action in [*queue, *reversed(queue)]:
            assert site.request(NURSE, "POST", "/consignment/actions", json=action).status_code == 201
        for name in (NURSE, "cordia"):
            found = [one for one in site.events(name) if one["eventID"].startswith("urn:uuid:queue-")]
            told = sorted((one["eventID"], one["eventTime"], one["eventTimeZoneOffset"]) for one in found)
            wanted = sorted((one["eventID"], one["eventTime"], one["eventTimeZoneOffset"]) for one in queue)
            assert [(a, b[:19], c) for a, b, c in told] == [(a, b[:19], c) for a, b, c in wanted]
        passed = site.get("cordia", "/consignment/ownership-transfers")["transfers"]
        assert sorted(one["serial"] for one in passed) == numbers


GOOD = (
    ("]d2", f"01{VALVE}1728013110L23\x1d21GOOD", "2028-01-31"),
    ("]C1", f"01{VALVE}17280200\x1d21GOOD".replace("\x1d", ""), "2028-02-29"),
    ("]Q3", f"21GOOD\x1d01{VALVE}17280131", "2028-01-31"),
    ("]Q1", f"https://id.gs1.org/01/{VALVE}/21/GOOD?17=280131", "2028-01-31"),
)
BAD = (
    ("]d2", "010952114101023621X", "01"),
    ("]d2", f"01{VALVE}1728133110X", "17"),
    ("]d2", f"01{VALVE}1728023021X", "17"),
    ("]d2", f"01{VALVE}21" + "X" * 21, "21"),
    ("]d2", f"01{VALVE}21SERIAL WITH SPACE", "21"),
    ("]d2", f"01{VALVE}21A\x1d21B", "21"),
    ("]d2", f"01{VALVE}9912345\x1d0", None),
)


def test_P7_a_bad_symbol_is_refused_with_its_reason_and_a_doubtful_use_says_so_at_once(site: Site) -> None:
    """Rejects a parser that reads what it can (a wrong digit becomes another product), a day 00 taken for the first
    of the month, a client that is told nothing because the fact was stored, and typing that passes for scanning.
    """
    for identifier, text, expiry in GOOD:
        (read,) = _scanned(site, identifier, text)["symbols"]
        assert [one for one in read["findings"] if one["severity"] == "error"] == [], text
        assert read["udi"]["expirationDate"] == expiry, text
    for identifier, text, ai in BAD:
        read = _scanned(site, identifier, text)
        errors = [finding for one in (*read["symbols"], *read["items"]) for finding in one["findings"]]
        errors = [one for one in errors if one["severity"] == "error"]
        assert all(one["code"] and one["message"] for one in errors)
        assert ai in {one["ai"] for one in errors}, (text, errors)
        refused = _used(site, {"elementString": identifier + text}, status=400)
        assert refused["errors"][0]["path"] == "items[0].elementString"
        assert refused["errors"][0]["code"] in {one["code"] for one in errors}
    assert site.events(NURSE) == []

    delivered(site, serial(VALVE, "FRESH"), day(400))
    delivered(site, serial(VALVE, "OLD"), day(-2), days=-30)
    delivered(site, lot(SCREW, "BAD", 5), day(400))
    notice: dict[str, Any] = {"persistentDisposition": {"set": ["recalled"]}, "disposition": "recalled"}
    capture(site, "cordia", event(-1, "holding", quantityList=[{"epcClass": _class("BAD")}], **notice))
    assert _warned(site, {"elementString": f"]d201{VALVE}21FRESH"}) == set()
    assert "consumed_twice" in _warned(site, {"elementString": f"]d201{VALVE}21FRESH"})
    assert {"expired", "used_expired"} <= _warned(site, {"elementString": f"]d201{VALVE}21OLD"})
    assert "used_recalled" in _warned(site, {"elementString": f"]d201{SCREW}10BAD", "quantity": 1})
    assert "unknown_item" in _warned(site, {"elementString": f"]d201{VALVE}21NOBODY-KNOWS"})

    (critical,) = site.get("cordia", "/consignment/conflicts?kind=used_expired&state=open")["conflicts"]
    closing = f"/consignment/conflicts/{critical['id']}/explain"
    assert site.request(NURSE, "POST", closing, json={"reason": "seen"}).status_code == 403
    taken = site.request("northgate-clinical", "POST", closing, json={"reason": "the surgeon knew"})
    assert taken.json()["state"] == "explained"

    delivered(site, serial(VALVE, "TYPED"), day(400))
    typed = _used(site, {"elementString": f"(01){VALVE}(21)TYPED", "typed": True})
    assert typed["event"]["mcx:deviceMode"] == "manual"
    assert "mcx:deviceMode" not in _used(site, {"epc": _valve("TYPED")})["event"]


def _class(number: str) -> str:
    return f"https://id.gs1.org/01/{SCREW}/10/{number}"


def _valve(number: str) -> str:
    return f"https://id.gs1.org/01/{VALVE}/21/{number}"


def _scanned(site: Site, identifier: str, text: str) -> Any:
    answer = site.request(NURSE, "POST", "/scan", json={"symbologyIdentifier": identifier, "text": text})
    assert answer.status_code == 200, answer.text
    return answer.json()


def _used(site: Site, item: dict[str, Any], status: int = 201) -> Any:
    body = {"action": "use", "place": THEATRE, "from": {"id": CABINET}, "useType": "consumed", "items": [item]}
    answer = site.request(NURSE, "POST", "/consignment/actions", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def _warned(site: Site, item: dict[str, Any]) -> set[str]:
    return {one["code"] for one in _used(site, item)["warnings"]}

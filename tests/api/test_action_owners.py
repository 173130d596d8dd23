"""Whose goods an action says that it acts upon, where a lot has been used before or has two owners."""

import uuid
from typing import Any

import pytest

from api.conftest import Site
from api.flows import CABINET, capture, day, delivered, event, lot
from api.test_agreements import CORDIA, NORTHGATE, SCREW, SITE

CLASS = f"https://id.gs1.org/01/{SCREW}/10/S1"


def act(site: Site, action: str, quantity: int, **fields: Any) -> dict[str, Any]:
    """An action of the hospital on the lot, which must be taken."""
    body = {"action": action, "place": {"id": f"{SITE}/254/OR3"}, "items": [{"epcClass": CLASS, "quantity": quantity}]}
    answer = site.request("northgate-supply", "POST", "/consignment/actions", json=body | fields)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def owners(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """From whom to whom ownership goes, by each event's kind of party."""
    event_said = answer["event"]
    givers = [one["source"] for one in event_said["sourceList"] if one["type"] == "owning_party"]
    takers = [one["destination"] for one in event_said["destinationList"] if one["type"] == "owning_party"]
    return list(zip(givers, takers, strict=True))


@pytest.fixture
def stocked(site: Site) -> Site:
    """Ten screws of Cordia in the hospital's cabinet."""
    delivered(site, lot(SCREW, "S1", 10), day(300))
    return site


def test_every_use_of_a_lot_takes_it_from_its_supplier(stocked: Site) -> None:
    """Rejects the owner of whatever part of the lot the book has first: once used, that is the hospital itself, and
    later uses would pass no ownership, cost nothing, and go unnoticed. The eleventh of ten is beyond the book, and
    passes all the same.
    """
    for quantity, kind in ((2, "implanted"), (1, "wasted"), (3, "consumed"), (4, "implanted"), (1, "implanted")):
        assert owners(act(stocked, "use", quantity, useType=kind)) == [(CORDIA, NORTHGATE)]
    transfers = stocked.get("cordia", "/consignment/ownership-transfers")["transfers"]
    assert sorted(one["quantity"] for one in transfers if not one["voided"]) == ["1", "1", "2", "3", "4"]


def test_what_is_left_of_a_used_lot_goes_back_as_its_suppliers(stocked: Site) -> None:
    """Rejects a return that names the hospital as owner because it owns what it has implanted of the lot."""
    act(stocked, "use", 2, useType="implanted")
    act(stocked, "transfer", 8, place={"id": f"{SITE}/254/QUAR"}, **{"from": {"id": CABINET}})
    answer = act(stocked, "return", 8, place={"id": f"{SITE}/254/QUAR"})
    assert owners(answer) == [(CORDIA, CORDIA)]
    assert answer["warnings"] == []


def test_of_two_owners_at_a_place_the_one_who_has_enough_is_named(stocked: Site) -> None:
    """Rejects the first owner of the list: the hospital bought two, and six cannot be of those."""
    ends = {
        "sourceList": [{"type": "owning_party", "source": CORDIA}, {"type": "location", "source": CABINET}],
        "destinationList": [
            {"type": "owning_party", "destination": NORTHGATE},
            {"type": "location", "destination": CABINET},
        ],
    }
    here = {"readPoint": {"id": CABINET}, "bizLocation": {"id": CABINET}}
    capture(stocked, "northgate-supply", event(-1, "accepting", **here, **ends, **lot(SCREW, "S1", 2)))
    assert owners(act(stocked, "use", 6, useType="implanted")) == [(CORDIA, NORTHGATE)]


SECOND_EVENTS = uuid.UUID("6a5c1b1e-8f0c-5d6e-9a37-3a2f0a9c7b55")


def test_an_action_of_two_owners_goods_is_captured_whole_or_not_at_all(stocked: Site) -> None:
    """Rejects a commit for each of its events: what one of them, or a crash between them, leaves half done is answered
    to every retry as another action, so that the rest of what was used is never recorded.
    """
    other = f"https://id.gs1.org/01/{SCREW}/10/S2"
    delivered(stocked, lot(SCREW, "S2", 5), day(300), place=f"{SITE}/254/STORE")
    first = "urn:uuid:7d0a4a3c-1f0e-4f4b-9d5e-0c8a52c7f901"
    second = f"urn:uuid:{uuid.uuid5(SECOND_EVENTS, f'{first} 1')}"
    taken = event(-1, "inspecting", eventID=second, readPoint={"id": CABINET}, **lot(SCREW, "S1", 1))
    capture(stocked, "northgate-supply", taken)
    body = {
        "action": "use",
        "place": {"id": f"{SITE}/254/OR3"},
        "items": [{"epcClass": CLASS, "quantity": 2}, {"epcClass": other, "quantity": 1}],
        "eventID": first,
        "useType": "consumed",
    }
    refused = stocked.request("northgate-supply", "POST", "/consignment/actions", json=body)
    assert refused.status_code == 409, refused.text
    assert stocked.request("northgate-supply", "GET", f"/epcis/events/{first}").status_code == 404
    made = stocked.request(
        "northgate-supply", "POST", "/consignment/actions", json=body | {"eventID": f"{first[:-1]}2"}
    )
    assert len(made.json()["eventIDs"]) == 2

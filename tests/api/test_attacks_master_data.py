"""Master data of others: no event of one's own making opens it, nor does a place that two suppliers share."""

from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import quote

import pytest

from . import planted
from .conftest import BACKENDS, Site
from .planted import CORDIA, NORTHGATE, RIVAL

THEATRE: Final = "https://id.gs1.org/414/4012345000016/254/OR3"
VALVE: Final = "https://id.gs1.org/01/09521141010235"
NOTE, PRICE = "https://cordia.example/note", "https://cordia.example/listPrice"
SECRETS: Final = ("gives us twelve percent", "4200-EUR")
_PLACE, _CLASS = "urn:epcglobal:epcis:vtyp:BusinessLocation", "urn:epcglobal:epcis:vtyp:EPCClass"


def _declare(site: Site, name: str, identifier: str, kind: str, attribute: str, value: str) -> None:
    path = f"/masterdata/elements/{quote(identifier, safe='')}"
    body = {"type": kind, "attributes": [{"id": attribute, "attribute": value}]}
    assert site.request(name, "PUT", path, json=body).status_code == 200


def _event(number: int, step: str, owner: str, **fields: Any) -> dict[str, Any]:
    def ends(kind: str) -> list[dict[str, str]]:
        goes_to = NORTHGATE if kind == "destination" else owner
        return [{"type": "possessing_party", kind: goes_to}, {"type": "owning_party", kind: owner}]

    return {
        "type": "ObjectEvent",
        "eventID": f"https://x.example/{number}",
        "eventTime": f"2026-07-01T10:00:{number:02d}Z",
        "eventTimeZoneOffset": "+00:00",
        "action": "OBSERVE",
        "bizStep": step,
        "sourceList": ends("source"),
        "destinationList": ends("destination"),
    } | fields


@pytest.fixture(scope="module", params=BACKENDS)
def shelf(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    """A theatre to which both suppliers deliver; Cordia has written notes on it and on its own product."""
    with open_site(request.param) as site:
        here = {"readPoint": {"id": THEATRE}, "bizLocation": {"id": THEATRE}}
        own, other = {"epcList": [f"{VALVE}/21/A1"]}, {"epcList": ["https://id.gs1.org/01/09506000117843/21/B1"]}
        for name, event in (
            ("cordia", _event(1, "shipping", CORDIA, **own)),
            ("rival-supplier", _event(2, "shipping", RIVAL, **other)),
            ("northgate-supply", _event(3, "receiving", CORDIA, **own, **here)),
            ("northgate-supply", _event(4, "receiving", RIVAL, **other, **here)),
        ):
            assert site.job(name, site.capture(name, planted.body_of(event)))["success"]
        _declare(site, "cordia", THEATRE, _PLACE, NOTE, SECRETS[0])
        _declare(site, "cordia", VALVE, _CLASS, PRICE, SECRETS[1])
        # The attack: an event of the rival's own that names the product and, once more, the place.
        claim = _event(5, "inspecting", RIVAL, epcList=[f"{VALVE}/21/GUESS"], **here)
        assert site.job("rival-supplier", site.capture("rival-supplier", planted.body_of(claim)))["success"]
        yield site


def test_an_event_of_ones_own_opens_nobodys_master_data(shelf: Site) -> None:
    """Rejects "whoever sees an event that names it": the rival made that event itself, and read Cordia's list price."""
    for identifier in (VALVE, THEATRE):
        path = f"/masterdata/elements/{quote(identifier, safe='')}?versions=true"
        assert shelf.request("rival-supplier", "GET", path).status_code == 404
        assert shelf.request("northgate-supply", "GET", path).status_code == 200
    for kind in ("BusinessLocation", "EPCClass"):
        page = shelf.request("rival-supplier", "GET", f"/masterdata/vocabularies/{kind}/elements?perPage=500")
        assert not any(secret in page.text for secret in SECRETS), page.text
    assert shelf.get("rival-supplier", "/masterdata/vocabularies") == {"vocabularies": []}


@pytest.mark.parametrize(
    "question",
    [
        f"HASATTR_bizLocation={NOTE}",
        f"EQATTR_bizLocation_{NOTE}={SECRETS[0]}",
        f"HASATTR_epcClass={PRICE}",
        f"EQATTR_epcClass_{PRICE}={SECRETS[1]}",
    ],
)
def test_attributes_of_others_select_no_event(shelf: Site, question: str) -> None:
    """Rejects a query that tells by its answer what another supplier wrote: one may ask for value after value."""
    assert shelf.events("rival-supplier", question) == []
    if "bizLocation" in question:
        assert [event["eventID"] for event in shelf.events("northgate-supply", question)]


def test_a_box_sent_to_a_competitor_does_not_open_its_master_data(shelf: Site) -> None:
    """Rejects a dealing that one side can bring about alone: handing goods over tells the receiver, not the sender."""
    gift = _event(6, "shipping", RIVAL, epcList=["https://id.gs1.org/01/09506000117843/21/GIFT"])
    for entry, kind in ((gift["destinationList"][0], "destination"),):
        entry[kind] = CORDIA
    assert shelf.job("rival-supplier", shelf.capture("rival-supplier", planted.body_of(gift)))["success"]
    path = f"/masterdata/elements/{quote(VALVE, safe='')}"
    assert shelf.request("rival-supplier", "GET", path).status_code == 404

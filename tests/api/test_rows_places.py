"""C1 of docs/promises.md: stock that lies in many small places adds up, place by place, to the whole."""

import random
from collections import Counter
from typing import Any

import pytest

from api.conftest import BACKENDS, Site
from api.flows import CABINET, capture, day, delivered, event, lot, serial
from api.test_agreements import SCREW, SITE, VALVE

NURSE = "northgate-supply"
ANNEX = "https://id.gs1.org/414/4012345000023"
"""Another building of the hospital: its GLN says nothing of the site that it belongs to."""
FLOOR, THEATRES, WARD = f"{SITE}/254/F1", f"{SITE}/254/THEATRES", f"{ANNEX}/254/WARD7"
TREE = {
    SITE: [FLOOR, ANNEX],
    FLOOR: [THEATRES],
    THEATRES: [CABINET, f"{SITE}/254/OR4-CAB1"],
    ANNEX: [WARD],
    WARD: [f"{WARD}-A", f"{WARD}-B"],
}
LEAVES = [place for children in TREE.values() for place in children if place not in TREE]


def below(place: str) -> list[str]:
    """A place and all that are below it."""
    return [place, *(one for child in TREE.get(place, ()) for one in below(child))]


def on_hand(site: Site, name: str, query: str) -> Counter[str]:
    """Quantity of each item, over all pages."""
    found: Counter[str] = Counter()
    path = f"/consignment/stock?perPage=3&status=on_hand&{query}"
    while path:
        answer = site.request(name, "GET", path)
        assert answer.status_code == 200, answer.text
        for row in answer.json()["items"]:
            found[row["item"]] += int(row["quantity"])
        path = answer.links.get("next", {}).get("url", "")
    return found


def moved(site: Site, goods: dict[str, Any], start: str, end: str, days: float) -> None:
    """Goods that a nurse carries from one place to another."""
    ends: dict[str, Any] = {"sourceList": [{"type": "location", "source": start}]}
    ends["destinationList"] = [{"type": "location", "destination": end}]
    capture(site, NURSE, event(days, "storing", readPoint={"id": end}, bizLocation={"id": end}, **goods, **ends))


@pytest.mark.parametrize("backend", BACKENDS)
def test_C1_stock_of_a_place_is_the_sum_of_what_lies_below_it(backend: str, open_site: Any) -> None:
    """Rejects a roll-up by the text of identifiers alone (the annex has another GLN), one that counts a place once for
    each way that leads to it, and one that loses or doubles a row at a page's end.
    """
    rng = random.Random(1)
    with open_site(backend) as site:
        elements = [{"id": place, "children": children} for place, children in TREE.items()]
        vocabulary = {"type": "urn:epcglobal:epcis:vtype:BusinessLocation", "vocabularyElementList": elements}
        declared = site.request(NURSE, "POST", "/masterdata/vocabularies", json={"vocabularyList": [vocabulary]})
        assert declared.status_code == 200, declared.text
        delivered(site, lot(SCREW, "SUM", 60), day(400))
        serials = [f"C1-{number}" for number in range(8)]
        delivered(site, {"epcList": [serial(VALVE, one)["epcList"][0] for one in serials]}, day(400))
        there = Counter({CABINET: 60})
        at = dict.fromkeys(serials, CABINET)
        for step in range(18):
            days = -2 + step / 20
            start = rng.choice([place for place in LEAVES if there[place]])
            end = rng.choice([place for place in LEAVES if place != start])
            quantity = rng.randint(1, there[start])
            moved(site, lot(SCREW, "SUM", quantity), start, end, days)
            there[start], there[end] = there[start] - quantity, there[end] + quantity
            carried = rng.choice(serials)
            if at[carried] != end:
                moved(site, serial(VALVE, carried), at[carried], end, days)
                at[carried] = end
        screw = f"https://id.gs1.org/01/{SCREW}/10/SUM"
        for place in below(SITE):
            inside = below(place)
            wanted = Counter({_valve(one): 1 for one, where in at.items() if where in inside})
            if quantity := sum(there[one] for one in inside):
                wanted[screw] = quantity
            whole = on_hand(site, NURSE, f"within={place}")
            assert whole == wanted, place
            parts = [on_hand(site, NURSE, f"within={child}") for child in TREE.get(place, ())]
            assert whole == sum(parts, on_hand(site, NURSE, f"place={place}"))
        now = site.get(NURSE, "/consignment/stock")["asOf"]
        assert on_hand(site, NURSE, f"within={SITE}&asOf={now}") == on_hand(site, NURSE, f"within={SITE}")
        leaves = [on_hand(site, "cordia", f"within={place}") for place in LEAVES]
        assert sum(leaves, Counter()) == on_hand(site, NURSE, f"within={SITE}") == on_hand(site, "cordia", "")
        assert on_hand(site, "rival-supplier", f"within={SITE}") == Counter()
        for place in (SITE, THEATRES, ANNEX):
            seen = {one["eventID"] for one in site.events(NURSE, f"perPage=1000&WD_bizLocation={place}")}
            each = [{e["eventID"] for e in site.events(NURSE, f"EQ_bizLocation={one}")} for one in below(place)]
            assert seen == set().union(*each)


def _valve(number: str) -> str:
    return f"https://id.gs1.org/01/{VALVE}/21/{number}"

"""Days of hospital life that no plan foresees: explants, deleted labels, wrong clocks, what nothing describes."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import orjson
import pytest

from api.conftest import BACKENDS, Site
from api.flows import CABINET, DC, at, capture, day, delivered, event, lot, parties, serial
from api.test_agreements import CORDIA, NORTHGATE, SITE

VALVE = "09521141010235"
SCREW = "09521141045305"
SUPPLY = "northgate-supply"
CLINICAL = "northgate-clinical"
QUARANTINE = f"{SITE}/254/QUAR"


@pytest.fixture(scope="module", params=BACKENDS)
def ward(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    """A server on each database to which every test brings goods of its own."""
    with open_site(request.param) as site:
        yield site


def used(days: float, goods: dict[str, Any], *, action: str = "OBSERVE", how: str = "implanted") -> dict[str, Any]:
    pair = parties("owning", CORDIA, NORTHGATE)
    pair["sourceList"].append({"type": "location", "source": CABINET})
    return event(days, "dispensing", action=action, disposition="dispensed", readPoint={"id": CABINET}, **goods,
                 **pair, **{"mcx:useType": how})  # fmt: skip


def explanted(days: float, goods: dict[str, Any]) -> dict[str, Any]:
    return event(days, "holding", disposition="non_conformant", readPoint={"id": CABINET},
                 bizLocation={"id": QUARANTINE}, **goods, **{"mcx:reason": "explanted"})  # fmt: skip


def conflicts(site: Site, name: str, item: str) -> dict[str, str]:
    """Kind -> severity of the conflicts that a key reads about an item."""
    found = site.get(name, f"/consignment/conflicts?perPage=500&item={item}")["conflicts"]
    return {one["kind"]: one["severity"] for one in found}


def stock(site: Site, name: str, query: str) -> list[tuple[str, str, str, bool]]:
    """(place, status, quantity, usable) of stock, sorted."""
    found = site.get(name, f"/consignment/stock?perPage=500&{query}")["items"]
    return sorted((one["place"].rpartition("/")[2], one["status"], one["quantity"], one["usable"]) for one in found)


def test_an_explanted_quantity_comes_out_of_the_patient_and_not_off_the_shelf(ward: Site) -> None:
    """Rejects a move that takes the explanted screw from the cabinet, where ten unused ones lie."""
    goods = f"https://id.gs1.org/01/{SCREW}/10/EXPL"
    delivered(ward, lot(SCREW, "EXPL", 12), day(900))
    capture(ward, CLINICAL, used(-2, lot(SCREW, "EXPL", 2)), explanted(-1, lot(SCREW, "EXPL", 1)))
    assert stock(ward, SUPPLY, f"gtin={SCREW}&lot=EXPL") == [
        ("OR3-CAB2", "on_hand", "10", True),
        ("QUAR", "explanted", "1", False),
    ]
    assert "lot_short" not in conflicts(ward, SUPPLY, goods)
    sent = parties("possessing", NORTHGATE, CORDIA)
    sent["sourceList"].append({"type": "location", "source": QUARANTINE})
    sent["destinationList"].append({"type": "location", "destination": "https://id.gs1.org/414/9521141000106"})
    one = lot(SCREW, "EXPL", 1)
    capture(
        ward, CLINICAL, event(-0.5, "shipping", disposition="returned", readPoint={"id": QUARANTINE}, **one, **sent)
    )
    assert stock(ward, SUPPLY, f"gtin={SCREW}&lot=EXPL&status=on_hand") == [("OR3-CAB2", "on_hand", "10", True)]
    told = ward.get(CLINICAL, f"/trace/lot?gtin={SCREW}&lot=EXPL")
    amounts = {one["status"]: one["quantity"] for part in ("units", "inTransit", "sinks") for one in told[part]}
    assert amounts == {"on_hand": "10", "in_transit": "1", "implanted": "1"}


def test_an_explanted_device_is_never_usable_again_and_its_second_use_is_told(ward: Site) -> None:
    """Rejects a stay in stock, a return or a move that makes an explanted valve look new; and its second sale."""
    item = f"https://id.gs1.org/01/{VALVE}/21/EXPL-1"
    delivered(ward, serial(VALVE, "EXPL-1"), day(900), days=-9)
    capture(ward, CLINICAL, used(-5, serial(VALVE, "EXPL-1")), explanted(-4, serial(VALVE, "EXPL-1")))
    moved = event(-3.5, "storing", readPoint={"id": CABINET}, bizLocation={"id": CABINET}, **serial(VALVE, "EXPL-1"))
    capture(ward, CLINICAL, moved)
    assert stock(ward, SUPPLY, f"gtin={VALVE}&place={CABINET}") == [("OR3-CAB2", "explanted", "1", False)]
    capture(ward, CLINICAL, used(-3, serial(VALVE, "EXPL-1")))
    for name in (CLINICAL, "cordia"):
        assert conflicts(ward, name, item)["consumed_twice"] == "high"
    transfers = ward.get("cordia", "/consignment/ownership-transfers?perPage=500")["transfers"]
    assert [one["voided"] for one in transfers if one["item"] == item] == [False, True]


def test_an_explant_of_what_nobody_used_is_told_and_settled_by_the_late_use(ward: Site) -> None:
    """Rejects an explanted valve that stands as stock of the supplier because its use was never reported."""
    item = f"https://id.gs1.org/01/{VALVE}/21/EXPL-2"
    delivered(ward, serial(VALVE, "EXPL-2"), day(900), days=-9)
    capture(ward, CLINICAL, explanted(-4, serial(VALVE, "EXPL-2")))
    assert conflicts(ward, "cordia", item)["use_missing"] == "medium"
    capture(ward, CLINICAL, used(-5, serial(VALVE, "EXPL-2")))
    assert "use_missing" not in conflicts(ward, "cordia", item)


@pytest.mark.parametrize(("action", "kind", "severity"), [
    ("DELETE", "seen_after_end", "high"), ("OBSERVE", "seen_after_use", "medium"),
])  # fmt: skip
def test_what_was_taken_out_of_the_world_is_not_seen_again_unremarked(
    ward: Site, action: str, kind: str, severity: str
) -> None:
    """Rejects a deleted single-use item seen again that weighs no more than a mis-scan."""
    number = f"DEL-{action}"
    item = f"https://id.gs1.org/01/{VALVE}/21/{number}"
    delivered(ward, serial(VALVE, number), day(900), days=-9)
    capture(ward, CLINICAL, used(-5, serial(VALVE, number), action=action, how="consumed"))
    capture(ward, SUPPLY, event(-4, "storing", bizLocation={"id": CABINET}, **serial(VALVE, number)))
    assert conflicts(ward, SUPPLY, item).get(kind) == severity


def test_an_event_dated_ahead_is_told_at_once_and_hides_no_stock(ward: Site) -> None:
    """Rejects a wrong clock that waits for its day without a word, and one whose correction leaves the word behind."""
    item = f"https://id.gs1.org/01/{VALVE}/21/AHEAD"
    delivered(ward, serial(VALVE, "AHEAD"), day(900), days=-9)
    early = used(40, serial(VALVE, "AHEAD")) | {"eventID": "urn:uuid:00000000-0000-4000-8000-00000000a4ea"}
    capture(ward, CLINICAL, early)
    for name in (CLINICAL, "cordia"):
        assert conflicts(ward, name, item) == {"dated_ahead": "medium"}
    assert stock(ward, SUPPLY, f"gtin={VALVE}&place={CABINET}&status=on_hand")[0][2:] == ("1", True)
    declaration = {"declarationTime": at(0), "reason": "incorrect_data"}
    capture(ward, CLINICAL, early | {"errorDeclaration": declaration})
    for name in (CLINICAL, "cordia"):
        assert conflicts(ward, name, item) == {}


def test_a_clock_some_minutes_ahead_is_nobody_to_be_told_of(ward: Site) -> None:
    """Rejects a word about every phone whose clock is not the server's."""
    item = f"https://id.gs1.org/01/{VALVE}/21/SKEW"
    delivered(ward, serial(VALVE, "SKEW"), day(900), days=-9)
    capture(ward, SUPPLY, event(4 / 1440, "storing", bizLocation={"id": CABINET}, **serial(VALVE, "SKEW")))
    assert "dated_ahead" not in conflicts(ward, SUPPLY, item)


def test_half_a_piece_is_refused_and_half_a_kilogram_is_not(ward: Site) -> None:
    """Rejects a capture that books a fraction of a device."""

    def sent(**amount: Any) -> httpx.Response:
        one = event(-1, "storing", bizLocation={"id": CABINET}, quantityList=[
            {"epcClass": f"https://id.gs1.org/01/{SCREW}/10/HALF"} | amount
        ])  # fmt: skip
        return ward.request(CLINICAL, "POST", "/epcis/events", content=orjson.dumps(
            {"@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"]} | one),
            headers={"Content-Type": "application/json"})  # fmt: skip

    refused = sent(quantity=1.5)
    assert (refused.status_code, "quantityList[0].quantity" in refused.text) == (400, True), refused.text
    assert "without uom" in refused.text
    assert sent(quantity=1.5, uom="KGM").status_code == 201


def test_what_nothing_describes_is_listed_until_it_is_described(ward: Site) -> None:
    """Rejects a list that names what others alone have seen, and one that keeps what was described since."""
    goods = "https://id.gs1.org/01/09521141099995"
    place = f"{SITE}/254/GAP-ROOM"
    taken = {"bizLocation": {"id": place}, **lot("09521141099995", "NOEXP", 3)}
    capture(ward, SUPPLY, event(-1, "receiving", **taken))

    def listed(name: str) -> dict[str, str]:
        found: dict[str, str] = {}
        path = "/masterdata/gaps?perPage=3"
        while path:
            answer = ward.request(name, "GET", path)
            assert answer.status_code == 200, answer.text
            found |= {one["id"]: one["kind"] for one in answer.json()["gaps"]}
            path = answer.links.get("next", {}).get("url", "")
        return found

    before = listed(SUPPLY)
    assert (before[goods], before[f"{goods}/10/NOEXP"], before[place]) == ("product", "lot", "place")
    assert not {goods, place} & listed("rival-supplier").keys()
    vocabularies = [
        {"type": f"urn:epcglobal:epcis:vtype:{kind}", "vocabularyElementList": [
            {"id": one, "attributes": [{"id": "urn:epcglobal:cbv:mda#name", "attribute": "Named"}]}]}
        for kind, one in (("EPCClass", goods), ("BusinessLocation", place))
    ]  # fmt: skip
    told = ward.request(SUPPLY, "POST", "/masterdata/vocabularies", json={"vocabularyList": vocabularies})
    assert told.status_code == 200, told.text
    assert not {goods, place} & listed(SUPPLY).keys()
    wrong = ward.request(SUPPLY, "GET", "/masterdata/gaps?kind=ward")
    assert (wrong.status_code, "product, lot, place, party" in wrong.text) == (400, True)


def test_a_void_that_comes_after_the_receipt_is_told_to_both(ward: Site) -> None:
    """Rejects a voided shipment that nobody hears of, although the hospital has received it."""
    goods = serial(VALVE, "VOID-1") | lot(SCREW, "VOID", 10)
    delivered(ward, goods, day(900), days=-9)
    sent = parties("possessing", CORDIA, NORTHGATE)
    capture(
        ward, "cordia", event(-8, "void_shipping", disposition="in_progress", bizLocation={"id": DC}, **goods, **sent)
    )
    for key in (f"{VALVE}/21/VOID-1", f"{SCREW}/10/VOID"):
        for name in (SUPPLY, "cordia"):
            assert conflicts(ward, name, f"https://id.gs1.org/01/{key}")["void_too_late"] == "medium"
    assert stock(ward, SUPPLY, f"gtin={SCREW}&lot=VOID") == [("OR3-CAB2", "on_hand", "10", True)]


def owners(site: Site, lot_number: str) -> dict[tuple[str, str], str]:
    """(owner, status) -> quantity of a lot, as the hospital reads its stock."""
    found = site.get(SUPPLY, f"/consignment/stock?gtin={SCREW}&lot={lot_number}")["items"]
    return {(one["owner"], one["status"]): one["quantity"] for one in found}


def test_a_buy_out_takes_what_lies_there_and_later_uses_take_whose_they_say(ward: Site) -> None:
    """Rejects a buy-out of what is still on its way, and a use that takes the one owner's screws as the other's."""
    delivered(ward, lot(SCREW, "BUY", 10), day(900), days=-14)
    sent = {name: parties("possessing", CORDIA, NORTHGATE)[name] + parties("owning", CORDIA, CORDIA)[name]
            for name in ("sourceList", "destinationList")}  # fmt: skip
    sent["destinationList"].append({"type": "location", "destination": CABINET})
    make = event(-12, "commissioning", action="ADD", bizLocation={"id": DC}, **lot(SCREW, "BUY", 5))
    capture(ward, "cordia", make, event(-10, "shipping", readPoint={"id": DC}, **lot(SCREW, "BUY", 5), **sent))
    bought = event(-9, "accepting", bizLocation={"id": CABINET}, **lot(SCREW, "BUY", 4),
                   **parties("owning", CORDIA, NORTHGATE))  # fmt: skip
    capture(ward, SUPPLY, bought)
    assert owners(ward, "BUY") == {
        (CORDIA, "on_hand"): "6", (NORTHGATE, "on_hand"): "4", (CORDIA, "in_transit"): "5",
    }  # fmt: skip
    own = event(-8, "dispensing", disposition="dispensed", readPoint={"id": CABINET}, **lot(SCREW, "BUY", 3))
    capture(ward, CLINICAL, own)
    assert (owners(ward, "BUY")[CORDIA, "on_hand"], owners(ward, "BUY")[NORTHGATE, "on_hand"]) == ("6", "1")
    capture(ward, CLINICAL, used(-7, lot(SCREW, "BUY", 6)))
    left = owners(ward, "BUY")
    assert ((CORDIA, "on_hand") in left, left[NORTHGATE, "on_hand"]) == (False, "1")
    assert "already_owned" not in conflicts(ward, SUPPLY, f"https://id.gs1.org/01/{SCREW}/10/BUY")


def test_what_lies_in_a_container_is_judged_as_if_it_were_handled_alone(ward: Site) -> None:
    """Rejects expired and recalled contents moved and used up unremarked, because only their box was scanned."""
    box = "https://id.gs1.org/00/095211410000009093"
    inside = serial(VALVE, "BOX-1") | lot(SCREW, "BOX", 4)
    delivered(ward, inside, day(-5), days=-14)
    packed = {"childEPCs": inside["epcList"], "childQuantityList": inside["quantityList"]}
    pack = event(-13, "packing", action="ADD", bizLocation={"id": CABINET}, parentID=box, **packed)
    capture(ward, SUPPLY, pack | {"type": "AggregationEvent"})
    named = serial(VALVE, "BOX-1") | {"quantityList": [{"epcClass": f"https://id.gs1.org/01/{SCREW}/10/BOX"}]}
    recall = event(-12, "holding", disposition="recalled", persistentDisposition={"set": ["recalled"]}, **named)
    capture(ward, "cordia", recall)
    capture(ward, SUPPLY, event(-11, "storing", bizLocation={"id": f"{SITE}/254/WARDB"}, epcList=[box]))
    said = {"mcx:useType": "consumed"} | parties("owning", CORDIA, NORTHGATE)
    capture(
        ward,
        CLINICAL,
        event(-1, "dispensing", disposition="dispensed", readPoint={"id": CABINET}, epcList=[box], **said),
    )
    for key in (f"{VALVE}/21/BOX-1", f"{SCREW}/10/BOX"):
        for name in (SUPPLY, "cordia"):
            told = conflicts(ward, name, f"https://id.gs1.org/01/{key}")
            assert told.items() >= {
                "moved_after_recall": "high", "used_recalled": "critical", "used_expired": "critical",
            }.items(), (key, name, told)  # fmt: skip


def test_the_label_of_what_was_made_is_not_that_of_what_went_into_it(ward: Site) -> None:
    """Rejects a kit's lot and expiry that are taken for those of its parts, so that a recall names other goods."""
    parts = serial(VALVE, "PART-1") | lot(SCREW, "PART", 4)
    made = event(-10, "commissioning", action="ADD", bizLocation={"id": DC}, **parts)
    kit = event(-9, "assembling", bizLocation={"id": DC}) | {
        "type": "TransformationEvent",
        "inputQuantityList": parts["quantityList"],
        "inputEPCList": parts["epcList"],
        "outputEPCList": ["https://id.gs1.org/01/09521141099995/21/KIT-1"],
        "ilmd": {"cbvmda:lotNumber": "KIT-LOT", "cbvmda:itemExpirationDate": day(100)},
    }
    kit.pop("action")
    capture(ward, "cordia", made, kit)
    for key, label in (
        ("09521141099995/21/KIT-1", ("KIT-LOT", day(100))),
        (f"{VALVE}/21/PART-1", (None, None)),
    ):
        told = ward.get("cordia", f"/trace/item?epc=https://id.gs1.org/01/{key}")
        assert (told["lot"], told["expiry"]) == label
    assert ward.get("cordia", f"/trace/lot?gtin={SCREW}&lot=PART")["expiry"] is None

"""Recalls of a part's lot: whoever has a kit made of it, or packed with it, is told, and so are the kit's patients."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from traceward.gs1.check_digits import check_digit

from .conftest import BACKENDS, Site
from .flows import CABINET, DC, MCX, at, capture, event, parties, used
from .test_agreements import CORDIA, NORTHGATE, SCREW, SITE
from .test_alerts import alerts, signed_long_ago

CLINICAL, SUPPLY = "northgate-clinical", "northgate-supply"
PATIENT = "https://id.gs1.org/8018/401234500000123452"
QUARANTINE = f"{SITE}/254/QUAR"


def gtin(prefix: str) -> str:
    """A GTIN that begins so."""
    return prefix + check_digit(prefix)


KIT, OWN_KIT = gtin("0952114108777"), gtin("0401234510001")


def kit(number: str, product: str = KIT) -> str:
    """One serialised kit."""
    return f"https://id.gs1.org/01/{product}/21/{number}"


def screws(lot: str, quantity: int | None = None) -> dict[str, Any]:
    """A quantity of a lot of screws."""
    named: dict[str, Any] = {"epcClass": f"https://id.gs1.org/01/{SCREW}/10/{lot}"}
    return named if quantity is None else named | {"quantity": quantity}


def transformed(days: float, place: str, inputs: list[dict[str, Any]], outputs: list[str]) -> dict[str, Any]:
    """Screws made into kits at a place."""
    made = event(days, "assembling", bizLocation={"id": place}, readPoint={"id": place}, type="TransformationEvent",
                 inputQuantityList=inputs, outputEPCList=outputs)  # fmt: skip
    made.pop("action")
    return made


def sent(items: dict[str, Any], days: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """Goods of the supplier on their way to the hospital's cabinet, and their receipt."""
    ends = parties("possessing", CORDIA, NORTHGATE)
    for key, name in (("sourceList", "source"), ("destinationList", "destination")):
        ends[key].append({"type": "owning_party", name: CORDIA})
    ends["destinationList"].append({"type": "location", "destination": CABINET})
    here = {"readPoint": {"id": CABINET}, "bizLocation": {"id": CABINET}}
    return (
        event(days, "shipping", readPoint={"id": DC}, **items, **ends),
        event(days + 0.1, "receiving", **here, **items, **ends),
    )


def tied(item: str, days: float) -> dict[str, Any]:
    """The patient who got a kit."""
    private = {"type": "AssociationEvent", "parentID": PATIENT, "childEPCs": [item]}
    return event(days, "installing", action="ADD", readPoint={"id": CABINET}) | private


@pytest.fixture(scope="module", params=BACKENDS)
def hospital(request: pytest.FixtureRequest, open_site: Any) -> Iterator[Site]:
    """Screws of lots P1 to P4. Of P1 the supplier made kits K1 to K3, of which K1 was used, K2 lies at the hospital
    and K3 was taken apart into screws of P1 again; P2 was packed in kit K9; of P3 the hospital made two kits, one
    of them used; P4 was packed in K8 and taken out again.
    """
    with signed_long_ago(open_site, request.param) as site:
        home = {"bizLocation": {"id": DC}, "readPoint": {"id": DC}}
        made = [screws(lot, 20) for lot in ("P1", "P2", "P3", "P4")]
        packed = {"type": "AggregationEvent", "action": "ADD"} | home
        kits = [kit("K8"), kit("K9")]
        ship, receive = sent({"epcList": [kit("K1"), kit("K2"), *kits], "quantityList": [screws("P3", 10)]}, -6)
        apart = transformed(-7, DC, [], [])
        apart |= {"inputEPCList": [kit("K3")], "outputQuantityList": [screws("P1", 4)]}
        for name in ("inputQuantityList", "outputEPCList"):
            apart.pop(name)
        capture(
            site,
            "cordia",
            event(-9, "creating_class_instance", action="ADD", quantityList=made, **home),
            event(-9, "commissioning", action="ADD", epcList=kits, **home),
            transformed(-8, DC, [screws("P1", 12)], [kit("K1"), kit("K2"), kit("K3")]),
            event(-8, "packing") | packed | {"parentID": kit("K9"), "childQuantityList": [screws("P2", 4)]},
            event(-8, "packing") | packed | {"parentID": kit("K8"), "childQuantityList": [screws("P4", 4)]},
            event(-7.5, "unpacking")
            | packed
            | {"action": "DELETE", "parentID": kit("K8"), "childQuantityList": [screws("P4", 4)]},
            apart,
            ship,
        )
        own = [kit("H1", OWN_KIT), kit("H2", OWN_KIT)]
        capture(site, SUPPLY, receive, transformed(-5, CABINET, [screws("P3", 10)], own))
        used(site, {"epcList": [kit("K1")]}, days=-4, report="urn:uuid:k1")
        capture(site, CLINICAL, tied(kit("K1"), -4), tied(kit("K9"), -4), tied(own[0], -4))
        yield site


def recalled(site: Site, lot: str, **more: Any) -> str:
    """The number of a notice on a lot of screws, issued by their maker; the same notice again is that one."""
    notice = f"{MCX}recall/{lot}{len(more)}"
    body = {"notice": notice, "reason": "brittle", "recallClass": "I", "items": [{"gtin": SCREW, "lot": lot}]} | more
    first = site.request("cordia", "POST", "/recalls", json=body)
    assert first.status_code in (200, 201), first.text
    assert site.request("cordia", "POST", "/recalls", json=body).status_code == 200
    return notice


def of_notice(site: Site, name: str, notice: str) -> Any:
    """What GET /recalls/{notice} answers."""
    return site.get(name, f"/recalls/{quote(notice, safe='')}")


def patients(site: Site, notice: str) -> set[str]:
    """The items of a notice, or made of its goods, that patients have."""
    asked = {"notice": notice, "purpose": "recall of a part"}
    answer = site.request(CLINICAL, "POST", "/recalls/patients", json=asked)
    assert answer.status_code == 200, answer.text
    return {one["item"] for one in answer.json()["links"]}


def test_the_holder_of_a_kit_is_told_that_a_part_of_it_is_recalled(hospital: Site) -> None:
    """Rejects a notice about the part alone, which a hospital that never had the part is not told of; and a walk that
    does not end where a kit was taken apart into its own part's lot.
    """
    notice = recalled(hospital, "P1")
    body = of_notice(hospital, SUPPLY, notice)
    part = screws("P1")["epcClass"]
    contains = {one["serials"]["from"]: one["contains"] for one in body["items"] if one["serials"]}
    assert contains == {"K1": [part], "K2": [part], "K3": [part]}
    handled = {one["item"]: one["handling"] for one in (*body["units"], *body["sinks"])}
    assert (handled[kit("K1")], handled[kit("K2")]) == ("gone", "not_quarantined")
    assert body["state"] == "open"
    (stock,) = [
        one for one in hospital.get(SUPPLY, f"/consignment/stock?gtin={KIT}")["items"] if one["item"] == kit("K2")
    ]
    assert "recalled" in stock["flags"]
    open_ = {(one["kind"], one["gtin"]) for one in alerts(hospital, SUPPLY, "state=open&perPage=1000")}
    assert {("recall_unacknowledged", KIT), ("recall_not_quarantined", KIT)} <= open_
    assert patients(hospital, notice) == {kit("K1")}
    rival = hospital.request("rival-supplier", "GET", f"/recalls/{quote(notice, safe='')}")
    assert rival.status_code == 404


def test_what_was_packed_in_a_kit_is_recalled_with_the_kit_until_it_is_taken_out(hospital: Site) -> None:
    """Rejects containment that holds for ever: kit K8 gave its screws back before it left."""
    notice = recalled(hospital, "P2")
    assert patients(hospital, notice) == {kit("K9")}
    other = of_notice(hospital, "cordia", recalled(hospital, "P4"))
    assert [one["lot"] for one in other["items"]] == ["P4"]
    assert (other["containedIn"], other["containedInMore"]) == ([], [])


def test_kits_that_the_hospital_made_itself_are_found_by_the_hospital(hospital: Site) -> None:
    """Rejects an account that ends where the part was made into something else, as if it were gone."""
    notice = recalled(hospital, "P3")
    body = of_notice(hospital, SUPPLY, notice)
    found = {one["item"]: (one["handling"], one["contains"]) for one in body["containedIn"]}
    part = screws("P3")["epcClass"]
    own = [kit("H1", OWN_KIT), kit("H2", OWN_KIT)]
    assert found == dict.fromkeys(own, ("not_quarantined", [part]))
    assert [(one["lot"], one["contains"]) for one in body["items"]] == [("P3", [])]
    (total,) = body["totals"]
    assert (total["created"], total["total"]) == ("20", "20")
    assert patients(hospital, notice) == {own[0]}
    told = {(one["kind"], one["gtin"]) for one in alerts(hospital, SUPPLY, "state=open&perPage=1000")}
    assert ("recall_unacknowledged", SCREW) in told


def test_a_maker_may_recall_the_part_alone_and_take_back_all_that_a_notice_covers(hospital: Site) -> None:
    """Rejects a withdrawal that leaves the kits recalled, for it names the lot alone."""
    alone = of_notice(hospital, "cordia", recalled(hospital, "P1", includeContaining=False))
    assert [one["lot"] for one in alone["items"]] == ["P1"]
    assert {one["item"] for one in alone["containedIn"]} == {kit("K1"), kit("K2"), kit("K3")}
    number = f"{MCX}recall/P2-again"
    body = {"notice": number, "reason": "brittle", "recallClass": "I", "items": [{"gtin": SCREW, "lot": "P2"}]}
    made = hospital.request("cordia", "POST", "/recalls", json=body)
    assert made.status_code == 201, made.text
    back = hospital.request("cordia", "POST", "/recalls/withdrawals", json={"notice": number, "reason": "mistaken"})
    assert back.status_code == 200, back.text
    assert back.json()["state"] == "withdrawn"
    assert of_notice(hospital, SUPPLY, number)["state"] == "withdrawn"


def test_a_stranger_who_declares_a_notice_an_error_takes_nothing_back(hospital: Site) -> None:
    """Rejects a list of notices without those whose eventID anybody has declared an error."""
    notice = recalled(hospital, "P2")
    (told,) = [one for one in hospital.get(SUPPLY, "/recalls")["recalls"] if one["notice"] == notice]
    wrong = {"errorDeclaration": {"declarationTime": at(0), "reason": "did_not_occur"}}
    for event_id in told["eventIDs"]:
        (found,) = [one for one in hospital.events(SUPPLY) if one["eventID"] == event_id]
        stated = {key: value for key, value in found.items() if key not in ("recordTime", "@context")}
        capture(hospital, SUPPLY, stated | wrong)
    assert notice in [one["notice"] for one in hospital.get(SUPPLY, "/recalls")["recalls"]]
    assert patients(hospital, notice) == {kit("K9")}


def test_the_same_notice_again_covers_kits_that_were_made_since_and_then_nothing_more(hospital: Site) -> None:
    """Rejects a notice that ends with the day of its issue: who keeps on making kits of a recalled lot would be told of
    none of them; and one that is stated anew each time it is asked for.
    """
    home = {"bizLocation": {"id": DC}, "readPoint": {"id": DC}}
    made = event(-9, "creating_class_instance", action="ADD", quantityList=[screws("P5", 20)], **home)
    capture(hospital, "cordia", made)
    body = {"notice": f"{MCX}recall/later", "reason": "brittle", "recallClass": "I",
            "items": [{"gtin": SCREW, "lot": "P5"}]}  # fmt: skip
    assert hospital.request("cordia", "POST", "/recalls", json=body).status_code == 201
    ship, receive = sent({"epcList": [kit("K20")]}, -2)
    capture(hospital, "cordia", transformed(-3, DC, [screws("P5", 4)], [kit("K20")]), ship)
    capture(hospital, SUPPLY, receive)

    def flags() -> list[str]:
        stock = hospital.get(SUPPLY, f"/consignment/stock?gtin={KIT}&perPage=100")["items"]
        return [flag for one in stock if one["item"] == kit("K20") for flag in one["flags"]]

    assert flags() == []
    apart = body | {"includeContaining": False}
    assert hospital.request("cordia", "POST", "/recalls", json=apart).status_code == 200
    assert flags() == []
    counts = []
    for _ in range(3):
        assert hospital.request("cordia", "POST", "/recalls", json=body).status_code == 200
        assert flags() == ["recalled"]
        counts.append(len(of_notice(hospital, "cordia", body["notice"])["eventIDs"]))
    assert counts == [2, 2, 2]
    told = of_notice(hospital, SUPPLY, body["notice"])["items"]
    assert {one["serials"]["from"]: one["contains"] for one in told if one["serials"]} == {
        "K20": [screws("P5")["epcClass"]]
    }

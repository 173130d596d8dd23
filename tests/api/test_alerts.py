"""Alerts over HTTP: the same for both parties, nothing for a third, acknowledged by either, closed with their cause."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from api.conftest import BACKENDS, Site, story_clock
from api.flows import CABINET, DC, capture, day, delivered, event, lot, serial, used
from api.test_agreements import CORDIA, NORTHGATE, SCREW, VALVE, propose, sign, terms

BALLOON = "09521141060001"


def agreed(site: Site, **changes: Any) -> None:
    """An agreement in force on all products of the story."""
    lines = [{"gtin": VALVE}, {"gtin": SCREW}, {"gtin": BALLOON}]
    body = terms(**({"lines": lines} | changes))
    assert propose(site, "cordia", body).status_code == 201
    assert sign(site, "northgate-supply", body["agreementID"]).status_code == 200


def alerts(site: Site, name: str, query: str = "perPage=1000") -> list[dict[str, Any]]:
    """The alerts that GET /alerts answers to a key."""
    found: list[dict[str, Any]] = site.get(name, f"/alerts?{query}")["alerts"]
    return found


def machine_us() -> int:
    """The machine's time."""
    return time.time_ns() // 1000


@contextmanager
def signed_long_ago(open_site: Any, backend: str = "sqlite", clock: Callable[[], int] = machine_us) -> Iterator[Site]:
    """A server on which both signed the agreement on the first day of the year, and nothing has happened since."""
    late = [clock() - int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000]
    with open_site(backend, injected={"now_us": lambda: clock() - late[0]}) as opened:
        agreed(opened)
        late[0] = 0
        yield opened


@pytest.fixture(scope="module", params=BACKENDS)
def agreed_story(request: pytest.FixtureRequest, open_site: Any) -> Iterator[Site]:
    with signed_long_ago(open_site, request.param, story_clock()) as opened:
        opened.load_story()
        yield opened


def test_nobody_was_late_before_both_had_signed(open_site: Any) -> None:
    """Rejects a back-dated agreement by which uses, orders, deliveries and trays of the past are at once overdue."""
    owed = {"usage_late", "usage_without_order", "short_dated", "loaner_overdue", "ownership_due"}
    terms = {"loaners": {"dueBackHours": 24}, "ownership": {"trigger": "on_receipt"}}
    with open_site() as opened:
        opened.load_story()
        before = datetime.now(UTC)
        lines = [{"gtin": gtin, "minRemainingShelfLifeDays": 3650} for gtin in (VALVE, SCREW, BALLOON)]
        agreed(opened, lines=lines, **terms)
        found = alerts(opened, "cordia", "state=all&perPage=1000")
        assert not owed - {"ownership_due"} & {one["kind"] for one in found}
        begun = [one for one in found if one["agreementID"] is not None and one["kind"] != "agreement_ends"]
        assert begun
        assert all(datetime.fromisoformat(one["openedAt"]) >= before for one in begun), begun
        due = [one["due"] for one in found if one["kind"] == "ownership_due"]
        assert due
        assert all(datetime.fromisoformat(one) >= before for one in due)


def of_kind(found: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Those of a kind."""
    return [one for one in found if one["kind"] == kind]


def test_both_parties_read_the_same_alerts_and_a_third_reads_none(agreed_story: Site) -> None:
    """Rejects alerts made for each reader: ids, content or number would differ between the sides."""
    ours, theirs = alerts(agreed_story, "cordia"), alerts(agreed_story, "northgate-supply")
    assert ours == [one for one in theirs if one["kind"] != "excursion"]
    assert {one["kind"] for one in ours} >= {"not_seen", "recall_not_quarantined", "usage_late", "loaner_overdue"}
    assert len({one["id"] for one in ours}) == len(ours)
    assert alerts(agreed_story, "rival-supplier") == []
    for one in ours:
        reader = "northgate-supply" if one["kind"] == "usage_without_order" else "northgate-clinical"
        assert agreed_story.get(reader, f"/alerts/{one['id']}") == one
    hidden = agreed_story.request("rival-supplier", "GET", f"/alerts/{ours[0]['id']}")
    absent = agreed_story.request("rival-supplier", "GET", f"/alerts/{'0' * 32}")
    assert (hidden.status_code, absent.status_code) == (404, 404)
    assert hidden.text.replace(ours[0]["id"], "0" * 32) == absent.text


def test_a_sensors_alarm_that_the_supplier_does_not_see_is_told_to_the_hospital_alone(agreed_story: Site) -> None:
    """Rejects alerts that rest on one side's events and are shown to both: they would tell what is hidden."""
    (alarm,) = [one for one in agreed_story.events("northgate-supply") if one.get("bizStep") == "sensor_reporting"]
    assert alarm["eventID"] not in {one["eventID"] for one in agreed_story.events("cordia")}
    told = of_kind(alerts(agreed_story, "northgate-supply"), "excursion")
    assert told
    assert all(one["eventIDs"] == [alarm["eventID"]] for one in told)
    hidden = agreed_story.request("cordia", "GET", f"/alerts/{told[0]['id']}")
    assert hidden.status_code == 404


def test_the_evidence_of_an_alert_can_be_read_by_both_parties(agreed_story: Site) -> None:
    for one in alerts(agreed_story, "cordia"):
        for event_id in one["eventIDs"]:
            for name in ("cordia", "northgate-supply"):
                assert agreed_story.request(name, "GET", f"/epcis/events/{event_id}").status_code == 200


def test_looking_again_changes_nothing(agreed_story: Site) -> None:
    """Rejects alerts that are made anew at each evaluation, and so double or change their ids."""
    before = alerts(agreed_story, "cordia", "state=all&perPage=1000")
    runtime = agreed_story.server.app.state.runtime
    runtime.store.committer.run(lambda tx: tx.execute("UPDATE alert_scope SET next_us=0, marked=marked+1"))
    assert alerts(agreed_story, "cordia", "state=all&perPage=1000") == before


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("kind=not_seen", lambda one: one["kind"] == "not_seen"),
        (f"gtin={SCREW}", lambda one: one["gtin"] == SCREW),
        ("responsible=me", lambda one: one["responsible"] == CORDIA),
        (f"responsible={NORTHGATE}", lambda one: one["responsible"] == NORTHGATE),
        ("state=closed", lambda one: one["state"] == "closed"),
        ("agreementID=https://example.org/agreement/CA-1", lambda one: one["agreementID"] is not None),
    ],
)
def test_filters_keep_what_they_name(agreed_story: Site, query: str, kept: Any) -> None:
    everything = alerts(agreed_story, "cordia", "state=all&perPage=1000" if "state" in query else "perPage=1000")
    assert alerts(agreed_story, "cordia", query + "&perPage=1000") == [one for one in everything if kept(one)]


def test_pages_hold_every_alert_once(agreed_story: Site) -> None:
    whole = alerts(agreed_story, "cordia")
    found, path = [], "/alerts?perPage=4"
    while path:
        answer = agreed_story.request("cordia", "GET", path)
        found += answer.json()["alerts"]
        following = answer.links.get("next", {}).get("url")
        path = following.removeprefix(agreed_story.server.url) if following else ""
    assert found == whole


def test_an_unknown_state_or_kind_is_refused_with_what_was_expected(agreed_story: Site) -> None:
    for query, said in (("state=new", "open, closed, all"), ("kind=fire", "expired_on_hand")):
        refused = agreed_story.request("cordia", "GET", f"/alerts?{query}")
        assert refused.status_code == 400
        assert said in refused.text


def test_an_acknowledgement_is_read_by_the_other_side_and_may_name_no_patient(agreed_story: Site) -> None:
    (one, *_) = of_kind(alerts(agreed_story, "cordia"), "not_seen")
    path = f"/alerts/{one['id']}/acknowledge"
    made = agreed_story.request("northgate-supply", "POST", path, json={"note": "we look for it"})
    assert made.status_code == 200, made.text
    (seen,) = agreed_story.get("cordia", f"/alerts/{one['id']}")["acknowledgements"]
    assert (seen["party"], seen["note"]) == (NORTHGATE, "we look for it")
    named = {"note": "for https://id.gs1.org/8018/401234500000123452"}
    refused = agreed_story.request("cordia", "POST", path, json=named)
    assert refused.status_code == 400
    assert "0000012345" not in refused.text
    assert agreed_story.request("rival-supplier", "POST", path, json={"note": ""}).status_code == 404


def test_a_recall_stays_until_the_hospital_acknowledges_it(agreed_story: Site) -> None:
    (recall,) = of_kind(alerts(agreed_story, "cordia"), "recall_unacknowledged")
    path = f"/alerts/{recall['id']}/acknowledge"
    assert agreed_story.request("cordia", "POST", path, json={}).json()["state"] == "open"
    assert agreed_story.request("northgate-clinical", "POST", path, json={}).json()["state"] == "closed"
    assert of_kind(alerts(agreed_story, "cordia"), "recall_unacknowledged") == []


def test_a_step_of_the_recalls_page_acknowledges_the_recall_for_its_alert_too(site: Site) -> None:
    """Rejects two acknowledgements that do not know of each other: who has answered is told it has not."""
    agreed(site)
    delivered(site, lot(SCREW, "L1", 5), day(300))
    notice = "urn:epcglobal:cbv:bt:9521141000007:FSN-9"
    said = {"notice": notice, "recallClass": "I", "reason": "seal", "items": [{"gtin": SCREW, "lot": "L1"}]}
    assert site.request("cordia", "POST", "/recalls", json=said).status_code == 201
    assert len(of_kind(alerts(site, "northgate-supply"), "recall_unacknowledged")) == 1
    step = {"notice": notice, "step": "received", "note": ""}
    assert site.request("northgate-supply", "POST", "/recalls/acknowledgements", json=step).status_code == 200
    for name in ("cordia", "northgate-supply"):
        found = alerts(site, name)
        assert of_kind(found, "recall_unacknowledged") == []
        assert len(of_kind(found, "recall_not_quarantined")) == 1


def test_what_lies_in_a_container_is_looked_at_when_an_event_names_the_container_alone(site: Site) -> None:
    """Rejects looking at named products only: the receipt of a carton names none."""
    agreed(site)
    item, carton = f"https://id.gs1.org/01/{VALVE}/21/A1", "https://id.gs1.org/00/195211410000000017"
    sent = {
        "sourceList": [
            {"type": "possessing_party", "source": CORDIA},
            {"type": "owning_party", "source": CORDIA},
            {"type": "location", "source": DC},
        ],
        "destinationList": [
            {"type": "possessing_party", "destination": NORTHGATE},
            {"type": "owning_party", "destination": CORDIA},
            {"type": "location", "destination": CABINET},
        ],
    }
    packed = event(-20, "packing", action="ADD", parentID=carton, childEPCs=[item], bizLocation={"id": DC})
    capture(
        site,
        "cordia",
        event(-21, "commissioning", action="ADD", bizLocation={"id": DC}, epcList=[item]),
        packed | {"type": "AggregationEvent"},
        event(-19, "shipping", disposition="in_transit", epcList=[carton], readPoint={"id": DC}, **sent),
    )
    (on_its_way,) = [one for one in of_kind(alerts(site, "cordia"), "in_transit") if one["item"] == item]
    here = {"readPoint": {"id": CABINET}, "bizLocation": {"id": CABINET}}
    capture(site, "northgate-supply", event(-1, "receiving", epcList=[carton], **here, **sent))
    assert site.get("cordia", f"/alerts/{on_its_way['id']}")["state"] == "closed"


def test_goods_that_another_supplier_bought_and_lends_are_no_business_of_their_maker(site: Site) -> None:
    """Rejects a look at all that a hospital holds of a product, and at all that its maker ever sold of it: the maker
    would read what the hospital has from another supplier, and the hospital what that supplier bought.
    """
    agreed(site)
    rival, theirs = "https://id.gs1.org/417/9506000000008", {"id": "https://id.gs1.org/414/9506000000015"}
    goods = lot(SCREW, "RESOLD", 8)

    def passes(start: str, to: str, owner: str, place: str) -> dict[str, Any]:
        return {
            "sourceList": [
                {"type": "possessing_party", "source": start}, {"type": "owning_party", "source": start},
            ],
            "destinationList": [
                {"type": "possessing_party", "destination": to}, {"type": "owning_party", "destination": owner},
                {"type": "location", "destination": place},
            ],
        }  # fmt: skip

    sold, lent = passes(CORDIA, rival, rival, theirs["id"]), passes(rival, NORTHGATE, rival, CABINET)
    made = {"bizLocation": {"id": DC}, "ilmd": {"cbvmda:itemExpirationDate": day(10), "cbvmda:lotNumber": "RESOLD"}}
    here = {"readPoint": {"id": CABINET}, "bizLocation": {"id": CABINET}}
    capture(site, "cordia", event(-9, "commissioning", action="ADD", **made, **goods))
    capture(site, "cordia", event(-8, "shipping", readPoint={"id": DC}, **goods, **sold))
    capture(site, "rival-supplier", event(-7, "receiving", bizLocation=theirs, **goods, **sold))
    capture(site, "rival-supplier", event(-6, "shipping", readPoint=theirs, **goods, **lent))
    capture(site, "northgate-supply", event(-5, "receiving", **here, **goods, **lent))
    delivered(site, lot(SCREW, "OWN", 5), day(10))
    (held,) = site.get("northgate-supply", "/consignment/stock?lot=RESOLD")["items"]
    assert (held["owner"], held["status"]) == (rival, "on_hand")
    for name in ("cordia", "northgate-supply"):
        told = str(alerts(site, name))
        assert "OWN" in told
        assert "RESOLD" not in told


def test_an_alert_that_opens_again_is_another_one(site: Site) -> None:
    """Rejects a row that is opened anew: its acknowledgement was of the time before."""
    agreed(site, notSeenDays=5)
    delivered(site, serial(VALVE, "A1"), day(700), days=-3)
    here = {"readPoint": {"id": CABINET}, "bizLocation": {"id": CABINET}}
    held = event(-2, "holding", disposition="damaged", **here, **serial(VALVE, "A1"))
    capture(site, "northgate-supply", held)
    (first,) = of_kind(alerts(site, "cordia"), "held_back")
    capture(
        site,
        "northgate-supply",
        event(-1.5, "stocking", disposition="sellable_accessible", **here, **serial(VALVE, "A1")),
    )
    assert of_kind(alerts(site, "cordia"), "held_back") == []
    capture(site, "northgate-supply", event(-1, "holding", disposition="damaged", **here, **serial(VALVE, "A1")))
    (second,) = of_kind(alerts(site, "cordia"), "held_back")
    assert second["id"] != first["id"]
    assert site.get("cordia", f"/alerts/{first['id']}")["state"] == "closed"


@pytest.fixture
def bound(open_site: Any) -> Iterator[Site]:
    with signed_long_ago(open_site) as opened:
        yield opened


def test_what_is_missing_from_a_tray_that_went_back_is_told(bound: Site) -> None:
    """Rejects a comparison with what was used alone, or with what the tray holds after it was packed anew."""
    site = bound
    tray, screws = "https://id.gs1.org/8003/09521141007778T1", f"https://id.gs1.org/01/{SCREW}/10/L9"
    content = [{"epcClass": screws, "quantity": 10}]
    ward = {"readPoint": {"id": CABINET}, "bizLocation": {"id": CABINET}}
    there = {"readPoint": {"id": DC}, "bizLocation": {"id": DC}}
    out = {
        "sourceList": [{"type": "possessing_party", "source": CORDIA}, {"type": "location", "source": DC}],
        "destinationList": [
            {"type": "possessing_party", "destination": NORTHGATE},
            {"type": "location", "destination": CABINET},
        ],
    }
    back = {
        "sourceList": [{"type": "possessing_party", "source": NORTHGATE}, {"type": "location", "source": CABINET}],
        "destinationList": [
            {"type": "possessing_party", "destination": CORDIA},
            {"type": "location", "destination": DC},
        ],
    }
    capture(
        site,
        "cordia",
        event(-9, "commissioning", action="ADD", epcList=[tray], **there),
        event(-9, "creating_class_instance", action="ADD", quantityList=content, **there),
        event(-8, "packing", action="ADD", parentID=tray, childQuantityList=content, **there)
        | {"type": "AggregationEvent"},
        event(-7, "shipping", disposition="in_transit", epcList=[tray], readPoint={"id": DC}, **out),
    )
    taken = [{"epcClass": screws, "quantity": 5}]
    capture(
        site,
        "northgate-supply",
        event(-6, "receiving", epcList=[tray], **ward, **out),
        event(-5, "unpacking", action="DELETE", parentID=tray, childQuantityList=taken, **ward)
        | {"type": "AggregationEvent"},
    )
    assert of_kind(alerts(site, "cordia"), "loaner_overdue")
    used(site, lot(SCREW, "L9", 2), days=-4)
    assert of_kind(alerts(site, "cordia"), "tray_incomplete") == []
    capture(site, "northgate-supply", event(-3, "shipping", epcList=[tray], readPoint={"id": CABINET}, **back))
    (told,) = of_kind(alerts(site, "cordia"), "tray_incomplete")
    assert (told["detail"]["quantity"], told["detail"]["content"]) == ("3", screws)
    used(site, lot(SCREW, "L9", 3), days=-3.5, report="urn:uuid:r2")
    assert of_kind(alerts(site, "cordia"), "tray_incomplete") == []

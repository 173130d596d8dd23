"""Expiry dates at places in other time zones: usable through the day of the place, in every list alike."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from api.conftest import BACKENDS, Site
from api.flows import CABINET, MCX, NOW, capture, delivered, event, lot, parties
from api.test_agreements import CORDIA, NORTHGATE, SCREW, SITE, propose, sign, terms

NURSE = "northgate-supply"
WARD, SHELF = f"{SITE}/254/WARD7", "https://id.gs1.org/414/4012345000023/254/SHELF"
EAST, WEST = "Pacific/Kiritimati", "Pacific/Pago_Pago"
"""14 hours ahead of UTC, and 11 behind it."""
LAST = (NOW + timedelta(days=6)).date()
"""The last day of use of everything here: late enough for all alerts before it to open after the signatures."""


class Clock:
    """The server's clock, which a test sets. Times: UTC."""

    def __init__(self) -> None:
        self.now = NOW

    def set(self, day: date, hour: int, minute: int = 0, second: int = 0) -> None:
        """Set it to a time of day."""
        self.now = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=NOW.tzinfo)

    def now_us(self) -> int:
        """What the server reads."""
        return int(self.now.timestamp()) * 1_000_000


def declare(site: Site, name: str, place: str, zone: str | None, *children: str) -> None:
    """Have a party declare a place with its zone and what lies in it."""
    attributes = [{"id": f"{MCX}timeZone", "attribute": zone}] if zone is not None else []
    element = {"id": place, "attributes": attributes, "children": list(children)}
    vocabulary = {"type": "urn:epcglobal:epcis:vtype:BusinessLocation", "vocabularyElementList": [element]}
    answer = site.request(name, "POST", "/masterdata/vocabularies", json={"vocabularyList": [vocabulary]})
    assert answer.status_code == 200, answer.text


@pytest.fixture
def zoned(request: pytest.FixtureRequest, open_site: Any) -> Iterator[tuple[Site, Clock]]:
    """Ten screws at a cabinet in the east, ten on a shelf that lies in a ward in the west."""
    clock = Clock()
    with open_site(getattr(request, "param", "sqlite"), injected={"now_us": clock.now_us}) as site:
        delivered(site, lot(SCREW, "EAST", 10), LAST.isoformat(), place=CABINET)
        delivered(site, lot(SCREW, "WEST", 10), LAST.isoformat(), place=SHELF)
        declare(site, NURSE, SITE, EAST)
        declare(site, NURSE, WARD, WEST, SHELF)
        yield site, clock


def agree(site: Site) -> None:
    """An agreement on screws with levels at both places, and an alert two days before expiry."""
    levels = [{"place": place, "minimum": 1, "maximum": 20} for place in (CABINET, SHELF)]
    body = terms(
        lines=[{"gtin": SCREW, "par": levels}], sites=[SITE, "https://id.gs1.org/414/4012345000023"],
        expiry={"alertDays": [2]},
    )  # fmt: skip
    assert propose(site, "cordia", body).status_code == 201
    assert sign(site, NURSE, body["agreementID"]).status_code == 200


def told(site: Site, name: str) -> dict[str, tuple[Any, ...]]:
    """Of each lot: whether stock has it as expired and usable, its days left, and its alerts about the date."""
    stock = {one["lot"]: (one["expired"], one["usable"]) for one in site.get(name, "/consignment/stock")["items"]}
    left = {one["lot"]: one["daysLeft"] for one in site.get(name, "/trace/expiring?days=9")["items"]}
    found: dict[str, tuple[Any, ...]] = {}
    listed = [one for one in site.get(name, "/alerts?perPage=100")["alerts"] if one["kind"].startswith("exp")]
    for lot_number, flags in stock.items():
        mine = [one for one in listed if one["detail"].get("lot") == lot_number and one["state"] == "open"]
        assert all(one["daysLeft"] == left[lot_number] for one in mine), mine
        found[lot_number] = (*flags, left[lot_number], *sorted(one["kind"] for one in mine))
    return found


def usable(site: Site) -> dict[str, str]:
    """What replenishment counts as usable at each place."""
    return {one["place"]: one["usable"] for one in site.get(NURSE, "/replenishment/proposals")["positions"]}


@pytest.mark.parametrize("zoned", BACKENDS, indirect=True)
def test_goods_can_be_used_through_the_day_of_the_place_where_they_lie(zoned: tuple[Site, Clock]) -> None:
    """Rejects days of UTC, in which both would expire at once; a zone that is not inherited, by GLN or by what master
    data has in what; and lists and alerts that go by different calendars.
    """
    site, clock = zoned
    agree(site)
    soon, over = (False, True, 0, "expiring"), (True, False, -1, "expired_on_hand")
    later = (False, True, 1, "expiring")
    for days, hour, second, east, west in (
        (0, 9, 59, soon, later),
        (0, 10, 0, over, later),
        (1, 10, 59, None, soon),
        (1, 11, 0, None, over),
    ):
        clock.set(LAST + timedelta(days=days), hour, second, second)
        for name in ("cordia", NURSE):
            found = told(site, name)
            assert found["WEST"] == west, (name, clock.now)
            assert east is None or found["EAST"] == east, (name, clock.now)
        counts = {CABINET: "0" if east is not soon else "10", SHELF: "0" if west is over else "10"}
        assert usable(site) == counts


def test_an_alert_before_expiry_opens_with_the_day_of_the_place(zoned: tuple[Site, Clock]) -> None:
    """Rejects alerts counted back in hours from an end in UTC: they would not open with the list's day."""
    site, clock = zoned
    agree(site)
    opens = LAST - timedelta(days=3)
    clock.set(opens, 9, 59, 59)
    assert {lot: row[2:] for lot, row in told(site, NURSE).items()} == {"EAST": (3,), "WEST": (4,)}
    clock.set(opens, 10)
    assert {lot: row[2:] for lot, row in told(site, NURSE).items()} == {"EAST": (2, "expiring"), "WEST": (4,)}
    within = {one["lot"] for one in site.get(NURSE, "/trace/expiring?days=2")["items"]}
    assert within == {"EAST"}


def test_the_past_and_the_report_of_stock_go_by_the_same_day(zoned: tuple[Site, Clock]) -> None:
    """Rejects a fold of the past, or a report, that judges by another calendar than the present."""
    site, clock = zoned
    clock.set(LAST + timedelta(days=2), 0)
    for time, east in ((f"{LAST}T09:59:59Z", False), (f"{LAST}T10:00:00Z", True)):
        rows = site.get(NURSE, f"/consignment/stock?asOf={time}")["items"]
        assert {one["lot"]: one["expired"] for one in rows} == {"EAST": east, "WEST": False}
        lines = site.get(NURSE, f"/reports/consignment-stock-status?asOf={time}")["lines"]
        assert {one["lot"]: one["expired"] for one in lines} == {"EAST": east, "WEST": False}


def test_nobody_says_what_day_it_is_at_anothers_place(zoned: tuple[Site, Clock]) -> None:
    """Rejects a zone taken from whoever declares the place: a supplier would keep its expired goods usable."""
    site, clock = zoned
    clock.set(LAST, 10)
    for name in ("cordia", "rival-supplier"):
        declare(site, name, CABINET, WEST)
    assert told(site, NURSE)["EAST"][:2] == (True, False)
    declare(site, NURSE, CABINET, WEST)
    assert told(site, NURSE)["EAST"][:2] == (False, True)


def test_a_zone_that_is_none_is_refused_however_it_is_declared(zoned: tuple[Site, Clock]) -> None:
    """Rejects a name that is taken and then passed over: who misspelt it would wait for midnight elsewhere."""
    site, _ = zoned
    element = {"id": CABINET, "attributes": [{"id": f"{MCX}timeZone", "attribute": "Europe/Berlín"}]}
    place = "urn:epcglobal:epcis:vtype:BusinessLocation"
    listed = {"vocabularyList": [{"type": place, "vocabularyElementList": [element]}]}
    one = {"type": place, "attributes": element["attributes"]}
    document = {
        "@context": "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", "type": "EPCISDocument",
        "schemaVersion": "2.0", "creationDate": "2026-06-30T00:00:00Z",
        "epcisHeader": {"epcisMasterData": listed}, "epcisBody": {"eventList": []},
    }  # fmt: skip
    for method, path, body in (
        ("POST", "/masterdata/vocabularies", listed),
        ("PUT", f"/masterdata/elements/{CABINET.replace('/', '%2F')}", one),
        ("POST", "/epcis/capture", document),
    ):
        refused = site.request(NURSE, method, path, json=body)
        assert refused.status_code == 400, (path, refused.text)
        assert "expected a name of the IANA data base" in refused.text
        assert refused.json()["errors"][0]["code"] == "time_zone"


def test_a_use_is_judged_by_the_day_of_its_own_offset(zoned: tuple[Site, Clock]) -> None:
    """Rejects a conflict judged in UTC or by the place: a use in the evening of the last day breaks nothing."""
    site, clock = zoned
    clock.set(LAST + timedelta(days=3), 0)
    ends = parties("owning", CORDIA, NORTHGATE)
    after = LAST + timedelta(days=1)
    for place, number, time, offset in (
        (CABINET, "EAST", f"{LAST}T09:59:59Z", "+14:00"),
        (SHELF, "WEST", f"{after}T10:59:59Z", "-11:00"),
        (CABINET, "EAST", f"{LAST}T10:00:00Z", "+14:00"),
        (SHELF, "WEST", f"{after}T11:00:00Z", "-11:00"),
    ):
        use = event(0, "dispensing", disposition="dispensed", readPoint={"id": place}, **lot(SCREW, number, 1))
        use |= {"eventTime": time, "eventTimeZoneOffset": offset, "mcx:useType": "consumed"}
        use |= {"destinationList": ends["destinationList"]}
        use |= {"sourceList": [*ends["sourceList"], {"type": "location", "source": place}]}
        capture(site, NURSE, use)
    late = [one for one in site.get(NURSE, "/consignment/conflicts")["conflicts"] if "expir" in one["kind"]]
    assert len(late) == 2, late
    times = {one["eventID"]: one["eventTime"] for one in site.events(NURSE)}
    assert {times[event_id][11:19] for one in late for event_id in one["eventIDs"]} == {"10:00:00", "11:00:00"}


def test_a_setting_gives_the_zone_of_places_that_declare_none(open_site: Any) -> None:
    clock = Clock()
    with open_site(injected={"now_us": clock.now_us}, time_zone=EAST) as site:
        delivered(site, lot(SCREW, "L9", 1), LAST.isoformat())
        clock.set(LAST, 10)
        (row,) = site.get(NURSE, "/consignment/stock")["items"]
        assert (row["expired"], row["usable"]) == (True, False)


def test_places_are_imported_with_their_zone(open_site: Any) -> None:
    clock = Clock()
    with open_site(injected={"now_us": clock.now_us}) as site:
        delivered(site, lot(SCREW, "L9", 1), LAST.isoformat())
        text = f"place,name,time_zone\n4012345000016,Main building,{EAST}\n"
        answer = site.request(NURSE, "POST", "/imports/places?apply=true", content=text.encode())
        assert answer.status_code == 200, answer.text
        clock.set(LAST, 10)
        (row,) = site.get(NURSE, "/trace/expiring?days=0")["items"]
        assert row["daysLeft"] == -1

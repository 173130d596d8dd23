"""The end of an expiry date in time zones, where clocks are changed at midnight and where calendars end."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traceward.ledger.expiry import days_left, ended_us, is_over, opens_us
from traceward.ledger.place_zones import PlaceZones, inherited, zone_named

ZONES = (
    "UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin", "Africa/Cairo", "America/Havana",
)  # fmt: skip


def us(text: str) -> int:
    """Microseconds since 1970 of a time with its offset."""
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("zone", "expiry", "end"),
    [
        ("Europe/Berlin", "2026-03-29", "2026-03-30T00:00:00+02:00"),
        ("Europe/Berlin", "2026-10-00", "2026-11-01T00:00:00+01:00"),
        ("Africa/Cairo", "2026-04-23", "2026-04-24T01:00:00+03:00"),
        ("Africa/Cairo", "2026-10-29", "2026-10-30T00:00:00+02:00"),
        ("Asia/Kathmandu", "2026-07-01", "2026-07-02T00:00:00+05:45"),
    ],
)
def test_a_day_ends_with_its_last_second_however_clocks_are_changed(zone: str, expiry: str, end: str) -> None:
    """Rejects an end computed with the offset of the day's beginning, or of the first of two hours of one name."""
    assert ended_us(expiry, ZoneInfo(zone)) == us(end)


@given(
    st.dates(date(1970, 1, 2), date(2090, 12, 31)),
    st.integers(us("1980-01-01T00:00:00+00:00"), us("2080-01-01T00:00:00+00:00")),
    st.sampled_from(ZONES),
)
def test_days_left_the_end_and_being_over_agree(day: date, time_us: int, name: str) -> None:
    """Rejects lists and alerts that reckon days each in its own way: they would differ around midnight."""
    zone, expiry = zone_named(name), day.isoformat()
    assert zone is not None
    left = days_left(expiry, time_us, zone)
    assert left == (day - datetime.fromtimestamp(time_us // 1_000_000, zone).date()).days
    assert is_over(expiry, time_us, zone) is (left < 0)
    opened = opens_us(expiry, 30, zone)
    assert opened is not None
    assert (time_us >= opened) is (left <= 30)


def test_dates_at_the_ends_of_the_calendar_are_judged_too() -> None:
    east, west = ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Pacific/Pago_Pago")
    for zone in (UTC, east, west):
        assert not is_over("9999-12-31", us("2026-01-01T00:00:00+00:00"), zone)
        assert is_over("0001-01-01", us("2026-01-01T00:00:00+00:00"), zone)
        assert days_left("2026-01-01", us("9999-12-31T23:59:59+00:00"), zone) is not None
        assert opens_us("0001-01-05", 30, zone) is not None


def test_a_place_has_its_own_zone_or_that_of_the_nearest_place_around_it() -> None:
    """Rejects inheritance by identifiers alone, or by master data alone, or from afar before from near."""
    site, other = "https://id.gs1.org/414/4012345000016", "https://id.gs1.org/414/4012345000023"
    berlin, tokyo = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Tokyo")
    ward = f"{site}/254/WARD"
    children = {site: [f"{site}/254/F1"], ward: [other], f"{site}/254/F1": [f"{other}/254/A"], other: [site]}
    for own, found in (
        ({site: berlin}, {site: berlin, ward: berlin, other: berlin, f"{other}/254/A": berlin}),
        ({site: berlin, ward: tokyo}, {f"{site}/254/X": berlin, other: tokyo, f"{other}/254/B": tokyo}),
        ({f"{site}/254/F1": tokyo}, {f"{other}/254/A": tokyo, site: UTC, ward: UTC}),
    ):
        zones = PlaceZones({"northgate": inherited(own, children)}, lambda _: "northgate")
        assert {place: zones.of(place) for place in found} == found
    elsewhere = PlaceZones({"northgate": {site: berlin}}, lambda _: "another", tokyo)
    assert elsewhere.of(site) is elsewhere.of(None) is tokyo


def test_the_days_before_expiry_begin_at_local_midnight() -> None:
    """Rejects counting back in hours: clocks are put forward in between."""
    assert opens_us("2026-04-10", 30, ZoneInfo("Europe/Berlin")) == us("2026-03-11T00:00:00+01:00")

"""What a subscription may ask for, and the instants that a schedule names. EPCIS 2.0 8.2.5."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traceward.epcis.errors import SubscriptionControlsException, ValidationException
from traceward.epcis.subscription import Schedule, parse_controls, parse_schedule, parse_subscription

DEST = {"dest": "https://partner.example/hook"}


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000


def test_a_subscription_with_stream_and_one_with_a_schedule_are_read() -> None:
    streamed = parse_subscription(DEST | {"stream": True, "signatureToken": "s3cret"})
    assert (streamed.stream, streamed.schedule, streamed.signature_token) == (True, None, "s3cret")
    controls = {"schedule": {"hour": "2", "minute": "0"}, "reportIfEmpty": True}
    timed = parse_subscription(DEST | controls | {"initialRecordTime": "2026-01-01T00:00:00+01:00"})
    assert not timed.stream
    assert timed.report_if_empty
    assert timed.schedule == Schedule(hour=frozenset({2}), minute=frozenset({0}))
    assert timed.schedule_fields == {"minute": "0", "hour": "2"}
    assert timed.initial_record_time_us == us("2025-12-31T23:00:00+00:00")


def test_a_token_never_shows_in_the_text_of_a_subscription() -> None:
    spec = parse_subscription(DEST | {"stream": True, "signatureToken": "s3cret"})
    assert "s3cret" not in repr(spec) + str(spec)


def test_the_name_of_the_token_in_the_official_document_is_taken_too() -> None:
    """Rejects a `secret` that is refused, or dropped so that messages go out unsigned; GS1's openapi requires it."""
    assert parse_subscription(DEST | {"stream": True, "secret": "s3cret"}).signature_token == "s3cret"
    both = DEST | {"stream": True, "secret": "s3cret", "signatureToken": "s3cret"}
    assert parse_subscription(both).signature_token == "s3cret"
    with pytest.raises(ValidationException, match="differ") as refused:
        parse_subscription(both | {"secret": "other"})
    assert "s3cret" not in str(refused.value)
    assert "other" not in str(refused.value)
    with pytest.raises(ValidationException, match="printable"):
        parse_subscription(DEST | {"stream": True, "secret": 7})


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "neither"),
        ({"stream": True, "schedule": {"hour": "1"}}, "both"),
        ({"stream": False}, "stream is false"),
        ({"stream": False, "schedule": {"hour": "1"}}, "stream is false"),
        ({"stream": "true"}, "stream is a string"),
        ({"stream": True, "reportIfEmpty": True}, "reportIfEmpty stands beside stream"),
        ({"stream": True, "reportIfEmpty": False}, "reportIfEmpty stands beside stream"),
        ({"schedule": {"hour": "1"}, "reportIfEmpty": "yes"}, "reportIfEmpty is a string"),
        ({"schedule": {}}, "schedule is empty"),
        ({"schedule": "daily"}, "schedule is a string"),
        ({"schedule": {"week": "1"}}, "'week'"),
        ({"schedule": {"hour": 1}}, "hour of the schedule is a number"),
        ({"schedule": {"second": "60"}}, "out of range"),
        ({"schedule": {"minute": "-1"}}, "'-1'"),
        ({"schedule": {"hour": "24"}}, "out of range"),
        ({"schedule": {"dayOfMonth": "0"}}, "out of range"),
        ({"schedule": {"dayOfMonth": "32"}}, "out of range"),
        ({"schedule": {"month": "13"}}, "out of range"),
        ({"schedule": {"dayOfWeek": "0"}}, "out of range"),
        ({"schedule": {"dayOfWeek": "8"}}, "out of range"),
        ({"schedule": {"second": "[30-10]"}}, "ends before it begins"),
        ({"schedule": {"second": "[0-60]"}}, "out of range"),
        ({"schedule": {"second": "0/30"}}, "'0/30'"),
        ({"schedule": {"second": "10-20"}}, "'10-20'"),
        ({"schedule": {"second": ""}}, "''"),
        ({"schedule": {"second": "1,"}}, "''"),
        ({"schedule": {"second": "1, 2"}}, "' 2'"),
        ({"schedule": {"second": "٣"}}, "u0663"),
        ({"schedule": {"second": "*"}}, "'*'"),
        ({"stream": True, "initialRecordTime": "yesterday"}, "initialRecordTime is 'yesterday'"),
        ({"stream": True, "initialRecordTime": "2026-01-01T00:00:00"}, "initialRecordTime"),
        ({"stream": True, "initialRecordTime": 5}, "initialRecordTime is '5'"),
    ],
)
def test_wrong_controls_are_refused_by_name(body: dict[str, Any], says: str) -> None:
    with pytest.raises(SubscriptionControlsException) as refused:
        parse_subscription(DEST | body)
    assert says in refused.value.detail


@pytest.mark.parametrize(
    "dest",
    [
        *(
            None,
            "",
            5,
            "somewhere",
            "/hook",
            "ftp://a/b",
            "https://",
            "https:///hook",
            "http://[::1",
            "mailto:a@b.example",
        ),
        *("https://a:99999/", "https://user@a.example/", "https://u:p@a.example/", "https://a.example/#part"),
        *("https://a.example/\n", "https://a.example/ b", "https://１２７.0.0.1/", "https://a.example\\@b/"),
        "https://a.example/" + "x" * 2048,
    ],
)
def test_a_dest_that_cannot_be_called_is_refused(dest: Any) -> None:
    with pytest.raises(ValidationException) as refused:
        parse_subscription({"dest": dest, "stream": True})
    assert [finding.path for finding in refused.value.findings] == ["dest"]


@pytest.mark.parametrize("token", [777_777, "", "x" * 1025, "a\nb"])
def test_a_refused_token_is_not_repeated(token: Any) -> None:
    with pytest.raises(ValidationException) as refused:
        parse_subscription(DEST | {"stream": True, "signatureToken": token})
    assert [finding.path for finding in refused.value.findings] == ["signatureToken"]
    assert not token or str(token) not in refused.value.detail


def test_members_that_a_server_adds_are_taken_back_and_unknown_ones_are_not() -> None:
    parse_subscription(DEST | {"stream": True, "subscriptionID": "x", "createdAt": "2026-01-01T00:00:00Z"})
    with pytest.raises(ValidationException, match="reportIfempty"):
        parse_subscription(DEST | {"schedule": {"hour": "1"}, "reportIfempty": True})
    with pytest.raises(ValidationException, match="an array"):
        parse_subscription([])


def test_a_websocket_gives_its_controls_in_the_url() -> None:
    assert parse_controls({"stream": ["true"], "other": ["1", "2"]}).stream
    timed = parse_controls({"minute": ["5"], "hour": ["[1-2]"], "reportIfEmpty": ["true"]})
    assert timed.schedule == Schedule(minute=frozenset({5}), hour=frozenset({1, 2}))
    assert timed.report_if_empty
    for wrong in (
        {},
        {"stream": ["1"]},
        {"stream": ["true"], "hour": ["1"]},
        {"hour": ["1", "2"]},
        {"stream": ["false"]},
    ):
        with pytest.raises(SubscriptionControlsException):
            parse_controls(wrong)


@pytest.mark.parametrize(
    ("fields", "after", "expected"),
    [
        ({"second": "0"}, "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"),
        ({"hour": "2"}, "2026-01-01T02:00:00Z", "2026-01-01T02:00:01Z"),
        ({"hour": "2"}, "2026-01-01T02:59:59Z", "2026-01-02T02:00:00Z"),
        ({"hour": "2", "minute": "0", "second": "0"}, "2026-12-31T02:00:00Z", "2027-01-01T02:00:00Z"),
        ({"dayOfWeek": "1", "hour": "8", "minute": "0", "second": "0"}, "2026-06-30T00:00:00Z", "2026-07-06T08:00:00Z"),
        ({"dayOfWeek": "7", "hour": "0"}, "2026-06-30T00:00:00Z", "2026-07-05T00:00:00Z"),
        ({"month": "2", "dayOfMonth": "29"}, "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
        ({"month": "2", "dayOfMonth": "29", "dayOfWeek": "1"}, "2072-03-01T00:00:00Z", "2112-02-29T00:00:00Z"),
        ({"dayOfMonth": "31"}, "2026-01-31T23:59:59Z", "2026-03-31T00:00:00Z"),
        ({"minute": "[58-59]", "second": "59"}, "2026-01-01T23:59:59Z", "2026-01-02T00:58:59Z"),
    ],
)
def test_a_schedule_comes_due_when_all_its_fields_match(fields: dict[str, str], after: str, expected: str) -> None:
    """Rejects a schedule that needs one field alone, weeks that begin on Sunday, and omitted fields that mean 0."""
    assert parse_schedule(fields).next_after(us(after)) == us(expected)


def test_a_schedule_of_a_day_that_never_comes_is_never_due() -> None:
    assert parse_schedule({"month": "2", "dayOfMonth": "30"}).next_after(0) is None
    assert parse_schedule({"month": "4,6", "dayOfMonth": "31"}).next_after(0) is None


SOME = st.one_of(st.none(), st.frozensets(st.integers(0, 59), min_size=1, max_size=3))


@given(
    second=SOME,
    minute=SOME,
    hour=st.one_of(st.none(), st.frozensets(st.integers(0, 23), min_size=1, max_size=2)),
    start=st.integers(0, 4_000_000_000),
)
def test_the_next_instant_is_the_first_that_matches(
    second: frozenset[int] | None, minute: frozenset[int] | None, hour: frozenset[int] | None, start: int
) -> None:
    """Rejects carries that keep the seconds of a later minute, by walking second by second."""
    schedule = Schedule(second=second, minute=minute, hour=hour)
    expected = start + 1
    while not _matches(schedule, expected):
        # Whole minutes and hours that cannot match are stepped over, or the walk takes minutes itself.
        moment = datetime.fromtimestamp(expected, UTC)
        if hour is not None and moment.hour not in hour:
            expected += 3600 - expected % 3600
        elif minute is not None and moment.minute not in minute:
            expected += 60 - expected % 60
        else:
            expected += 1
    assert schedule.next_after(start * 1_000_000 + 7) == expected * 1_000_000


def _matches(schedule: Schedule, second: int) -> bool:
    moment = datetime.fromtimestamp(second, UTC)
    pairs = ((schedule.second, moment.second), (schedule.minute, moment.minute), (schedule.hour, moment.hour))
    return all(values is None or value in values for values, value in pairs)

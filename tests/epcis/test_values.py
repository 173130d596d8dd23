"""Small values of the room: instants, decimals, contexts, the error tree."""

import doctest
import importlib
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traceward.epcis import errors
from traceward.epcis.decimals import normal_decimal
from traceward.epcis.errors import Finding, TracewardError, ValidationException
from traceward.epcis.extension import STANDARD_CONTEXT, Context, is_standard_context
from traceward.epcis.times import format_time_us, parse_time_us


@pytest.mark.parametrize("name", ["decimals", "extension", "times", "vocabulary"])
def test_the_examples_in_docstrings_hold(name):
    assert doctest.testmod(importlib.import_module(f"traceward.epcis.{name}")).failed == 0


moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(lambda moment: moment.replace(tzinfo=UTC))  # noqa: DTZ001


@given(moments, st.integers(-840, 840))
def test_every_offset_of_an_instant_is_the_same_instant(moment, minutes):
    """Rejects adding the offset where it is to be taken away."""
    micros = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert parse_time_us(moment.astimezone(timezone(timedelta(minutes=minutes))).isoformat()) == micros
    assert parse_time_us(format_time_us(micros)) == micros


@pytest.mark.parametrize(
    "text",
    [
        "", "2026-01-01", "2026-01-01T00:00Z", "2026-01-01 00:00:00Z", "20260101T000000Z", "2026-13-01T00:00:00Z",
        "2026-01-01T00:00:60Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00,5Z", "2026-01-01T00:00:00+1:00",
        "2026-01-01T00:00:00+14:01", "2026-01-01T00:00:00+00:60", "2026-01-01T00:00:00Z ", "2026-01-01T00:00:00Z\n",
        "-2026-01-01T00:00:00Z", "12026-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00",
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValidationException):
        parse_time_us(text)


def test_digits_past_the_sixth_are_cut_off():
    assert parse_time_us("1970-01-01T00:00:00.0000019Z") == 1


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30))
def test_the_normal_form_of_a_number_has_its_value_and_one_spelling(number):
    """Rejects Decimal.normalize, which rounds at 28 digits."""
    text = normal_decimal(number)
    assert Decimal(text) == number
    assert "e" not in text.lower()
    assert text == normal_decimal(Decimal(text))
    assert not ("." in text and text.endswith(("0", ".")))
    assert text != "-0"


def test_published_contexts_are_known_whatever_their_version_and_others_are_not():
    for url in (
        STANDARD_CONTEXT,
        "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
        "https://ref.gs1.org/standards/epcis/2.0.1/epcis-context.jsonld",
        "https://gs1.github.io/EPCIS/epcis-context.jsonld",
    ):
        assert is_standard_context(url)
    assert not is_standard_context("https://evil.example/epcis-context.jsonld")
    assert not is_standard_context("https://ref.gs1.org.evil.example/standards/epcis/epcis-context.jsonld")


def test_an_unknown_context_is_never_fetched_and_is_told():
    context = Context.of([STANDARD_CONTEXT, "https://nowhere.invalid/context.jsonld"])
    assert context.unknown_urls == ("https://nowhere.invalid/context.jsonld",)
    assert context.expand_name("their:word") is None


def test_an_events_own_context_is_added_to_the_documents_and_wins():
    context = Context.of({"a": "https://a.example/", "b": "https://b.example/"}).extended({"b": "https://c.example/"})
    assert context.expand_name("a:x") == "https://a.example/x"
    assert context.expand_name("b:x") == "https://c.example/x"


def test_bare_words_and_undeclared_prefixes_have_no_full_name():
    context = Context.of(None)
    assert context.expand_name("lot") is None
    assert context.expand_name("ex:lot") is None
    assert context.expand_name("cbvmda:lotNumber") == "urn:epcglobal:cbv:mda:lotNumber"
    assert context.expand_name("urn:x:lot") == "urn:x:lot"


def test_names_from_input_do_not_fill_the_memory():
    context = Context.of({"ex": "https://ex.org/"})
    for number in range(10_000):
        assert context.expand_name(f"ex:n{number}") == f"https://ex.org/n{number}"
    assert len(context._names) <= 4097


# EPCIS 2.0 REST binding: problem types and their status
WIRE = {
    "ValidationException": 400,
    "QueryValidationException": 400,
    "QueryParameterException": 400,
    "SubscriptionControlsException": 400,
    "SecurityException": 401,
    "NoSuchNameException": 404,
    "NotAcceptableException": 406,
    "ResourceAlreadyExistsException": 409,
    "CaptureLimitExceededException": 413,
    "QueryTooLargeException": 413,
    "QueryTooComplexException": 413,
    "URITooLongException": 414,
    "UnsupportedMediaTypeException": 415,
    "ImplementationException": 500,
}


@pytest.mark.parametrize(("name", "status"), WIRE.items())
def test_every_name_of_the_standard_has_its_class_type_and_status(name, status):
    error = getattr(errors, name)("something")
    assert (error.type, error.status, error.detail) == (f"epcisException:{name}", status, "something")
    assert error.title


def test_a_missing_resource_has_the_only_type_that_the_standard_allows():
    assert errors.NoSuchResource("x").type == "epcisException:NoSuchNameException"


def test_every_error_class_stands_in_the_tree_at_the_head_of_the_file():
    """Rejects a tree that is not kept."""
    tree = errors.__doc__ or ""
    known = [TracewardError]
    for parent in known:
        known.extend(parent.__subclasses__())
    ours = [error for error in known if error.__module__ == errors.__name__]
    assert len(ours) > 20
    assert all(error.__name__ in tree for error in ours)


def test_a_finding_moves_below_a_path():
    finding = Finding("epcList[0]", "uri", "wrong", "clause")
    assert finding.under("eventList[3]", 3) == Finding("eventList[3].epcList[0]", "uri", "wrong", "clause", 3)
    assert Finding("", "x", "y", "z").under("eventList[3]", 3).path == "eventList[3]"

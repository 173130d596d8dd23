"""The query language against a naive reading of its parameters."""

from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from epcis_query.memory import MemorySource
from epcis_query.oracle import answers
from epcis_query.postings import Postings
from epcis_query.strategies import CHILDREN, CONTEXT, DECLARED, LISTED, SINGLE, events, queries
from traceward.epcis.evaluate import matches
from traceward.epcis.extension import Context
from traceward.epcis.identity import expand
from traceward.epcis.json_codec import read_json
from traceward.epcis.master_data import resolved
from traceward.epcis.parameter_families import FAMILIES
from traceward.epcis.predicates import Query
from traceward.epcis.query import parse_json_query, parse_query
from traceward.epcis.query_parameters import PARAMETERS as ROWS

context = Context.of(CONTEXT)


def asked(params: dict[str, list[str]], forms: list[dict[str, Any]]) -> Query:
    """The query of these parameters, with what it rests on master data resolved among these events."""
    query = parse_query({name: ["|".join(values)] for name, values in params.items()}, context)
    return resolved(query, MemorySource(forms, CHILDREN, DECLARED))


def expanded(event: dict[str, Any]) -> dict[str, Any]:
    return expand(read_json(orjson.dumps(event)), context)


def check(batch: list[dict[str, Any]], params: dict[str, list[str]]) -> None:
    wanted = {index for index, event in enumerate(batch) if answers(params, event, CHILDREN, DECLARED)}
    forms = [expanded(event) for event in batch]
    query = asked(params, forms)
    assert Postings(forms).find(query) == wanted, params
    assert {index for index, form in enumerate(forms) if matches(query, form)} == wanted, params


@settings(suppress_health_check=list(HealthCheck))
@given(st.lists(events(), min_size=1, max_size=5), queries())
def test_index_and_evaluation_answer_as_the_wording_of_the_parameters_does(
    batch: list[dict[str, Any]], params: dict[str, list[str]]
) -> None:
    """Rejects, among others: ids compared as text, EQ_ and WD_ of one field intersected, bounds off by one, a source
    of another type accepted, numbers compared with times, inner fields taken for top-level ones, a hierarchy that is
    followed one level deep or for ever, an attribute looked up for another field's id.
    """
    check(batch, params)


@pytest.mark.full
@settings(max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(events(), min_size=1, max_size=5), queries())
def test_index_and_evaluation_answer_as_the_wording_does_over_many_queries(
    batch: list[dict[str, Any]], params: dict[str, list[str]]
) -> None:
    """The property above at length; rejects the same, in rarer combinations of fields."""
    check(batch, params)


@pytest.fixture(scope="module")
def corpus() -> list[dict[str, Any]]:
    """A hundred different events."""
    drawn: list[dict[str, Any]] = []

    @settings(max_examples=100, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(events())
    def draw(event: dict[str, Any]) -> None:
        drawn.append(event)

    draw()
    return drawn


@pytest.fixture(scope="module")
def forms(corpus: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [expanded(event) for event in corpus]


@pytest.fixture(scope="module")
def index(forms: list[dict[str, Any]]) -> Postings:
    return Postings(forms)


@pytest.mark.parametrize("name", sorted(SINGLE | LISTED))
def test_each_parameter_alone_answers_as_its_wording_does(
    name: str, corpus: list[dict[str, Any]], forms: list[dict[str, Any]], index: Postings
) -> None:
    """Rejects a row of the table whose key, reader or bound is another parameter's, and values joined by AND."""
    pool = SINGLE.get(name) or LISTED[name]
    for values in [[value] for value in pool] + ([pool[:2], pool[-2:]] if name in LISTED else []):
        query = asked({name: values}, forms)
        wanted = {number for number, event in enumerate(corpus) if answers({name: values}, event, CHILDREN, DECLARED)}
        assert index.find(query) == wanted, values
        assert {number for number, form in enumerate(forms) if matches(query, form)} == wanted, values


def test_every_fixed_name_is_compared_with_the_wording() -> None:
    """Rejects a new parameter that no property ever exercises; record time and order are the store's to show."""
    elsewhere = {"GE_recordTime", "LT_recordTime", "orderBy", "orderDirection", "eventCountLimit", "maxEventCount"}
    twins = {"EQ_deviceMetadata", "EQ_percValue"}  # rows made beside others by one expression
    assert set(ROWS) - elsewhere - twins <= set(SINGLE | LISTED)
    assert {family.prefix for family in FAMILIES} >= {"EQ_bizTransaction_", "EQ_source_", "EQ_destination_"}


@given(queries())
@example({"EXISTS_errorDeclaration": ["false"]})
def test_a_json_query_means_what_the_same_url_means(params: dict[str, list[str]]) -> None:
    """Rejects splitting array members at bars, and a JSON reader with rows of its own."""
    body: dict[str, Any] = {name: values[0] if name in SINGLE else values for name, values in params.items()}
    by_url = parse_query(params, context)
    assert parse_json_query({**body, "@context": CONTEXT}) == by_url


def test_numbers_of_a_json_query_may_be_numbers() -> None:
    query = parse_json_query({"EQ_quantity": [20, 1.5], "GE_percRank": 3})
    assert query == parse_query({"EQ_quantity": ["20|1.5"], "GE_percRank": ["3"]})
    assert Decimal(str(query.clauses[0].equals[1])) == Decimal("1.5")  # type: ignore[union-attr]

"""Event queries of EPCIS 2.0: the parameters of SimpleEventQuery become predicates.

Reads parameters only; it never touches events or a database (``evaluate`` and the store do).
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from traceward.epcis.errors import QueryParameterException, QueryTooComplexException
from traceward.epcis.extension import Context
from traceward.epcis.parameter_families import FAMILIES
from traceward.epcis.parameter_rows import Parameter, Part, Setting, Terms
from traceward.epcis.parameter_values import Reading
from traceward.epcis.predicates import ALL_EVENTS, AnyTerm, Clause, NumberRange, Query, TextPrefix, TimeRange
from traceward.epcis.query_parameters import PARAMETERS

__all__ = [
    "ALL_EVENTS",
    "AnyTerm",
    "Clause",
    "NumberRange",
    "PageRequest",
    "Query",
    "TextPrefix",
    "TimeRange",
    "page_request",
    "parse_json_query",
    "parse_query",
]

MAX_PARAMETERS: Final = 30
MAX_VALUES: Final = 100
MAX_VALUE_LENGTH: Final = 2048
DEFAULT_PER_PAGE: Final = 30
MAX_PER_PAGE: Final = 1000
_PAGING: Final = ("perPage", "nextPageToken")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What a page of any collection is asked for with; ``per_page`` is an upper bound."""

    per_page: int = DEFAULT_PER_PAGE
    token: str | None = None


def page_request(params: Mapping[str, Sequence[str]]) -> PageRequest:
    """The perPage and nextPageToken of a URL; perPage above 1000 counts as 1000.

    Raises QueryParameterException when one is given twice or perPage is no whole number from 1. EPCIS 2.0 12.7.5.
    """
    found: dict[str, str] = {}
    for name in _PAGING:
        values = params.get(name, ())
        if len(values) > 1:
            raise QueryParameterException(f"{name} is given {len(values)} times; expected once")
        if values:
            found[name] = values[0]
    text = found.get("perPage", str(DEFAULT_PER_PAGE))
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and int(text) > 0):
        raise QueryParameterException(f"perPage has '{text[:64]}'; expected a whole number from 1")
    return PageRequest(min(int(text), MAX_PER_PAGE), found.get("nextPageToken"))


def parse_query(
    params: Mapping[str, Sequence[str]],
    context: Context | None = None,
) -> Query:
    """The query that the parameters of a URL ask for.

    params: name -> the values as often as the name occurred, percent-decoded; list values may also be joined by "|".
    perPage and nextPageToken are left to ``page_request``. context: prefixes of CURIEs (GS1-Extensions).
    What rests on master data (WD_, HASATTR_, EQATTR_) is left to ``master_data.resolved``, when the query is asked.
    Raises QueryParameterException naming the parameter, what was wrong and what was expected; and
    QueryTooComplexException beyond 30 parameters or 100 values. EPCIS 2.0 8.2.7.1.
    """
    reading = _reading(context)
    named = [(name, list(values)) for name, values in params.items() if name not in _PAGING]
    _check_count(named)
    parts = []
    for name, raw in named:
        parameter = _parameter(name, reading)
        values = [part for text in raw for part in text.split("|")] if parameter.values == "list" else raw
        parts.append(_part(parameter, values, reading))
    return _assemble(parts)


def parse_json_query(
    query: Mapping[str, Any],
    context: Context | None = None,
) -> Query:
    """The query that a JSON object asks for, as a named query holds it.

    Lists are arrays (EQ_ of a number also takes one number); "@context" declares prefixes beside those of ``context``;
    perPage and nextPageToken have no place here. Otherwise as ``parse_query``.
    """
    declared = query.get("@context")
    base = context if context is not None else Context.of(None)
    reading = _reading(base if declared is None else base.extended(declared))
    named = [(name, value) for name, value in query.items() if name != "@context"]
    _check_count(named)
    parts = []
    for name, value in named:
        if name in _PAGING:
            raise QueryParameterException(f"{name} has no place in a query body; expected in the URL alone")
        parameter = _parameter(name, reading)
        parts.append(_part(parameter, _json_values(parameter, value), reading))
    return _assemble(parts)


def as_json_query(params: Mapping[str, list[str] | str | None], context: Context | None = None) -> dict[str, Any]:
    """The JSON object that asks the same as parameters whose values have a kind of their own, as SOAP has them.

    params: name -> a list of texts, one text, or None for no value. A text alone does for a list of one.
    Raises QueryParameterException naming the parameter. EPCIS 2.0 WSDL, QueryParam.
    """
    reading = _reading(context)
    query: dict[str, Any] = {}
    for name, value in params.items():
        if name in _PAGING:
            raise QueryParameterException(f"{name} has no place here; a poll has no pages")
        kind = _parameter(name, reading).values
        if value is None and kind != "void":
            raise QueryParameterException(f"{name[:128]} has no value; expected {_EXPECTED[kind]}")
        query[name] = [value] if kind == "list" and isinstance(value, str) else value
    return query


def _reading(context: Context | None) -> Reading:
    return Reading(context if context is not None else Context.of(None))


def _check_count(named: Sequence[tuple[str, object]]) -> None:
    if len(named) > MAX_PARAMETERS:
        raise QueryTooComplexException(f"The query has {len(named)} parameters; expected at most {MAX_PARAMETERS}")


def _parameter(name: str, reading: Reading) -> Parameter:
    """The row of a name, or the parameter that its family makes of it."""
    fixed = PARAMETERS.get(name)
    if fixed is not None:
        return fixed
    if len(name) > MAX_VALUE_LENGTH:
        raise QueryParameterException(
            f"{name[:128]}... has {len(name)} characters; expected {MAX_VALUE_LENGTH} at most"
        )
    for family in FAMILIES:
        if name.startswith(family.prefix) and len(name) > len(family.prefix):
            try:
                bound = family.bind(name, name[len(family.prefix) :], reading)
            except ValueError as error:
                raise QueryParameterException(f"{name[:128]} {error}") from error
            if bound is not None:
                return bound
            break
    # "EQ_foo" of the family EQ_ is no field name: more likely a parameter spelt wrong.
    known = [*PARAMETERS, *_PAGING, *(family.example for family in FAMILIES)]
    same = [other for other in known if other.casefold() == name.casefold()]
    close = same or difflib.get_close_matches(name[:64], known, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise QueryParameterException(f"{name[:128]} is not a parameter of SimpleEventQuery{hint}")


def _part(parameter: Parameter, values: list[str], reading: Reading) -> Part:
    name = parameter.name[:128]
    if len(values) > MAX_VALUES:
        raise QueryTooComplexException(f"{name} has {len(values)} values; expected at most {MAX_VALUES}")
    if parameter.values != "list" and len(values) > 1:
        raise QueryParameterException(f"{name} is given {len(values)} times; expected once")
    if parameter.values != "void":
        if not values or not all(values):
            raise QueryParameterException(f"{name} has an empty value; expected {_EXPECTED[parameter.values]}")
        if max(map(len, values)) > MAX_VALUE_LENGTH:
            raise QueryParameterException(f"{name} has a value of more than {MAX_VALUE_LENGTH} characters")
    if any(_NO_CHARACTER.search(text) for text in (parameter.name, *values)):
        raise QueryParameterException(f"{name!a} holds U+0000 or half a surrogate pair; expected characters")
    try:
        return parameter.make(values, reading)
    except ValueError as error:
        raise QueryParameterException(f"{name} {error}") from error


#: What no event can hold, so that no database need be asked with it.
_NO_CHARACTER: Final = re.compile(r"[\x00\ud800-\udfff]")
_EXPECTED: Final = {"list": "one or more values", "single": "one value"}


def _json_values(parameter: Parameter, value: object) -> list[str]:
    """The texts of one JSON value, given as the parameter's kind asks."""
    name = parameter.name[:128]
    if parameter.values == "void":
        return [] if value is None else [_json_text(name, value)]
    if parameter.values == "single":
        if isinstance(value, list):
            raise QueryParameterException(f"{name} has an array; expected a single value")
        return [_json_text(name, value)]
    if isinstance(value, list):
        return [_json_text(name, member) for member in value]
    if isinstance(value, str):
        raise QueryParameterException(f"{name} has the string '{value[:64]}'; expected an array of strings")
    return [_json_text(name, value)]


def _json_text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float, Decimal)):
        return str(value)
    kind = "null" if value is None else "an object" if isinstance(value, dict) else "an array"
    raise QueryParameterException(f"{name} has {kind} for a value; expected a string, number or boolean")


def _assemble(parts: Iterable[Part]) -> Query:
    """The query of all parts: terms of one group unite, everything else must hold together."""
    groups: dict[str, list[Terms]] = {}
    clauses: list[Clause] = []
    settings: dict[str, Any] = {}
    for part in parts:
        if isinstance(part, Terms):
            groups.setdefault(part.group, []).append(part)
        elif isinstance(part, NumberRange):
            clauses.append(part)
        elif isinstance(part, Setting):
            settings[part.field] = part.value
    for members in groups.values():
        pairs = tuple(dict.fromkeys(pair for member in members for pair in member.pairs))
        prefixes = tuple(dict.fromkeys(prefix for member in members for prefix in member.prefixes))
        master_data = tuple(term for member in members for term in member.master_data)
        clauses.append(AnyTerm(pairs, prefixes, master_data))
    _check_settings(settings)
    bounds = {name: settings.pop(name, None) for name in _TIME_BOUNDS}
    return Query(
        tuple(clauses),
        event_time=TimeRange(bounds["event_time.ge_us"], bounds["event_time.lt_us"]),
        record_time=TimeRange(bounds["record_time.ge_us"], bounds["record_time.lt_us"]),
        **settings,
    )


_TIME_BOUNDS: Final = ("event_time.ge_us", "event_time.lt_us", "record_time.ge_us", "record_time.lt_us")


def _check_settings(settings: Mapping[str, Any]) -> None:
    limited = "event_count_limit" in settings
    if limited and "max_event_count" in settings:
        raise QueryParameterException("eventCountLimit and maxEventCount exclude each other; expected one of the two")
    if limited and "order_by" not in settings:
        raise QueryParameterException("eventCountLimit needs an order; expected orderBy beside it")

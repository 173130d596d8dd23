"""SimpleMasterDataQuery: its parameters become one value that says of an element whether it is asked for.

Pure; which elements there are is the store's to know. EPCIS 2.0 8.2.7.2 (mandatory includeAttributes, includeChildren).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from traceward.epcis.errors import QueryParameterException, QueryTooComplexException
from traceward.epcis.extension import Context
from traceward.epcis.master_data import Element, attribute_name, vocabulary_type
from traceward.gs1.epc_uri import canonical_identifier

MAX_PARAMETERS: Final = 30
MAX_VALUES: Final = 100
_EQATTR: Final = ("EQATTR_", "EQ_ATTR_")
_NO_CHARACTER: Final = re.compile(r"[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class MasterDataQuery:
    """Which elements are asked for, and what is to be said of each; None or empty asks for any.

    names, within: canonical ids of which one must be the element's, or lie above it; the two unite. has: attributes of
    which the element has one. equals: attribute -> texts of which it has one; all must hold. attribute_names: the
    attributes that the answer shows. Attribute names are in their one form.
    """

    vocabularies: tuple[str, ...] = ()
    include_attributes: bool = True
    include_children: bool = True
    attribute_names: tuple[str, ...] | None = None
    names: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    has: tuple[str, ...] = ()
    equals: tuple[tuple[str, tuple[str, ...]], ...] = ()
    max_element_count: int | None = None

    def asks_for(self, element: Element) -> bool:
        """Whether the element is of the vocabularies and has the attributes asked for; its id is not judged."""
        if self.vocabularies and element.vtype not in self.vocabularies:
            return False
        keys = {one.key for one in element.attributes}
        if self.has and keys.isdisjoint(self.has):
            return False
        return all(
            any(one.key == name and one.text in values for one in element.attributes) for name, values in self.equals
        )

    def shown(self, element: Element) -> Element:
        """The element with what the answer is to say of it."""
        attributes = element.attributes if self.include_attributes else ()
        if self.attribute_names is not None:
            attributes = tuple(one for one in attributes if one.key in self.attribute_names)
        return replace(element, attributes=attributes, children=element.children if self.include_children else ())


def parse_master_data_query(
    parameters: Mapping[str, Sequence[str]], context: Context | None = None, *, mandatory: bool = True
) -> MasterDataQuery:
    """The query that these parameters ask for, each name with its values.

    mandatory: includeAttributes and includeChildren must be given, as the standard has it; else both are true.
    Raises QueryParameterException naming the parameter, QueryTooComplexException beyond 30 of them or 100 values.
    """
    if len(parameters) > MAX_PARAMETERS:
        raise QueryTooComplexException(f"The query has {len(parameters)} parameters; expected at most {MAX_PARAMETERS}")
    names = context if context is not None else Context.of(None)
    found: dict[str, Any] = {}
    equals: list[tuple[str, tuple[str, ...]]] = []
    for name, values in parameters.items():
        _check(name, values)
        attribute = next((name.removeprefix(prefix) for prefix in _EQATTR if name.startswith(prefix)), None)
        if attribute:
            equals.append((_attribute(attribute, names), tuple(values)))
            continue
        row = _PARAMETERS.get(name)
        if row is None:
            known = ", ".join([*_PARAMETERS, "EQATTR_<attribute>"])
            raise QueryParameterException(f"{name[:80]} is no parameter of SimpleMasterDataQuery; expected {known}")
        field, read = row
        try:
            found[field] = read(values, names)
        except ValueError as error:
            raise QueryParameterException(f"{name} {error}") from error
    if mandatory:
        for name in ("includeAttributes", "includeChildren"):
            if name not in parameters:
                raise QueryParameterException(f"{name} is missing; expected true or false")
    return MasterDataQuery(**found, equals=tuple(equals))


def _check(name: str, values: Sequence[str]) -> None:
    if len(values) > MAX_VALUES:
        raise QueryTooComplexException(f"{name[:80]} has {len(values)} values; expected at most {MAX_VALUES}")
    if not values or not all(values):
        raise QueryParameterException(f"{name[:80]} has an empty value; expected one or more values")
    if any(_NO_CHARACTER.search(text) for text in (name, *values)):
        raise QueryParameterException(f"{name[:80]!a} holds U+0000 or half a surrogate pair; expected characters")


def _attribute(text: str, context: Context) -> str:
    return attribute_name(context.expand_name(text) or text)


def _truth(values: Sequence[str], _context: Context) -> bool:
    if len(values) != 1 or values[0] not in {"true", "false", "1", "0"}:
        raise ValueError(f"has '{', '.join(values)[:80]}'; expected true or false")
    return values[0] in {"true", "1"}


def _count(values: Sequence[str], _context: Context) -> int:
    if len(values) != 1 or not re.fullmatch(r"[0-9]{1,9}", values[0], re.ASCII) or int(values[0]) == 0:
        raise ValueError(f"has '{', '.join(values)[:80]}'; expected a whole number from 1 to 999999999")
    return int(values[0])


def _ids(values: Sequence[str], context: Context) -> tuple[str, ...]:
    for value in values:
        if ":" not in value:
            raise ValueError(f"has '{value[:80]}'; expected the URI of an element")
    return tuple(dict.fromkeys(canonical_identifier(context.expand_value(value)) for value in values))


def _attributes(values: Sequence[str], context: Context) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_attribute(value, context) for value in values))


def _vocabularies(values: Sequence[str], context: Context) -> tuple[str, ...]:
    return tuple(dict.fromkeys(vocabulary_type(context.expand_value(value)) for value in values))


#: Parameter -> the field that it fills and the reader of its values.
_PARAMETERS: Final[dict[str, tuple[str, Callable[[Sequence[str], Context], Any]]]] = {
    "vocabularyName": ("vocabularies", _vocabularies),
    "includeAttributes": ("include_attributes", _truth),
    "includeChildren": ("include_children", _truth),
    "attributeNames": ("attribute_names", _attributes),
    "EQ_name": ("names", _ids),
    "WD_name": ("within", _ids),
    "HASATTR": ("has", _attributes),
    "maxElementCount": ("max_element_count", _count),
}

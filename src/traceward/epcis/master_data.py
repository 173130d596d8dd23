"""Master data: vocabulary elements as they are declared, and what they say about the places and things of a query.

Pure: what is declared and what events name is asked of a `MasterDataSource`; it must not know tables or callers.
EPCIS 2.0 6.1.1 (vocabularies and their hierarchy), 8.2.7.1 (WD_, HASATTR_, EQATTR_).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, Protocol

import msgspec

from traceward.epcis.decimals import normal_decimal
from traceward.epcis.errors import Finding, QueryTooComplexException
from traceward.epcis.extension import CBVMDA
from traceward.epcis.predicates import AnyTerm, Attributed, Query, Within
from traceward.epcis.terms import class_prefix
from traceward.gs1.digital_link import CANONICAL_STEM
from traceward.gs1.epc_uri import canonical_identifier
from traceward.gs1.patient import contains_patient_identifier

VTYPE: Final = "urn:epcglobal:epcis:vtype:"
#: Values that the master data of one query may stand for, and places that a hierarchy may be searched for.
MAX_VALUES: Final = 1000
#: Octets of what has to fit an index entry of PostgreSQL together.
MAX_TYPE_OCTETS: Final = 200
MAX_ID_OCTETS: Final = 1000
MAX_NAME_OCTETS: Final = 400
MAX_CHILDREN: Final = 10_000

_CLAUSE: Final = "EPCIS 2.0 6.1.1, master data"
_PRIVACY: Final = "Traceward privacy rule: no patient in shared records"
_MDA: Final = ("urn:epcglobal:cbv:mda#", "https://ref.gs1.org/cbv/mda-", "https://ref.gs1.org/cbv/", "cbvmda:")
#: Attributes that name a thing to a reader, the best first, by the local name that they have in any namespace.
_NAMES: Final = (
    "name",
    "siteName",
    "locationName",
    "organizationName",
    "productName",
    "tradeItemDescription",
    "descriptionShort",
    "regulatedProductName",
    "functionalName",
    "labelDescription",
    "description",
)
_encode = msgspec.json.Encoder(decimal_format="number", order="sorted").encode


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of an element. name: as sent. value: a text, or the JSON value of an element tree."""

    name: str
    value: Any

    @property
    def key(self) -> str:
        """The name in its one form, by which the attribute is found."""
        return attribute_name(self.name)

    @property
    def text(self) -> str | None:
        """The value as EQATTR_ compares it; None for what has a structure."""
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        if isinstance(self.value, (int, Decimal)):
            return normal_decimal(self.value)
        return self.value if isinstance(self.value, str) else None


@dataclass(frozen=True, slots=True)
class Element:
    """A vocabulary element as one party declares it. id: canonical; spelt: the id as sent; children: ids as sent."""

    vtype: str
    id: str
    spelt: str
    attributes: tuple[Attribute, ...] = ()
    children: tuple[str, ...] = ()

    @property
    def child_ids(self) -> tuple[str, ...]:
        """The canonical ids of the children."""
        return tuple(dict.fromkeys(map(canonical_identifier, self.children)))

    @property
    def digest(self) -> bytes:
        """16 bytes that are the same for the same content, however it is spelt and in whatever order it stands."""
        attributes = sorted(_encode([one.key, one.value]) for one in self.attributes)
        content = _encode([self.vtype, self.id, [text.decode() for text in attributes], sorted(self.child_ids)])
        return hashlib.sha256(content).digest()[:16]

    @property
    def name(self) -> str | None:
        """What a person calls the thing, where an attribute says so."""
        return display_name(self.attributes)


class MasterDataSource(Protocol):
    """What one caller can know: the master data that the caller may see, and the values that the caller's events name.

    Every id is canonical, every attribute name as `attribute_name` gives it.
    """

    def children(self, ids: Collection[str]) -> Collection[str]:
        """The direct children of elements of these ids that the caller may see."""

    def carrying(self, ids: Collection[str], names: Collection[str], values: Collection[str] | None) -> set[str]:
        """Those of these ids, named by events of the caller, that have one of the attributes.

        values: the texts of which the attribute must have one; None for any value.
        """

    def named(self, field: str, most: int) -> Collection[tuple[str, str]]:
        """The index pairs that the caller's events have in a field (one of FIELDS).

        Raises QueryTooComplexException where there are more than `most`.
        """


#: Fields that HASATTR_ and EQATTR_ may name -> how else they are spelt (EPCIS 1.x, Oliot).
FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "readPoint": ("ReadPoint", "ReadPointID", "readPointID"),
    "bizLocation": ("BusinessLocation", "BizLocation", "bizLocationID"),
    "bizTransaction": ("BusinessTransaction", "BizTransaction"),
    "epcClass": ("EPCClass",),
    "source": ("Source",),
    "destination": ("Destination",),
    "sourceDest": ("SourceDest", "SourceDestID", "sourceDestID"),
    "location": ("Location", "LocationID", "locationID"),
    "party": ("Party", "PartyID", "partyID"),
    "microorganism": ("Microorganism", "MicroorganismID"),
    "chemicalSubstance": ("ChemicalSubstance", "ChemicalSubstanceID"),
    "resource": ("Resource", "ResourceID"),
}
FIELD_NAMES: Final = {spelling: field for field, others in FIELDS.items() for spelling in (field, *others)}
#: Values of a field that are looked through for their master data.
MAX_NAMED: Final = 20_000


def resolved(query: Query, source: MasterDataSource) -> Query:
    """The query with everything that rests on master data replaced by the values that it stands for.

    Raises QueryTooComplexException where these are more than MAX_VALUES.
    """
    if not any(isinstance(clause, AnyTerm) and clause.master_data for clause in query.clauses):
        return query
    clauses = tuple(
        _resolved_clause(clause, source) if isinstance(clause, AnyTerm) and clause.master_data else clause
        for clause in query.clauses
    )
    return replace(query, clauses=clauses)


def descendants(ids: Iterable[str], source: MasterDataSource, most: int = MAX_VALUES) -> list[str]:
    """These ids and everything below them, each once; a hierarchy that runs in circles ends all the same.

    Raises QueryTooComplexException beyond `most`.
    """
    found = dict.fromkeys(ids)
    level = list(found)
    while level:
        below = dict.fromkeys(sorted(set(source.children(level)) - found.keys()))
        found |= below
        if len(found) > most:
            raise QueryTooComplexException(f"the places asked for have more than {most} places below them")
        level = list(below)
    return list(found)


def attribute_name(text: str) -> str:
    """The one form of an attribute's name: CBV attributes with their namespace, everything else as it stands.

    >>> attribute_name("urn:epcglobal:cbv:mda#name"), attribute_name("cbvmda:name"), attribute_name("name")
    ('urn:epcglobal:cbv:mda:name', 'urn:epcglobal:cbv:mda:name', 'urn:epcglobal:cbv:mda:name')
    """
    for prefix in _MDA:
        if text.startswith(prefix):
            return CBVMDA + text.removeprefix(prefix)
    return text if ":" in text else CBVMDA + text


def vocabulary_type(text: str) -> str:
    """The URI of a vocabulary: a bare word is one of the standard's.

    >>> vocabulary_type("BusinessLocation")
    'urn:epcglobal:epcis:vtype:BusinessLocation'
    """
    return text if ":" in text else VTYPE + text


def display_name(attributes: Iterable[Attribute]) -> str | None:
    """What these attributes call the thing, the best of them first."""
    by_local = {
        one.key.replace("#", ":").replace("/", ":").rpartition(":")[2]: one.text.strip()
        for one in reversed(list(attributes))
        if one.text is not None and one.text.strip()
    }
    return next((by_local[name] for name in _NAMES if name in by_local), None)


def product_of(identifier: str) -> str | None:
    """The product of a lot or an item with a GTIN, or None.

    >>> product_of("https://id.gs1.org/01/09521141010235/21/V23-0007")
    'https://id.gs1.org/01/09521141010235'
    """
    stem = f"{CANONICAL_STEM}/01/"
    end = len(stem) + 14
    return identifier[:end] if identifier.startswith(stem) and identifier[end : end + 1] == "/" else None


def read_vocabularies(vocabularies: Iterable[Mapping[str, Any]], path: str = "") -> tuple[list[Element], list[Finding]]:
    """The elements of a list of vocabularies, and everything that is wrong with it.

    vocabularies: [{type, elements: [{id, attributes: [{id, value}], children: [id]}]}], names in full. path: where the
    list stands, for the findings. An element that is given twice with other content is a finding.
    """
    found: dict[tuple[str, str], Element] = {}
    findings: list[Finding] = []
    for number, vocabulary in enumerate(vocabularies):
        here = f"{path}vocabularyList[{number}]"
        vtype = vocabulary.get("type")
        if not _is_uri(vtype, MAX_TYPE_OCTETS):
            findings.append(_finding(f"{here}.type", vtype, f"a URI of at most {MAX_TYPE_OCTETS} octets"))
            continue
        elements = vocabulary.get("elements")
        if not isinstance(elements, list):
            findings.append(_finding(f"{here}.vocabularyElementList", elements, "a list of elements"))
            continue
        for place, entry in enumerate(elements):
            at = f"{here}.vocabularyElementList[{place}]"
            element = _read_element(str(vtype), entry, at, findings)
            if element is None:
                continue
            before = found.setdefault((element.vtype, element.id), element)
            if before.digest != element.digest:
                findings.append(_finding(f"{at}.id", element.spelt, "each element once, or with the same content"))
    return list(found.values()), findings


def _read_element(vtype: str, entry: Any, at: str, findings: list[Finding]) -> Element | None:
    if not isinstance(entry, Mapping):
        findings.append(_finding(at, entry, "an object"))
        return None
    before = len(findings)
    spelt = entry.get("id")
    if not _is_uri(spelt, MAX_ID_OCTETS):
        findings.append(_finding(f"{at}.id", spelt, f"a URI of at most {MAX_ID_OCTETS} octets"))
    attributes = list(_read_attributes(entry.get("attributes"), f"{at}.attributes", findings))
    children = _read_children(entry.get("children"), f"{at}.children", findings)
    if contains_patient_identifier(_encode([spelt, [one.value for one in attributes], children]).decode()):
        message = "the element names a patient (AI 8018); expected no patient in master data"
        findings.append(Finding(at, "patient_in_master_data", message, _PRIVACY))
    if len(findings) > before:
        return None
    return Element(vtype, canonical_identifier(str(spelt)), str(spelt), tuple(attributes), tuple(children))


def _read_attributes(value: Any, at: str, findings: list[Finding]) -> Iterator[Attribute]:
    for number, entry in enumerate(_list(value, at, findings)):
        name = entry.get("id") if isinstance(entry, Mapping) else entry
        if not isinstance(entry, Mapping) or not isinstance(name, str) or not name.strip():
            findings.append(_finding(f"{at}[{number}].id", name, "the name of an attribute"))
        elif len(name.encode()) > MAX_NAME_OCTETS:
            findings.append(_finding(f"{at}[{number}].id", name, f"a name of at most {MAX_NAME_OCTETS} octets"))
        elif entry.get("value") is None:
            findings.append(_finding(f"{at}[{number}].attribute", None, "a value"))
        else:
            yield Attribute(name, entry["value"])


def _read_children(value: Any, at: str, findings: list[Finding]) -> list[str]:
    children = _list(value, at, findings)
    if len(children) > MAX_CHILDREN:
        findings.append(_finding(at, f"{len(children)} ids", f"at most {MAX_CHILDREN}"))
        return []
    for number, child in enumerate(children):
        if not _is_uri(child, MAX_ID_OCTETS):
            findings.append(_finding(f"{at}[{number}]", child, f"a URI of at most {MAX_ID_OCTETS} octets"))
    return [child for child in children if isinstance(child, str)]


def _list(value: Any, at: str, findings: list[Finding]) -> list[Any]:
    if value is None or isinstance(value, list):
        return value or []
    findings.append(_finding(at, value, "a list"))
    return []


def _is_uri(value: Any, most: int) -> bool:
    return isinstance(value, str) and ":" in value and value == value.strip() and len(value.encode()) <= most


def _finding(path: str, value: object, expected: str) -> Finding:
    shown = "missing" if value is None else f"{str(value)[:80]!a}"
    return Finding(path, "master_data", f"{path.rpartition('.')[2]} is {shown}; expected {expected}", _CLAUSE)


def _resolved_clause(clause: AnyTerm, source: MasterDataSource) -> AnyTerm:
    pairs = dict.fromkeys(clause.pairs)
    for term in clause.master_data:
        found = _within(term, source) if isinstance(term, Within) else _attributed(term, source)
        for pair in found:
            pairs[pair] = None
            if len(pairs) > MAX_VALUES:
                raise QueryTooComplexException(f"the master data asked for stands for more than {MAX_VALUES} values")
    return AnyTerm(tuple(pairs), clause.prefixes)


def _within(term: Within, source: MasterDataSource) -> Iterator[tuple[str, str]]:
    for identifier in descendants(term.ids, source):
        yield term.key, identifier


def _attributed(term: Attributed, source: MasterDataSource) -> Iterator[tuple[str, str]]:
    """The values in the field that have the attribute; what a product has, its lots have."""
    pairs = source.named(term.field, MAX_NAMED)
    products = {identifier: product_of(identifier) for _, identifier in pairs}
    asked = products.keys() | {product for product in products.values() if product is not None}
    values = None if term.values is None else frozenset(term.values)
    carrying = source.carrying(asked, term.names, values)
    for key, identifier in sorted(pairs):
        if identifier in carrying:
            yield key, identifier
        elif products[identifier] in carrying:
            prefix = class_prefix(identifier)
            if prefix is not None:
                yield f"{key}~class", prefix

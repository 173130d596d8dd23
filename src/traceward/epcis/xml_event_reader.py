"""Events in XML to their JSON form: fields by the table of the XML binding, what stands elsewhere as a finding.

Must not judge what an event says: `rules` does, of the JSON form. Changes no value but the spelling of CBV terms,
numbers and blanks around standard values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from traceward.epcis.errors import Finding, TracewardError
from traceward.epcis.json_codec import MAX_INTEGER, MAX_NUMBER_LENGTH, is_writable, read_json
from traceward.epcis.vocabulary import Kind, to_bare
from traceward.epcis.xml_names import ReadNames
from traceward.epcis.xml_parser import Element, attributes_of
from traceward.epcis.xml_tables import (
    ANY_ORDER,
    EPC_LISTS,
    IDENTIFIERS,
    LAYOUTS,
    ORDER,
    OWN,
    PLACES,
    QUANTITY_LISTS,
    SENSOR_METADATA,
    SENSOR_NUMBERS,
    SENSOR_REPORT,
    SENSOR_TERMS,
    SENSOR_TEXTS,
    TERMS,
    TEXTS,
    TYPED_LISTS,
    XSI,
    Version,
    Wrapper,
)
from traceward.epcis.xml_values import FIELD, child_name, put, read_value

MAX_FINDINGS = 100
# Past so many in a document, each further event keeps its first alone: findings cost memory.
MAX_FINDINGS_OF_ALL = 2000
_MANY = 500

_BINDING = "EPCIS XML binding, XML schema"
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_XSI = f"{{{XSI}}}"
_NIL = f"{{{XSI}}}nil"
_MORE = f"{{{OWN}}}more"
_CERTIFICATION = f"{{{OWN}}}certificationInfo"
_EVENT_TYPE = f"{{{OWN}}}type"
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


class EventReader:
    """Reads the events of one document; `names` gathers the prefixes that their JSON form needs."""

    def __init__(self, names: ReadNames, version: Version, *, is_1_0: bool = False) -> None:
        self.names = names
        self._version = version
        self._is_1_0 = is_1_0
        self._findings: list[Finding] = []
        self._limit = MAX_FINDINGS
        self._found = 0
        self._event: Element | None = None
        self._fields: dict[str, Callable[[Element], Any]] = {
            **dict.fromkeys(TEXTS, self._text),
            **dict.fromkeys(IDENTIFIERS, self._identifier),
            **{name: self._term_of(kind) for name, kind in TERMS.items()},
            **dict.fromkeys(EPC_LISTS, self._epcs),
            **dict.fromkeys(QUANTITY_LISTS, self._quantities),
            **dict.fromkeys(PLACES, self._place),
            **{name: self._typed_list_of(item, kind) for name, (item, kind) in TYPED_LISTS.items()},
            "certificationInfo": self._identifier,
            "errorDeclaration": self._declaration,
            "persistentDisposition": self._persistent,
            "sensorElementList": self._sensors,
            "ilmd": self._ilmd,
        }

    def read(self, element: Element) -> tuple[dict[str, Any], list[Finding]]:
        """The JSON form of an event's element, and what is wrong with its XML; paths start at the event with `./`."""
        self._found += len(self._findings)
        self._limit = MAX_FINDINGS if self._found < MAX_FINDINGS_OF_ALL else 1
        self._findings = []
        self._event = element
        tag = element.tag
        if tag == "QuantityEvent":
            data = self._quantity_event(element)
        elif tag in ORDER:
            data = {"type": tag}
            self._container(element, tag, (), data)
        else:
            data = {"type": self._own_type(element)}
            self._own_event(element, data)
        self._attributes(element, data)
        return data, self._findings

    # Events

    def _container(self, element: Element, kind: str, wrapper: Wrapper, data: dict[str, Any]) -> None:
        """The fields of an event, or of one of its wrappers, in the order of the table."""
        layout = LAYOUTS[kind, self._version, wrapper]
        ranks, fields = layout.ranks, self._fields
        last, last_name = -1, ""
        for child in self._children(element):
            tag = child.tag
            rank = ranks.get(tag)
            if rank is None:
                if tag[0] == "{":
                    last, last_name = len(ranks) + 100, tag
                    self._extension(child, data)
                else:
                    self._unknown_in_event(child, kind, wrapper, data)
                continue
            if layout.ordered:
                if rank == last:
                    self._add(child, "repeated", f"{tag} occurs twice; expected one")
                    continue
                if rank < last:
                    self._add(child, "order", f"{tag} stands after {_local(last_name)}; expected it before")
                last, last_name = max(rank, last), tag
            if tag in ("extension", "baseExtension"):
                self._container(child, kind, (*wrapper, tag), data)
                self._attributes(child, data)
            else:
                self._field(child, tag, fields[tag], data)

    def _field(self, child: Element, tag: str, read: Callable[[Element], Any], data: dict[str, Any]) -> None:
        if tag in data and tag != "certificationInfo":
            self._add(child, "repeated", f"{tag} occurs twice; expected one")
            return
        value = read(child)
        if value is None:
            return
        if tag == "certificationInfo":
            put(data, tag, value)
        else:
            data[tag] = value

    def _unknown_in_event(self, child: Element, kind: str, wrapper: Wrapper, data: dict[str, Any]) -> None:
        """A name without namespace that has no place here: in 1.x it may be a vendor's, in the deepest wrapper."""
        vendors = self._version == "1.2" and wrapper and (self._is_1_0 or wrapper[-1:] == ("extension",))
        if vendors and (child.tag not in self._fields or self._is_1_0) and child.tag not in ORDER[kind]:
            put(data, self.names.name(child.tag, child), self._value(child))
            return
        where = kind if not wrapper else f"{kind}/{'/'.join(wrapper)}"
        self._add(child, "unknown_element", f"{child.tag} has no place in {where} of EPCIS {self._version}")

    def _own_type(self, element: Element) -> str:
        named = element.get(_EVENT_TYPE)
        if named is not None:
            return self.names.value(named, element)
        return self.names.name(element.tag, element) if element.tag[0] == "{" else element.tag

    def _own_event(self, element: Element, data: dict[str, Any]) -> None:
        """An event of one's own type: fields of the standard in any order, all else as it stands."""
        for child in self._children(element):
            tag = child.tag
            if tag in self._fields:
                self._field(child, tag, self._fields[tag], data)
            elif tag[0] == "{":
                self._extension(child, data)
            else:
                put(data, tag, self._value(child))

    def _quantity_event(self, element: Element) -> dict[str, Any]:
        """The ObjectEvent that says the same (EPCIS 1.1 deprecates QuantityEvent in its favour)."""
        data: dict[str, Any] = {"type": "ObjectEvent", "action": "OBSERVE", "epcList": []}
        quantity: dict[str, Any] = {}
        for child in self._children(element):
            tag = child.tag
            if tag == "epcClass":
                quantity[tag] = self._identifier(child)
            elif tag == "quantity":
                quantity[tag] = self._number(self._text(child), child)
            elif tag in ("baseExtension", "extension"):
                self._container(child, "ObjectEvent", (tag,), data)
            elif tag[0] == "{":
                self._extension(child, data)
            elif tag in self._fields and tag in ANY_ORDER and tag not in EPC_LISTS | QUANTITY_LISTS | {"action"}:
                self._field(child, tag, self._fields[tag], data)
            else:
                self._add(child, "unknown_element", f"{tag} has no place in QuantityEvent")
        data["quantityList"] = [{name: value for name, value in quantity.items() if value is not None}]
        return data

    def _attributes(self, element: Element, data: dict[str, Any]) -> None:
        """Foreign attributes of an element that JSON knows as an object: extensions like any other."""
        for name, value in attributes_of(element):
            if not name.startswith(_XSI) and name != _EVENT_TYPE:
                put(data, self.names.name(name, element), value)

    # Values

    def _text(self, element: Element) -> str:
        if len(element) or element.keys():
            self._leaf(element)
        return (element.text or "").strip()

    def _identifier(self, element: Element) -> str:
        return self.names.value(self._text(element), element)

    def _leaf(self, element: Element, *, allowed: tuple[str, ...] = ()) -> None:
        """Note children and attributes of an element that has text alone."""
        for child in element:
            self._add(child, "unknown_element", f"{_local(child.tag)} has no place in {element.tag}; expected text")
        for name, _value in attributes_of(element):
            if name not in allowed and not name.startswith(_XSI):
                self._add(element, "unknown_attribute", f"{element.tag} has the attribute {name}; expected none")

    def _term(self, kind: Kind, text: str, element: Element) -> str:
        return to_bare(kind, text) or self.names.value(text, element)

    def _term_of(self, kind: Kind) -> Callable[[Element], str]:
        return lambda element: self._term(kind, self._text(element), element)

    def _number(self, text: str, element: Element, name: str = "") -> Decimal | None:
        here = f"@{name}" if name else ""
        if _NUMBER.fullmatch(text) is None or len(text) > 1000:
            message = f"{name or element.tag} is {text[:40]!a}; expected a number"
            self._add(element, "number", message, here)
            return None
        number = Decimal(text)
        plain = str(number)
        whole = plain.lstrip("-").isdigit()
        if len(plain) > MAX_NUMBER_LENGTH or not is_writable(number) or (whole and abs(number) > MAX_INTEGER):
            message = f"{name or element.tag} is {text[:40]}; the number is too long, too large or too small"
            self._add(element, "number", message, here)
            return None
        return number

    def _value(self, element: Element) -> Any:
        return read_value(element, self.names.name)

    def _extension(self, child: Element, data: dict[str, Any]) -> None:
        """One extension element, into the object that it extends."""
        if child.tag == _CERTIFICATION:
            put(data, "certificationInfo", self._identifier(child))
        else:
            put(data, child_name(child, self.names.name), self._value(child))

    # Fields

    def _epcs(self, element: Element) -> list[str]:
        found = []
        for child in self._children(element):
            if child.tag == "epc":
                found.append(self._identifier(child))
            else:
                self._add(child, "unknown_element", f"{_local(child.tag)} has no place in {element.tag}; expected epc")
        return found

    def _quantities(self, element: Element) -> list[dict[str, Any]]:
        found = []
        for child in self._children(element):
            if child.tag != "quantityElement":
                self._add(child, "unknown_element", f"{_local(child.tag)} has no place in {element.tag}")
                continue
            entry: dict[str, Any] = {}
            names = []
            for field in self._children(child):
                tag = field.tag
                names.append(tag)
                if tag == "quantity" and field.get(_NIL) not in ("true", "1"):
                    number = self._number(self._text(field), field)
                    if number is not None:
                        entry[tag] = number
                elif tag == "epcClass":
                    entry[tag] = self._identifier(field)
                elif tag == "uom":
                    entry[tag] = self._text(field)
            if tuple(names) not in _QUANTITY_SEQUENCES:
                got = ", ".join(_local(name) for name in names[:6]) or "nothing"
                self._add(child, "order", f"quantityElement has {got}; expected epcClass, then quantity, then uom")
            found.append(entry)
        return found

    def _place(self, element: Element) -> dict[str, Any]:
        place: dict[str, Any] = {}
        for child in self._extensible(element, place):
            if child.tag == "id" and not place:
                place["id"] = self._identifier(child)
            else:
                self._add(child, "unknown_element", f"{child.tag} has no place here in {element.tag}")
        return place

    def _extensible(self, element: Element, data: dict[str, Any]) -> Iterator[Element]:
        """The standard children of an element; its extensions are put into data, also those in `extension`."""
        for child in self._children(element):
            tag = child.tag
            if tag[0] == "{":
                self._extension(child, data)
            elif tag == "extension":
                for vendors in self._children(child):
                    put(data, self._vendors_name(vendors), self._value(vendors))
            else:
                yield child

    def _vendors_name(self, element: Element) -> str:
        return element.get("name") or "" if element.tag == FIELD else self.names.name(element.tag, element)

    def _typed_list_of(self, item: str, kind: Kind) -> Callable[[Element], list[dict[str, Any]]]:
        def read(element: Element) -> list[dict[str, Any]]:
            found = []
            for child in self._children(element):
                if child.tag != item:
                    message = f"{_local(child.tag)} has no place in {element.tag}; expected {item}"
                    self._add(child, "unknown_element", message)
                    continue
                self._leaf(child, allowed=("type",))
                entry = {item: self.names.value((child.text or "").strip(), child)}
                kind_text = child.get("type")
                if kind_text is not None:
                    entry = {"type": self._term(kind, kind_text.strip(), child), **entry}
                found.append(entry)
            self._at_least_one(element, found, item)
            return found

        return read

    def _at_least_one(self, element: Element, found: list[Any], item: str) -> None:
        if not found:
            self._add(element, "empty", f"{element.tag} is empty; expected at least one {item}, or no {element.tag}")

    def _persistent(self, element: Element) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for child in self._children(element):
            tag = child.tag
            if tag not in ("set", "unset"):
                self._add(child, "unknown_element", f"{_local(tag)} has no place in persistentDisposition")
                continue
            if tag == "unset" and "set" in found:
                self._add(child, "order", "unset stands after set; expected every unset first")
            found.setdefault(tag, []).append(self._term("disp", self._text(child), child))
        return found

    def _declaration(self, element: Element) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for child in self._extensible(element, found):
            tag = child.tag
            if tag in found:
                self._add(child, "repeated", f"{tag} occurs twice; expected one")
            elif tag == "declarationTime":
                found[tag] = self._text(child)
            elif tag == "reason":
                found[tag] = self._term("er", self._text(child), child)
            elif tag == "correctiveEventIDs":
                found[tag] = [
                    self._identifier(one) for one in self._children(child) if self._is(one, "correctiveEventID")
                ]
            else:
                self._add(child, "unknown_element", f"{tag} has no place in errorDeclaration")
        self._attributes(element, found)
        return found

    def _is(self, child: Element, tag: str) -> bool:
        if child.tag == tag:
            return True
        self._add(child, "unknown_element", f"{_local(child.tag)} has no place here; expected {tag}")
        return False

    def _ilmd(self, element: Element) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for child in self._extensible(element, found):
            self._add(child, "unknown_element", f"{child.tag} has no namespace; extensions of ilmd need one")
        self._attributes(element, found)
        return found

    # Sensors

    def _sensors(self, element: Element) -> list[dict[str, Any]]:
        found = [self._sensor(child) for child in self._children(element) if self._is(child, "sensorElement")]
        self._at_least_one(element, found, "sensorElement")
        return found

    def _sensor(self, element: Element) -> dict[str, Any]:
        found: dict[str, Any] = {}
        reports: list[dict[str, Any]] = []
        for child in self._extensible(element, found):
            tag = child.tag
            if tag == "sensorMetadata" or (tag == "sensorMetaData" and self._version == "1.2"):
                if "sensorMetadata" in found or reports:
                    self._add(child, "order", "sensorMetadata stands after another; expected one, before every report")
                found["sensorMetadata"] = self._sensor_fields(child, SENSOR_METADATA)
            elif tag == "sensorReport":
                reports.append(self._sensor_fields(child, SENSOR_REPORT))
            else:
                self._add(child, "unknown_element", f"{tag} has no place in sensorElement")
        self._at_least_one(element, reports, "sensorReport")
        found["sensorReport"] = reports
        return found

    def _sensor_fields(self, element: Element, known: tuple[str, ...]) -> dict[str, Any]:
        """The attributes of a metadata or report element: fields of the standard typed, others as extensions."""
        for child in element:
            self._add(child, "unknown_element", f"{_local(child.tag)} has no place in {element.tag}")
        found: dict[str, Any] = {}
        for name, sent in attributes_of(element):
            if name in SENSOR_TEXTS and name in known:
                found[name] = sent
            elif name in known:
                value = self._sensor_value(name, sent.strip(), element)
                if value is not None:
                    found[name] = value
            elif name == _MORE:
                self._more(sent, element, found)
            elif not name.startswith(_XSI):
                put(found, self.names.name(name, element), sent)
        return found

    def _sensor_value(self, name: str, text: str, element: Element) -> Any:
        if name in SENSOR_NUMBERS:
            return self._number(text, element, name)
        if name == "booleanValue":
            if text not in _BOOLEANS:
                self._add(element, "boolean", f"{name} is {text[:40]!a}; expected true or false", f"@{name}")
            return _BOOLEANS.get(text)
        kind = SENSOR_TERMS.get(name)
        return self.names.value(text, element) if kind is None else self._term(kind, text, element)

    def _more(self, text: str, element: Element, found: dict[str, Any]) -> None:
        """Our own attribute: fields as JSON, with names in full, that no attribute could hold."""
        try:
            fields = read_json(text.encode())
        except (TracewardError, UnicodeEncodeError) as error:
            self._add(element, "more", f"twx:more of {element.tag} is no JSON: {error}"[:200])
            return
        if fields.__class__ is dict:
            for name, value in fields.items():
                put(found, name, value)

    # Findings

    def _children(self, element: Element) -> Iterator[Element]:
        """The children of an element that holds elements alone."""
        text = element.text
        if text and not text.isspace():
            self._stray(element, text)
        for child in element:
            yield child
            tail = child.tail
            if tail and not tail.isspace():
                self._stray(element, tail)

    def _stray(self, element: Element, text: str) -> None:
        self._add(
            element, "text", f"{_local(element.tag)} holds the text {text.strip()[:40]!a}; expected elements alone"
        )

    def _add(self, element: Element, code: str, message: str, attribute: str = "") -> None:
        if len(self._findings) >= self._limit:
            return
        steps = [attribute] if attribute else []
        here: Element | None = element
        while here is not None and here is not self._event:
            steps.append(_step(here))
            here = here.getparent()
        path = "/".join([".", *reversed(steps)])
        self._findings.append(Finding(path[:256], code, message[:512], _BINDING))


def _step(element: Element) -> str:
    """`epc[2]`, the number only where there are several; `*[5000]` among very many, where counting would cost."""
    tag, parent = element.tag, element.getparent()
    if parent is None:
        return _local(tag)
    if len(parent) > _MANY:
        return f"*[{parent.index(element) + 1}]"
    same = [other for other in parent if other.tag == tag]
    return f"{_local(tag)}[{same.index(element) + 1}]" if len(same) > 1 else _local(tag)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


_QUANTITY_SEQUENCES = frozenset({("epcClass",), ("epcClass", "quantity"), ("epcClass", "quantity", "uom")})

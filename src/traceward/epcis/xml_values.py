"""Values of extensions, which no schema describes: elements to JSON values and back, so that identity stays the same.

An element with text alone is text; one with children or attributes is an object, attributes under `@name` and text
beside them under `#text`; a repeated element is a list. Must not know the fields of EPCIS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from traceward.epcis.decimals import is_number, normal_decimal
from traceward.epcis.xml_names import WriteNames, is_ncname
from traceward.epcis.xml_parser import Element, attributes_of
from traceward.epcis.xml_tables import OWN, XML, XSI

FIELD = f"{{{OWN}}}field"
ITEM = f"{{{OWN}}}item"
TEXT = "#text"

_XSI = f"{{{XSI}}}"
_SPECIAL = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_SPECIAL_IN_ATTRIBUTE = re.compile('[&<>"\r\n\t\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]')
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}

NameOf = Callable[[str, Element], str]


# Reading


def read_value(element: Element, name_of: NameOf) -> Any:
    """The JSON value of an extension's element: text, an object, or a list (of our own `item` elements).

    name_of: gives the JSON name of a qualified name. xsi: attributes tell nothing that JSON has, and are left out.
    """
    attributes = [(name, value) for name, value in attributes_of(element) if not name.startswith(_XSI)]
    if element.tag == FIELD:
        attributes = [pair for pair in attributes if pair[0] != "name"]
    if not len(element) and not attributes:
        return element.text or ""
    children = list(element)
    if children and not attributes and all(child.tag == ITEM for child in children):
        return [read_value(child, name_of) for child in children]
    fields: dict[str, Any] = {}
    for name, value in attributes:
        put(fields, "@" + _attribute_name(name), value)
    text = (element.text or "") + "".join(child.tail or "" for child in children)
    if text and (not children or not text.isspace()):
        fields[TEXT] = text
    for child in children:
        put(fields, child_name(child, name_of), read_value(child, name_of))
    return fields


def child_name(child: Element, name_of: NameOf) -> str:
    """The JSON name of an element within an extension; without a namespace it is its local name."""
    tag = child.tag
    if tag == FIELD:
        return child.get("name") or ""
    return name_of(tag, child) if tag[0] == "{" else tag


def put(fields: dict[str, Any], name: str, value: Any) -> None:
    """Set a field; a name that is there already is a repeated element, hence a list."""
    if name in fields:
        before = fields[name]
        if before.__class__ is _Repeated:
            before.append(value)
        else:
            fields[name] = _Repeated((before, value))
    else:
        fields[name] = value


class _Repeated(list[Any]):
    """The values of a repeated element; one of them may itself be a list."""


def _attribute_name(name: str) -> str:
    """In full: a prefix within `@prefix:local` would mean nothing to JSON."""
    if name[0] != "{":
        return name
    namespace, _, local = name[1:].rpartition("}")
    return f"{namespace}{'' if namespace[-1:] in '/#:' else '#'}{local}"


# Writing


def text_xml(text: str) -> str:
    """Text as the content of an element; what XML 1.0 has no character for becomes U+FFFD."""
    return _SPECIAL.sub(_escape, text) if _SPECIAL.search(text) else text


def attribute_xml(text: str) -> str:
    """Text as the value of an attribute in double quotes."""
    return _SPECIAL_IN_ATTRIBUTE.sub(_escape, text) if _SPECIAL_IN_ATTRIBUTE.search(text) else text


def _escape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match.group(), "\ufffd")


def scalar_text(value: Any) -> str | None:
    """The text of a JSON scalar; None for an object or a list."""
    if value.__class__ is str:
        return str(value)
    if value is True or value is False:
        return "true" if value else "false"
    return normal_decimal(value) if is_number(value) else None


def plain(value: Any) -> Any:
    """The value as identity sees it: a list of one is its item, what is null or an empty list is None."""
    if value.__class__ is list:
        items = [item for entry in value if (item := plain(entry)) is not None]
        return items[0] if len(items) == 1 else items or None
    return value


class ValueWriter:
    """Writes extensions; `declared` gathers each prefix that was used, with its namespace."""

    __slots__ = ("_names", "declared")

    def __init__(self, names: WriteNames) -> None:
        self._names = names
        self.declared: dict[str, str] = {}

    def use(self, prefix: str, namespace: str) -> None:
        """Note that a prefix is used."""
        self.declared[prefix] = namespace

    def extension(self, key: str, value: Any, *, qualified: bool) -> Iterator[str]:
        """The elements of one field; none for null and for an empty list.

        qualified: the name needs a namespace here, so that a bare one goes into our own `field` element.
        """
        value = plain(value)
        if value is None:
            return
        start, end = self._tags(key, qualified=qualified)
        for entry in value if value.__class__ is list else (value,):
            yield from self._element(start, end, entry)

    def attribute(self, key: str) -> str | None:
        """The qualified name of an attribute; None where the key can be none."""
        name = self._names.name(key)
        if name is None or name.prefix is None:
            return None
        self.use(name.prefix, name.namespace)
        return name.text

    def _tags(self, key: str, *, qualified: bool) -> tuple[str, str]:
        name = self._names.name(key)
        if name is not None and name.prefix is not None:
            self.use(name.prefix, name.namespace)
            return name.text, name.text
        if not qualified and is_ncname(key):
            return key, key
        self.use("twx", OWN)
        return f'twx:field name="{attribute_xml(self._names.expand(key))}"', "twx:field"

    def _element(self, start: str, end: str, value: Any) -> Iterator[str]:
        text = scalar_text(value)
        if text is not None:
            yield f"<{start}>{text_xml(text)}</{end}>"
        elif value.__class__ is list:
            self.use("twx", OWN)
            yield f"<{start}>"
            for entry in value:
                yield from self._element("twx:item", "twx:item", entry)
            yield f"</{end}>"
        else:
            yield from self._object(start, end, value)

    def _object(self, start: str, end: str, fields: Mapping[str, Any]) -> Iterator[str]:
        attributes: list[str] = []
        others: list[tuple[str, Any]] = []
        for key, value in fields.items():
            written = self._attribute_of_object(key, value, own=start.startswith("twx:field "))
            if written is not None:
                attributes.append(written)
            elif key != TEXT and plain(value) is not None:
                others.append((key, value))
        yield f"<{start}{''.join(attributes)}>"
        text = fields.get(TEXT)
        if text is not None:
            is_content = text.__class__ is str and (not text.isspace() if others else bool(attributes)) and text
            if is_content:
                yield text_xml(text)
            else:
                others.append((TEXT, text))
        for key, value in others:
            yield from self.extension(key, value, qualified=False)
        yield f"</{end}>"

    def _attribute_of_object(self, key: str, value: Any, *, own: bool) -> str | None:
        """` name="value"` for a key that begins with @, where XML can have it; own: the element uses `name` itself."""
        if key[:1] != "@" or value.__class__ is not str:
            return None
        name = key[1:]
        if is_ncname(name) and not (own and name == "name"):
            return f' {name}="{attribute_xml(value)}"'
        full = self._names.expand(name)
        if full.startswith(XML + "#") and is_ncname(full[len(XML) + 1 :]):
            return f' xml:{full[len(XML) + 1 :]}="{attribute_xml(value)}"'
        qualified = self.attribute(name) if full == name else None
        return None if qualified is None else f' {qualified}="{attribute_xml(value)}"'

"""Events from their JSON form to XML 2.0 or 1.2, in the order of the one table.

Must not judge events: takes what `rules` has accepted. Writes text, with no parser and no tree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any

from traceward.epcis.decimals import is_number
from traceward.epcis.json_codec import write_json
from traceward.epcis.vocabulary import Kind, to_urn, to_web_uri
from traceward.epcis.xml_names import WriteNames, is_ncname
from traceward.epcis.xml_tables import (
    ANY_ORDER,
    DEEPEST,
    EPC_LISTS,
    EVENT_WRAPPERS_1,
    IDENTIFIERS,
    ORDER,
    OWN,
    PLACES,
    QUANTITY_LISTS,
    REQUIRED_LISTS_1,
    SENSOR_METADATA,
    SENSOR_REPORT,
    SENSOR_TERMS,
    SENSOR_TEXTS,
    TERMS,
    TEXTS,
    TYPED_LISTS,
    UNQUALIFIED,
    WRAPPERS,
    XSI,
    Version,
    Wrapper,
)
from traceward.epcis.xml_values import ValueWriter, attribute_xml, plain, scalar_text, text_xml


class CbvXmlFormat(StrEnum):
    """The values of the GS1-CBV-XML-Format header; without preference terms are URNs where they have one."""

    NO_PREFERENCE = "No_Preference"
    ALWAYS_WEB_URI = "Always_Web_URI"
    ALWAYS_URN = "Always_URN"
    NEVER_TRANSLATES = "Never_Translates"


_WEB_URI = CbvXmlFormat.ALWAYS_WEB_URI
_TIMES = frozenset({"eventTime", "recordTime"})
_SENSOR_TIMES = frozenset({"time", "startTime", "endTime"})
_EVEN_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+", re.ASCII)
_LEFT_OUT = frozenset({"@context", "type"})


class EventWriter:
    """Writes events of one context."""

    def __init__(self, names: WriteNames, version: Version, cbv_format: CbvXmlFormat) -> None:
        self._names = names
        self._version = version
        self._cbv_format = cbv_format
        self._values = ValueWriter(names)
        self._fields: dict[str, Callable[[str, Any], str]] = {
            **dict.fromkeys(TEXTS, self._text),
            **dict.fromkeys(IDENTIFIERS, self._identifier),
            **dict.fromkeys(TERMS, self._term_field),
            **dict.fromkeys(EPC_LISTS, self._epcs),
            **dict.fromkeys(QUANTITY_LISTS, self._quantities),
            **dict.fromkeys(PLACES, self._place),
            **dict.fromkeys(TYPED_LISTS, self._typed_list),
            "certificationInfo": self._certification,
            "errorDeclaration": self._declaration,
            "persistentDisposition": self._persistent,
            "sensorElementList": self._sensors,
            "ilmd": self._ilmd,
        }

    def event(self, data: Mapping[str, Any], *, alone: bool = False) -> str:
        """The event's element, with every prefix that it uses declared on it.

        It is wrapped where its version needs that in an EventList; alone: it stands in none.
        """
        self._values = ValueWriter(self._names)
        kind = data["type"]
        if kind in ORDER:
            name, attributes, wrapper = kind, "", EVENT_WRAPPERS_1.get(kind, ()) if self._version == "1.2" else ()
            content = "".join(self._content(kind, data))
        else:
            name, attributes, wrapper = self._own_type(kind)
            content = "".join(self._own_content(data))
        declared = "".join(
            f' xmlns:{prefix}="{attribute_xml(space)}"' for prefix, space in self._values.declared.items()
        )
        wrapper = () if alone else wrapper
        before = "".join(f"<{tag}>" for tag in wrapper)
        after = "".join(f"</{tag}>" for tag in reversed(wrapper))
        return f"{before}<{name}{declared}{attributes}>{content}</{name}>{after}"

    # Events

    def _content(self, kind: str, data: Mapping[str, Any]) -> Iterator[str]:
        """The fields in the order of the table, those of 1.x in their wrappers; then the extensions."""
        is_old = self._version == "1.2"
        places = WRAPPERS[kind] if is_old else {}
        wrapped: dict[Wrapper, list[str]] = {}
        order = ORDER[kind]
        required = REQUIRED_LISTS_1.get(kind) if is_old else None
        vendors = list(self._vendors(data)) if is_old else []
        if vendors:
            wrapped[DEEPEST[kind]] = []
        for name in order:
            if name in ("baseExtension", "extension"):
                yield from self._wrapper((name,), order, data, kind, vendors)
            elif places.get(name):
                continue
            elif name in data:
                yield self._fields[name](name, data[name])
            elif name == required:
                yield f"<{name}/>"
        yield from self._extensions(data, order, skip_vendors=is_old)

    def _wrapper(
        self, wrapper: Wrapper, order: tuple[str, ...], data: Mapping[str, Any], kind: str, vendors: list[str]
    ) -> Iterator[str]:
        """A wrapper of 1.x with the fields that stand in it, where there are any."""
        if self._version != "1.2":
            return
        parts = [
            self._fields[name](name, data[name])
            for name in order
            if name in data and WRAPPERS[kind].get(name) == wrapper
        ]
        if len(wrapper) < 2:
            parts += self._wrapper((*wrapper, "extension"), order, data, kind, vendors)
        if wrapper == DEEPEST[kind]:
            parts += vendors
        content = "".join(parts)
        if content:
            yield f"<{wrapper[-1]}>{content}</{wrapper[-1]}>"

    def _extensions(self, data: Mapping[str, Any], known: tuple[str, ...], *, skip_vendors: bool) -> Iterator[str]:
        for name, value in data.items():
            if name in known or name in _LEFT_OUT or (skip_vendors and self._is_vendors(name)):
                continue
            yield from self._values.extension(name, value, qualified=True)
        yield from self._more_certificates(data)

    def _more_certificates(self, data: Mapping[str, Any]) -> Iterator[str]:
        """Every certificate but the first, in elements of our own."""
        certificates = data.get("certificationInfo")
        if certificates.__class__ is list:
            for certificate in certificates[1:]:
                self._values.use("twx", OWN)
                yield f"<twx:certificationInfo>{self._uri(certificate)}</twx:certificationInfo>"

    def _is_vendors(self, name: str) -> bool:
        full = self._names.expand(name)
        return full.startswith(UNQUALIFIED) and is_ncname(full[len(UNQUALIFIED) :])

    def _vendors(self, data: Mapping[str, Any]) -> Iterator[str]:
        """Extensions that came without a namespace, as they came."""
        for name, value in data.items():
            if ":" in name and self._is_vendors(name):
                yield from self._values.extension(self._names.expand(name)[len(UNQUALIFIED) :], value, qualified=False)

    def _own_type(self, kind: str) -> tuple[str, str, Wrapper]:
        """Name, attributes and wrapper of an event of one's own type; 1.x takes no foreign element there."""
        name = self._names.name(kind)
        if name is not None and name.prefix is not None and self._version == "2.0":
            self._values.use(name.prefix, name.namespace)
            return name.text, "", ("extension",)
        self._values.use("twx", OWN)
        attribute = f' twx:type="{attribute_xml(self._names.expand(kind))}"'
        if self._version == "1.2":
            return "Event", attribute, ("extension", "extension")
        return "twx:event", attribute, ("extension",)

    def _own_content(self, data: Mapping[str, Any]) -> Iterator[str]:
        for name in ANY_ORDER:
            if name in data:
                yield self._fields[name](name, data[name])
        for name, value in data.items():
            if name not in ANY_ORDER and name not in _LEFT_OUT:
                yield from self._values.extension(name, value, qualified=False)
        yield from self._more_certificates(data)

    # Values

    def _text(self, name: str, value: Any) -> str:
        # The schema knows T and Z in capitals alone; RFC 3339 takes both.
        text = value.upper() if name in _TIMES else value
        return f"<{name}>{text_xml(text)}</{name}>"

    def _identifier(self, name: str, value: str) -> str:
        return f"<{name}>{self._uri(value)}</{name}>"

    def _term_field(self, name: str, value: str) -> str:
        return f"<{name}>{self._term(TERMS[name], value)}</{name}>"

    def _term(self, kind: Kind, value: str) -> str:
        """A CBV term in the form asked for, escaped; another value as it is, its prefix declared."""
        return attribute_xml(self._term_text(kind, value))

    def _term_text(self, kind: Kind, value: str) -> str:
        if self._cbv_format is not CbvXmlFormat.NEVER_TRANSLATES:
            web = to_web_uri(kind, value)
            if web is not None:
                return web if self._cbv_format is _WEB_URI else to_urn(kind, value) or web
        return self._declared(value)

    def _declared(self, value: str) -> str:
        """A value that may be a CURIE, its prefix declared."""
        text, needed = self._names.value(value)
        if needed is not None and needed.prefix is not None:
            self._values.use(needed.prefix, needed.namespace)
        return text

    def _uri(self, value: str) -> str:
        return text_xml(self._declared(value))

    # Fields

    def _epcs(self, name: str, value: list[str]) -> str:
        return f"<{name}>{''.join(f'<epc>{self._uri(epc)}</epc>' for epc in value)}</{name}>"

    def _quantities(self, name: str, value: list[Mapping[str, Any]]) -> str:
        return f"<{name}>{''.join(self._quantity(entry) for entry in value)}</{name}>"

    def _quantity(self, entry: Mapping[str, Any]) -> str:
        parts = [f"<epcClass>{self._uri(entry['epcClass'])}</epcClass>"]
        if "quantity" in entry:
            parts.append(f"<quantity>{_decimal(entry['quantity'])}</quantity>")
        elif "uom" in entry:  # the schema has no unit without a quantity, but a quantity that is nil
            parts.append(f'<quantity xmlns:xsi="{XSI}" xsi:nil="true"/>')
        if "uom" in entry:
            parts.append(f"<uom>{text_xml(entry['uom'])}</uom>")
        return f"<quantityElement>{''.join(parts)}</quantityElement>"

    def _place(self, name: str, value: Mapping[str, Any]) -> str:
        return f"<{name}><id>{self._uri(value['id'])}</id>{self._extended(value, ('id',))}</{name}>"

    def _extended(self, fields: Mapping[str, Any], known: tuple[str, ...]) -> str:
        """The extensions of an element: those without a namespace in `extension`, then the others."""
        if len(fields) == len(known) and all(name in fields for name in known):
            return ""
        vendors = "".join(self._vendors(fields))
        others = "".join(
            part
            for name, value in fields.items()
            if name not in known and not (":" in name and self._is_vendors(name))
            for part in self._values.extension(name, value, qualified=True)
        )
        return (f"<extension>{vendors}</extension>" if vendors else "") + others

    def _typed_list(self, name: str, value: list[Mapping[str, Any]]) -> str:
        if not value:  # an empty list says nothing, and the schema has none
            return ""
        item, kind = TYPED_LISTS[name]
        parts = [f"<{name}>"]
        for entry in value:
            attribute = f' type="{self._term(kind, entry["type"])}"' if "type" in entry else ""
            parts.append(f"<{item}{attribute}>{self._uri(entry[item])}</{item}>")
        parts.append(f"</{name}>")
        return "".join(parts)

    def _certification(self, name: str, value: Any) -> str:
        """The first certificate: the schema has room for one; `_extensions` writes the others."""
        if value.__class__ is list:
            if not value:
                return ""
            value = value[0]
        return f"<{name}>{self._uri(value)}</{name}>"

    def _declaration(self, name: str, value: Mapping[str, Any]) -> str:
        parts = [f"<{name}><declarationTime>{value['declarationTime'].upper()}</declarationTime>"]
        if "reason" in value:
            parts.append(f"<reason>{self._term('er', value['reason'])}</reason>")
        if "correctiveEventIDs" in value:
            ids = "".join(
                f"<correctiveEventID>{self._uri(one)}</correctiveEventID>" for one in value["correctiveEventIDs"]
            )
            parts.append(f"<correctiveEventIDs>{ids}</correctiveEventIDs>")
        parts.append(self._extended(value, ("declarationTime", "reason", "correctiveEventIDs")))
        parts.append(f"</{name}>")
        return "".join(parts)

    def _persistent(self, name: str, value: Mapping[str, Any]) -> str:
        parts = [
            f"<{tag}>{self._term('disp', word)}</{tag}>" for tag in ("unset", "set") for word in value.get(tag, ())
        ]
        return f"<{name}>{''.join(parts)}</{name}>"

    def _ilmd(self, name: str, value: Mapping[str, Any]) -> str:
        return f"<{name}>{self._extended(value, ())}</{name}>"

    # Sensors

    def _sensors(self, name: str, value: list[Mapping[str, Any]]) -> str:
        if not value:
            return ""
        parts = [f"<{name}>"]
        for element in value:
            parts.append("<sensorElement>")
            metadata = element.get("sensorMetadata")
            if metadata is not None:
                parts.append(f"<sensorMetadata{self._attributes(metadata, SENSOR_METADATA)}/>")
            parts += [f"<sensorReport{self._attributes(report, SENSOR_REPORT)}/>" for report in element["sensorReport"]]
            parts.append(self._extended(element, ("sensorMetadata", "sensorReport")))
            parts.append("</sensorElement>")
        parts.append(f"</{name}>")
        return "".join(parts)

    def _attributes(self, fields: Mapping[str, Any], known: tuple[str, ...]) -> str:
        """The fields as attributes; what no attribute can hold goes as JSON into one of our own."""
        written: list[str] = []
        more: dict[str, Any] = {}
        taken = set()
        for name, value in fields.items():
            if name in known:
                text = self._sensor_text(name, value)
                qualified: str | None = name
            else:
                kept = plain(value)
                if kept is None:
                    continue
                text = scalar_text(kept)
                qualified = None if text is None else self._values.attribute(name)
            if text is None or qualified is None or qualified in taken:
                more[name if name in known else self._names.expand(name)] = self._expanded(value)
            else:
                taken.add(qualified)
                written.append(f' {qualified}="{attribute_xml(text)}"')
        if more:
            self._values.use("twx", OWN)
            written.append(f' twx:more="{attribute_xml(write_json(more).decode())}"')
        return "".join(written)

    def _sensor_text(self, name: str, value: Any) -> str | None:
        kind = SENSOR_TERMS.get(name)
        if kind is not None:
            return self._term_text(kind, value)
        if name in _SENSOR_TIMES:
            return str(value).upper()
        if name == "hexBinaryValue":
            return value if _EVEN_HEX.fullmatch(value) else None
        if is_number(value):
            return str(value)
        if value.__class__ is str and name not in SENSOR_TEXTS:
            return self._declared(value)
        return scalar_text(value)

    def _expanded(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {self._names.expand(name): self._expanded(entry) for name, entry in value.items()}
        return [self._expanded(entry) for entry in value] if isinstance(value, list) else value


def _decimal(number: int | Decimal) -> str:
    """The digits as sent, without an exponent: xsd:decimal has none."""
    return str(number) if number.__class__ is int else format(number, "f")

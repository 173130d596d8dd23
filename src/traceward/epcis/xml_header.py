"""What stands around the events of an XML document: SBDH, master data, foreign elements; read to JSON and written.

Must not read events. Names are in full here, so that the header adds no prefix to the context of every event.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from traceward.epcis.errors import Finding
from traceward.epcis.xml_names import full_name
from traceward.epcis.xml_parser import Element, attributes_of
from traceward.epcis.xml_tables import OWN, SBDH, XSI
from traceward.epcis.xml_values import TEXT, ValueWriter, attribute_xml, child_name, put, read_value, text_xml

#: Where a header keeps the SBDH when it says more than sender, receiver and instanceIdentifier do.
SBDH_KEY = "sbdh:StandardBusinessDocumentHeader"

_BINDING = "EPCIS XML binding, EPCISHeader"
_SBDH_ROOT = f"{{{SBDH}}}StandardBusinessDocumentHeader"
_XSI = f"{{{XSI}}}"
_ID = f"{{{OWN}}}id"
_OWN_HEADER = f"{{{OWN}}}header"
_MAX_FINDINGS = 100
_PARTNER = ("Identifier", "ContactInformation")
# The order of an SBDH's elements, which JSON does not keep, by their parent (SBDH 1.3 schemas).
_SBDH_ORDER: Mapping[str, tuple[str, ...]] = {
    "StandardBusinessDocumentHeader": (
        *("HeaderVersion", "Sender", "Receiver", "DocumentIdentification", "Manifest", "BusinessScope"),
    ),
    "Sender": _PARTNER,
    "Receiver": _PARTNER,
    "ContactInformation": ("Contact", "EmailAddress", "FaxNumber", "TelephoneNumber", "ContactTypeIdentifier"),
    "DocumentIdentification": (
        *("Standard", "TypeVersion", "InstanceIdentifier", "Type", "MultipleType", "CreationDateAndTime"),
    ),
    "Manifest": ("NumberOfItems", "ManifestItem"),
    "ManifestItem": ("MimeTypeQualifierCode", "UniformResourceIdentifier", "Description", "LanguageCode"),
    "Scope": ("Type", "InstanceIdentifier", "Identifier"),
}


class HeaderReader:
    """Reads the header of one document; `findings` gathers what has no place in it."""

    def __init__(self, creation_date: str | None) -> None:
        self.fields: dict[str, Any] = {}
        self.findings: list[Finding] = []
        self._creation_date = creation_date

    def root_attributes(self, root: Element) -> None:
        """Foreign attributes of the root; our own `id` is the document's id."""
        for name, value in attributes_of(root):
            if name == _ID:
                self.fields["id"] = value
            elif name[0] == "{" and not name.startswith(_XSI):
                put(self.fields, _full(name, root), value)

    def foreign(self, element: Element) -> None:
        """An element of another namespace beside header and body."""
        value = read_value(element, _full)
        if element.tag == _OWN_HEADER and value.__class__ is dict:
            self.fields.setdefault("epcisHeader", {}).update(value)
        else:
            put(self.fields, child_name(element, _full), value)

    def header(self, element: Element, path: str) -> None:
        """The EPCISHeader."""
        for child in element:
            if child.tag == _SBDH_ROOT:
                self._sbdh(child)
            elif child.tag == "extension":
                self._extension(child, f"{path}/extension")
            elif child.tag[0] == "{":
                self.foreign(child)
            else:
                self._unknown(child, path)

    def vocabulary_list(self, element: Element, path: str) -> None:
        """A VocabularyList, wherever it stands."""
        vocabularies = [
            self._vocabulary(child, f"{path}/Vocabulary") for child in element if self._is(child, "Vocabulary", path)
        ]
        header = self.fields.setdefault("epcisHeader", {})
        header.setdefault("epcisMasterData", {}).setdefault("vocabularyList", []).extend(vocabularies)

    def _extension(self, element: Element, path: str) -> None:
        for child in element:
            if child.tag == "EPCISMasterData":
                for part in child:
                    if part.tag == "VocabularyList":
                        self.vocabulary_list(part, f"{path}/EPCISMasterData/VocabularyList")
                    elif part.tag == "extension":
                        self._vendors(part)
                    else:
                        self._unknown(part, f"{path}/EPCISMasterData")
            elif child.tag == "extension":
                self._vendors(child)
            else:
                self._unknown(child, path)

    def _vendors(self, element: Element) -> None:
        header = self.fields.setdefault("epcisHeader", {})
        for child in element:
            put(header, _full(child.tag, child), read_value(child, _full))

    def _vocabulary(self, element: Element, path: str) -> dict[str, Any]:
        found: dict[str, Any] = {"type": element.get("type") or ""}
        entries: list[dict[str, Any]] = []
        for child in element:
            if child.tag == "VocabularyElementList":
                entries += [
                    self._vocabulary_element(entry, f"{path}/VocabularyElementList/VocabularyElement")
                    for entry in child
                    if self._is(entry, "VocabularyElement", path)
                ]
            else:
                self._other(child, found, path)
        found["vocabularyElementList"] = entries
        return found

    def _vocabulary_element(self, element: Element, path: str) -> dict[str, Any]:
        found: dict[str, Any] = {"id": element.get("id") or ""}
        attributes: list[dict[str, Any]] = []
        for child in element:
            if child.tag == "attribute":
                attributes.append({"id": child.get("id") or "", "attribute": _attribute_value(child)})
            elif child.tag == "children":
                children = [(one.text or "").strip() for one in child if self._is(one, "id", path)]
                if children:
                    found["children"] = children
            else:
                self._other(child, found, path)
        if attributes:
            found["attributes"] = attributes
        return found

    def _other(self, child: Element, found: dict[str, Any], path: str) -> None:
        if child.tag == "extension":
            for vendors in child:
                put(found, _full(vendors.tag, vendors), read_value(vendors, _full))
        elif child.tag[0] == "{":
            put(found, child_name(child, _full), read_value(child, _full))
        else:
            self._unknown(child, path)

    def _sbdh(self, element: Element) -> None:
        """The SBDH: its JSON counterparts, and the whole of it where it says more than they do."""
        whole = read_value(element, _local_name)
        whole = whole if whole.__class__ is dict else {}
        identification = whole.get("DocumentIdentification")
        instance = identification.get("InstanceIdentifier") if identification.__class__ is dict else None
        found = {
            "sender": _identifier(whole.get("Sender")),
            "receiver": _identifier(whole.get("Receiver")),
            "instanceIdentifier": instance if instance.__class__ is str else None,
        }
        stated = {name: value.strip() for name, value in found.items() if value and value.strip()}
        self.fields.update(stated)
        if whole != counterpart_sbdh(stated, self._creation_date or ""):
            self.fields[SBDH_KEY] = whole

    def _is(self, child: Element, tag: str, path: str) -> bool:
        if child.tag == tag:
            return True
        self._unknown(child, path)
        return False

    def _unknown(self, child: Element, path: str) -> None:
        if len(self.findings) < _MAX_FINDINGS:
            name = child.tag.rpartition("}")[2][:80]
            message = f"{name} has no place in {path.rpartition('/')[2]}"
            self.findings.append(Finding(f"{path}/{name}", "unknown_element", message, _BINDING))


def _full(tag: str, _element: Element) -> str:
    namespace, _, local = tag[1:].rpartition("}") if tag[0] == "{" else (OWN + "unqualified/", "", tag)
    return full_name(namespace, local)


def _local_name(tag: str, _element: Element) -> str:
    return tag.rpartition("}")[2]


def _identifier(partner: Any) -> str | None:
    """The identifier of the first partner of an SBDH."""
    first = partner[0] if isinstance(partner, list) and partner else partner
    found = first.get("Identifier") if isinstance(first, dict) else None
    found = found.get(TEXT) if isinstance(found, dict) else found
    return found if isinstance(found, str) else None


def _attribute_value(element: Element) -> Any:
    value = read_value(element, _full)
    if value.__class__ is not dict:
        return value
    value.pop("@id", None)
    return value.get(TEXT, "") if not value.keys() - {TEXT} else value


def counterpart_sbdh(header: Mapping[str, Any], creation_date: str) -> dict[str, Any]:
    """The SBDH that says what sender, receiver and instanceIdentifier of a JSON document say."""
    authority = {"@Authority": "EPCglobal"}
    return {
        "HeaderVersion": "1.0",
        "Sender": {"Identifier": authority | _text_of(header.get("sender"))},
        "Receiver": {"Identifier": authority | _text_of(header.get("receiver"))},
        "DocumentIdentification": {
            "Standard": "EPCglobal",
            "TypeVersion": "1.0",
            "InstanceIdentifier": header.get("instanceIdentifier") or "",
            "Type": "Events",
            "CreationDateAndTime": creation_date,
        },
    }


def _text_of(value: Any) -> dict[str, str]:
    return {TEXT: value} if isinstance(value, str) and value else {}


# Writing

_EVENT_HEADER = frozenset({"id", "sender", "receiver", "instanceIdentifier", "epcisHeader", SBDH_KEY, "queryResults"})


def header_xml(header: Mapping[str, Any], creation_date: str, values: ValueWriter, *, needs_sbdh: bool) -> str:
    """The EPCISHeader, or nothing where the header has nothing for it. needs_sbdh: 1.x has no header without one."""
    vocabularies = _vocabularies(header)
    sbdh = header.get(SBDH_KEY)
    stated = any(header.get(name) for name in ("sender", "receiver", "instanceIdentifier"))
    if not isinstance(sbdh, Mapping):
        sbdh = counterpart_sbdh(header, creation_date) if stated or (vocabularies and needs_sbdh) else None
    parts: list[str] = []
    if sbdh is not None:
        parts.append(f'<sbdh:StandardBusinessDocumentHeader xmlns:sbdh="{SBDH}">')
        parts += _sbdh_parts(sbdh, "StandardBusinessDocumentHeader")
        parts.append("</sbdh:StandardBusinessDocumentHeader>")
    if vocabularies:
        parts.append("<extension><EPCISMasterData>")
        parts += vocabulary_list_parts(vocabularies, values)
        parts.append("</EPCISMasterData></extension>")
    return f"<EPCISHeader>{''.join(parts)}</EPCISHeader>" if parts else ""


def root_attributes_xml(header: Mapping[str, Any]) -> str:
    """The attributes of the root that a header asks for: our own, for the document's id."""
    found = header.get("id")
    return f' xmlns:twx="{OWN}" twx:id="{attribute_xml(found)}"' if isinstance(found, str) else ""


def foreign_parts(header: Mapping[str, Any], values: ValueWriter) -> Iterator[str]:
    """What else a header holds, as elements after the body."""
    own = header.get("epcisHeader")
    others = {name: value for name, value in own.items() if name != "epcisMasterData"} if own else {}
    if others:
        values.use("twx", OWN)
        yield "<twx:header>"
        for name, value in others.items():
            yield from values.extension(name, value, qualified=True)
        yield "</twx:header>"
    for name, value in header.items():
        if name not in _EVENT_HEADER:
            yield from values.extension(name, value, qualified=True)


def _vocabularies(header: Mapping[str, Any]) -> list[Any]:
    data = header.get("epcisHeader") or {}
    found = (data.get("epcisMasterData") or {}).get("vocabularyList") if isinstance(data, Mapping) else None
    return found if isinstance(found, list) else []


def vocabulary_list_parts(vocabularies: Iterable[Mapping[str, Any]], values: ValueWriter) -> Iterator[str]:
    """A VocabularyList of the JSON form's vocabularies."""
    yield "<VocabularyList>"
    for vocabulary in vocabularies:
        yield f'<Vocabulary type="{attribute_xml(str(vocabulary.get("type", "")))}">'
        entries = vocabulary.get("vocabularyElementList")
        if entries:
            yield "<VocabularyElementList>"
            for entry in entries:
                yield from _vocabulary_element_parts(entry, values)
            yield "</VocabularyElementList>"
        yield from _others(vocabulary, ("type", "vocabularyElementList"), values)
        yield "</Vocabulary>"
    yield "</VocabularyList>"


def _vocabulary_element_parts(entry: Mapping[str, Any], values: ValueWriter) -> Iterator[str]:
    yield f'<VocabularyElement id="{attribute_xml(str(entry.get("id", "")))}">'
    for attribute in entry.get("attributes") or ():
        content = attribute.get("attribute", "")
        yield f'<attribute id="{attribute_xml(str(attribute.get("id", "")))}">'
        if isinstance(content, Mapping):
            for name, value in content.items():
                if name == TEXT:
                    yield text_xml(str(value))
                else:
                    yield from values.extension(name, value, qualified=False)
        else:
            yield text_xml(str(content))
        yield "</attribute>"
    children = entry.get("children")
    if children:
        yield f"<children>{''.join(f'<id>{text_xml(str(child))}</id>' for child in children)}</children>"
    yield from _others(entry, ("id", "attributes", "children"), values)
    yield "</VocabularyElement>"


def _others(fields: Mapping[str, Any], known: tuple[str, ...], values: ValueWriter) -> Iterator[str]:
    for name, value in fields.items():
        if name not in known:
            yield from values.extension(name, value, qualified=True)


def _sbdh_parts(fields: Mapping[str, Any], parent: str) -> Iterator[str]:
    order = _SBDH_ORDER.get(parent, ())
    names = [name for name in order if name in fields] + [name for name in fields if name not in order]
    for name in names:
        value = fields[name]
        if name[:1] in ("@", "#"):
            continue
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, Mapping):
                attributes = "".join(
                    f' {key[1:]}="{attribute_xml(str(text))}"' for key, text in entry.items() if key[:1] == "@"
                )
                content = text_xml(str(entry.get(TEXT, "")))
                yield f"<sbdh:{name}{attributes}>{content}{''.join(_sbdh_parts(entry, name))}</sbdh:{name}>"
            else:
                yield f"<sbdh:{name}>{text_xml(str(entry))}</sbdh:{name}>"

"""GS1 Digital Link resolution: what a link names, and where one may go on from it.

Targets are this server's own pages and queries, and pages that the maker of the product, place or asset declared in
its master data; nothing else is ever linked to. It must not tell strangers whether a thing is known here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

import orjson

from traceward.epcis.errors import Finding, ValidationException
from traceward.epcis.predicates import AnyTerm, Query
from traceward.gs1.element_string import parse_digital_link
from traceward.gs1.epc_uri import canonical_identifier, identifier_kind
from traceward.gs1.parsed import ParsedElementStrings
from traceward.services.identity.principals import Principal, Right
from traceward.services.problem_bodies import summary
from traceward.services.runtime import Runtime
from traceward.store.compile import VisibleTo

VOCABULARY: Final = "https://gs1.org/voc/"
"""The namespace of GS1's link types."""

DEFAULT_LINK: Final = VOCABULARY + "defaultLink"
SUPPORTED_KEYS: Final = (
    "01", "8006", "8013", "8010", "410", "411", "412", "413", "414", "415", "417", "8017", "255", "00", "253", "401",
    "402", "8003", "8004",
)  # fmt: skip
"""Primary keys that are resolved: all of GS1's but those of patients and their episodes (AI 8018, 8019)."""

_SPELLINGS: Final = ("https://gs1.org/voc/", "https://www.gs1.org/voc/", "https://ref.gs1.org/voc/", "gs1:")
_TERMS: Final = ("epc", "parentID", "inputEPC", "outputEPC", "epcClass", "inputEPCClass", "outputEPCClass")
_PLACE_TERMS: Final = ("bizLocation", "readPoint", "source:location", "destination:location")
_NO_URI: Final = frozenset(' "<>\\^`{|}')
"""Signs that no URI has (RFC 3986): in a Link header they would end the link and begin another."""

_CLAUSE: Final = "GS1 Digital Link Standard: URI Syntax 1.6"


@dataclass(frozen=True, slots=True)
class Link:
    """One place to go on to. link_type: URI of GS1's vocabulary. language: such as en, None where it is not said."""

    link_type: str
    href: str
    title: str
    media_type: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a link names. elements: (AI, title, value), as in the link. anchor: the canonical link, without attributes.

    links: the default first.
    """

    elements: tuple[tuple[str, str, str], ...]
    anchor: str
    identifier: str
    links: tuple[Link, ...]
    warnings: tuple[str, ...]

    def of_type(self, link_type: str) -> list[Link]:
        """The links of a type, in any spelling of it."""
        wanted = expanded_type(link_type)
        return [link for link in self.links if link.link_type == wanted]


def expanded_type(text: str) -> str:
    """A link type in full, from a CURIE or another spelling of GS1's namespace.

    >>> expanded_type("gs1:pip"), expanded_type("https://ref.gs1.org/voc/pip")
    ('https://gs1.org/voc/pip', 'https://gs1.org/voc/pip')
    """
    for spelling in _SPELLINGS:
        if text.startswith(spelling):
            return VOCABULARY + text.removeprefix(spelling)
    return text


def resolve(runtime: Runtime, caller: Principal | None, path: str, query: str, base: str) -> Resolved:
    """What the link of this path and query string names, as sent, and the links that the caller may be given.

    base: URL of this server without a slash at its end. Raises ValidationException with every fault of the link.
    """
    link = f"https://id.gs1.org{path}" + (f"?{query}" if query else "")
    parsed = parse_digital_link(link)
    faults = [one for one in parsed.findings if one.severity == "error"]
    if faults:
        findings = [Finding("link", one.code, one.message, _CLAUSE) for one in faults]
        raise ValidationException(summary(findings), findings)
    identifier = canonical_identifier(link.partition("?")[0])
    anchor = base + identifier.removeprefix("https://id.gs1.org")
    links = [
        Link(DEFAULT_LINK, anchor, "About this identifier", "text/html"),
        *_declared_links(runtime, identifier),
        *_own_links(runtime, caller, identifier, base),
    ]
    warnings = tuple(one.message for one in parsed.findings if one.severity != "error")
    return Resolved(_elements(parsed), anchor, identifier, tuple(links), warnings)


def linkset(resolved: Resolved) -> dict[str, Any]:
    """All links as a linkset. RFC 9264 section 4.2; GS1-Conformant resolver 1.2."""
    described: dict[str, Any] = {"anchor": resolved.anchor, "itemDescription": _described(resolved.elements)}
    for link in resolved.links:
        target: dict[str, Any] = {"href": link.href, "title": link.title, "type": link.media_type}
        if link.language is not None:
            target["hreflang"] = [link.language]
        described.setdefault(link.link_type, []).append(target)
    return {"linkset": [described]}


def link_header(resolved: Resolved) -> str:
    """The links as the value of a Link header, with where the linkset is. RFC 8288."""
    parts = [
        f'<{link.href}>; rel="{link.link_type}"; type="{link.media_type}"; title="{_ascii(link.title)}"'
        for link in resolved.links
    ]
    parts.append(f'<{resolved.anchor}?linkType=linkset>; rel="linkset"; type="application/linkset+json"')
    return ", ".join(parts)


def description(base: str) -> dict[str, Any]:
    """The resolver description file. GS1-Conformant resolver 1.2, /.well-known/gs1resolver."""
    return {
        "name": "Traceward",
        "resolverRoot": base,
        "supportedPrimaryKeys": list(SUPPORTED_KEYS),
        "supportedLinkType": [{"namespace": VOCABULARY, "prefix": "gs1:"}],
        "linkTypeDefaultCanBeLinkset": False,
    }


def _elements(parsed: ParsedElementStrings) -> tuple[tuple[str, str, str], ...]:
    return tuple((element.ai, element.title, element.value) for element in parsed.elements)


def _described(elements: Sequence[tuple[str, str, str]]) -> str:
    return "".join(f"({ai}){value}" for ai, _, value in elements)


def _declared_links(runtime: Runtime, identifier: str) -> list[Link]:
    """Links that the maker of the thing declared for the public, on its own master data and on that of its class."""
    maker = runtime.registry.parties.maker_of(identifier) or runtime.registry.parties.party_of_place(identifier)
    owner = runtime.registry.find(maker) if maker is not None else None
    if owner is None:
        return []
    found: list[Link] = []
    with runtime.store.reader() as reader:
        rows = reader.fetch_in(
            "SELECT id, content FROM master_data WHERE party=? AND id IN {in}",
            _described_by(identifier),
            (owner.number,),
        )
    for _, content in sorted(rows, key=lambda row: -len(row[0])):
        for attribute in orjson.loads(content).get("attributes", ()):
            link = _declared_link(attribute)
            if link is not None and link not in found:
                found.append(link)
    return found


def _described_by(identifier: str) -> list[str]:
    """The identifier itself, and what it is one of: its lot, its product, its site."""
    stem, parts = "https://id.gs1.org", identifier.removeprefix("https://id.gs1.org/").split("/")
    return [f"{stem}/{'/'.join(parts[:length])}" for length in range(2, len(parts) + 1, 2)]


def _declared_link(attribute: Mapping[str, Any]) -> Link | None:
    name, value = str(attribute.get("id", "")), attribute.get("attribute")
    link_type = expanded_type(name)
    if not link_type.startswith(VOCABULARY) or not isinstance(value, str):
        return None
    try:
        target = urlsplit(value)
    except ValueError:
        return None
    if target.scheme not in {"https", "http"} or not target.hostname or target.username is not None:
        return None
    if any(not (sign.isascii() and sign.isprintable()) or sign in _NO_URI for sign in link_type + value):
        return None
    return Link(link_type, value, link_type.removeprefix(VOCABULARY), "text/html")


def _own_links(runtime: Runtime, caller: Principal | None, identifier: str, base: str) -> list[Link]:
    """Links to this server's own answers, for a caller who sees at least one event that names the thing."""
    if caller is None or not caller.may(Right.READ):
        return []
    kind = identifier_kind(identifier)
    is_place = kind.kind == "sgln"
    pairs = tuple((term, identifier) for term in (_PLACE_TERMS if is_place else _TERMS))
    with runtime.store.reader() as reader:
        query = Query(clauses=(AnyTerm(pairs),))
        if not reader.count_up_to(query, VisibleTo(caller.viewers), 1):
            return []
    parameter = "EQ_bizLocation" if is_place else "MATCH_anyEPCClass" if kind.lot is not None else "MATCH_anyEPC"
    named = quote(identifier, safe="")
    found = [Link(VOCABULARY + "epcis", f"{base}/epcis/events?{parameter}={named}", "EPCIS events", "application/json")]
    if kind.lot is not None and kind.gtin is not None:
        page = f"gtin={kind.gtin}&lot={quote(kind.lot, safe='')}"
    else:
        page = f"epc={named}"
    if not is_place:
        title = "Where it is and where it was"
        found.append(Link(VOCABULARY + "traceability", f"{base}/app/trace?{page}", title, "text/html"))
    return found


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode().replace('"', "'")

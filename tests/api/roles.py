"""Every kind of caller that a server knows, and what domain.md 7 lets each of them know of the planted events.

The table is written from the design's words, not from the server's: it must not import what it is compared with.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from . import planted
from .conftest import Site
from .oidc_provider import ADA, AUDIENCE, Provider, running_provider
from .planted import (
    BY_CARRIER,
    CARRIER,
    CORDIA,
    CORDIA_ALONE,
    CORDIA_AND_HOSPITAL,
    HOSPITAL_ALONE,
    NORTHGATE,
    PATIENT,
    RIVAL,
    RIVAL_ALONE,
    RIVAL_AND_HOSPITAL,
)
from .test_identity import THEATRE, new_key

WARD: Final = "https://id.gs1.org/414/4012345000016/254/WARD7"
_CONCERNS: Final = {
    NORTHGATE: frozenset({CORDIA_AND_HOSPITAL, RIVAL_AND_HOSPITAL, HOSPITAL_ALONE, BY_CARRIER}),
    CORDIA: frozenset({CORDIA_ALONE, CORDIA_AND_HOSPITAL, BY_CARRIER}),
    RIVAL: frozenset({RIVAL_ALONE, RIVAL_AND_HOSPITAL}),
    CARRIER: frozenset({BY_CARRIER}),
}
"""Organisation -> the marks of events that concern it; patients come on top for the hospital's clinical role."""
_PRICES: Final = {NORTHGATE: frozenset({CORDIA, RIVAL}), CORDIA: frozenset({CORDIA}), RIVAL: frozenset({RIVAL})}
AGREED: Final = {CORDIA: "7531.31", RIVAL: "8642.42"}
"""Supplier -> the price in its agreement with the hospital, which no other number of the data looks like."""

MAIL: Final = {CORDIA: "stock@cordia.example", RIVAL: "stock@helix.example"}
"""Supplier -> where its digests of alerts go."""


@dataclass(frozen=True)
class Role:
    """A kind of caller. marks: what it may meet; reads: whether it is shown any goods; private: patients too.

    prices: the suppliers whose prices it may meet. trades: whether it sees more than movements.
    """

    name: str
    organisation: str | None
    role: str
    marks: frozenset[str]
    scope: dict[str, Any] = field(default_factory=dict)
    reads: bool = True
    private: bool = False
    trades: bool = True
    prices: frozenset[str] = frozenset()
    secret: bool = False  # whether it proves itself by a token of an issuer instead of a key

    def may_see(self, one: planted.Planted) -> bool:
        """Whether it may find an event."""
        if one.mark == PATIENT:
            return self.private
        shown = self.reads and one.mark in self.marks
        return shown if self.trades else shown and one.flow in ("ship", "receive")


def _of(name: str, organisation: str, role: str, **more: Any) -> Role:
    marks = _CONCERNS[organisation]
    if more.get("private"):
        marks |= {PATIENT}
    if more.pop("priced", False):
        more["prices"] = _PRICES[organisation]
    return Role(name, organisation, role, marks, **more)


def _blind(name: str, organisation: str | None, role: str, marks: frozenset[str] = frozenset(), **more: Any) -> Role:
    return Role(name, organisation, role, marks, reads=False, **more)


ROLES: Final[tuple[Role, ...]] = (
    _of("northgate-clinical", NORTHGATE, "clinical", private=True),
    _of("northgate-supply", NORTHGATE, "supply", priced=True),
    _of("northgate-reader", NORTHGATE, "reader"),
    # Bound to one ward where nothing was planted: it reads the house's goods, and patients by look-up there alone.
    _of("northgate-ward", NORTHGATE, "clinical", scope={"place": WARD}),
    _of("northgate-oidc", NORTHGATE, "supply", secret=True, priced=True),
    _of("northgate-narrow", NORTHGATE, "clinical", scope={"rights": ["read events"]}),
    _of("cordia", CORDIA, "supplier", priced=True),
    _of("cordia-reader", CORDIA, "reader"),
    _of("rival-supplier", RIVAL, "supplier", priced=True),
    _of("carrier", CARRIER, "carrier", trades=False),
    _blind("cordia-deliverer", CORDIA, "supplier", scope={"rights": ["capture"]}, prices=frozenset({CORDIA})),
    _blind("northgate-device", NORTHGATE, "device", scope={"place": THEATRE}),
    # The audit log names the private events that were read, and no patient.
    _blind("northgate-officer", NORTHGATE, "privacy_officer", frozenset({PATIENT})),
    _blind("admin", None, "admin"),
    _blind("nobody", None, ""),
)

BY_NAME: Final = {one.name: one for one in ROLES}
Headers = dict[str, str]


@contextmanager
def provider_settings() -> Iterator[tuple[Provider, dict[str, Any]]]:
    """A provider of the hospital's users, and the settings of servers that trust it and take large documents.

    Its tokens last for years: longer than any run, and up to wherever a server's clock is set.
    """
    with running_provider(ADA, tokens_last_s=10 * 365 * 86_400) as provider:
        issuer = {"issuer": provider.issuer, "audience": AUDIENCE, "organisation": NORTHGATE}
        issuer |= {"role_claim": "sub", "roles": {"ada": "supply"}}
        yield provider, {"oidc": [issuer], "capture_limit_events": 20_000}


def sign_in(site: Site, provider: Provider) -> dict[str, Headers]:
    """Role -> the header that proves it, for a demo server without its story; makes what lacks: a carrier, keys."""
    added = {"id": CARRIER, "name": "Swift Freight", "companyPrefixes": ["9524321"], "kind": "carrier"}
    assert site.request("admin", "POST", "/admin/organisations", json=added).status_code == 201
    consignee = {"owner": RIVAL, "consignee": NORTHGATE}
    assert site.request("admin", "POST", "/admin/consignments", json=consignee).status_code == 201
    proofs: dict[str, Headers] = {"nobody": {}}
    for one in ROLES:
        if one.name == "nobody":
            continue
        if one.secret:
            bearer = provider.id_token()
        elif one.name in site.server.keys:
            bearer = site.server.keys[one.name]
        else:
            assert one.organisation is not None
            bearer = new_key(site, one.organisation, one.role, **one.scope)["key"]
        proofs[one.name] = {"Authorization": f"Bearer {bearer}"}
    return proofs


SIGNED_US: Final = 1_767_000_000_000_000
"""When the agreements are signed: in the last days of 2025, before all planted events, so that all owe their duties."""


class _Clock:
    """The clock of a server: stands when the agreements are signed, until it is let go on by the machine's."""

    def __init__(self) -> None:
        self.stands = True

    def now_us(self) -> int:
        """The time, in microseconds since 1970 UTC."""
        return SIGNED_US if self.stands else time.time_ns() // 1000


@contextmanager
def agreed_site(open_site: Callable[..., Any], backend: str) -> Iterator[tuple[Site, dict[str, Headers]]]:
    """A server of parties that agreed before anything was planted, and how each role proves itself."""
    clock = _Clock()
    with (
        provider_settings() as (provider, settings),
        open_site(backend, injected={"now_us": clock.now_us}, **settings) as site,
    ):
        proofs = sign_in(site, provider)
        agree(site)
        clock.stands = False
        declare(site)
        yield site, proofs


def agree(site: Site) -> None:
    """Agreements of both suppliers with the hospital, in force, priced each in its own way."""
    for supplier, name in ((CORDIA, "cordia"), (RIVAL, "rival-supplier")):
        mark = CORDIA_AND_HOSPITAL if supplier == CORDIA else RIVAL_AND_HOSPITAL
        line = {"gtin": planted.GTINS[mark], "prices": [{"amount": AGREED[supplier], "currency": "EUR"}]}
        terms = {
            "agreementID": f"https://planted.example/agreement/{mark}",
            "supplier": supplier,
            "hospital": NORTHGATE,
            "validFrom": "2026-01-01",
            "sites": ["https://id.gs1.org/414/4012345000016"],
            "contacts": [{"side": "supplier", "email": MAIL[supplier]}],
            "lines": [line | {"par": [{"place": planted.place(mark, NORTHGATE), "minimum": 1, "maximum": 4}]}],
        }
        made = site.request(name, "POST", "/agreements", json=terms)
        assert made.status_code == 201, made.text
        body = {"agreementID": terms["agreementID"], "version": made.json()["version"]}
        assert site.request("northgate-supply", "POST", "/agreements/sign", json=body).status_code == 200


def declare(site: Site) -> None:
    """One place of each party, as its own master data, with a name that tells whose it is; and a query of each."""
    for name, party, mark in (
        ("cordia", CORDIA, CORDIA_ALONE),
        ("rival-supplier", RIVAL, RIVAL_ALONE),
        ("northgate-supply", NORTHGATE, HOSPITAL_ALONE),
    ):
        element = {
            "id": planted.place(mark, party),
            "attributes": [{"id": "urn:epcglobal:cbv:mda#name", "attribute": f"{mark}0 shelf"}],
        }
        kinds = [{"type": "urn:epcglobal:epcis:vtype:BusinessLocation", "vocabularyElementList": [element]}]
        answer = site.request(name, "POST", "/masterdata/vocabularies", json={"vocabularyList": kinds})
        assert answer.status_code < 300, answer.text
        query = {"name": f"{mark}0", "query": {"EQ_bizStep": ["commissioning"]}}
        assert site.request(name, "POST", "/epcis/queries", json=query).status_code == 201


def capture_all(site: Site, events: list[planted.Planted], at_most: int = 2000) -> None:
    """Have each party capture its own of these events, in documents of at most so many."""
    for captor in planted.CAPTORS:
        own = [one.event for one in events if one.captor == captor]
        for start in range(0, len(own), at_most):
            job = site.job(captor, site.capture(captor, planted.body_of(*own[start : start + at_most])))
            assert job["success"], job["errors"][:3]

"""The demo: a hospital, two suppliers, a key for each role, and the story of their consigned goods.

For a marked, temporary database; loading again changes nothing. It must not touch any other database.
"""

from dataclasses import dataclass
from typing import Any, Final

import orjson

from traceward.ledger.parties import Parties, Party
from traceward.services.agreements import agreements
from traceward.services.demo import demo_agreement
from traceward.services.demo.storyline import CORDIA, NORTHGATE, PLACE_NAMES, cordia_document, northgate_document
from traceward.services.identity import parties
from traceward.services.identity.key_files import DEMO_KEYS_FILE, write_secret_file
from traceward.services.identity.principals import Principal
from traceward.services.identity.registry import ADMINISTRATION
from traceward.services.identity.setup import claim_database
from traceward.services.intake import capture
from traceward.services.queries import master_data
from traceward.services.runtime import Runtime

RIVAL: Final = "https://id.gs1.org/417/9506000000008"


@dataclass(frozen=True, slots=True)
class _Partner:
    identifier: str
    name: str
    company_prefix: str
    consignees: tuple[str, ...] = ()


_PARTNERS: Final = (
    _Partner(NORTHGATE, "Northgate Hospital", "4012345"),
    _Partner(CORDIA, "Cordia Devices", "9521141", (NORTHGATE,)),
    _Partner(RIVAL, "Helix Surgical", "9506000"),
)

_KEYS: Final = (
    ("admin", ADMINISTRATION, "admin"),
    ("northgate-clinical", NORTHGATE, "clinical"),
    ("northgate-supply", NORTHGATE, "supply"),
    ("cordia", CORDIA, "supplier"),
    ("rival-supplier", RIVAL, "supplier"),
    ("northgate-privacy", NORTHGATE, "privacy_officer"),
)
"""Name in the keys file, organisation, role."""


def load_demo(runtime: Runtime, *, storyline: bool = True) -> dict[str, str]:
    """The demo's keys by name; they are in `demo-keys.json` of the data folder too.

    storyline: whether the events are loaded. Raises WrongDatabase for a database that is no demo's.
    """
    claim_database(runtime, demo=True)
    for partner in _PARTNERS:
        if runtime.registry.find(partner.identifier) is None:
            parties.add_organisation(
                runtime,
                identifier=partner.identifier,
                name=partner.name,
                company_prefixes=[partner.company_prefix],
                places=_places_of(partner.identifier),
                consignees=partner.consignees,
            )
    keys = _kept_and_new_keys(runtime)
    if storyline:
        for name, document in (("cordia", cordia_document()), ("northgate-clinical", northgate_document())):
            capture.capture_document(runtime, _principal(runtime, keys[name]), orjson.dumps(document), "rollback")
        _agree(runtime, _principal(runtime, keys["cordia"]), _principal(runtime, keys["northgate-supply"]))
    return keys


def _agree(runtime: Runtime, supplier: Principal, hospital: Principal) -> None:
    """Name the products, and have the agreement signed by both; what stands already stays."""
    master_data.declare(runtime, supplier, demo_agreement.catalogue())
    terms = demo_agreement.agreement()
    if not agreements.book(runtime).named(terms.agreement_id, supplier.organisation):
        proposed = agreements.propose(runtime, supplier, terms)
        agreements.sign(runtime, hospital, terms.agreement_id, proposed.version)


def _places_of(identifier: str) -> dict[str, str]:
    registry = Parties(Party(one.identifier, one.name, (one.company_prefix,)) for one in _PARTNERS)
    return {place: name for place, name in PLACE_NAMES.items() if registry.party_of_place(place) == identifier}


def _kept_and_new_keys(runtime: Runtime) -> dict[str, str]:
    """The keys of the file that still open the door, and a new one for each name of the demo that has none."""
    kept = {name: key for name, key in _keys_of_file(runtime).items() if runtime.registry.authenticate(key) is not None}
    keys = kept | {
        name: str(parties.add_key(runtime, organisation=organisation, role=role, name=name)[1])
        for name, organisation, role in _KEYS
        if name not in kept
    }
    if keys != kept:
        text = orjson.dumps(keys, option=orjson.OPT_INDENT_2).decode()
        write_secret_file(runtime.data_dir / DEMO_KEYS_FILE, f"{text}\n")
    return keys


def _keys_of_file(runtime: Runtime) -> dict[str, str]:
    """What the keys file holds; nothing where there is none, or none that can be read."""
    try:
        keys: Any = orjson.loads((runtime.data_dir / DEMO_KEYS_FILE).read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return {}
    return {name: key for name, key in keys.items() if isinstance(key, str)} if isinstance(keys, dict) else {}


def _principal(runtime: Runtime, key: str) -> Principal:
    principal = runtime.registry.authenticate(key)
    assert principal is not None
    return principal

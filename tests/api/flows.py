"""Events of consignment, made in the test: a supplier's goods come to a hospital, are moved, counted, used."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from api.conftest import Site
from api.test_agreements import CORDIA, NORTHGATE, SITE

MCX = "https://ns.traceward.org/consignment/"
CABINET = f"{SITE}/254/OR3-CAB2"
DC = "https://id.gs1.org/414/9521141000106"
NOW = datetime.now(UTC).replace(microsecond=0)


def at(days: float) -> str:
    """The time so many days from now; negative days are past."""
    return (NOW + timedelta(days=days)).isoformat().replace("+00:00", "Z")


def day(days: int) -> str:
    """The date so many days from now, in UTC."""
    return (NOW + timedelta(days=days)).date().isoformat()


def event(days: float, step: str, *, action: str = "OBSERVE", **fields: Any) -> dict[str, Any]:
    """An ObjectEvent of so many days from now."""
    return {
        "type": "ObjectEvent",
        "eventTime": at(days),
        "eventTimeZoneOffset": "+00:00",
        "action": action,
        "bizStep": step,
    } | fields


def capture(site: Site, name: str, *events: dict[str, Any]) -> None:
    """Have a party capture events; they must all be taken."""
    document = {
        "@context": [
            "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
            {"mcx": MCX, "cbvmda": "urn:epcglobal:cbv:mda:"},
        ],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": at(0),
        "epcisBody": {"eventList": list(events)},
    }
    job = site.job(name, site.capture(name, orjson.dumps(document)))
    assert job["success"], job


def serial(gtin: str, number: str) -> dict[str, Any]:
    """One serialised item as an event's objects."""
    return {"epcList": [f"https://id.gs1.org/01/{gtin}/21/{number}"]}


def lot(gtin: str, number: str, quantity: int) -> dict[str, Any]:
    """A quantity of a lot as an event's objects."""
    return {"quantityList": [{"epcClass": f"https://id.gs1.org/01/{gtin}/10/{number}", "quantity": quantity}]}


def parties(kind: str, source: str, destination: str) -> dict[str, Any]:
    """The passing of owning or possessing from one party to another, as source and destination lists have it."""
    return {
        "sourceList": [{"type": f"{kind}_party", "source": source}],
        "destinationList": [{"type": f"{kind}_party", "destination": destination}],
    }


def delivered(
    site: Site, goods: dict[str, Any], expiry: str, *, days: float = -3, place: str = CABINET, **receipt: Any
) -> None:
    """The supplier's goods, made, sent and received at a place of the hospital so many days from now."""
    ilmd = {"cbvmda:itemExpirationDate": expiry, "cbvmda:lotNumber": "L1"}
    sent = {
        "sourceList": [
            {"type": "possessing_party", "source": CORDIA},
            {"type": "owning_party", "source": CORDIA},
            {"type": "location", "source": DC},
        ],
        "destinationList": [
            {"type": "possessing_party", "destination": NORTHGATE},
            {"type": "owning_party", "destination": CORDIA},
            {"type": "location", "destination": place},
        ],
    }
    capture(
        site,
        "cordia",
        event(days - 2, "commissioning", action="ADD", bizLocation={"id": DC}, ilmd=ilmd, **goods),
        event(days - 1, "shipping", disposition="in_transit", readPoint={"id": DC}, **goods, **sent),
    )
    here = {"readPoint": {"id": place}, "bizLocation": {"id": place}}
    capture(
        site,
        "northgate-supply",
        event(days, "receiving", disposition="in_progress", **here, **goods, **sent, **receipt),
    )


def used(
    site: Site,
    goods: dict[str, Any],
    *,
    days: float = 0,
    use_type: str = "implanted",
    report: str = "urn:uuid:r1",
    place: str = CABINET,
) -> None:
    """Goods of the supplier used at the hospital: ownership passes, as a usage report says."""
    ends = {
        "sourceList": [{"type": "owning_party", "source": CORDIA}, {"type": "location", "source": place}],
        "destinationList": [{"type": "owning_party", "destination": NORTHGATE}],
    }
    said = {"mcx:useType": use_type, "mcx:usageReport": report}
    capture(
        site,
        "northgate-supply",
        event(
            days, "dispensing", disposition="dispensed", readPoint={"id": f"{SITE}/254/OR3"}, **goods, **ends, **said
        ),
    )

"""What becomes of tracked devices after an explant, as the device tracking export tells it (21 CFR 821.30)."""

from typing import Any

import pytest

from api.conftest import BACKENDS, Site
from api.flows import CABINET, DC, at, capture, day, delivered, event, serial, used
from api.test_agreements import CORDIA, NORTHGATE, SITE, VALVE
from api.test_rows_trace import PATIENT, tracking

CLINIC = "northgate-clinical"
HELD = f"{SITE}/254/QUAR"


def milliseconds(days: float) -> str:
    """The time of an event of so many days from now, as answers write it."""
    return at(days).replace("Z", ".000Z")


def implanted(site: Site, number: str) -> None:
    """A valve that came six days ago and was implanted five days ago."""
    delivered(site, serial(VALVE, number), day(900), days=-6)
    used(site, serial(VALVE, number), days=-5, report=f"urn:uuid:{number}")
    tied = {"type": "AssociationEvent", "parentID": PATIENT, "childEPCs": serial(VALVE, number)["epcList"]}
    capture(site, CLINIC, event(-5, "installing", action="ADD", readPoint={"id": CABINET}) | tied)


def explanted(site: Site, number: str) -> None:
    """The same valve, taken out four days ago and held."""
    tied = {"type": "AssociationEvent", "parentID": PATIENT, "childEPCs": serial(VALVE, number)["epcList"]}
    held = {"readPoint": {"id": HELD}, "bizLocation": {"id": HELD}, "mcx:reason": "explanted"}
    capture(
        site,
        CLINIC,
        event(-4, "removing", action="DELETE", readPoint={"id": CABINET}) | tied,
        event(-3.9, "holding", disposition="non_conformant", **serial(VALVE, number), **held),
    )


def sent(days: float, number: str, source: str, target: str, **fields: Any) -> dict[str, Any]:
    """A valve that one party sends to another."""
    ends = {
        "sourceList": [{"type": "possessing_party", "source": source}],
        "destinationList": [{"type": "possessing_party", "destination": target}],
    }
    return event(days, "shipping", disposition="returned", readPoint={"id": HELD}, **serial(VALVE, number), **ends)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_export_tells_what_became_of_explanted_devices(backend: str, open_site: Any) -> None:
    """Rejects an export that ends with the explant, that takes the delivery before the implant for a return, or a
    movement that was declared an error.
    """
    with open_site(backend) as site:
        for number in ("IN", "BACK", "GONE", "ERR"):
            implanted(site, number)
        for number in ("BACK", "GONE", "ERR"):
            explanted(site, number)
        capture(site, CLINIC, sent(-3, "BACK", NORTHGATE, CORDIA))
        destroyed = event(-2, "destroying", action="DELETE", readPoint={"id": HELD}, **serial(VALVE, "GONE"))
        capture(site, CLINIC, destroyed | {"disposition": "destroyed"})
        wrong = sent(-2.5, "ERR", NORTHGATE, CORDIA) | {"eventID": "urn:uuid:00000000-0000-4000-8000-0000000000e1"}
        declared = {"errorDeclaration": {"declarationTime": at(-2), "reason": "did_not_occur"}}
        capture(site, CLINIC, wrong, wrong | declared)
        capture(site, "cordia", event(-1, "receiving", bizLocation={"id": DC}, **serial(VALVE, "BACK")))
        rows = {one["serial"]: one for one in tracking(site, CLINIC, gtin=VALVE).json()["rows"]}
        told = {
            name: tuple(row[field] for field in ("explantedAt", "returnedAt", "destroyedAt", "outOfUseAt"))
            for name, row in rows.items()
        }
        gone, out = milliseconds(-2), milliseconds(-4)
        assert told == {
            "IN": (None, None, None, None),
            "BACK": (out, milliseconds(-3), None, None),
            "GONE": (out, None, gone, gone),
            "ERR": (out, None, None, None),
        }
        text = tracking(site, CLINIC, "text/csv", epc=serial(VALVE, "BACK")["epcList"][0]).text
        assert "returnedAt,destroyedAt" in text
        assert milliseconds(-3) in text

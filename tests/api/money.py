"""A priced agreement of the demo's parties and events of use, for the tests of money."""

from typing import Any

import orjson

from .conftest import Site

SUPPLY, CLINICAL = "northgate-supply", "northgate-clinical"
CORDIA, NORTHGATE = "https://id.gs1.org/417/9521141000007", "https://id.gs1.org/417/4012345000009"
SITE = "https://id.gs1.org/414/4012345000016"
THEATRE, CABINET = f"{SITE}/254/OR3", f"{SITE}/254/OR3-CAB2"
SCREW, BALLOON = "https://id.gs1.org/01/09521141045305/10/LOT77A", "https://id.gs1.org/01/09521141060001/10/B2201"
VALVE_7 = "https://id.gs1.org/01/09521141010235/21/V23-0007"
VALVE_8 = "https://id.gs1.org/01/09521141010235/21/V23-0008"
REPORT = "urn:uuid:5b0a4a3c-1f0e-4f4b-9d5e-0c8a52c7f901"
AGREEMENT = "https://ns.traceward.org/consignment/agreement/CA-2026-01"
MCX = "https://ns.traceward.org/consignment/"


def terms(**changes: Any) -> dict[str, Any]:
    """The terms of a priced agreement: a screw costs 45, from April on 60; a valve 4200, a balloon 310."""

    def price(amount: str, **valid: str) -> dict[str, str]:
        return {"amount": amount, "currency": "EUR"} | valid

    return {
        "agreementID": AGREEMENT,
        "supplier": CORDIA,
        "hospital": NORTHGATE,
        "validFrom": "2026-01-01",
        "sites": [SITE],
        "use": {"settlement": "monthly"},
        "lines": [
            {"gtin": "09521141010235", "prices": [price("4200")], "tracking": "serial", "implantable": True},
            {
                "gtin": "09521141045305",
                "prices": [price("45", validTo="2026-03-31"), price("60", validFrom="2026-04-01")],
                "par": [{"place": CABINET, "minimum": 5, "maximum": 20}],
            },
            {"gtin": "09521141060001", "prices": [price("310")]},
        ],
    } | changes


def agree(site: Site, **changes: Any) -> None:
    """Put the agreement in force, signed by both."""
    wanted = terms(**changes)
    made = site.request("cordia", "POST", "/agreements", json=wanted)
    assert made.status_code == 201, made.text
    body = {"agreementID": wanted["agreementID"], "version": made.json()["version"]}
    signed = site.request(SUPPLY, "POST", "/agreements/sign", json=body)
    assert signed.status_code == 200, signed.text


def use_event(number: int, item: str, quantity: int, time: str, **extensions: Any) -> dict[str, Any]:
    """A use in theatre 3 from its cabinet; ownership passes unless it is a trial. extensions: our own fields."""
    stated = {"useType": "consumed"} | extensions
    passes = stated["useType"] != "trial_not_used"
    event = _event(number, "ObjectEvent", "OBSERVE", time, item, quantity)
    event |= {"bizStep": "dispensing", "disposition": "dispensed"} if passes else {"bizStep": "inspecting"}
    event |= {
        "readPoint": {"id": THEATRE},
        "sourceList": [{"type": "location", "source": CABINET}],
        "destinationList": [],
    }
    if passes:
        event["sourceList"].append({"type": "owning_party", "source": CORDIA})
        event["destinationList"].append({"type": "owning_party", "destination": NORTHGATE})
    else:
        del event["destinationList"]
    return event | {f"mcx:{name}": value for name, value in stated.items()}


def order_event(
    number: int,
    item: str,
    quantity: int,
    time: str,
    order: str,
    *,
    invoice: str | None = None,
    report: str | None = None,
) -> dict[str, Any]:
    """A bill-only purchase order, and perhaps an invoice, tied to goods (F11)."""
    event = _event(number, "TransactionEvent", "ADD", time, item, quantity) | {"bizStep": "accepting"}
    papers = [{"type": "po", "bizTransaction": f"urn:epcglobal:cbv:bt:4012345000009:{order}"}]
    if invoice is not None:
        papers.append({"type": "inv", "bizTransaction": f"urn:epcglobal:cbv:bt:9521141000007:{invoice}"})
    event["bizTransactionList"] = papers
    return event | ({"mcx:usageReport": report} if report is not None else {})


def capture_events(site: Site, *events: dict[str, Any], name: str = CLINICAL) -> None:
    """Capture events; they must be taken."""
    document = {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"mcx": MCX}],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-06-30T00:00:00Z",
        "epcisBody": {"eventList": list(events)},
    }
    job = site.job(name, site.capture(name, orjson.dumps(document)))
    assert job["success"], job


def lines_of(site: Site, name: str, query: str = "") -> set[tuple[str, str, str]]:
    """(item, quantity, state) of every line of the uses found."""
    uses = site.get(name, f"/usage{query}")["uses"]
    return {(line["item"], line["quantity"], line["state"]) for use in uses for line in use["lines"]}


def _event(number: int, kind: str, action: str, time: str, item: str, quantity: int) -> dict[str, Any]:
    named: dict[str, Any] = {"epcList": [item]} if "/21/" in item else {"epcList": []}
    if "/21/" not in item:
        named["quantityList"] = [{"epcClass": item, "quantity": quantity}]
    return {
        "type": kind,
        "eventID": f"urn:uuid:00000000-0000-4000-9000-{number:012d}",
        "eventTime": time,
        "eventTimeZoneOffset": "+00:00",
        "action": action,
        **named,
    }


def receipt(number: int, item: str, quantity: int, time: str) -> dict[str, Any]:
    """Goods of the supplier received on consignment straight into theatre 3's cabinet."""
    event = _event(number, "ObjectEvent", "OBSERVE", time, item, quantity)
    pairs = [("possessing_party", CORDIA, NORTHGATE), ("owning_party", CORDIA, CORDIA)]
    return event | {
        "bizStep": "receiving",
        "disposition": "sellable_accessible",
        "readPoint": {"id": CABINET},
        "bizLocation": {"id": CABINET},
        "sourceList": [{"type": kind, "source": source} for kind, source, _ in pairs],
        "destinationList": [{"type": kind, "destination": target} for kind, _, target in pairs],
        "mcx:agreement": AGREEMENT,
    }


def count_event(number: int, item: str, quantity: int, time: str) -> dict[str, Any]:
    """A complete count of an item in theatre 3's cabinet."""
    event = _event(number, "ObjectEvent", "OBSERVE", time, item, quantity)
    return event | {
        "bizStep": "cycle_counting",
        "disposition": "sellable_accessible",
        "readPoint": {"id": CABINET},
        "bizLocation": {"id": CABINET},
        "mcx:countScope": "complete",
    }


def invoice(number: str, *lines: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The body of an invoice to the hospital."""
    head = {"number": number, "hospital": NORTHGATE, "issuedOn": "2026-04-02", "currency": "EUR"}
    return head | {"lines": list(lines)} | changes

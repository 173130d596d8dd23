"""A2, A3 and A4 of docs/promises.md: which patient, whose data, and one ledger that anyone can come to by himself."""

import json
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from api.conftest import BACKENDS, PATIENT_SPELLINGS, Site
from api.flows import CABINET, MCX, capture, day, delivered, event, lot
from api.test_agreements import CORDIA, NORTHGATE, SCREW, VALVE, propose, sign, terms
from api.test_identity import new_key, with_key
from ledger import independent_fold
from ledger.captured_flows import HOSPITAL, PREFIXES, SUPPLIER, Flows
from ledger.independent_fold import IndependentLedger
from traceward.cli.main import app as command_line

CLINICAL, SUPPLY = "northgate-clinical", "northgate-supply"
LOT = "https://id.gs1.org/01/09521141045305/10/LOT77A"
PATIENT = "https://id.gs1.org/8018/401234500000123452"


@pytest.mark.parametrize("backend", BACKENDS)
def test_A2_a_recalled_lot_leads_to_its_patient_for_the_clinical_role_alone(backend: str, open_site: Any) -> None:
    """Rejects a link kept in the shared use event (the supplier would read it), patients counted by pieces instead of
    persons, a link that only one direction finds, and a look-up that leaves no trace or one with the patient in it.
    """
    with open_site(backend, demo_storyline=True) as site:
        officer = new_key(site, NORTHGATE, "privacy_officer")["key"]
        asked = {"gtin": "09521141045305", "lot": "LOT77A", "purpose": "recall FSN-2026-004"}
        found = site.request(CLINICAL, "POST", "/patients/search", json=asked)
        (link,) = found.json()["links"]
        assert (link["patient"], link["item"], link["quantity"]) == (PATIENT, LOT, "2")
        trace = "/trace/lot?gtin=09521141045305&lot=LOT77A"
        assert [(one["patient"], one["quantity"]) for one in site.get(CLINICAL, trace)["patients"]] == [(PATIENT, "2")]
        back = site.request(CLINICAL, "POST", "/patients/search", json={"patient": PATIENT}).json()["links"]
        assert LOT in {one["item"] for one in back}
        for name in (SUPPLY, "cordia", "rival-supplier"):
            for question in (asked, {"patient": PATIENT}):
                assert site.request(name, "POST", "/patients/search", json=question).status_code == 403
            answer = site.request(name, "GET", trace)
            assert answer.json()["patients"] is None
            assert not any(spelling in answer.content for spelling in PATIENT_SPELLINGS)
        implanted = [unit for unit in site.get("cordia", trace)["sinks"] if unit["status"] == "implanted"]
        assert [unit["quantity"] for unit in implanted] == ["2"]
        log = with_key(site, officer, "GET", "/audit?perPage=1000&action=read private")
        purposes = [entry["purpose"] for entry in log.json()["entries"]]
        assert len(purposes) == 3
        assert "recall FSN-2026-004" in purposes
        assert not any(spelling in log.content for spelling in PATIENT_SPELLINGS)


def counted(site: Site, name: str, quantity: int, days: float) -> None:
    """A party's complete count of the screws in the cabinet."""
    scope: dict[str, Any] = {"mcx:countScope": "complete", "mcx:countGTINs": [f"https://id.gs1.org/01/{SCREW}"]}
    here: dict[str, Any] = {"readPoint": {"id": CABINET}, "bizLocation": {"id": CABINET}}
    capture(site, name, event(days, "cycle_counting", **here, **scope, **lot(SCREW, "A3", quantity)))


@pytest.mark.parametrize("backend", BACKENDS)
def test_A3_counts_that_differ_are_told_as_such_and_the_official_one_decides(backend: str, open_site: Any) -> None:
    """Rejects the newest count as the truth whoever made it, a mean of both, a difference that nobody is told of, and
    an official side that is fixed (the agreement's next version names the other).
    """
    with open_site(backend) as site:
        delivered(site, lot(SCREW, "A3", 20), day(400))

        def agreed(official: str) -> None:
            lines = [{"gtin": SCREW}, {"gtin": VALVE}]
            body = terms(lines=lines, validFrom=day(-30), data={"official": official})
            version = propose(site, "cordia", body).json()["version"]
            assert sign(site, SUPPLY, body["agreementID"], version).status_code == 200

        def missing(name: str) -> list[str]:
            return [one["quantity"] for one in site.get(name, "/consignment/ghosts")["ghosts"]]

        agreed("hospital")
        counted(site, SUPPLY, 18, -2)
        counted(site, "cordia", 15, -1)
        for name in (SUPPLY, "cordia"):
            assert missing(name) == ["2"]
            (dispute,) = site.get(name, "/consignment/ghosts")["disputes"]
            told = [(one["party"], one["official"], one["quantity"]) for one in dispute["counts"]]
            assert told == [(NORTHGATE, True, "18"), (CORDIA, False, "15")]
            conflicts = site.get(name, "/consignment/conflicts?kind=count_variance")["conflicts"]
            assert len(conflicts) == 2
            alerts = site.get(name, "/alerts?kind=variance")["alerts"]
            assert [one["detail"]["quantity"] for one in alerts] == ["2"]
        assert site.get("rival-supplier", "/consignment/ghosts")["disputes"] == []
        agreed("supplier")
        assert (missing(SUPPLY), missing("cordia")) == (["5"], ["5"])
        counted(site, SUPPLY, 15, -0.5)
        assert site.get(SUPPLY, "/consignment/ghosts")["disputes"] == []
        rows = site.get("cordia", f"/consignment/stock?gtin={SCREW}&lot=A3")["items"]
        assert [row["quantity"] for row in rows] == ["20"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_A4_what_both_parties_export_gives_an_independent_replay_the_same_digest(backend: str, open_site: Any) -> None:
    """Rejects a ledger that holds what no event says, exports that leave out what a party has captured, events that
    can be changed after the fact, and a digest that only the server itself can come to.
    """
    capturing = {SUPPLIER: "cordia", HOSPITAL: CLINICAL}
    # What tells of patients is for no arbiter; stock and ownership must come out without it.
    keys = {SUPPLIER: "cordia", HOSPITAL: SUPPLY}
    captured = [(_past(one), captor) for one, captor in Flows(seed=44).make(250)]
    with open_site(backend) as site:
        for start in range(0, len(captured), 40):
            for party, name in capturing.items():
                part = [one for one, captor in captured[start : start + 40] if captor == party]
                for events in _without_twins(part):
                    capture(site, name, *events)
        theirs = IndependentLedger(PREFIXES)
        exported = []
        for party, name in keys.items():
            own = {one["eventID"] for one, captor in captured if captor == party}
            exported += [(one, party) for one in _exported(site, name) if one["eventID"] in own]
        theirs.replay(exported)
        shown = CliRunner().invoke(
            command_line, ["ledger", "verify", "--json", "--database", site.server.settings.store_url]
        )
        ours = json.loads(shown.stdout)
        assert ours["stock_lines"] > 50
        assert {"stock": ours["stock"], "transfer": ours["transfers"]} == independent_fold.digests(theirs.lines())

        changed = exported[0][0] | {"eventTime": "2020-01-01T00:00:00Z"}
        name = keys[exported[0][1]]
        again = site.request(name, "POST", "/epcis/events", content=orjson.dumps(changed | {"@context": _CONTEXT}),
                             headers={"Content-Type": "application/json"})  # fmt: skip
        assert again.status_code == 409, again.text
        for method in ("PUT", "PATCH", "DELETE"):
            path = f"/epcis/events/{changed['eventID']}"
            assert site.request(name, method, path).status_code == 405


_CONTEXT = ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"mcx": MCX}]


def _past(event: dict[str, Any]) -> dict[str, Any]:
    """The event three years and a bit earlier: what is yet to come is not in the ledger."""
    time = datetime.fromisoformat(event["eventTime"]) - timedelta(days=1150)
    return event | {"eventTime": time.isoformat().replace("+00:00", "Z")}


def _without_twins(events: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The events in documents that have no event twice."""
    documents: list[list[dict[str, Any]]] = [[], []]
    for one in events:
        documents[one in documents[0]].append(one)
    return [document for document in documents if document]


def _exported(site: Site, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    path = "/epcis/events?perPage=100"
    while path:
        answer = site.request(name, "GET", path)
        found += answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        path = answer.links.get("next", {}).get("url", "")
    return found

"""The storyline over HTTP: stock, ownership, conflicts and visibility, on both databases and in both orders."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from shared_data import shared

from .conftest import BACKENDS, PARTY_FILES, PATIENT_SPELLINGS, Site, story_clock

SCREW = "https://id.gs1.org/01/09521141045305/10/LOT77A"
READERS = ("northgate-clinical", "northgate-supply", "cordia", "rival-supplier")
ROOM = "https://id.gs1.org/414/4012345000016/254/"
TRAY = "https://id.gs1.org/8003/09521141007778T0042"


def lot_rows(site: Site, name: str, query: str) -> Counter[tuple[str | None, str | None, str, str]]:
    """(place, container, status, quantity) of the recalled lot's stock, with how often each occurs."""
    items = site.get(name, f"/consignment/stock?gtin=09521141045305&lot=LOT77A{query}")["items"]
    return Counter((row["place"], row["container"], row["status"], row["quantity"]) for row in items)


@pytest.mark.parametrize("name", ["northgate-clinical", "northgate-supply", "cordia"])
def test_the_recalled_lot_is_where_the_worked_example_says(story: Site, name: str) -> None:
    """Rejects a fold by arrival order, and one that leaves a tray's contents at the packing place."""
    expected = {
        (ROOM + "OR3", TRAY, "on_hand", "27"): 1,
        (ROOM + "OR3", None, "on_hand", "3"): 1,
        (ROOM + "WARDB-CAB1", None, "on_hand", "4"): 1,
        ("https://id.gs1.org/414/9521141000106", None, "in_transit", "12"): 1,
    }
    if name == "cordia":
        expected["https://id.gs1.org/414/9521141000106", None, "on_hand", "450"] = 1
    assert lot_rows(story, name, "&asOf=2026-06-30") == Counter(expected)


def test_the_lot_trace_answers_the_worked_example_number_for_number(story: Site) -> None:
    """2 implanted, 1 wasted, 1 lost, 12 on the way back, 4 on Ward B, 3 in OR 3, 27 in the tray, 450
    at Cordia. Rejects totals that do not add up to what was made.
    """
    answer = story.get("cordia", "/trace/lot?gtin=09521141045305&lot=LOT77A&asOf=2026-06-30")
    assert Counter((unit["status"], unit["quantity"]) for unit in answer["sinks"]) == Counter({
        ("implanted", "2"): 1,
        ("wasted", "1"): 1,
        ("lost", "1"): 1,
    })  # fmt: skip
    assert [unit["quantity"] for unit in answer["inTransit"]] == ["12"]
    assert sorted(int(unit["quantity"]) for unit in answer["units"]) == [3, 4, 27, 450]
    assert answer["total"] == {"": "500"}
    assert all(unit["eventIDs"] for group in ("units", "inTransit", "sinks") for unit in answer[group])
    assert answer["patients"] is None


def test_the_lots_patients_are_listed_for_the_clinical_role(story: Site) -> None:
    """Show 6. Rejects a trace that drops private events, and one that counts the link twice."""
    answer = story.get("northgate-clinical", "/trace/lot?gtin=09521141045305&lot=LOT77A&asOf=2026-06-30")
    (tied,) = answer["patients"]
    assert (tied["patient"], tied["quantity"], tied["open"]) == (
        "https://id.gs1.org/8018/401234500000123452",
        "2",
        True,
    )
    assert tied["eventIDs"] == ["urn:uuid:00000000-0000-4000-8000-000000000012"]
    assert {"moved_after_recall", "recalled_not_quarantined"} <= {row["kind"] for row in answer["conflicts"]}


def test_the_lot_of_serials_leads_to_its_serials_and_their_patient(story: Site) -> None:
    """Rejects a lot index made of class identifiers alone: L23-A stands only in the ILMD of F1."""
    answer = story.get("northgate-clinical", "/trace/lot?gtin=9521141010235&lot=L23-A&asOf=2026-06-30")
    assert [serial.rpartition("/")[2] for serial in answer["serials"]] == ["V23-0007", "V23-0008"]
    assert [unit["status"] for unit in answer["sinks"]] == ["implanted"]
    assert [unit["place"] for unit in answer["units"]] == [ROOM + "OR3-CAB2"]
    assert [tied["items"][0].rpartition("/")[2] for tied in answer["patients"]] == ["V23-0007"]


def test_the_item_trace_tells_state_owners_and_history(story: Site) -> None:
    answer = story.get("cordia", "/trace/item?epc=urn:epc:id:sgtin:9521141.001023.V23-0008&asOf=2026-06-30")
    assert (answer["state"]["status"], answer["lot"], answer["expiry"]) == ("implanted", "L23-A", "2028-01-31")
    assert [entry["owner"] for entry in answer["owners"]] == [
        "https://id.gs1.org/417/9521141000007",
        "https://id.gs1.org/417/4012345000009",
    ]
    assert [step["bizStep"] for step in answer["history"]][:3] == ["commissioning", "packing", "shipping"]
    nothing = story.get("rival-supplier", "/trace/item?epc=urn:epc:id:sgtin:9521141.001023.V23-0008")
    assert (nothing["state"], nothing["history"], nothing["conflicts"]) == (None, [], [])


def test_ownership_passes_by_use_loss_and_waste_and_the_corrected_use_is_void(story: Site) -> None:
    """Rejects a ledger that counts the use which was declared in error."""
    transfers = story.get("cordia", "/consignment/ownership-transfers?to=2026-07-01")["transfers"]
    standing = Counter((row["item"], row["useType"], row["quantity"]) for row in transfers if not row["voided"])
    assert standing == Counter({
        (SCREW, "implanted", "2"): 1,
        (SCREW, "wasted", "1"): 1,
        (SCREW, None, "1"): 1,
        ("https://id.gs1.org/01/09521141060001/10/B2201", "consumed", "1"): 1,
        ("https://id.gs1.org/01/09521141010235/21/V23-0008", "implanted", "1"): 1,
    })  # fmt: skip


def test_the_expected_conflicts_are_open(story: Site) -> None:
    """Link of the corrected use, move after recall, transfer of what is owned; Ward B's stock."""
    conflicts = story.get("northgate-clinical", "/consignment/conflicts")["conflicts"]
    kinds = {row["kind"] for row in conflicts if row["state"] == "open"}
    assert {"link_of_corrected_use", "moved_after_recall", "already_owned", "recalled_not_quarantined"} <= kinds
    ward = [row for row in conflicts if row["kind"] == "recalled_not_quarantined" and "WARDB-CAB1" in row["message"]]
    assert len(ward) == 1


def test_a_conflict_on_a_patient_link_is_for_the_clinical_role_alone(story: Site) -> None:
    """Rejects a list that filters by organisation only."""
    for name in ("northgate-supply", "cordia", "rival-supplier"):
        kinds = {row["kind"] for row in story.get(name, "/consignment/conflicts")["conflicts"]}
        assert "link_of_corrected_use" not in kinds


def test_each_party_sees_its_own_part_of_the_story(story: Site) -> None:
    """Rejects visibility by party alone (the supply role would see the patient's events) and none at all."""
    counts = {name: len(story.events(name)) for name in READERS}
    assert counts == {"northgate-clinical": 30, "northgate-supply": 28, "cordia": 24, "rival-supplier": 0}


def test_stock_now_agrees_with_a_fold_as_of_now(story: Site) -> None:
    """Rejects a balance table that drifts from what the caller's own events amount to."""
    for name in READERS:
        now = story.get(name, "/consignment/stock?perPage=1000")
        folded = story.get(name, f"/consignment/stock?perPage=1000&asOf={now['asOf']}")
        assert now["items"] == folded["items"]


def test_answers_known_at_an_earlier_time_do_not_know_what_came_later(story: Site) -> None:
    """Rejects knownAt taken for asOf: nothing was known before the first capture."""
    answer = story.get("cordia", "/consignment/stock?asOf=2026-06-30&knownAt=2020-01-01")
    assert answer["items"] == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_other_order_of_capture_gives_the_same_answers(
    backend: str, story: Site, open_site: Callable[..., Any]
) -> None:
    """Show 3. Rejects a projector that depends on who was captured first."""
    paths = ("/consignment/stock?asOf=2026-06-30", "/consignment/ownership-transfers", "/consignment/conflicts")
    with open_site(backend, injected={"now_us": story_clock()}) as other:
        other.load_story(("northgate-clinical", "cordia"))
        for name in READERS:
            for path in paths:
                assert _without_now(other.get(name, path)) == _without_now(story.get(name, path)), (name, path)
            assert len(other.events(name)) == len(story.events(name))


def test_posting_the_story_again_changes_nothing(open_site: Callable[..., Any]) -> None:
    """Show 3. Rejects suppression by eventID alone and a second witness that moves stock again."""
    with open_site() as site:
        site.load_story()
        before = {name: site.request(name, "GET", "/consignment/stock?asOf=2026-06-30").content for name in READERS}
        events = {name: _event_texts(site, name) for name in READERS}
        site.load_story()
        site.load_story(("northgate-clinical", "cordia"))
        assert {name: _event_texts(site, name) for name in READERS} == events
        after = {name: site.request(name, "GET", "/consignment/stock?asOf=2026-06-30").content for name in READERS}
        assert after == before


def test_the_demo_tells_the_published_story_in_its_own_words(open_site: Callable[..., Any]) -> None:
    """Rejects a demo whose events differ from the published ones in content: posting those would then add events."""
    with open_site(demo_storyline=True) as site:
        before = {name: _event_texts(site, name) for name in READERS}
        for name, file in PARTY_FILES.items():
            job = site.job(name, site.capture(name, shared(f"examples/{file}").read_bytes()))
            assert job["success"]
        assert {name: _event_texts(site, name) for name in READERS} == before
        assert b"urn:epc:id:" not in site.request("cordia", "GET", "/epcis/events").content


@pytest.mark.parametrize("name", ["northgate-supply", "cordia", "rival-supplier", "admin"])
def test_no_answer_to_a_key_that_is_not_clinical_has_the_patient(story: Site, name: str) -> None:
    """Rejects redaction in some read paths only: every GET is asked, bodies and headers alike."""
    for path in every_get(story):
        answer = story.request(name, "GET", path)
        raw = answer.content + repr(answer.headers).encode()
        assert not any(spelling in raw for spelling in PATIENT_SPELLINGS), path
        if answer.status_code == 403:
            others = ("/admin", "/audit", "/patients", "/quarantine", "/usage/cases")
            assert name == "admin" or path.startswith(others), path


def test_the_clinical_key_sees_the_patient(story: Site) -> None:
    """The counterpart of the test above: it would pass on a server that lost the patient's events."""
    assert PATIENT_SPELLINGS[0] in story.request("northgate-clinical", "GET", "/epcis/events?perPage=100").content


def test_a_hidden_event_answers_as_an_absent_one_does(story: Site) -> None:
    """Rejects 403 for hidden objects: it would tell that they exist."""
    hidden = story.request("cordia", "GET", "/epcis/events/urn:uuid:00000000-0000-4000-8000-000000000012")
    absent = story.request("cordia", "GET", "/epcis/events/urn:uuid:00000000-0000-4000-8000-00000000ffff")
    assert hidden.status_code == absent.status_code == 404
    assert hidden.content == absent.content


def every_get(story: Site) -> list[str]:
    """A path for every GET operation of the interface, with values that occur in the story."""
    values = {
        "captureID": "0" * 32,
        "eventID": "urn:uuid:00000000-0000-4000-8000-000000000011",
        "name": "anything",
        "path": "",
        "key_id": "0123456789",
    }
    by_resource = {
        "eventTypes": "AssociationEvent",
        "epcs": "https%3A%2F%2Fid.gs1.org%2F01%2F09521141010235%2F21%2FV23-0007",
        "bizSteps": "installing",
        "bizLocations": "https%3A%2F%2Fid.gs1.org%2F414%2F4012345000016%2F254%2FOR3-CAB2",
        "readPoints": "https%3A%2F%2Fid.gs1.org%2F414%2F4012345000016%2F254%2FOR3",
        "dispositions": "dispensed",
    }
    paths = []
    for path, operations in story.get("admin", "/openapi.json")["paths"].items():
        if "get" not in operations or path == "/live":
            continue
        resource = path.removeprefix("/epcis/").partition("/")[0]
        filled = path.replace("{" + resource.removesuffix("s") + "}", by_resource.get(resource, ""))
        for name, value in values.items():
            filled = filled.replace(f"{{{name}}}", value)
        paths.append(filled)
    paths += [
        "/epcis/events?perPage=100&MATCH_parentID=urn:epc:id:gsrn:4012345.0000012345",
        "/epcis/epcs/urn:epc:id:gsrn:4012345.0000012345/events",
        "/epcis/events/urn:uuid:00000000-0000-4000-8000-000000000012",
        "/consignment/stock?asOf=2028-12-31",
        "/consignment/conflicts?asOf=2028-12-31",
        "/trace/lot?gtin=09521141045305&lot=LOT77A&asOf=2026-06-30",
        "/trace/item?epc=https://id.gs1.org/01/09521141010235/21/V23-0007",
    ]
    assert len(paths) > 30
    return [path for path in paths if "401234500000123452" not in path]


def _event_texts(site: Site, name: str) -> list[bytes]:
    return sorted(orjson.dumps(event) for event in site.events(name))


def _without_now(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "asOf"}


def test_stock_of_a_recalled_lot_says_so_wherever_it_lies(story: Site) -> None:
    """Held or recalled. Rejects a flag that only quarantined units carry: Ward B would use its four."""
    for query in ("", "&asOf=2026-06-30"):
        rows = story.get("northgate-supply", f"/consignment/stock?gtin=09521141045305&lot=LOT77A{query}")["items"]
        assert len(rows) == 4
        assert all("recalled" in row["flags"] for row in rows), query
    trace = story.get("cordia", "/trace/lot?gtin=09521141045305&lot=LOT77A&asOf=2026-06-30")
    assert all("recalled" in unit["flags"] for unit in (*trace["units"], *trace["inTransit"]))
    assert not any("recalled" in unit["flags"] for unit in trace["sinks"])
    before = story.get("cordia", "/trace/lot?gtin=09521141045305&lot=LOT77A&asOf=2026-03-20")
    assert not any("recalled" in unit["flags"] for unit in before["units"])

"""What tells of patients, in a real browser: asked by POST with a purpose, recorded, in no address or title."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from live_server import LiveServer, running_server
from web.conftest import desk, phone
from web.pages import assert_accessible, faultless, screenshot, sign_in, small_targets
from web.patience import PATIENCE_S
from web.terms import NORTHGATE, SITE, VALVE

pytestmark = pytest.mark.browser

PATIENT = "401234500000123452"
THEATRE, WARD = f"{SITE}/254/OR3", f"{SITE}/254/WARD7"
USAGE = "urn:uuid:5b0a4a3c-1f0e-4f4b-9d5e-0c8a52c7f901"
OFFICER = "northgate-privacy"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A demo of its own: what is decided here stays."""
    with running_server(tmp_path_factory.mktemp("patients"), demo=True) as running:
        yield running


def ask(server: LiveServer, key: str, method: str, path: str, **options: Any) -> Any:
    """The JSON of a request that must succeed."""
    headers = {"Authorization": f"Bearer {server.keys[key]}"}
    answer = httpx.request(method, server.url + path, headers=headers, timeout=PATIENCE_S, **options)
    assert answer.is_success, answer.text
    return answer.json()


def audited(server: LiveServer, purpose: str) -> list[str]:
    """The actions that the audit log has for a purpose."""
    entries = ask(server, OFFICER, "GET", "/audit?perPage=1000")["entries"]
    return [one["action"] for one in entries if one["purpose"] == purpose]


def addresses(context: BrowserContext) -> list[str]:
    """Every address that the context asks from now on."""
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    return asked


def look_up(page: Page, patient: str, purpose: str) -> None:
    page.get_by_label("Patient's number (GSRN)").fill(patient)
    page.get_by_label("Purpose, for the audit log").fill(purpose)
    page.get_by_role("button", name="Look up", exact=True).click()


def captured(server: LiveServer, key: str, event: dict[str, Any]) -> httpx.Response:
    body = {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-05-01T10:00:00Z",
        "epcisBody": {"eventList": [event]},
    }
    headers = {"Authorization": f"Bearer {server.keys[key]}"}
    return httpx.post(f"{server.url}/epcis/capture", json=body, headers=headers, timeout=PATIENCE_S)


def link(serial: str) -> dict[str, Any]:
    """An implant of a patient, in the theatre."""
    return {
        "type": "AssociationEvent",
        "eventID": f"urn:uuid:link-{serial}",
        "eventTime": "2026-05-01T10:00:00Z",
        "eventTimeZoneOffset": "+00:00",
        "action": "ADD",
        "bizStep": "installing",
        "parentID": f"https://id.gs1.org/8018/{PATIENT}",
        "childEPCs": [f"https://id.gs1.org/01/{VALVE}/21/{serial}"],
        "readPoint": {"id": THEATRE},
    }


def test_a_patients_implants_are_shown_after_a_recorded_purpose_and_leave_no_trace_in_the_browser(
    server: LiveServer, browser: Browser
) -> None:
    """Rejects a look-up by GET or by the page's address, a telling title, and an answer that is left behind."""
    context = desk(browser)
    asked = addresses(context)
    with faultless(context, server):
        page = sign_in(context, server, "northgate-clinical", "patients")
        expect(page.get_by_text("Nothing is asked for yet.")).to_be_visible()
        look_up(page, "4012345 0000012345 2", "Revision surgery on the 4th")
        links = page.get_by_test_id("patient-link")
        expect(links.first).to_contain_text("V23-0007")
        links.filter(has_text="V23-0007").get_by_role("button", name="Implant card").click()
        # The use of this valve was declared in error: another was implanted, and the link waits for its correction.
        expect(page.get_by_text("it may have been corrected since")).to_be_visible()
        links.filter(has_text="LOT77A").get_by_role("button", name="Implant card").click()
        card = page.get_by_test_id("implant-card")
        expect(card).to_have_count(1)
        expect(card).to_contain_text("Cortical screw 3.5 mm")
        assert PATIENT not in card.inner_text()
        assert_accessible(page)
        screenshot(page, "desktop-patients.png")
        assert PATIENT not in page.url + page.title()
        assert (
            page.evaluate("JSON.stringify([history.state, {...localStorage}, {...sessionStorage}])").count(PATIENT) == 0
        )
        page.get_by_role("link", name="Stock").click()
        page.get_by_test_id("place").first.wait_for()
        page.go_back()
        expect(page.get_by_role("heading", name="Patients", level=1)).to_be_visible()
        expect(page.get_by_label("Patient's number (GSRN)")).to_have_value("")
        assert PATIENT not in page.content()
        look_up(page, "123", "A number that is none")
        expect(page.get_by_role("alert")).to_contain_text("no GSRN")
        for subject, fields in (("An item", {"Item": f"https://id.gs1.org/01/{VALVE}/21/V23-0007"}),):
            page.get_by_role("radio", name=subject).check()
            for name, value in fields.items():
                page.get_by_label(name, exact=True).fill(value)
            page.get_by_label("Purpose, for the audit log").fill("Whose valve is it")
            page.get_by_role("button", name="Look up", exact=True).click()
            expect(links.first).to_contain_text(f"GSRN {PATIENT}")
        page.get_by_role("button", name="Clear the page").click()
        expect(links).to_have_count(0)
    assert audited(server, "Revision surgery on the 4th") == ["read private"]
    assert audited(server, "Whose valve is it") == ["read private"]
    assert not any(PATIENT in one for one in asked)
    context.close()


def test_a_key_of_one_place_breaks_the_glass_with_a_reason_that_the_privacy_officer_judges(
    server: LiveServer, browser: Browser
) -> None:
    """Rejects a page that shows all at once, one that opens without a reason, and an emergency that nobody judges."""
    made = {"organisation": NORTHGATE, "role": "clinical", "place": WARD, "name": "ward 7"}
    server.keys["ward"] = ask(server, "admin", "POST", "/admin/keys", json=made)["key"]
    context, officer = phone(browser), desk(browser)
    asked = addresses(context)
    with faultless(context, server), faultless(officer, server):
        page = sign_in(context, server, "ward", "patients")
        look_up(page, PATIENT, "Unconscious in the emergency room")
        expect(page.get_by_text("Nothing that you may know links a patient with it.")).to_be_visible()
        page.get_by_role("button", name="This is an emergency").click()
        reason = page.get_by_label("Why you need to know what was done elsewhere")
        reason.fill("too short")
        expect(page.get_by_role("button", name="Break the glass")).to_be_disabled()
        reason.fill("Patient cannot speak, MRI is planned")
        assert_accessible(page)
        assert small_targets(page) == []
        page.get_by_role("button", name="Break the glass").click()
        expect(page.get_by_test_id("patient-link").first).to_contain_text("V23-0007")
        expect(page.get_by_text("Emergency access until")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        screenshot(page, "phone-emergency.png")
        theirs = sign_in(officer, server, OFFICER, "audit")
        card = theirs.get_by_test_id("emergency")
        expect(card).to_contain_text("Patient cannot speak, MRI is planned")
        assert PATIENT not in theirs.content()
        card.get_by_role("button", name="Judge it").click()
        card.get_by_label("Your judgement").fill("Justified by the ward's report.")
        assert_accessible(theirs)
        card.get_by_role("button", name="Put it on record").click()
        expect(card).to_contain_text("Justified by the ward's report.")
        expect(card.get_by_role("button")).to_have_count(0)
    (emergency,) = ask(server, OFFICER, "GET", "/patients/emergencies")["emergencies"]
    assert (emergency["reason"], emergency["review"]) == (
        "Patient cannot speak, MRI is planned",
        "Justified by the ward's report.",
    )
    assert not any(PATIENT in one for one in asked)
    context.close()
    officer.close()


def test_cards_and_device_tracking_are_made_by_those_who_may_and_recorded(server: LiveServer, browser: Browser) -> None:
    """Rejects device tracking for the supply role, an export without a purpose, and a card that names a patient."""
    supply, clinical = phone(browser), desk(browser)
    with faultless(supply, server), faultless(clinical, server):
        page = sign_in(supply, server, "northgate-supply", "implants")
        expect(page.get_by_role("heading", name="Device tracking")).to_have_count(0)
        page.get_by_label("Number of the usage report").fill("urn:uuid:none")
        page.get_by_role("button", name="Show the cards").click()
        expect(page.get_by_role("alert")).to_contain_text("no use of yours")
        page.get_by_label("Number of the usage report").fill(USAGE)
        page.get_by_role("button", name="Show the cards").click()
        expect(page.get_by_test_id("implant-card").first).to_contain_text("Northgate Hospital")
        assert PATIENT not in page.content()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert_accessible(page)
        theirs = sign_in(clinical, server, "northgate-clinical", "implants")
        theirs.get_by_label("GTIN").fill(VALVE)
        theirs.get_by_label("Purpose, for the privacy officer").fill("Manufacturer's request 2026-77")
        theirs.get_by_role("button", name="Show the list").click()
        expect(theirs.get_by_test_id("tracked").first).to_contain_text(f"GSRN {PATIENT}")
        assert_accessible(theirs)
        screenshot(theirs, "desktop-implants.png")
        with theirs.expect_download() as file:
            theirs.get_by_role("button", name="Download as CSV").click()
        text = file.value.path().read_text(encoding="utf-8-sig")
        assert text.startswith("manufacturer,")
        assert "V23-0007" in text
        theirs.get_by_label("GTIN").fill("")
        theirs.get_by_role("button", name="Show the list").click()
        expect(theirs.get_by_role("alert")).to_contain_text("nothing is asked for")
    assert audited(server, "Manufacturer's request 2026-77") == ["export private"] * 2
    supply.close()
    clinical.close()


def test_what_was_refused_because_of_a_patient_is_captured_after_all_or_deleted_for_good(
    server: LiveServer, browser: Browser
) -> None:
    """Rejects a list that shows the patient, a decision by one click, and a release by the privacy officer."""
    for serial in ("Q1", "Q2"):
        assert captured(server, "northgate-supply", link(serial)).status_code == 403
    clinical, officer = phone(browser), desk(browser)
    with faultless(clinical, server), faultless(officer, server):
        page = sign_in(clinical, server, "northgate-clinical", "quarantine")
        waiting = page.get_by_test_id("quarantined")
        expect(waiting).to_have_count(2)
        assert PATIENT not in page.content()
        waiting.first.get_by_role("button", name="Show the event").click()
        expect(waiting.first.get_by_label("The event")).to_contain_text("/21/Q1")
        assert_accessible(page)
        screenshot(page, "phone-quarantine.png")
        waiting.first.get_by_role("button", name="Capture it after all").click()
        waiting.first.get_by_role("button", name="Yes, capture it").click()
        expect(page.get_by_text("The event is captured")).to_be_visible()
        expect(waiting).to_have_count(1)
        theirs = sign_in(officer, server, OFFICER, "quarantine")
        other = theirs.get_by_test_id("quarantined")
        expect(other).to_have_count(1)
        expect(other.get_by_role("button", name="Show the event")).to_have_count(0)
        expect(other.get_by_role("button", name="Capture it after all")).to_have_count(0)
        other.get_by_role("button", name="Delete it").click()
        other.get_by_role("button", name="Leave it there").click()
        other.get_by_role("button", name="Delete it").click()
        other.get_by_role("button", name="Yes, delete it for good").click()
        expect(theirs.get_by_text("Nothing waits for a decision.")).to_be_visible()
        assert_accessible(theirs)
    found = {
        serial: ask(
            server,
            "northgate-clinical",
            "POST",
            "/patients/search",
            json={"epc": f"https://id.gs1.org/01/{VALVE}/21/{serial}", "purpose": "test"},
        )["links"]
        for serial in ("Q1", "Q2")
    }
    assert [len(found[serial]) for serial in ("Q1", "Q2")] == [1, 0]
    assert ask(server, "northgate-clinical", "GET", "/quarantine")["events"] == []
    clinical.close()
    officer.close()


@pytest.mark.parametrize("path", ["patients", "quarantine"])
def test_pages_of_patients_are_not_for_other_roles(server: LiveServer, browser: Browser, path: str) -> None:
    context = desk(browser)
    with faultless(context, server):
        page = sign_in(context, server, "northgate-supply", path)
        expect(page.get_by_text("This page is not for your role")).to_be_visible()
        expect(page.get_by_role("link", name=path.capitalize())).to_have_count(0)
    context.close()


def test_a_failing_look_up_says_so_and_can_be_tried_again(server: LiveServer, browser: Browser) -> None:
    """Rejects a page that shows an older answer as if it were the new one's."""
    context = desk(browser)
    page = sign_in(context, server, "northgate-clinical", "patients")
    look_up(page, PATIENT, "First question")
    expect(page.get_by_test_id("patient-link").first).to_be_visible()
    context.route("**/patients/search", lambda route: route.abort())
    page.get_by_role("button", name="Look up", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
    expect(page.get_by_test_id("patient-link")).to_have_count(0)
    context.unroute("**/patients/search")
    page.get_by_role("button", name="Look up", exact=True).click()
    expect(page.get_by_test_id("patient-link").first).to_be_visible()
    context.close()

"""Recalls in a real browser: where the units are, who answered, and patients for the clinical role alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Request, expect

from live_server import LiveServer, running_server
from web.conftest import desk, phone
from web.pages import assert_accessible, faultless, screenshot, sign_in

pytestmark = pytest.mark.browser

PATIENT = "401234500000123452"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A demo of its own: an answer to a notice stays."""
    with running_server(tmp_path_factory.mktemp("recalls"), demo=True) as running:
        yield running


def test_the_hospital_answers_a_notice_and_its_issuer_reads_the_answer(server: LiveServer, browser: Browser) -> None:
    """Rejects totals that do not add up to all units, and an answer that only its writer sees."""
    hospital, supplier = phone(browser), desk(browser)
    with faultless(hospital, server), faultless(supplier, server):
        page = sign_in(hospital, server, "northgate-supply", "recalls")
        page.get_by_role("button", name="LOT77A").click()
        sums = page.get_by_test_id("recall-totals")
        expect(sums).to_contain_text("not in quarantine")
        numbers = [int(text) for text in sums.locator("dd").all_inner_texts()]
        assert sum(numbers[:-1]) == numbers[-1] > 0
        expect(page.get_by_role("heading", name="Patients")).to_have_count(0)
        page.get_by_role("button", name="We have received it").click()
        page.get_by_label("Note for the issuer").fill("Ward B is being emptied.")
        page.get_by_role("button", name="We have received it").click()
        expect(page.get_by_test_id("recall-answer")).to_contain_text("Ward B is being emptied.")
        expect(page.get_by_role("button", name="We have received it")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert_accessible(page)
        theirs = sign_in(supplier, server, "cordia", "recalls")
        theirs.get_by_role("button", name="LOT77A").click()
        expect(theirs.get_by_test_id("recall-answer")).to_contain_text("Ward B is being emptied.")
        expect(theirs.get_by_role("button", name="Withdraw the notice")).to_be_visible()
        expect(theirs.get_by_role("button", name="We have received it")).to_have_count(0)
        assert_accessible(theirs)
    hospital.close()
    supplier.close()


def test_patients_of_a_notice_are_shown_to_the_clinical_role_after_a_purpose_and_never_by_address(
    server: LiveServer, browser: Browser
) -> None:
    """Rejects a page that asks by GET, and one that shows patients unasked."""
    context = desk(browser)
    asked: list[str] = []

    def on_request(request: Request) -> None:
        asked.append(f"{request.method} {request.url}")

    context.on("request", on_request)
    page = sign_in(context, server, "northgate-clinical", "recalls")
    page.get_by_role("button", name="LOT77A").click()
    page.get_by_test_id("recall-totals").first.wait_for()
    assert PATIENT not in page.content()
    page.get_by_label("Purpose, for the audit log").fill("Recall of lot LOT77A")
    page.get_by_role("button", name="Show the patients").click()
    expect(page.get_by_test_id("recall-patient").first).to_be_visible()
    page.evaluate("scrollTo(0, 0)")
    screenshot(page, "desktop-recall.png")
    assert any(one.startswith("POST") and one.endswith("/recalls/patients") for one in asked)
    assert not any(PATIENT in one for one in asked)
    assert_accessible(page)
    context.close()

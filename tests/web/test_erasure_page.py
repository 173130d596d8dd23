"""The privacy officer erases a patient, in a real browser: said before, asked twice, told after, by POST alone."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from live_server import LiveServer, running_server
from web.conftest import desk, phone
from web.pages import assert_accessible, faultless, sign_in
from web.patience import PATIENCE_S

pytestmark = pytest.mark.browser

PATIENT = "401234500000123452"
REASON = "Request of 2026-05-04, letter 77"


def linked(server: LiveServer) -> list[object]:
    """What the clinical role is told of the patient."""
    answer = httpx.post(
        f"{server.url}/patients/search",
        json={"patient": PATIENT, "purpose": "test"},
        headers={"Authorization": f"Bearer {server.keys['northgate-clinical']}"},
        timeout=PATIENCE_S,
    )
    assert answer.is_success, answer.text
    links: list[object] = answer.json()["links"]
    return links


def test_a_patient_is_erased_after_a_reason_and_a_second_word_and_the_number_is_in_no_address(
    browser: Browser, tmp_path: Path
) -> None:
    """Rejects a page that erases by one click, does not say what stays, keeps the number, or tells of success alone."""
    with running_server(tmp_path / "data", demo=True) as server:
        context = desk(browser)
        asked: list[tuple[str, str]] = []
        context.on("request", lambda request: asked.append((request.method, request.url)))
        with faultless(context, server):
            page = sign_in(context, server, "northgate-privacy", "erasure")
            for told in ("What is destroyed", "What stays"):
                expect(page.get_by_role("heading", name=told)).to_be_visible()
            number, reason = (
                page.get_by_label("Patient's number (GSRN)"),
                page.get_by_label("Reason, for the audit log"),
            )
            first = page.get_by_role("button", name="Erase this patient")
            number.fill(PATIENT)
            reason.fill("short")
            expect(first).to_be_disabled()
            reason.fill(REASON)
            first.click()
            assert_accessible(page)
            page.get_by_role("button", name="Keep the patient's events").click()
            assert not any("/patients/" in url for _, url in asked)
            assert linked(server)
            number.fill("401234500000999993")
            first.click()
            page.get_by_role("button", name="Yes, destroy the key").click()
            expect(page.get_by_role("alert")).to_contain_text("no such patient")
            number.fill(PATIENT)
            expect(page.get_by_role("alert")).to_have_count(0)
            first.click()
            page.get_by_role("button", name="Yes, destroy the key").click()
            expect(page.get_by_role("status").filter(has_text="can be read no longer")).to_contain_text("event")
            expect(number).to_have_value("")
            assert PATIENT not in page.content()
            assert_accessible(page)
            kept = page.evaluate("JSON.stringify([history.state, {...localStorage}, {...sessionStorage}])")
            assert PATIENT not in kept + page.url + page.title()
            assert not any(PATIENT in url for _, url in asked)
            sent = [method for method, url in asked if url.endswith("/patients/erasures")]
            assert sent == ["POST", "POST"]
            page.get_by_role("link", name="Audit log").click()
            expect(page.get_by_test_id("audit-entry").filter(has_text=REASON)).to_contain_text("Patient erased")
        assert PATIENT not in str(linked(server))
        context.close()


@pytest.mark.parametrize("key", ["northgate-clinical", "northgate-supply"])
def test_erasure_is_not_for_other_roles(live_server: LiveServer, browser: Browser, key: str) -> None:
    context = phone(browser)
    with faultless(context, live_server):
        page = sign_in(context, live_server, key, "erasure")
        expect(page.get_by_text("This page is not for your role")).to_be_visible()
        expect(page.get_by_role("link", name="Erasure")).to_have_count(0)
    context.close()

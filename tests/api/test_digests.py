"""Digests of alerts: to each side, by mail or webhook, once for each period, tried until they are taken."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from datetime import date
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from api.conftest import BACKENDS, Site
from api.flows import day, delivered, serial
from api.test_agreements import CORDIA, NORTHGATE, VALVE, propose, sign, terms
from traceward.services.alerts.digests import DigestRules, period_of, send_due
from traceward.services.mail import MailServer, check_mail_url
from traceward.services.runtime import Runtime


class Mailbox:
    """Takes mail, but refuses the first `refusals` messages with 451."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.taken: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        del server, session
        if self.refusals:
            self.refusals -= 1
            return "451 try again later"
        assert isinstance(envelope.content, bytes)
        self.taken.append(message_from_bytes(envelope.content, policy=default))
        return "250 taken"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, DigestRules]]:
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, DigestRules(mail=MailServer(f"smtp://127.0.0.1:{port}", "server@example.org"), hour=0)
    controller.stop()


@pytest.fixture(params=BACKENDS)
def told(request: pytest.FixtureRequest, open_site: Any) -> Iterator[Site]:
    """A site whose supplier is told by mail, and its hospital each week; one valve expires soon."""
    with open_site(request.param) as site:
        contacts = [
            {"side": "supplier", "email": "stock@cordia.example"},
            {"side": "hospital", "email": "supply@northgate.example", "digest": "weekly"},
            {"side": "hospital", "email": "nobody@northgate.example", "digest": "never"},
        ]
        body = terms(validFrom=day(-300), lines=[{"gtin": VALVE}], contacts=contacts)
        assert propose(site, "cordia", body).status_code == 201
        assert sign(site, "northgate-supply", body["agreementID"]).status_code == 200
        delivered(site, serial(VALVE, "A1"), day(20))
        yield site


def runtime_of(site: Site) -> Runtime:
    """The services of a site."""
    runtime = site.server.app.state.runtime
    assert isinstance(runtime, Runtime)
    return runtime


def let_it_be_tried_again(site: Site) -> None:
    """As if the wait were over."""
    runtime_of(site).store.committer.run(lambda tx: tx.execute("UPDATE alert_digest SET next_us=0"))


def test_each_side_has_one_digest_for_each_period(told: Site, mailbox: tuple[Mailbox, DigestRules]) -> None:
    """Rejects sending at each tick, and forgetting after a restart what was sent."""
    box, rules = mailbox
    assert asyncio.run(send_due(runtime_of(told), rules)) == 2
    assert {one["To"] for one in box.taken} == {"stock@cordia.example", "supply@northgate.example"}
    let_it_be_tried_again(told)
    assert asyncio.run(send_due(runtime_of(told), rules)) == 0
    assert len(box.taken) == 2
    one = next(one for one in box.taken if "cordia" in one["To"])
    text, html = one.get_body(("plain",)).get_content(), one.get_body(("html",)).get_content()
    for said in (text, html):
        assert "/21/A1: expires on" in said
        assert "Cordia Devices" in said
    assert "for you to act on" in one["Subject"]


def test_a_digest_that_was_not_taken_is_tried_again_and_is_the_same_message(
    told: Site, mailbox: tuple[Mailbox, DigestRules]
) -> None:
    """Rejects both giving up at the first refusal and hammering the server without a wait."""
    box, rules = mailbox
    box.refusals = 3
    assert asyncio.run(send_due(runtime_of(told), rules)) == 0
    assert asyncio.run(send_due(runtime_of(told), rules)) == 0
    assert box.refusals == 1
    for _ in range(2):
        let_it_be_tried_again(told)
        asyncio.run(send_due(runtime_of(told), rules))
    assert sorted(one["To"] for one in box.taken) == ["stock@cordia.example", "supply@northgate.example"]
    assert len({one["Message-ID"] for one in box.taken}) == 2


def test_a_mail_server_that_is_not_there_is_told_without_password_or_address(told: Site) -> None:
    rules = DigestRules(mail=MailServer("smtp://user:secret@127.0.0.1:1", "server@example.org"), hour=0)
    assert asyncio.run(send_due(runtime_of(told), rules)) == 0
    with runtime_of(told).store.reader() as reader:
        errors = {error for (error,) in reader.fetch("SELECT error FROM alert_digest")}
    assert errors == {"127.0.0.1:1 ConnectionRefusedError"}


def test_a_webhook_is_sent_the_alerts_as_json(open_site: Any) -> None:
    received: list[tuple[str | None, dict[str, Any]]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append((self.headers["webhook-id"], json.loads(body)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with open_site() as site, HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            contacts = [{"side": "hospital", "webhook": f"http://127.0.0.1:{server.server_port}/in"}]
            body = terms(validFrom=day(-300), lines=[{"gtin": VALVE}], contacts=contacts)
            propose(site, "cordia", body)
            sign(site, "northgate-supply", body["agreementID"])
            delivered(site, serial(VALVE, "A1"), day(20))
            assert asyncio.run(send_due(runtime_of(site), DigestRules(hour=0))) == 1
        finally:
            server.shutdown()
            thread.join()
    ((identifier, digest),) = received
    assert identifier == digest["id"]
    assert (digest["party"], digest["agreementID"]) == (NORTHGATE, body["agreementID"])
    assert "expiring" in {one["kind"] for one in digest["alerts"]}
    assert {one["supplier"] for one in digest["alerts"]} == {CORDIA}


def test_a_contact_has_one_address(site: Site) -> None:
    for contact in ({"side": "hospital"}, {"side": "hospital", "email": "a@b.example", "webhook": "https://b.example"}):
        assert propose(site, "cordia", terms(contacts=[contact])).status_code == 400


@pytest.mark.parametrize("url", ["http://a", "smtp://", "mail.example.org"])
def test_a_url_that_names_no_mail_server_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="expected smtp"):
        check_mail_url(url)


def test_the_first_days_of_a_year_may_lie_in_a_week_of_the_year_before() -> None:
    assert period_of("weekly", date(2027, 1, 1)) == "2026-W53"

"""Digests of open alerts for each side of an agreement, by day or week: by e-mail or to a webhook.

Durable: what is owed to whom for which period stands in a table, so that each digest is sent until it was taken, and
not again. It must not tell of patients or prices: a mailbox has no role.
"""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from html import escape
from typing import Any, Final

import orjson
import structlog

from traceward.epcis.errors import TracewardError
from traceward.epcis.times import HOUR_US
from traceward.ledger.agreement import Agreement, day_of, start_of
from traceward.ledger.agreement_terms import Contact
from traceward.ledger.alerts_model import GOODS
from traceward.services.alerts import watch as alert_watch
from traceward.services.alerts.alerts import alert_bodies
from traceward.services.changes import came_within
from traceward.services.delivery.signing import message_headers
from traceward.services.mail import MailNotSentError, MailServer, send
from traceward.services.outgoing import NotReached
from traceward.services.runtime import Runtime
from traceward.store import alert_rows
from traceward.store.agreement_models import AlertDigest
from traceward.store.write import WriteTransaction, json_text

_log = structlog.get_logger("traceward.digests")

_EVERY_S: Final = 60.0
_MOST_ALERTS: Final = 1000
_LISTED: Final = 50
_LEASE_US: Final = 600 * 1_000_000
_FIRST_WAIT_US: Final = 60 * 1_000_000
_SEVERITIES: Final = ("critical", "high", "medium", "low")
_PENDING: Final = "pending"
_SENT: Final = "sent"
_EMPTY: Final = "nothing to tell"


@dataclass(frozen=True, slots=True)
class DigestRules:
    """How digests go out. mail: None where none is set up. hour: of the day in UTC from which they are sent."""

    mail: MailServer | None = None
    hour: int = 6


@dataclass(frozen=True, slots=True)
class _Owed:
    """One digest: of an agreement, to one of its contacts, for a period."""

    agreement: Agreement
    contact: Contact
    period: str

    @property
    def party(self) -> str:
        """Whose digest it is."""
        terms = self.agreement.terms
        return terms.supplier if self.contact.side == "supplier" else terms.hospital

    @property
    def id(self) -> str:
        """What the receiver knows it by when it comes twice."""
        address = self.contact.email or self.contact.webhook or ""
        named = json_text([self.agreement.key, self.contact.side, address, self.period])
        return hashlib.sha256(named.encode()).hexdigest()[:32]


async def send_digests(runtime: Runtime, rules: DigestRules) -> None:
    """Once a minute, send what is owed, until the server stops."""
    while not runtime.stopping.is_set():
        try:
            await send_due(runtime, rules)
        except TracewardError as error:
            _log.warning("digests wait", reason=error.detail)
        await came_within(runtime.stopping, _EVERY_S)


async def send_due(runtime: Runtime, rules: DigestRules) -> int:
    """Send every digest that is owed now; gives how many were taken."""
    taken = 0
    for owed in await asyncio.to_thread(lambda: list(_owed(runtime, rules))):
        row = await asyncio.to_thread(_claim, runtime, owed)
        if row is None:
            continue
        alerts = await asyncio.to_thread(_alerts, runtime, owed)
        error = await _sent(runtime, rules, owed, alerts) if alerts else None
        await asyncio.to_thread(_settle, runtime, row, error, empty=not alerts)
        taken += bool(alerts) and error is None
    return taken


def period_of(cadence: str, day: date) -> str:
    """The period that a day lies in: the day itself, or its ISO week.

    >>> period_of("weekly", date(2026, 6, 17))
    '2026-W25'
    """
    year, week, _ = day.isocalendar()
    return day.isoformat() if cadence == "daily" else f"{year}-W{week:02d}"


# ---------------------------------------------------------------------------------------------------- what is owed


def _owed(runtime: Runtime, rules: DigestRules) -> Iterator[_Owed]:
    now_us = runtime.now_us()
    today = day_of(now_us)
    if now_us < start_of(today) + rules.hour * HOUR_US:
        today -= timedelta(days=1)
    for agreement in runtime.agreement_books.current(runtime.store).all_in_force(now_us):
        for contact in agreement.terms.contacts:
            reachable = contact.webhook is not None or rules.mail is not None
            if contact.digest != "never" and reachable and today >= _first_day(agreement):
                yield _Owed(agreement, contact, period_of(contact.digest, today))


def _first_day(agreement: Agreement) -> date:
    """The day on which an agreement, once signed, is first told of."""
    signed = max(one.signed_us for one in agreement.signatures)
    return max(agreement.terms.valid_from, day_of(signed))


def _claim(runtime: Runtime, owed: _Owed) -> AlertDigest | None:
    """The digest's row, claimed for this process; None where it was sent, waits, or another process has it."""
    now_us = runtime.now_us()

    def unit(tx: WriteTransaction) -> AlertDigest | None:
        row = tx.get(AlertDigest, owed.id)
        if row is not None and (row.state != _PENDING or row.next_us > now_us):
            return None
        attempts = row.attempts + 1 if row is not None else 1
        claimed = AlertDigest(
            id=owed.id,
            agreement_id=owed.agreement.terms.agreement_id,
            party=owed.party,
            period=owed.period,
            state=_PENDING,
            attempts=attempts,
            next_us=now_us + _LEASE_US,
        )
        tx.put(claimed)
        return claimed

    return runtime.store.committer.run(unit)


def _settle(runtime: Runtime, row: AlertDigest, error: str | None, *, empty: bool) -> None:
    """Write how it went; what was not taken waits twice as long each time, up to an hour."""
    waits = min(_FIRST_WAIT_US << min(row.attempts - 1, 6), HOUR_US)
    after = AlertDigest(**row.model_dump() | {"error": error})
    after.state = _PENDING if error is not None else _EMPTY if empty else _SENT
    after.next_us = runtime.now_us() + waits
    runtime.store.committer.run(lambda tx: tx.put(after))
    if error is not None:
        _log.warning("digest was not taken", digest=row.id, attempt=row.attempts, reason=error)


# ------------------------------------------------------------------------------------------------------- what it says


def _alerts(runtime: Runtime, owed: _Owed) -> list[dict[str, Any]]:
    """The open alerts between its parties about goods, as far as no other agreement has them; the gravest first."""
    alert_watch.catch_up(runtime)
    terms = owed.agreement.terms
    wanted = alert_rows.Wanted(True, None, None, None, None, None)
    with runtime.store.reader() as reader:
        found = alert_rows.alerts_of_party(reader, owed.party, (GOODS,), wanted, None, _MOST_ALERTS)
    bodies = [
        one
        for one in alert_bodies(runtime, found)
        if (one["supplier"], one["hospital"]) == (terms.supplier, terms.hospital)
        and one["agreementID"] in (None, terms.agreement_id)
    ]
    return sorted(bodies, key=lambda one: (_SEVERITIES.index(one["severity"]), one["openedAt"], one["id"]))


async def _sent(runtime: Runtime, rules: DigestRules, owed: _Owed, alerts: Sequence[dict[str, Any]]) -> str | None:
    """None when the digest was taken, else why not."""
    if owed.contact.webhook is not None:
        body = orjson.dumps(_json(owed, alerts))
        signed = message_headers(owed.id, runtime.now_us() // 1_000_000, body, None)
        try:
            answer = await runtime.outgoing.post(
                owed.contact.webhook, body, {"Content-Type": "application/json", **signed}
            )
        except (NotReached, TracewardError) as error:
            return str(error)
        return None if 200 <= answer.status < 300 else f"answered {answer.status}"
    if rules.mail is None:
        return "no mail server is set up"
    message = mail_message(runtime, rules.mail.sender, owed, alerts)
    try:
        await asyncio.to_thread(send, rules.mail, message)
    except MailNotSentError as error:
        return str(error)
    return None


def mail_message(runtime: Runtime, sender: str, owed: _Owed, alerts: Sequence[dict[str, Any]]) -> EmailMessage:
    """The digest as an e-mail, plain text and HTML; the same digest has the same Message-ID. RFC 5322, RFC 2046."""
    terms = owed.agreement.terms
    mine = sum(1 for one in alerts if one["responsible"] == owed.party)
    message = EmailMessage()
    message["From"] = sender
    message["To"] = owed.contact.email or ""
    message["Subject"] = f"{len(alerts)} open alerts, {mine} for you to act on ({owed.period})"
    message["Message-ID"] = f"<{owed.id}@{sender.rpartition('@')[2].rstrip('>')}>"
    message["Date"] = datetime.fromtimestamp(runtime.now_us() / 1_000_000, UTC)
    name = runtime.registry.parties.name_of
    title = f"{terms.title or terms.agreement_id}: {name(terms.supplier)} at {name(terms.hospital)}"
    lines = [_line(runtime, one) for one in alerts[:_LISTED]]
    more = f"and {len(alerts) - _LISTED} more" if len(alerts) > _LISTED else ""
    message.set_content("\n".join([title, "", *("- " + "; ".join(line) for line in lines), more]).rstrip() + "\n")
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in line)}</tr>" for line in lines)
    heads = "".join(f"<th align=left>{head}</th>" for head in ("severity", "alert", "to act", "due"))
    table = f"<table><tr>{heads}</tr>{rows}</table>"
    message.add_alternative(f"<h1>{escape(title)}</h1>{table}<p>{escape(more)}</p>", subtype="html")
    return message


def _line(runtime: Runtime, one: dict[str, Any]) -> tuple[str, str, str, str]:
    due = one["due"][:10] if one["due"] is not None else ""
    return (one["severity"], one["message"], runtime.registry.parties.name_of(one["responsible"]), due)


def _json(owed: _Owed, alerts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "alertDigest",
        "id": owed.id,
        "agreementID": owed.agreement.terms.agreement_id,
        "party": owed.party,
        "period": owed.period,
        "open": len(alerts),
        "alerts": list(alerts),
    }

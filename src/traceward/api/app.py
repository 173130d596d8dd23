"""The composition root: one FastAPI application from one Settings value.

Everything that a request needs hangs on `app.state`; it must not leave anything at module level.
"""

import asyncio
import gc
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog
from fastapi import APIRouter, Depends, FastAPI

from traceward import __version__
from traceward.api.access_log import AccessLog
from traceward.api.admin_routes import admin_router, open_router
from traceward.api.agreement_routes import router as agreement_router
from traceward.api.alert_routes import router as alert_router
from traceward.api.audit_routes import router as audit_router
from traceward.api.consignment_routes import router as consignment_router
from traceward.api.content_encoding import CompressedAnswers
from traceward.api.count_routes import router as count_router
from traceward.api.count_routes import write_off_router
from traceward.api.door import Door, DoorRules
from traceward.api.epcis_routes import epcis_router
from traceward.api.fhir_routes import router as fhir_router
from traceward.api.import_routes import router as import_router
from traceward.api.label_routes import router as label_router
from traceward.api.live import router as live_router
from traceward.api.master_data_routes import router as master_data_router
from traceward.api.models import Problem
from traceward.api.observe import configure_logging
from traceward.api.onboarding_routes import router as onboarding_router
from traceward.api.openapi import install_openapi
from traceward.api.parameters import KNOWN
from traceward.api.patient_guard import no_patient_in_record, no_patient_in_url
from traceward.api.patient_routes import quarantine_router
from traceward.api.patient_routes import router as patient_router
from traceward.api.problems import install_problems
from traceward.api.recall_routes import router as recall_router
from traceward.api.replenishment_routes import router as replenishment_router
from traceward.api.report_routes import router as report_router
from traceward.api.resolver_routes import resolver_router
from traceward.api.scan_routes import router as scan_router
from traceward.api.security_headers import SecurityHeaders
from traceward.api.session_routes import router as session_router
from traceward.api.settings import Settings
from traceward.api.settlement_routes import router as settlement_router
from traceward.api.soap_routes import router as soap_router
from traceward.api.subscription_admin_routes import router as subscription_admin_router
from traceward.api.trace_routes import router as trace_router
from traceward.api.tracking_routes import router as tracking_router
from traceward.api.usage_routes import router as usage_router
from traceward.api.web_app import web_router
from traceward.api.websocket import refuse_unknown
from traceward.api.whole_text import WHOLE_TEXT
from traceward.services.alerts.digests import DigestRules, send_digests
from traceward.services.alerts.watch import watch_alerts
from traceward.services.delivery.rules import DeliveryRules
from traceward.services.delivery.worker import DeliveryWorker
from traceward.services.demo import demo
from traceward.services.identity import setup
from traceward.services.intake import spooled
from traceward.services.intake.due import apply_due_regularly
from traceward.services.mail import MailServer
from traceward.services.outgoing import Outgoing, OutgoingRules
from traceward.services.runtime import Limits, Runtime, open_runtime, system_clock_us
from traceward.services.supply.orders import replenish_regularly
from traceward.store.write import WriteLog

_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
_GC_THRESHOLDS = (100_000, 20, 100)
"""Big documents make many objects that all die young: with Python's own thresholds a third of capture is collection."""

_log = structlog.get_logger("traceward")

_OF_RECORDS: Final = (Depends(no_patient_in_record),)
"""For routers whose requests become records, or change them: neither URL nor body names a patient."""

_OF_QUESTIONS: Final = (Depends(no_patient_in_url),)
"""For routers whose bodies may name a patient, or are checked where they are read: their URLs name none."""

_OWN_ROUTERS: Final[tuple[tuple[APIRouter, tuple[Any, ...]], ...]] = (
    (scan_router, ()),
    (label_router, ()),
    (consignment_router, _OF_RECORDS),
    (agreement_router, _OF_RECORDS),
    (usage_router, _OF_RECORDS),
    (alert_router, _OF_RECORDS),
    (count_router, _OF_RECORDS),
    (write_off_router, _OF_RECORDS),
    (settlement_router, _OF_RECORDS),
    (report_router, _OF_RECORDS),
    (replenishment_router, _OF_RECORDS),
    (trace_router, _OF_QUESTIONS),
    (tracking_router, _OF_QUESTIONS),
    (recall_router, _OF_RECORDS),
    (subscription_admin_router, _OF_RECORDS),
    (master_data_router, _OF_QUESTIONS),
    (import_router, _OF_QUESTIONS),
    (onboarding_router, _OF_RECORDS),
    (session_router, ()),
    (live_router, ()),
    (audit_router, _OF_QUESTIONS),
    (patient_router, _OF_QUESTIONS),
    (quarantine_router, _OF_QUESTIONS),
    (admin_router, _OF_RECORDS),
    (open_router, ()),
)
"""Every router of the server's own interface, with what holds for its requests beside what holds for all."""


def create_app(
    settings: Settings,
    *,
    now_us: Callable[[], int] = system_clock_us,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    write_log: WriteLog | None = None,
) -> FastAPI:
    """The server for these settings; it opens its store when it starts and closes it when it ends.

    After start-up `app.state.runtime` holds the services, `app.state.first_run` the state of set-up and, in a demo,
    `app.state.demo_keys` the keys by name. now_us, random_bytes: the clock and what ids and secrets are drawn from, for
    tests. write_log: called with every bulk insert, for benches.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        configure_logging(settings.log_level)
        runtime = await asyncio.to_thread(_open, settings, now_us, random_bytes, write_log)
        warming: asyncio.Task[None] | None = None
        try:
            app.state.runtime = runtime
            app.state.demo_keys = await asyncio.to_thread(_demo_keys, settings, runtime)
            app.state.first_run = await asyncio.to_thread(setup.bootstrap, runtime)
            resumed = await asyncio.to_thread(spooled.resume_all, runtime)
            if resumed:
                _log.info("capture jobs resumed", count=resumed)
            due = asyncio.create_task(apply_due_regularly(runtime))
            telling = asyncio.create_task(send_digests(runtime, _digest_rules(settings)))
            alerting = asyncio.create_task(watch_alerts(runtime))
            replenishing = asyncio.create_task(replenish_regularly(runtime))
            delivering = asyncio.create_task(DeliveryWorker(runtime, _delivery_rules(settings)).run())
            if settings.scan_warm:
                warming = asyncio.create_task(asyncio.to_thread(runtime.scan_pool.warm))
            gc.collect()
            gc.freeze()
            gc.set_threshold(*_GC_THRESHOLDS)
            yield
            runtime.stopping.set()
            due.cancel()
            alerting.cancel()
            telling.cancel()
            delivering.cancel()
            await asyncio.wait([delivering, replenishing])
            await runtime.outgoing.close()
        finally:
            await asyncio.to_thread(runtime.close)
            if warming is not None:
                await asyncio.wait([warming])

    app = FastAPI(
        title="Traceward",
        version=__version__,
        summary="GS1 EPCIS 2.0 traceability for medical consignment stock",
        lifespan=lifespan,
        docs_url="/docs" if settings.dev else None,
        redoc_url=None,
        openapi_url="/openapi.json",
        responses={"4XX": {"model": Problem, "description": "RFC 7807 problem body (application/problem+json)"}},
    )
    app.state.settings = settings
    limit_headers = {
        "GS1-EPCIS-Capture-Limit": str(settings.capture_limit_events),
        "GS1-EPCIS-Capture-File-Size-Limit": str(settings.capture_limit_bytes),
    }
    standard_routers = (epcis_router(limit_headers), fhir_router, soap_router, resolver_router(), web_router())
    for router, rules in _OWN_ROUTERS:
        app.include_router(router, dependencies=[*KNOWN, *WHOLE_TEXT, *rules])
    for router in standard_routers:
        app.include_router(router)
    routers = (*(router for router, _ in _OWN_ROUTERS), *standard_routers)
    app.add_api_websocket_route("/{path:path}", refuse_unknown)  # behind all that there are
    install_problems(app, routers, limit_headers)
    install_openapi(app, routers)
    # The last one added is the outermost.
    app.add_middleware(CompressedAnswers)
    app.add_middleware(Door, rules=_door_rules(settings), limit_headers=limit_headers)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(AccessLog, new_id=lambda: random_bytes(16).hex())
    return app


_SIGN_IN_BYTES: Final = 16_384


def _door_rules(settings: Settings) -> DoorRules:
    hosts: frozenset[str] | None = frozenset(settings.allowed_hosts)
    if settings.loopback:
        hosts = _LOOPBACK_NAMES | frozenset(settings.allowed_hosts)
    return DoorRules(
        hosts=hosts or None,
        uri_limit_bytes=settings.uri_limit_bytes,
        body_limits_bytes=(
            ("/epcis/capture", settings.capture_limit_bytes),
            ("/scan", settings.scan_limit_bytes),
            # Whoever is not known yet has little to say.
            ("/session", min(_SIGN_IN_BYTES, settings.body_limit_bytes)),
            ("/setup", min(_SIGN_IN_BYTES, settings.body_limit_bytes)),
            ("", settings.body_limit_bytes),
        ),
        body_timeout_s=settings.body_timeout_s,
    )


def _open(
    settings: Settings,
    now_us: Callable[[], int],
    random_bytes: Callable[[int], bytes],
    write_log: WriteLog | None,
) -> Runtime:
    limits = Limits(
        capture_limit_events=settings.capture_limit_events,
        capture_limit_bytes=settings.capture_limit_bytes,
        spool_threshold_bytes=settings.spool_threshold_bytes,
        page_token_ttl_s=settings.page_token_ttl_s,
        query_deadline_s=settings.query_deadline_s,
        fold_limit_events=settings.fold_limit_events,
        setup_code_ttl_s=settings.setup_code_ttl_s,
        strict_sensors=settings.strict_sensors,
        patient_patterns=settings.patient_patterns,
    )
    runtime = open_runtime(
        settings.store_url,
        data_dir=settings.data_dir,
        limits=limits,
        session_ttl_s=settings.session_ttl_s,
        session_idle_s=settings.session_idle_s,
        scan_workers=settings.scan_workers,
        now_us=now_us,
        random_bytes=random_bytes,
        write_log=write_log,
        outgoing=Outgoing(_outgoing_rules(settings)),
        issuers=settings.oidc,
        time_zone=settings.time_zone,
    )
    try:
        setup.claim_database(runtime, demo=settings.demo)
    except BaseException:
        runtime.close()
        raise
    return runtime


def _digest_rules(settings: Settings) -> DigestRules:
    url = settings.smtp_url
    mail = MailServer(url.get_secret_value(), settings.smtp_from) if url is not None else None
    return DigestRules(mail=mail, hour=settings.digest_hour)


def _delivery_rules(settings: Settings) -> DeliveryRules:
    return DeliveryRules(
        attempts=settings.webhook_attempts,
        first_wait_s=settings.webhook_first_wait_s,
        batch_events=settings.webhook_batch_events,
    )


def _outgoing_rules(settings: Settings) -> OutgoingRules:
    """A demo's receivers run beside it: there this machine may be called, over http and at any port."""
    return OutgoingRules(
        allow_http=settings.webhook_allow_http or settings.demo,
        allow_loopback=settings.demo,
        allow_private=settings.webhook_allow_private,
        private_hosts=frozenset(host.lower() for host in settings.webhook_allowed_hosts),
        ports=frozenset() if settings.demo else frozenset(settings.webhook_ports),
    )


def _demo_keys(settings: Settings, runtime: Runtime) -> dict[str, Any] | None:
    return demo.load_demo(runtime, storyline=settings.demo_storyline) if settings.demo else None

"""What every journey needs, made once per server: store, ledger projector, registry, sessions, scanner, clock.

The composition root (`api.app.create_app`, or a test) makes one; it must not be a global.
"""

import asyncio
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from traceward.gs1.company_prefix import CompanyPrefixes
from traceward.ledger.parties import Parties
from traceward.ledger.place_zones import PlaceZones, zone_named
from traceward.ledger.projector import Projector
from traceward.ledger.stream import any_told_otherwise
from traceward.scanner.workers import ScanPool
from traceward.services.agreements.book import BookCache
from traceward.services.changes import Changes
from traceward.services.identity.issuers import Issuer
from traceward.services.identity.registry import CHANGES, CHANGES_TAKEN_UP, VERSION, Registry
from traceward.services.identity.sessions import Sessions
from traceward.services.indexing import indexing
from traceward.services.outgoing import Outgoing, OutgoingRules
from traceward.services.zones import ZoneCache
from traceward.store import alert_rows, counters
from traceward.store.engine import Store, open_store
from traceward.store.paging import PageTokens
from traceward.store.write import WriteLog, WriteTransaction

if TYPE_CHECKING:
    from traceward.services.identity.oidc import TokenVerifier


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of single requests. Sizes in bytes, times in seconds; patient_patterns: regular expressions."""

    capture_limit_events: int = 200_000
    capture_limit_bytes: int = 128_000_000
    spool_threshold_bytes: int = 5_000_000
    page_token_ttl_s: int = 3600
    query_deadline_s: float = 5.0
    fold_limit_events: int = 200_000
    setup_code_ttl_s: int = 900
    strict_sensors: bool = False
    patient_patterns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SetupCode:
    """What a running server keeps of its one-time set-up code: a digest, and when it ends."""

    digest: bytes
    expires_us: int


def system_clock_us() -> int:
    """Now, in microseconds since 1970 UTC."""
    return time.time_ns() // 1000


@dataclass(slots=True)
class Runtime:
    """The services of one server. `stopping` is set when it shuts down."""

    store: Store
    registry: Registry
    sessions: Sessions
    scan_pool: ScanPool
    limits: Limits
    data_dir: Path
    now_us: Callable[[], int]
    random_bytes: Callable[[int], bytes]
    projector: Projector
    page_tokens: PageTokens
    outgoing: Outgoing = field(default_factory=lambda: Outgoing(OutgoingRules()))
    tokens: "TokenVerifier | None" = None
    changes: Changes = field(default_factory=Changes)
    agreement_books: BookCache = field(default_factory=BookCache)
    zones: ZoneCache = field(default_factory=ZoneCache)
    looking_at_alerts: threading.Lock = field(default_factory=threading.Lock)
    replenishing: threading.Lock = field(default_factory=threading.Lock)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    background: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(max_workers=1, thread_name_prefix="spooled-capture")
    )
    setup_code: SetupCode | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _prefixes: CompanyPrefixes | None = None

    @property
    def spool_folder(self) -> Path:
        """Where bodies of large documents wait for their job."""
        return self.data_dir / "spool"

    @property
    def prefixes(self) -> CompanyPrefixes:
        """Lengths of company prefixes: those of known organisations first, then the public table."""
        if self._prefixes is None:
            partners = [prefix for one in self.registry.organisations() for prefix in one.company_prefixes]
            self._prefixes = CompanyPrefixes(partners)
        return self._prefixes

    def place_zones(self) -> PlaceZones:
        """The time zones of places as they stand now."""
        return self.zones.current(self.store, self.registry.parties.party_of_place)

    def projector_within(self, tx: WriteTransaction) -> Projector:
        """The projector by which a unit folds: of the organisations that are known as its transaction begins.

        Another server of the database may have added some since; what it adds later it looks for among the events
        stored by then.
        """
        if counters.value_of(tx, VERSION) != self.registry.version:
            self.registry.reload()
        if self.projector.parties is not self.registry.parties:
            self._prefixes = None
            self.projector = new_projector(self.store, self.registry, self.agreement_books)
        return self.projector

    def parties_changed(self, before: Parties | None = None) -> None:
        """Take up organisations that were added: a new registry and projector.

        before: the organisations by which captures folded until then; None: by which they fold now. Ledger and
        visibility are folded anew only where a stored event names something that is now known otherwise; looking for
        one does not hold up captures.
        """
        with self._lock:
            old = self.projector.parties if before is None else before
            self.registry.reload()
            self._prefixes = None
            self.projector = new_projector(self.store, self.registry, self.agreement_books)
            registry, secret = self.registry, self.store.secret_key
            new, last, must_fold = registry.parties, 0, old.agreed != registry.parties.agreed
            if not must_fold:
                with self.store.reader() as reader:
                    must_fold, last = any_told_otherwise(reader.fetch, old, new)

            def unit(tx: WriteTransaction) -> None:
                if must_fold or any_told_otherwise(tx.fetch, old, new, last)[0]:
                    indexing.rebuild(tx, registry, secret)
                alert_rows.mark_all(tx)
                if before is not None:
                    counters.bump(tx, CHANGES_TAKEN_UP)

            self.store.committer.run(unit)

    def take_up_what_was_left(self) -> None:
        """Fold anew where a server ended after organisations had changed and before stored events were looked through.

        Where another server is just looking, this does its work once more.
        """

        def unit(tx: WriteTransaction) -> None:
            left = counters.value_of(tx, CHANGES) - counters.value_of(tx, CHANGES_TAKEN_UP)
            if left > 0:
                indexing.rebuild(tx, self.registry, self.store.secret_key)
                alert_rows.mark_all(tx)
            for _ in range(left):
                counters.bump(tx, CHANGES_TAKEN_UP)

        with self.store.reader() as reader:
            left = counters.value_of(reader, CHANGES) - counters.value_of(reader, CHANGES_TAKEN_UP)
        if left > 0:
            self.store.committer.run(unit)

    def check_ready(self) -> None:
        """Nothing when the store can be read and written; else raises StoreUnavailable with the reason."""
        self.store.check()
        self.store.committer.run(lambda tx: tx.record_time_us)

    def close(self) -> None:
        """End workers and writer; what was acknowledged is durable, and an unfinished job goes on at the next start."""
        self.background.shutdown(wait=True, cancel_futures=True)
        self.scan_pool.close()
        self.store.close()


def new_projector(store: Store, registry: Registry, books: BookCache) -> Projector:
    """The projector of the organisations that are registered now, which judges by the agreements of the moment."""
    return Projector(registry.parties, agreements=partial(books.within, store))


def open_runtime(
    store_url: str,
    *,
    data_dir: Path,
    limits: Limits,
    session_ttl_s: int = 43_200,
    session_idle_s: int = 7_200,
    scan_workers: int = 2,
    now_us: Callable[[], int] = system_clock_us,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    write_log: WriteLog | None = None,
    outgoing: Outgoing | None = None,
    issuers: Sequence[Issuer] = (),
    time_zone: str = "UTC",
) -> Runtime:
    """The services on the database of store_url; data_dir is made with mode 0700 where it is missing.

    time_zone: an IANA name, for places of which no zone is declared; UTC where there is none of that name.
    Raises what `open_store` raises: StoreUnavailable, WrongDatabase, ValueError.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = open_store(store_url, clock=now_us, log=write_log, random_bytes=random_bytes)
    registry = Registry(store, now_us)
    books = BookCache()
    runtime = Runtime(
        store=store,
        registry=registry,
        sessions=Sessions(store, now_us=now_us, random_bytes=random_bytes, ttl_s=session_ttl_s, idle_s=session_idle_s),
        scan_pool=ScanPool(workers=scan_workers),
        limits=limits,
        data_dir=data_dir,
        now_us=now_us,
        random_bytes=random_bytes,
        projector=new_projector(store, registry, books),
        agreement_books=books,
        zones=ZoneCache(zone_named(time_zone) or UTC),
        page_tokens=PageTokens(store.secret_key),
        outgoing=outgoing or Outgoing(OutgoingRules()),
        tokens=_verifier(issuers, registry, now_us) if issuers else None,
    )
    runtime.take_up_what_was_left()
    return runtime


def _verifier(issuers: Sequence[Issuer], registry: Registry, now_us: Callable[[], int]) -> "TokenVerifier":
    # A server that trusts no issuer starts without the weight of the token library.
    from traceward.services.identity.oidc import TokenVerifier, rules_for  # noqa: PLC0415

    return TokenVerifier(issuers, registry, rules=rules_for(issuers), now_us=now_us)

"""Settings of one server, read from TRACEWARD_* environment variables, with their defaults and bounds.

It must not open anything: `create_app` does, from the value made here.
"""

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from traceward.ledger.place_zones import zone_named
from traceward.services.identity.issuers import Issuer
from traceward.services.mail import check_mail_url

_MEGABYTE = 1_000_000


class Settings(BaseSettings):
    """Everything that a server may be told from outside; sizes in bytes, times in seconds."""

    model_config = SettingsConfigDict(env_prefix="TRACEWARD_", frozen=True, extra="ignore")

    data_dir: Path = Path("traceward-data")
    """Folder of the SQLite database, spooled documents and key files; made with mode 0700."""
    database_url: SecretStr | None = None
    """`sqlite:///path` or `postgresql://...`; without it SQLite inside data_dir."""
    host: str = "127.0.0.1"
    """Address to listen on; any but loopback needs a finished set-up and TLS."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port to listen on; 0 for any free one."""
    behind_proxy: bool = False
    """True when a reverse proxy ends TLS in front of this server: cookies are then marked Secure."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names that requests may name; empty: loopback names when bound to loopback, else any."""
    demo: bool = False
    """A marked, temporary database with a hospital and two suppliers."""
    demo_storyline: bool = True
    """Whether the demo loads its storyline or starts empty."""

    capture_limit_events: int = Field(default=200_000, ge=1)
    """Most events of one capture; told in GS1-EPCIS-Capture-Limit."""
    capture_limit_bytes: int = Field(default=128 * _MEGABYTE, ge=1)
    """Most bytes of one capture; told in GS1-EPCIS-Capture-File-Size-Limit."""
    spool_threshold_bytes: int = Field(default=5 * _MEGABYTE, ge=1)
    """Documents above this size go to disk with their job and are validated there."""
    strict_sensors: bool = False
    """Refuses sensor data that breaks a rule even where GS1's own examples do; see ADR 13."""
    scan_limit_bytes: int = Field(default=8 * _MEGABYTE, ge=1)
    """The cap of a picture sent to /scan."""
    body_limit_bytes: int = Field(default=5 * _MEGABYTE, ge=1)
    """The cap of every other request body."""
    body_timeout_s: float = Field(default=30.0, gt=0)
    """How long a client may take for each 5 MB of its body."""
    uri_limit_bytes: int = Field(default=16_384, ge=256)
    """Longest request target; longer ones are answered with 414."""

    per_page_default: int = Field(default=30, ge=1)
    """Page size where a request names no perPage."""
    per_page_limit: int = Field(default=1000, ge=1)
    """Largest page that a request gets, whatever perPage says."""
    page_token_ttl_s: int = Field(default=3600, ge=1)
    """How long a next-page token works."""
    query_deadline_s: float = Field(default=5.0, gt=0)
    """How long one query may take before it is refused as too complex."""
    fold_limit_events: int = Field(default=200_000, ge=1)
    """How many events an answer as of another time may fold before it is refused as too complex."""
    websockets_per_organisation: int = Field(default=100, ge=1)
    """Most open websockets of one organisation."""
    websocket_send_timeout_s: float = Field(default=10.0, gt=0)
    """How long a websocket's client may take for one message before it is closed."""
    webhook_allow_http: bool = False
    """Whether messages to subscribers may go over http; https alone without it."""
    webhook_allow_private: bool = False
    """Whether subscribers may lie on any private network; link-local and special addresses are never called."""
    webhook_allowed_hosts: tuple[str, ...] = ()
    """Names of subscribers' hosts that may lie on a private network or on this machine."""
    webhook_ports: tuple[int, ...] = (443, 8443)
    """Ports that subscribers may be called at; empty: any."""
    webhook_attempts: int = Field(default=100, ge=1)
    """How often a message is tried, over about three days, before its subscription is parked."""
    webhook_first_wait_s: float = Field(default=0.5, gt=0)
    """How long a message waits at most before its second attempt; waits double, up to an hour."""
    webhook_batch_events: int = Field(default=500, ge=1, le=10_000)
    """Most events of one message to a subscriber."""
    time_zone: str = "UTC"
    """IANA name of the zone by whose calendar dates are judged at places that declare none, such as Europe/Berlin."""
    smtp_url: SecretStr | None = None
    """The SMTP server for digests of alerts: smtp://, smtp+starttls:// or smtps://[user:password@]host[:port]."""
    smtp_from: str = "traceward@localhost.localdomain"
    """Whose address the digests bear."""
    digest_hour: int = Field(default=6, ge=0, le=23)
    """The hour of the day, in UTC, from which digests are sent."""
    session_ttl_s: int = Field(default=12 * 3600, ge=1)
    """How long a sign-in of the web pages lasts."""
    session_idle_s: int = Field(default=2 * 3600, ge=4)
    """How long a sign-in lasts that is not used."""
    patient_patterns: tuple[str, ...] = ()
    """Regular expressions of texts that tell of a patient; shared events with one are quarantined. A JSON array."""
    oidc: tuple[Issuer, ...] = ()
    """Issuers of OpenID Connect tokens that are taken as bearers: a JSON array; docs/identity.md has its fields."""
    setup_code_ttl_s: int = Field(default=15 * 60, ge=1)
    """How long the link of a first run works."""
    scan_workers: int = Field(default=2, ge=1, le=64)
    """Most pictures read at a time, each in a process of its own."""
    scan_warm: bool = True
    """Starts the first of these processes with the server, so that the first picture need not wait for it."""
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    """From `info` on there is one line per request, without query strings or identifiers."""
    dev: bool = False
    """Adds the interactive API page at /docs; never for production."""

    @field_validator("smtp_url")
    @classmethod
    def _smtp_server(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            check_mail_url(url.get_secret_value())
        return url

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        if zone_named(name) is None:
            raise ValueError(f"time_zone is {name!r}; expected a name of the IANA data base such as Europe/Berlin")
        return name

    @field_validator("patient_patterns")
    @classmethod
    def _patterns_compile(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
        return patterns

    @model_validator(mode="after")
    def _sizes_agree(self) -> Self:
        if self.spool_threshold_bytes > self.capture_limit_bytes:
            raise ValueError(
                f"spool_threshold_bytes is {self.spool_threshold_bytes}; "
                f"expected at most capture_limit_bytes, {self.capture_limit_bytes}"
            )
        if self.per_page_default > self.per_page_limit:
            raise ValueError(
                f"per_page_default is {self.per_page_default}; expected at most per_page_limit, {self.per_page_limit}"
            )
        return self

    @property
    def store_url(self) -> str:
        """The database's URL: the one given, or SQLite in the data folder."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir.absolute() / 'traceward.sqlite3'}"

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host in {"127.0.0.1", "::1", "localhost"}

"""The first run: an administrator's key in a file of mode 0600, and a one-time code that finishes the set-up.

There is no default password; it must not print or log a key or code.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from traceward.epcis.errors import SecurityException
from traceward.services.identity import parties
from traceward.services.identity.key_files import ADMIN_KEY_FILE, write_secret_file
from traceward.services.identity.registry import ADMINISTRATION
from traceward.services.runtime import Runtime, SetupCode
from traceward.store.errors import WrongDatabase
from traceward.store.models import Meta
from traceward.store.write import WriteTransaction

_FINISHED: Final = "setup_finished_us"
_DEMO: Final = "demo"


@dataclass(frozen=True, slots=True)
class FirstRun:
    """How far the set-up is. code: the one-time code of this start, None once set-up is finished."""

    finished: bool
    code: str | None
    admin_key_file: Path


def bootstrap(runtime: Runtime) -> FirstRun:
    """Make what a first start needs: an administrator's key and file where no such key exists, and a code.

    The code is for this start only and lasts `limits.setup_code_ttl_s`.
    """
    file = runtime.data_dir / ADMIN_KEY_FILE
    if not any(key.role == "admin" for key in runtime.registry.live_keys()):
        _, text = parties.add_key(runtime, organisation=ADMINISTRATION, role="admin", name="first run")
        write_secret_file(file, f"{text}\n")
    if _meta(runtime, _FINISHED) is not None:
        return FirstRun(finished=True, code=None, admin_key_file=file)
    code = urlsafe_b64encode(runtime.random_bytes(16)).rstrip(b"=").decode()
    expires_us = runtime.now_us() + runtime.limits.setup_code_ttl_s * 1_000_000
    runtime.setup_code = SetupCode(_digest(code), expires_us)
    return FirstRun(finished=False, code=code, admin_key_file=file)


def is_finished(runtime: Runtime) -> bool:
    """Whether somebody has finished the set-up of this database."""
    return _meta(runtime, _FINISHED) is not None


def finish(runtime: Runtime, code: str, organisation: Mapping[str, Any] | None) -> str:
    """The text of a new administrator's key, for the one who has the code; the code is then spent.

    organisation: fields of the first organisation, or None. Raises SecurityException, with one text, for a code that
    is wrong, spent or too old.
    """
    kept = runtime.setup_code
    valid = kept is not None and kept.expires_us > runtime.now_us() and hmac.compare_digest(kept.digest, _digest(code))
    if not valid:
        raise SecurityException("the set-up code is wrong, spent or too old; start the server again for another")
    runtime.setup_code = None
    if organisation is not None:
        parties.add_organisation(
            runtime,
            identifier=organisation["id"],
            name=organisation["name"],
            company_prefixes=organisation["companyPrefixes"],
            places=organisation["places"],
        )
    _, text = parties.add_key(runtime, organisation=ADMINISTRATION, role="admin", name="set-up")

    def unit(tx: WriteTransaction) -> None:
        tx.put(Meta(name=_FINISHED, value=str(tx.record_time_us)))

    runtime.store.committer.run(unit)
    return str(text)


def claim_database(runtime: Runtime, *, demo: bool) -> None:
    """Mark an empty database as a demo's, or refuse one of the other kind. Raises WrongDatabase."""
    marked = _meta(runtime, _DEMO) is not None
    if marked and not demo:
        raise WrongDatabase("this database is a demo's; a production server does not open it")
    if marked or not demo:
        return
    if runtime.registry.organisations() or _meta(runtime, _FINISHED) is not None:
        raise WrongDatabase("this database is in use; a demo does not write into it")

    def unit(tx: WriteTransaction) -> None:
        tx.put(Meta(name=_DEMO, value="1"))

    runtime.store.committer.run(unit)


def _meta(runtime: Runtime, name: str) -> str | None:
    with runtime.store.reader() as reader:
        row = reader.get(Meta, name)
    return row.value if row is not None else None


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()

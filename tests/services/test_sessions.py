"""Sessions are rows: they last over a restart, and end by time, idleness, sign-out and with their key."""

from pathlib import Path

from traceward.services.identity import parties
from traceward.services.identity.registry import ADMINISTRATION
from traceward.services.runtime import Limits, Runtime, open_runtime


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now_us = 1_800_000_000_000_000

    def __call__(self) -> int:
        return self.now_us


def opened(folder: Path, clock: Clock) -> Runtime:
    """The services on a database in the folder; sessions of 100 s, 20 s idle."""
    return open_runtime(
        f"sqlite:///{folder / 'a.db'}",
        data_dir=folder,
        limits=Limits(),
        scan_workers=1,
        now_us=clock,
        session_ttl_s=100,
        session_idle_s=20,
    )


def test_a_session_ends_by_time_by_idleness_by_sign_out_and_with_its_key(tmp_path: Path) -> None:
    clock = Clock()
    runtime = opened(tmp_path, clock)
    key, text = parties.add_key(runtime, organisation=ADMINISTRATION, role="admin")
    caller = runtime.registry.authenticate(str(text))
    assert caller is not None
    sessions = runtime.sessions
    first, second, third = (sessions.open(caller) for _ in range(3))
    assert len({first, second, third}) == 3
    sessions.close(first)
    assert [sessions.key_id(one) for one in (first, second)] == [None, key.id]
    runtime.close()

    again = opened(tmp_path, clock)
    sessions = again.sessions
    assert sessions.key_id(second) == key.id
    for _ in range(4):
        clock.now_us += 15_000_000
        assert sessions.key_id(second) == key.id
        again.check_ready()
    assert sessions.key_id(third) is None, "60 s without use"
    clock.now_us += 19_000_000
    assert sessions.key_id(second) == key.id
    again.check_ready()
    clock.now_us += 19_000_000
    assert sessions.key_id(second) == key.id
    again.check_ready()
    clock.now_us += 3_000_000
    assert sessions.key_id(second) is None, "over 100 s old"
    fourth = sessions.open(caller)
    parties.revoke_key(again, key.id)
    assert sessions.key_id(fourth) is None
    assert again.registry.of_key(key.id) is None
    again.close()


def test_a_key_that_another_server_revoked_is_refused_within_a_second(tmp_path: Path) -> None:
    """Rejects a registry that reads its tables only when it misses a key."""
    clock = Clock()
    here, there = opened(tmp_path, clock), opened(tmp_path, clock)
    key, text = parties.add_key(here, organisation=ADMINISTRATION, role="admin")
    clock.now_us += 1_000_000
    assert there.registry.authenticate(str(text)) is not None
    parties.revoke_key(here, key.id)
    clock.now_us += 1_000_000
    assert there.registry.authenticate(str(text)) is None
    here.close()
    there.close()

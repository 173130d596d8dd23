"""Which server process delivers for which subscription: leases by row, shared evenly, taken over when they run out.

Every change compares before it sets, in the one writer's transaction. It must not deliver anything.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from traceward.services.delivery.rules import DeliveryRules
from traceward.services.runtime import Runtime
from traceward.store.subscription_models import DeliveryProcess
from traceward.store.write import WriteTransaction

_ANY: Final = "SELECT 1 FROM subscription LIMIT 1"
_RENEW: Final = "UPDATE subscription SET lease_until_us=? WHERE holder=?"
_FREE: Final = "SELECT key FROM subscription WHERE holder IS NULL OR lease_until_us<? ORDER BY lease_until_us LIMIT ?"
_TAKE: Final = "UPDATE subscription SET holder=?, lease_until_us=? WHERE key=? AND (holder IS NULL OR lease_until_us<?)"
_GIVE: Final = "UPDATE subscription SET holder=NULL, lease_until_us=0 WHERE key=? AND holder=?"
_GIVE_ALL: Final = "UPDATE subscription SET holder=NULL, lease_until_us=0 WHERE holder=?"
_HELD: Final = "SELECT key, owner FROM subscription WHERE holder=?"
_ALL: Final = "SELECT count(*) FROM subscription"
_FORGET: Final = "DELETE FROM delivery_process WHERE until_us<?"
_PROCESSES: Final = "SELECT count(*) FROM delivery_process"
_GUARD: Final = "UPDATE subscription SET holder=holder WHERE key=? AND holder=?"


@dataclass(frozen=True, slots=True)
class Held:
    """What a process delivers for: key -> owner. surplus: how many more that is than its share."""

    owners: dict[str, int]
    surplus: int


def renew(runtime: Runtime, rules: DeliveryRules, holder: str, given_up: Collection[str] = ()) -> Held:
    """Prolong the holder's leases, give back those of `given_up`, and take free ones up to the holder's share.

    The time is the writer's, which never runs backwards, whichever process asks.
    """
    with runtime.store.reader() as reader:
        if not reader.fetch(_ANY):
            return Held({}, 0)

    def unit(tx: WriteTransaction) -> Held:
        now_us = tx.record_time_us
        until_us = now_us + int(rules.lease_s * 1_000_000)
        for key in given_up:
            tx.execute(_GIVE, (key, holder))
        tx.execute(_RENEW, (until_us, holder))
        tx.put(DeliveryProcess(holder=holder, until_us=until_us))
        tx.execute(_FORGET, (now_us,))
        share = math.ceil(tx.fetch(_ALL)[0][0] / tx.fetch(_PROCESSES)[0][0])
        wanted = share - len(tx.fetch(_HELD, (holder,)))
        if wanted > 0:
            for (key,) in tx.fetch(_FREE, (now_us, min(wanted, rules.claim_at_once))):
                tx.execute(_TAKE, (holder, until_us, key, now_us))
        return Held(dict(tx.fetch(_HELD, (holder,))), max(-wanted, 0))

    return runtime.store.committer.run(unit)


def release(runtime: Runtime, holder: str) -> None:
    """Give all leases back, so that another process need not wait for their end."""

    def unit(tx: WriteTransaction) -> None:
        tx.execute(_GIVE_ALL, (holder,))
        tx.delete(DeliveryProcess, holder)

    runtime.store.committer.run(unit)


def holds(tx: WriteTransaction, key: str, holder: str) -> bool:
    """Whether the subscription is still there and the holder's."""
    return tx.execute(_GUARD, (key, holder)) > 0

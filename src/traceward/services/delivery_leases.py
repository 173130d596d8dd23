"""Which server process delivers for which subscription: leases by row, renewed, taken over once they have run out.

Every change compares before it sets, in the one writer's transaction. It must not deliver anything.
"""

from typing import Final

from traceward.services.delivery_rules import DeliveryRules
from traceward.services.runtime import Runtime
from traceward.store.write import WriteTransaction

_ANY: Final = "SELECT 1 FROM subscription LIMIT 1"
_RENEW: Final = "UPDATE subscription SET lease_until_us=? WHERE holder=?"
_FREE: Final = "SELECT key FROM subscription WHERE holder IS NULL OR lease_until_us<? ORDER BY lease_until_us LIMIT ?"
_TAKE: Final = "UPDATE subscription SET holder=?, lease_until_us=? WHERE key=? AND (holder IS NULL OR lease_until_us<?)"
_HELD: Final = "SELECT key, owner FROM subscription WHERE holder=?"
_RELEASE: Final = "UPDATE subscription SET holder=NULL, lease_until_us=0 WHERE holder=?"
_GUARD: Final = "UPDATE subscription SET holder=holder WHERE key=? AND holder=?"


def renew(runtime: Runtime, rules: DeliveryRules, holder: str) -> dict[str, int]:
    """Prolong the holder's leases and take some that are free; gives key -> owner of all that it holds now.

    Only some at a time, so that processes that start together come to share them. The time is the writer's, which
    never runs backwards, whichever process asks.
    """
    with runtime.store.reader() as reader:
        if not reader.fetch(_ANY):
            return {}

    def unit(tx: WriteTransaction) -> dict[str, int]:
        now_us = tx.record_time_us
        until_us = now_us + int(rules.lease_s * 1_000_000)
        tx.execute(_RENEW, (until_us, holder))
        for (key,) in tx.fetch(_FREE, (now_us, rules.claim_at_once)):
            tx.execute(_TAKE, (holder, until_us, key, now_us))
        return dict(tx.fetch(_HELD, (holder,)))

    return runtime.store.committer.run(unit)


def release(runtime: Runtime, holder: str) -> None:
    """Give all leases back, so that another process need not wait for their end."""
    runtime.store.committer.run(lambda tx: tx.execute(_RELEASE, (holder,)))


def holds(tx: WriteTransaction, key: str, holder: str) -> bool:
    """Whether the subscription is still there and the holder's."""
    return tx.execute(_GUARD, (key, holder)) > 0

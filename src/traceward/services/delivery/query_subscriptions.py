"""Named queries and their subscriptions together: lists page by page, and the end of a query with what hangs on it.

It must not make or deliver subscriptions.
"""

from dataclasses import dataclass
from typing import Final

from traceward.epcis.errors import ForbiddenException, NoSuchNameException
from traceward.services.delivery import subscriptions
from traceward.services.identity.principals import Principal
from traceward.services.queries import named_queries
from traceward.services.runtime import Runtime
from traceward.services.tokens import page_bounds, text_position
from traceward.store.named_query_models import NamedQueryRow
from traceward.store.subscription_models import Subscription
from traceward.store.write import WriteTransaction

_ABSENT: Final = "there is no query of this name"


@dataclass(frozen=True, slots=True)
class SubscriptionPage:
    """One page of a query's subscriptions, and the token of the next."""

    subscriptions: list[Subscription]
    next_token: str | None
    expires_us: int


def end_query(runtime: Runtime, caller: Principal, name: str) -> None:
    """Delete the caller's query of that name with its subscriptions; websockets on it close within a second or so.

    Raises NoSuchNameException, for absent queries and those of others alike; ForbiddenException for a predefined one.
    EPCIS 2.0 REST binding, DELETE /queries/{queryName}.
    """
    owner = named_queries.owner_of(caller)
    if name in named_queries.RESERVED:
        raise ForbiddenException(f"{name} is a query of the standard's own and cannot be deleted")

    def unit(tx: WriteTransaction) -> None:
        if not tx.delete(NamedQueryRow, owner, name):
            raise NoSuchNameException(_ABSENT)
        subscriptions.delete_all_of_query(tx, owner, name)

    runtime.store.committer.run(unit)
    subscriptions.announce(runtime)


def list_subscriptions(
    runtime: Runtime, caller: Principal, query_name: str, token: str | None, per_page: int
) -> SubscriptionPage:
    """The subscriptions of the caller's query, oldest first. Raises NoSuchNameException for an unknown query."""
    digest = b"subscriptions of " + query_name.encode()
    bounds = page_bounds(runtime, caller, digest, token)
    position = text_position(runtime, caller, digest, token)
    found = subscriptions.list_of(runtime, caller, query_name)
    if position is not None:
        place = (position.order_us or 0, position.text)
        found = [row for row in found if (row.created_us, row.subscription_id) > place]
    page = found[:per_page]
    next_token = (
        bounds.next_text_token(page[-1].subscription_id, page[-1].created_us) if len(found) > per_page else None
    )
    return SubscriptionPage(page, next_token, bounds.expires_us)

"""Order, limits and paging of results."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

from traceward.conformance.case import Group
from traceward.conformance.client import next_link
from traceward.conformance.data import EXTENSIONS_HEADER, Event
from traceward.conformance.model import Level, Unmet
from traceward.conformance.run import Run, event_list, expect_header, expect_labels, expect_problem, label_of

GROUP: Final = Group("results", "Order, limits and paging")
BAD: Final = ("QueryParameterException", "QueryValidationException", "ValidationException")


def _times(events: list[Event], name: str) -> list[datetime]:
    try:
        return [datetime.fromisoformat(str(event[name])) for event in events]
    except (KeyError, ValueError):
        raise Unmet(f"a time as {name} of each event", str([event.get(name) for event in events])[:300]) from None


def _expect_order(run: Run, name: str, direction: str | None, sort: Callable[[list[datetime]], list[datetime]]) -> None:
    part = run.part("core")
    parameters = part.window | {"orderBy": name} | ({} if direction is None else {"orderDirection": direction})
    found = run.find(parameters)
    expect_labels(part, found, part.events)
    times = _times(found, name)
    if times != sort(times):
        raise Unmet(
            f"events in the order of {name}, {direction or 'DESC by default'}", str([label_of(part, e) for e in found])
        )


@GROUP.case(Level.MANDATORY, "EPCIS 8.2.7.1, orderBy")
def order_by_event_time_ascending(run: Run) -> None:
    """orderBy=eventTime with ASC gives the earliest event first."""
    _expect_order(run, "eventTime", "ASC", sorted)


@GROUP.case(Level.MANDATORY, "EPCIS 8.2.7.1, orderBy")
def order_by_event_time_descending(run: Run) -> None:
    """orderBy=eventTime with DESC gives the latest event first."""
    _expect_order(run, "eventTime", "DESC", lambda times: sorted(times, reverse=True))


@GROUP.case(Level.MANDATORY, "EPCIS 8.2.7.1, orderDirection")
def the_default_direction_is_descending(run: Run) -> None:
    """An orderBy without orderDirection gives the latest event first."""
    _expect_order(run, "eventTime", None, lambda times: sorted(times, reverse=True))


@GROUP.case(Level.MANDATORY, "EPCIS 8.2.7.1, orderBy")
def order_by_record_time(run: Run) -> None:
    """orderBy=recordTime orders by the time of recording."""
    _expect_order(run, "recordTime", "ASC", sorted)


@GROUP.case(Level.MANDATORY, "EPCIS 8.2.7.1, orderBy an extension field")
def order_by_an_extension_field(run: Run) -> None:
    """orderBy=ext:score orders by that field's number."""
    part = run.part("core")
    parameters = part.window | {"orderBy": "ext:score", "orderDirection": "ASC", "EQ_action": "ADD|OBSERVE"}
    found = run.find(parameters | {"GE_ext:score": "0"}, EXTENSIONS_HEADER)
    names = [label_of(part, event) for event in found]
    if names != ["ship", "commission", "receive"]:
        raise Unmet("ship (7), commission (42), receive (42.5)", ", ".join(names))


@GROUP.case(Level.MANDATORY, "EPCIS 8.2.7.1, orderDirection")
def an_unknown_direction_is_refused(run: Run) -> None:
    """orderDirection=UP is answered with 400."""
    expect_problem(run.get("/events", {"orderBy": "eventTime", "orderDirection": "UP"}), 400, *BAD)


@GROUP.case(Level.MANDATORY, "EPCIS 8.2.7.1, eventCountLimit")
def event_count_limit_gives_the_first(run: Run) -> None:
    """eventCountLimit=3 gives the first three events of the order, and no more by paging."""
    part = run.part("core")
    wanted = {"orderBy": "eventTime", "orderDirection": "ASC", "eventCountLimit": "3"}
    expect_labels(part, run.find(part.window | wanted), ["commission", "ship", "receive"])
    expect_labels(part, run.find(part.window | wanted | {"perPage": "2"}), ["commission", "ship", "receive"])


@GROUP.case(Level.MANDATORY, "EPCIS 8.2.7.1, eventCountLimit")
def event_count_limit_needs_an_order(run: Run) -> None:
    """An eventCountLimit without orderBy is answered with 400."""
    expect_problem(run.get("/events", {"eventCountLimit": "3"}), 400, *BAD)


@GROUP.case(Level.MANDATORY, "EPCIS 8.2.7.1, maxEventCount")
def max_event_count_refuses_larger_results(run: Run) -> None:
    """maxEventCount=11 on twelve events is answered with QueryTooLargeException, 12 with the events."""
    part = run.part("core")
    answer = run.get("/events", part.window | {"maxEventCount": "11"})
    if answer.status == 200:
        raise Unmet("QueryTooLargeException", f"200 with {len(event_list(answer))} events")
    expect_problem(answer, answer.status if answer.status in {400, 413} else 413, "QueryTooLargeException")
    expect_labels(part, run.find(part.window | {"maxEventCount": "12"}), part.events)


@GROUP.case(Level.MANDATORY, "EPCIS 8.2.7.1, maxEventCount and eventCountLimit")
def both_limits_at_once_are_refused(run: Run) -> None:
    """The two limits maxEventCount and eventCountLimit together are answered with 400."""
    both = {"orderBy": "eventTime", "eventCountLimit": "3", "maxEventCount": "3"}
    expect_problem(run.get("/events", both), 400, *BAD)


@GROUP.case(Level.RECOMMENDED, "EPCIS 8.2.7.1, maxEventCount")
def a_limit_that_is_no_number_is_refused(run: Run) -> None:
    """maxEventCount=many is answered with 400."""
    expect_problem(run.get("/events", {"maxEventCount": "many"}), 400, *BAD)


def _paged(run: Run, size: int) -> tuple[list[list[Event]], list[str]]:
    """The pages of the core events, and the addresses of all but the first."""
    part = run.part("core")
    answer = run.get("/events", part.window | {"perPage": str(size)})
    pages, links = [event_list(answer)], []
    while (following := next_link(answer)) is not None:
        links.append(following)
        if len(links) > len(part.events):
            raise Unmet(f"at most {len(part.events)} pages of {size}", "a further one")
        answer = run.request("GET", following)
        pages.append(event_list(answer))
    return pages, links


@GROUP.case(Level.MANDATORY, "REST perPage, Link")
def pages_hold_every_event_once(run: Run) -> None:
    """By following rel=next through pages of five, every event comes once, and the last page has no rel=next."""
    pages, links = _paged(run, 5)
    if not links:
        raise Unmet("a Link with rel=next on a page of five of twelve events", "none")
    if any(len(page) > 5 for page in pages):
        raise Unmet("at most five events on a page", str([len(page) for page in pages]))
    expect_labels(run.part("core"), [event for page in pages for event in page], run.part("core").events)


@GROUP.case(Level.MANDATORY, "REST Link, last page")
def a_page_that_holds_all_has_no_next(run: Run) -> None:
    """A page that holds all events has no Link with rel=next."""
    part = run.part("core")
    answer = run.get("/events", part.window | {"perPage": "12"})
    expect_labels(part, event_list(answer), part.events)
    if next_link(answer) is not None:
        raise Unmet("no Link with rel=next", answer.headers["link"])


@GROUP.case(Level.MANDATORY, "REST perPage")
def a_per_page_that_is_no_number_is_refused(run: Run) -> None:
    """perPage=0 and perPage=few are answered with 400."""
    expect_problem(run.get("/events", {"perPage": "0"}), 400, *BAD)
    expect_problem(run.get("/events", {"perPage": "few"}), 400, *BAD)


@GROUP.case(Level.RECOMMENDED, "REST GS1-Next-Page-Token-Expires")
def a_page_tells_when_its_token_expires(run: Run) -> None:
    """A page with a next one tells when the token expires, and that is in the future."""
    answer = run.get("/events", run.part("core").window | {"perPage": "5"})
    text = expect_header(answer, "GS1-Next-Page-Token-Expires")
    try:
        expires = datetime.fromisoformat(text)
    except ValueError:
        raise Unmet("a date-time", text) from None
    if expires.tzinfo is None or expires <= datetime.now(expires.tzinfo):
        raise Unmet("a date-time with zone in the future", text)


@GROUP.case(Level.MANDATORY, "REST nextPageToken")
def an_altered_token_is_refused(run: Run) -> None:
    """A nextPageToken with one sign altered is answered with 400."""
    answer = run.get("/events", run.part("core").window | {"perPage": "5"})
    link = next_link(answer)
    if link is None:
        raise Unmet("a Link with rel=next", "none")
    found = re.search(r"nextPageToken=([^&]+)", link)
    if found is None:
        raise Unmet("nextPageToken in the link", link)
    middle = (found.start(1) + found.end(1)) // 2
    altered = link[:middle] + ("A" if link[middle] != "A" else "B") + link[middle + 1 :]
    expect_problem(run.request("GET", altered), 400, *BAD)


@GROUP.case(Level.MANDATORY, "REST nextPageToken")
def an_invented_token_is_refused(run: Run) -> None:
    """A nextPageToken that the server never gave is answered with 400."""
    answer = run.get("/events", run.part("core").window | {"perPage": "5", "nextPageToken": run.data.token})
    expect_problem(answer, 400, *BAD)

"""How agreements end and follow one another over HTTP: what has ended stays ended, and what was given up is free."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from api.conftest import BACKENDS, Site
from api.flows import NOW, day
from api.test_agreements import SCREW, propose, sign, terms

PRICE = {"amount": "45", "currency": "EUR"}


@pytest.fixture(params=BACKENDS)
def empty(request: pytest.FixtureRequest, open_site: Any) -> Iterator[Site]:
    # The server's day is that of `day`, though the tests' own run may be over midnight.
    noon_us = int(NOW.replace(hour=12, minute=0, second=0).timestamp()) * 1_000_000
    with open_site(request.param, injected={"now_us": lambda: noon_us}) as opened:
        yield opened


def agree(site: Site, **changes: Any) -> dict[str, Any]:
    """A version signed by both."""
    made = propose(site, "cordia", terms(**changes))
    assert made.status_code == 201, made.text
    answer = sign(site, "northgate-supply", made.json()["agreementID"], made.json()["version"])
    assert answer.status_code == 200, answer.text
    signed: dict[str, Any] = answer.json()
    return signed


def states(site: Site) -> list[str]:
    """The state of each version of the one agreement, the oldest first."""
    return [one["state"] for one in site.get("cordia", "/agreements")["agreements"]]


def end(site: Site, name: str, last_day: str) -> Any:
    """POST /agreements/end."""
    body = {"agreementID": terms()["agreementID"], "lastDay": last_day}
    return site.request(name, "POST", "/agreements/end", json=body)


def test_an_agreement_that_was_ended_does_not_go_on_in_an_earlier_version(empty: Site) -> None:
    """Rejects an end of the newest version alone: the day after it, the first version with its old prices holds."""
    agree(empty, validFrom="2026-01-01")
    agree(empty, validFrom="2026-03-01", lines=[{"gtin": SCREW, "prices": [PRICE]}])
    assert states(empty) == ["superseded", "in_force"]
    assert end(empty, "northgate-supply", day(0)).status_code == 200
    ended = empty.get("cordia", "/agreements")["agreements"]
    assert [one["endedOn"] for one in ended] == [day(0), day(0)]
    another = terms(agreementID="https://example.org/agreement/CA-2", validFrom=day(1))
    assert propose(empty, "cordia", another).status_code == 201


def test_an_end_is_brought_forward_by_either_side_and_put_off_by_none(empty: Site) -> None:
    """Rejects an end that the other side may move: who ended an agreement would be bound again without signing."""
    agree(empty, validFrom="2026-01-01")
    assert end(empty, "northgate-supply", day(10)).status_code == 200
    later = end(empty, "cordia", day(11))
    assert (later.status_code, day(10) in later.text) == (400, True)
    assert end(empty, "cordia", day(9)).json()["endedOn"] == day(9)


def test_a_product_that_a_later_version_gives_up_is_free_for_another_agreement(empty: Site) -> None:
    """Rejects overlaps with versions that are not in force any more: nothing could ever move to another agreement."""
    first = "2026-01-01"
    kept = [{"gtin": SCREW}, {"gtin": "09521141060001"}]
    agree(empty, validFrom=first, lines=kept)
    moved = {"agreementID": "https://example.org/agreement/CA-2", "lines": [{"gtin": SCREW}]}
    refused = propose(empty, "cordia", terms(validFrom=day(5), **moved))
    assert refused.status_code == 409, refused.text
    agree(empty, validFrom=(NOW + timedelta(days=5)).date().isoformat(), lines=kept[1:])
    assert propose(empty, "cordia", terms(validFrom=day(4), **moved)).status_code == 409
    agree(empty, validFrom=day(5), **moved)

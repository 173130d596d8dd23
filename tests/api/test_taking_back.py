"""An action that was saved by mistake is taken back: its events are declared not to have happened, for everybody."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.conftest import BACKENDS, Site
from api.test_coarse_uses import AGREEMENT, CORDIA, NORTHGATE, SITE, THEATRE

CABINET = f"{SITE}/254/OR3-CAB2"
VALVE = "https://id.gs1.org/01/09521141010235/21/TB-{}"
SCREW = "https://id.gs1.org/01/09521141045305/10/TB"
USE_ID = "urn:uuid:00000000-0000-4000-8000-0000000ba{:03d}"
UNKNOWN = {"eventID": USE_ID.format(999)}


@pytest.fixture(params=BACKENDS)
def stocked(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    """A hospital with three valves and ten screws of Cordia's in a cabinet."""
    with open_site(request.param) as site:
        items = [{"epc": VALVE.format(number)} for number in range(3)] + [{"epcClass": SCREW, "quantity": 10}]
        receive = {"action": "receive", "place": {"id": CABINET}, "items": items, "counterparty": CORDIA}
        assert site.request("northgate-supply", "POST", "/consignment/actions", json=receive).status_code == 201
        yield site


def use(site: Site, number: int, items: list[dict[str, Any]], name: str = "northgate-clinical") -> dict[str, Any]:
    """The answer of a use of that number."""
    body = {
        "action": "use",
        "useType": "implanted",
        "eventID": USE_ID.format(number),
        "place": {"id": THEATRE},
        "items": items,
    }
    made = site.request(name, "POST", "/consignment/actions", json=body)
    assert made.status_code == 201, made.text
    answer: dict[str, Any] = made.json()
    return answer


def take_back(site: Site, event_id: str, name: str = "northgate-clinical") -> Any:
    return site.request(name, "POST", "/consignment/actions/take-back", json={"eventID": event_id})


def stock(site: Site) -> dict[str, str]:
    """Quantity of each item in the cabinet."""
    rows = site.get("northgate-supply", f"/consignment/stock?place={CABINET}&perPage=1000")["items"]
    return {row["item"]: row["quantity"] for row in rows}


def transfers(site: Site, name: str) -> list[tuple[str, bool]]:
    """Item and voided of each passing of ownership that a caller knows of."""
    found = site.get(name, "/consignment/ownership-transfers?perPage=1000")["transfers"]
    return sorted((one["item"], one["voided"]) for one in found)


def test_a_use_taken_back_is_in_stock_again_and_its_ownership_has_not_passed(stocked: Site) -> None:
    """Rejects taking back on the hospital's side alone, and a second call that declares or moves anything once more."""
    before = stock(stocked)
    made = use(stocked, 1, [{"epc": VALVE.format(0)}, {"epcClass": SCREW, "quantity": 4}])
    assert stock(stocked)[SCREW] == "6"
    for _ in range(2):
        taken = take_back(stocked, made["eventID"])
        assert taken.status_code == 200, taken.text
        assert taken.json()["eventIDs"] == made["eventIDs"]
        assert stock(stocked) == before
    for name in ("cordia", "northgate-supply"):
        assert transfers(stocked, name) == []
        declared = stocked.events(name, "EXISTS_errorDeclaration=true")
        assert [one["errorDeclaration"]["reason"] for one in declared] == ["did_not_occur"]


def test_every_event_of_an_action_is_taken_back(stocked: Site) -> None:
    """Rejects taking back the first event alone: goods of two owners make two."""
    other = "https://id.gs1.org/01/07612345000008/21/TB-X"
    bought = {"action": "receive", "place": {"id": CABINET}, "items": [{"epc": other}], "counterparty": NORTHGATE}
    assert stocked.request("northgate-supply", "POST", "/consignment/actions", json=bought).status_code == 201
    before = stock(stocked)
    made = use(stocked, 2, [{"epc": VALVE.format(1)}, {"epc": other}])
    assert len(made["eventIDs"]) == 2
    assert take_back(stocked, made["eventID"]).json()["eventIDs"] == made["eventIDs"]
    assert stock(stocked) == before


def test_the_private_event_of_a_coarse_use_is_taken_back_with_it(stocked: Site) -> None:
    """Rejects an exact private record that goes on to tell of a use that never was."""
    terms = {
        "agreementID": AGREEMENT,
        "supplier": CORDIA,
        "hospital": NORTHGATE,
        "validFrom": f"{dt.datetime.now(dt.UTC).date():%Y}-01-01",
        "sites": [SITE],
        "lines": [{"gtin": "09521141045305"}],
        "data": {"visibility": "coarse"},
    }
    assert stocked.request("cordia", "POST", "/agreements", json=terms).status_code == 201
    signed = {"agreementID": AGREEMENT, "version": 1}
    assert stocked.request("northgate-supply", "POST", "/agreements/sign", json=signed).status_code == 200
    made = use(stocked, 3, [{"epcClass": SCREW, "quantity": 1}])
    assert take_back(stocked, made["eventID"]).status_code == 200
    declared = stocked.events("northgate-clinical", "EXISTS_errorDeclaration=true")
    assert len(declared) == 2
    assert stock(stocked)[SCREW] == "10"


def test_an_action_of_others_is_answered_like_one_that_does_not_exist(stocked: Site) -> None:
    """Rejects a declaration of another's event, and an answer by which a stranger learns that an event exists."""
    made = use(stocked, 4, [{"epc": VALVE.format(2)}])
    absent = stocked.request("northgate-clinical", "POST", "/consignment/actions/take-back", json=UNKNOWN)
    assert absent.status_code == 404
    for name in ("cordia", "rival-supplier"):
        refused = take_back(stocked, made["eventID"], name)
        assert refused.status_code == 404
        told, other = refused.json(), take_back(stocked, UNKNOWN["eventID"], name).json()
        assert told["title"] == other["title"]
        assert told["detail"].replace(made["eventID"], "") == other["detail"].replace(UNKNOWN["eventID"], "")
    assert take_back(stocked, made["eventID"], "admin").status_code == 403
    assert transfers(stocked, "cordia") == [(VALVE.format(2), False)]

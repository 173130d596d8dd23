"""No endpoint tells any role of what it may not see: every operation of the interface is walked with every role."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx
import orjson
import pytest
from fastapi.routing import APIWebSocketRoute, iter_route_contexts

from . import planted, probes, roles
from .conftest import BACKENDS, Site
from .planted import MARKS, PATIENT, Planted
from .probes import Probe
from .roles import AGREED, ROLES, Headers, Role

pytestmark = pytest.mark.timeout(3600)
_PATIENT_NUMBER: Final = re.compile(r"4012345[.]?0007\d{6}|40123450*7\d{6}")
_WEBSOCKETS: Final = {"/epcis/queries/{}/events", "/{}"}
"""The one heard in `test_sight`, event by event, and what refuses every other path."""
_FAILURES: Final = {500, 502, 503, 504}
"""What no probe may bring about; SOAP 1.1 answers every fault with 500."""
_AMOUNT_OF: Final = {amount: supplier for supplier, amount in AGREED.items()}


@dataclass(frozen=True)
class Planting:
    """A server with planted events, how each role proves itself, and the path of a job that names a private event."""

    site: Site
    proofs: dict[str, Headers]
    events: list[Planted]
    private_job: str


@pytest.fixture(scope="module", params=BACKENDS)
def planting(request: pytest.FixtureRequest, open_site: Callable[..., Any], full_run: bool) -> Iterator[Planting]:
    """A server with generated events of every audience: 288, and 10,000 in a full run."""
    with roles.agreed_site(open_site, request.param) as (site, proofs):
        events = list(planted.planted(10_000 if full_run else 288))
        roles.capture_all(site, events)
        yield Planting(site, proofs, events, _plant_refusals(site))


def _plant_refusals(site: Site) -> str:
    """A job of the clinical role whose problems name a private event; gives its path."""
    link = next(one.event for one in planted.planted(16) if one.mark == PATIENT)
    body = planted.body_of(link | {"eventTime": "2026-06-30T10:00:00Z"})
    answer = site.capture("northgate-clinical", body, **{"GS1-Capture-Error-Behaviour": "proceed"})
    assert link["eventID"] in orjson.dumps(site.job("northgate-clinical", answer)).decode()
    return str(answer.headers["location"])


def test_every_route_of_the_server_is_walked(planting: Planting) -> None:
    """Fails for a new route that neither the OpenAPI document nor the list of those beside it tells the walk of."""
    walked = {_spelt(probe.route) for probe in probes.operations(planting.site, (PATIENT,))}
    served: set[str] = set()
    for route in iter_route_contexts(planting.site.server.app.routes):
        path = _spelt(route.path or "")
        if isinstance(route.original_route, APIWebSocketRoute):
            assert path in _WEBSOCKETS, path
        elif path not in probes.ENDLESS:
            served |= {f"{method} {path}" for method in route.methods or ()}
    # HEAD is GET without its body, made by the door for every path.
    assert {one for one in served if not one.startswith("HEAD ")} - walked == set()
    assert len(served) > 150


def _spelt(route: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", route)


def test_no_answer_of_any_endpoint_tells_a_role_of_what_it_may_not_see(
    planting: Planting, full_run: bool, figures: list[str]
) -> None:
    """Show 3: 0 leaks. Rejects any read path, count, list, name, error or header that skips the caller's viewers."""
    asked = probes.probes(planting.site, whole=full_run)
    asked += [Probe("GET", f"{planting.private_job}{rest}") for rest in ("", "/errors")]
    asked = asked if full_run or planting.site.server.settings.database_url is None else asked[::4]
    leaks: list[tuple[str, str, str]] = []
    answered: Counter[str] = Counter()
    for role in ROLES:
        for probe in asked:
            answer = probe.put_to(planting.site.http, planting.proofs[role.name])
            assert answer.status_code not in _FAILURES or "soap" in probe.path, (role.name, str(probe), answer.text)
            leaks += [(role.name, str(probe), found) for found in _leaks(role, probe, answer)]
            if answer.status_code < 300:
                answered[probe.route] += 1
        _clean_up(planting)
    whole = {probe.route for probe in asked if probe.route.startswith("GET") and "{" not in probe.route}
    figures.append(
        f"isolation: {len(asked) * len(ROLES):,} probes ({len(asked):,} by each of {len(ROLES)} roles) of "
        f"{len({probe.route for probe in asked if probe.route})} operations against {len(planting.events):,} events: "
        f"{len(leaks)} leaks"
    )
    assert leaks == []
    assert len(asked) >= (probes.WHOLE if full_run else 80)
    # Questions that nobody is answered would prove nothing.
    assert {one for one in whole if not answered[one]} <= _ASKED_WITH_PARAMETERS


_ASKED_WITH_PARAMETERS: Final = {
    f"GET {path}"
    for path in (
        "/", "/app", "/invoices/one", "/reports/movements", "/trace/custody", "/trace/genealogy", "/trace/item",
        "/trace/lot",
    )
}  # fmt: skip
"""What redirects, or is asked for with its parameters among the questions."""


def _leaks(role: Role, probe: Probe, answer: httpx.Response) -> Iterator[str]:
    """What an answer tells, in body or headers, that the role may not know."""
    told = probes.without_question(answer.text + repr(answer.headers), probe)
    yield from (mark for mark in MARKS if mark in told and mark not in role.marks)
    yield from (amount for amount, owner in _AMOUNT_OF.items() if amount in told and owner not in role.prices)
    if not role.private and _PATIENT_NUMBER.search(told):
        yield "a patient's number"


def _clean_up(planting: Planting) -> None:
    """Nobody's walk may take away what the next one is to walk past."""
    site = planting.site
    for role in ROLES:
        found = site.http.get("/session", headers=planting.proofs[role.name]).status_code
        assert found == (401 if role.name == "nobody" else 200), role.name


def test_a_live_connection_tells_when_the_callers_own_stock_changed_and_nothing_else(planting: Planting) -> None:
    """Rejects a stream that tells everybody of every capture, and one that tells what was captured."""
    event = next(one.event for one in planting.events if one.mark == planted.RIVAL_ALONE)
    changed = event | {"eventID": "https://planted.example/live", "eventTime": "2026-06-30T11:00:00Z"}
    with planting.site.http.stream("GET", "/live", headers=planting.proofs["rival-supplier"]) as own:
        lines = own.iter_lines()
        assert next(lines).startswith("retry")
        with planting.site.http.stream("GET", "/live", headers=planting.proofs["cordia"], timeout=1.0) as other:
            heard = other.iter_lines()
            assert next(heard).startswith("retry")
            job = planting.site.job("rival-supplier", planting.site.capture("rival-supplier", planted.body_of(changed)))
            assert job["success"]
            assert "event: stock" in [next(lines) for _ in range(4)]
            assert next(heard) == ""
            with pytest.raises(httpx.ReadTimeout):
                next(heard)
    for name in ("nobody", "admin", "northgate-device"):
        assert planting.site.http.get("/live", headers=planting.proofs[name]).status_code in {401, 403}

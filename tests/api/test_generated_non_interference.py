"""Two servers that differ only in generated events which a role may not see answer all its questions alike."""

import re
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

import orjson
import pytest

from . import planted
from .conftest import BACKENDS, Site
from .planted import CORDIA_ALONE, CORDIA_AND_HOSPITAL, HOSPITAL_ALONE, RIVAL_ALONE, RIVAL_AND_HOSPITAL, Planted
from .test_identity import NORTHGATE, THEATRE, new_key
from .test_isolation import operations

_HOSPITAL: Final = frozenset({CORDIA_AND_HOSPITAL, RIVAL_AND_HOSPITAL, HOSPITAL_ALONE})
VIEWS: Final = {
    ("cordia",): frozenset({CORDIA_ALONE, CORDIA_AND_HOSPITAL}),
    ("rival-supplier",): frozenset({RIVAL_ALONE, RIVAL_AND_HOSPITAL}),
    ("northgate-supply", "northgate-reader", "northgate-device", "northgate-officer"): _HOSPITAL,
    ("admin", "nobody"): frozenset(),
}
"""Roles -> the marks of the events that they may see."""

_OF_THE_MOMENT: Final = frozenset(
    {
        "recordTime",
        "creationDate",
        "date",
        "asOf",
        "captureID",
        "createdAt",
        "finishedAt",
        "lastUsedAt",
        "id",
        "timestamp",
    }
)
"""What each server makes anew: its times, and the ids that it draws."""

_OF_AN_ENTRY: Final = frozenset({"time", "resource", "hash", "head", "credential", "requestID"})
"""What else is new in each entry of an audit log: whose key was made, and when."""

_OF_A_REPORT: Final = frozenset({"from", "to", "drawnAt", "digest"})
"""What else is of the moment in reports whose period ends now: its bounds, and the digest that covers them."""


@pytest.mark.parametrize("backend", BACKENDS)
def test_generated_events_that_a_role_may_not_see_change_no_answer(
    backend: str, open_site: Callable[..., Any], full_run: bool, record_property: Callable[[str, object], None]
) -> None:
    """trust.md 0.10, Show 3. Rejects counts, pages, lists, ledgers and errors through which hidden events show."""
    events = list(planted.planted(1400 if full_run else 140))
    probes = 0
    differences: list[tuple[str, str, str]] = []
    for roles, marks in VIEWS.items():
        with ExitStack() as stack:
            sites = [stack.enter_context(open_site(backend)) for _ in range(2)]
            keys = [_filled(sites[0], events), _filled(sites[1], [one for one in events if one.mark in marks])]
            asked = list(operations(sites[0], full_run))
            for role in roles:
                for method, path, body in asked:
                    answers = [
                        _answer(site, known.get(role), method, path, body)
                        for site, known in zip(sites, keys, strict=True)
                    ]
                    probes += 1
                    if answers[0] != answers[1]:
                        differences.append((role, f"{method} {path}", f"{answers[0]} != {answers[1]}"[:600]))
    record_property("probes", probes)
    assert [one[:2] for one in differences] == []
    assert probes > (5_000 if full_run else 700)


def _filled(site: Site, events: list[Planted]) -> dict[str, str]:
    """Captures the events, each party its own; gives the keys of all roles."""
    keys = dict(site.server.keys)
    for name, role, scope in (
        ("northgate-reader", "reader", {}),
        ("northgate-device", "device", {"place": THEATRE}),
        ("northgate-officer", "privacy_officer", {}),
    ):
        keys[name] = new_key(site, NORTHGATE, role, **scope)["key"]
    for captor in ("cordia", "rival-supplier", "northgate-supply", "northgate-clinical"):
        own = [one.event for one in events if one.captor == captor]
        if own:
            assert site.job(captor, site.capture(captor, planted.body_of(*own)))["success"]
    return keys


def _answer(site: Site, key: str | None, method: str, path: str, body: Any) -> tuple[int, str, bool]:
    """Status, body without what is of the moment, and whether there is a next page."""
    headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
    options: dict[str, Any] = {}
    if body is not None:
        headers["Content-Type"] = "application/json"
        options["content"] = orjson.dumps(body)
    answer = site.http.request(method, path, headers=headers, **options)
    text = answer.text.replace(site.server.url, "")
    left_out = _OF_THE_MOMENT
    if path.startswith(("/audit", "/admin/audit")):
        left_out |= _OF_AN_ENTRY
    if path.startswith(("/reports/", "/consignment/usage-trends")):
        left_out |= _OF_A_REPORT
    try:
        text = orjson.dumps(_timeless(orjson.loads(text), left_out)).decode()
    except orjson.JSONDecodeError:
        text = re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "", text)
    return answer.status_code, text, "link" in answer.headers


def _timeless(value: Any, left_out: frozenset[str]) -> Any:
    if isinstance(value, dict):
        kept = {key: _timeless(one, left_out) for key, one in value.items() if key not in left_out}
        # The name of a place has an "id" too, which must stay compared.
        return kept | {key: one for key, one in value.items() if key == "id" and str(one).startswith("https://")}
    return [_timeless(one, left_out) for one in value] if isinstance(value, list) else value

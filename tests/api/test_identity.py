"""Who is who over HTTP: roles, scopes of keys, rotation, sessions, and what the audit log says of it."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest

from .conftest import BACKENDS, Site
from .test_epcis_binding import bare_event, document

NORTHGATE = "https://id.gs1.org/417/4012345000009"
CORDIA = "https://id.gs1.org/417/9521141000007"
CARRIER = "https://id.gs1.org/417/9524321000002"
THEATRE = "https://id.gs1.org/414/4012345000016/254/OR3"
WEB = {"X-Traceward-Client": "web"}


def new_key(site: Site, organisation: str, role: str, **scope: Any) -> dict[str, Any]:
    """A key as its maker sees it."""
    answer = site.request("admin", "POST", "/admin/keys", json={"organisation": organisation, "role": role} | scope)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def with_key(site: Site, key: str, method: str, path: str, **options: Any) -> Any:
    """One request of the owner of a key."""
    headers = {"Authorization": f"Bearer {key}"} | options.pop("headers", {})
    return site.http.request(method, path, headers=headers, **options)


def captured_by(site: Site, key: str, *events: dict[str, Any]) -> Any:
    """The answer to a capture of these events."""
    body = orjson.dumps(document(*events))
    return with_key(site, key, "POST", "/epcis/capture", content=body, headers={"Content-Type": "application/json"})


ROLE_TABLE = {
    # role: status of reading events, capturing, scanning, administering, reading the audit log
    "clinical": (200, 400, 400, 403, 403),
    "supply": (200, 400, 400, 403, 403),
    "supplier": (200, 400, 400, 403, 403),
    "reader": (200, 403, 403, 403, 403),
    "privacy_officer": (403, 403, 403, 403, 200),
    "device": (403, 400, 400, 403, 403),
    "admin": (403, 403, 403, 200, 403),
}


@pytest.mark.parametrize("role", ROLE_TABLE)
def test_each_role_is_let_in_where_the_table_of_rights_says_so(site: Site, role: str) -> None:
    """Rejects a right that is checked on one route and forgotten on another."""
    scope = {"place": THEATRE} if role == "device" else {}
    key = new_key(site, "administration" if role == "admin" else NORTHGATE, role, **scope)["key"]
    bad_json = {"content": b"{", "headers": {"Content-Type": "application/json"}}
    found = (
        with_key(site, key, "GET", "/epcis/events").status_code,
        with_key(site, key, "POST", "/epcis/capture", **bad_json).status_code,
        with_key(site, key, "POST", "/scan", json={}).status_code,
        with_key(site, key, "GET", "/admin/keys").status_code,
        with_key(site, key, "GET", "/audit").status_code,
    )
    assert found == ROLE_TABLE[role]


def test_a_key_that_was_given_part_of_its_rights_has_no_other(site: Site) -> None:
    key = new_key(site, CORDIA, "supplier", rights=["capture"])
    assert key["rights"] == ["capture"]
    assert with_key(site, key["key"], "GET", "/epcis/events").status_code == 403
    assert captured_by(site, key["key"], bare_event(eventID="urn:uuid:part")).status_code == 202
    beyond = {"organisation": CORDIA, "role": "reader", "rights": ["capture"]}
    refused = site.request("admin", "POST", "/admin/keys", json=beyond)
    assert refused.status_code == 400
    assert "reader" in refused.json()["errors"][0]["message"]


def test_a_device_captures_at_its_place_only(site: Site) -> None:
    """Rejects a check of readPoint alone, which an event at another bizLocation walks past."""
    assert site.request("admin", "POST", "/admin/keys", json={
        "organisation": NORTHGATE, "role": "device"}).status_code == 400  # fmt: skip
    key = new_key(site, NORTHGATE, "device", place=THEATRE)["key"]
    here, there = {"id": THEATRE}, {"id": "https://id.gs1.org/414/4012345000016/254/OR1"}
    event = {"action": "OBSERVE", "epcList": ["https://id.gs1.org/01/09521141010235/21/D1"]}
    assert captured_by(site, key, bare_event(eventID="urn:uuid:d1", readPoint=here, **event)).status_code == 202
    for number, places in enumerate(({"readPoint": there}, {"readPoint": here, "bizLocation": there}, {})):
        plain = bare_event(eventID=f"urn:uuid:d2{number}", **event)
        plain.pop("readPoint", None)
        plain.pop("bizLocation", None)
        refused = captured_by(site, key, plain | places)
        assert refused.status_code == 403, places
        assert refused.json()["errors"][0]["code"] == "place_of_key"


def test_a_rotated_key_works_beside_its_successor_until_the_overlap_ends(site: Site) -> None:
    old = new_key(site, CORDIA, "supplier", name="warehouse")
    answer = site.request("admin", "POST", f"/admin/keys/{old['id']}/rotation", json={"overlapSeconds": 3600})
    assert answer.status_code == 201, answer.text
    new = answer.json()
    assert (new["name"], new["role"], new["organisation"]) == ("warehouse", "supplier", CORDIA)
    assert with_key(site, old["key"], "GET", "/epcis/events").status_code == 200
    assert with_key(site, new["key"], "GET", "/epcis/events").status_code == 200
    again = site.request("admin", "POST", f"/admin/keys/{old['id']}/rotation", json={})
    assert again.status_code == 409
    listed = {one["id"]: one for one in site.get("admin", "/admin/keys")["keys"]}
    assert listed[old["id"]]["successor"] == new["id"]
    assert listed[old["id"]]["expiresAt"] is not None
    assert listed[new["id"]]["expiresAt"] is None
    assert listed[new["id"]]["lastUsedAt"] is not None
    at_once = site.request("admin", "POST", f"/admin/keys/{new['id']}/rotation", json={"overlapSeconds": 0}).json()
    assert with_key(site, new["key"], "GET", "/epcis/events").status_code == 401
    assert with_key(site, at_once["key"], "GET", "/epcis/events").status_code == 200


def test_a_key_renews_itself_with_its_own_scope_and_cannot_shut_its_owner_out(site: Site) -> None:
    """Rejects a successor with more rights or another place than the key, and an overlap that ends the key at once."""
    old = new_key(site, NORTHGATE, "supply", name="ward phone", place=THEATRE, rights=["read events"])
    own = with_key(site, old["key"], "GET", "/session/key").json()
    assert (own["id"], own["name"], own["successor"]) == (old["id"], "ward phone", None)
    for wrong in ({}, {"overlapSeconds": 0}, {"overlapSeconds": 3599}, {"overlapSeconds": 32 * 24 * 3600}):
        assert with_key(site, old["key"], "POST", "/session/key/rotation", json=wrong).status_code == 400, wrong
    answer = with_key(site, old["key"], "POST", "/session/key/rotation", json={"overlapSeconds": 3600})
    assert answer.status_code == 201, answer.text
    new = answer.json()
    assert [new[name] for name in ("role", "place", "rights", "organisation")] == [
        "supply",
        THEATRE,
        ["read events"],
        NORTHGATE,
    ]
    assert with_key(site, old["key"], "GET", "/session/key").json()["successor"] == new["id"]
    assert with_key(site, new["key"], "GET", "/session/key").json()["id"] == new["id"]
    again = with_key(site, old["key"], "POST", "/session/key/rotation", json={"overlapSeconds": 3600})
    assert again.status_code == 409
    assert site.request(None, "GET", "/session/key").status_code == 401


def test_a_key_ends_at_its_time_and_none_is_made_that_has_ended_already(site: Site) -> None:
    """Rejects a key made for a day of last year by a slip: whoever is given it is shut out, and nobody was told."""
    for slip in ("2020-01-01", "2020-01-01T00:00:00+02:00"):
        asked = {"organisation": CORDIA, "role": "supplier", "expiresAt": slip}
        refused = site.request("admin", "POST", "/admin/keys", json=asked)
        assert refused.status_code == 400, refused.text
        assert "past" in refused.json()["detail"]
    end = datetime.now(UTC) + timedelta(seconds=2)
    past = new_key(site, CORDIA, "supplier", expiresAt=end.isoformat())
    while datetime.now(UTC) <= end:
        time.sleep(0.1)
    future = new_key(site, CORDIA, "supplier", expiresAt="2999-01-01T00:00:00Z")
    assert with_key(site, past["key"], "GET", "/epcis/events").status_code == 401
    assert with_key(site, future["key"], "GET", "/epcis/events").status_code == 200
    assert future["expiresAt"].startswith("2999-01-01")


def test_a_carrier_sees_the_movements_of_its_consignments_and_no_use_of_them(open_site: Callable[..., Any]) -> None:
    """Rejects a carrier that, named once, goes on to see what becomes of the goods."""
    for backend in BACKENDS:
        with open_site(backend) as site:
            added = {"id": CARRIER, "name": "Swift Freight", "companyPrefixes": ["9524321"], "kind": "carrier"}
            assert site.request("admin", "POST", "/admin/organisations", json=added).status_code == 201
            wrong = {"organisation": CARRIER, "role": "supplier"}
            assert site.request("admin", "POST", "/admin/keys", json=wrong).status_code == 400
            wrong = {"organisation": CORDIA, "role": "carrier"}
            assert site.request("admin", "POST", "/admin/keys", json=wrong).status_code == 400
            key = new_key(site, CARRIER, "carrier")["key"]
            item = {"epcList": ["https://id.gs1.org/01/09521141010235/21/C1"], "action": "OBSERVE"}
            owner = {"type": "owning_party"}
            holder = {"type": "possessing_party"}
            shipping = bare_event(
                eventID="urn:uuid:c-ship",
                eventTime="2026-05-01T10:00:00Z",
                bizStep="shipping",
                disposition="in_transit",
                sourceList=[holder | {"source": CORDIA}, owner | {"source": CORDIA}],
                destinationList=[holder | {"destination": CARRIER}, owner | {"destination": CORDIA}],
                **item,
            )
            inspecting = bare_event(
                eventID="urn:uuid:c-inspect",
                eventTime="2026-05-02T10:00:00Z",
                bizStep="inspecting",
                sourceList=[holder | {"source": CARRIER}],
                destinationList=[holder | {"destination": NORTHGATE}],
                **item,
            )
            assert captured_by(site, site.server.keys["cordia"], shipping, inspecting).status_code == 202
            answer = with_key(site, key, "GET", "/epcis/events").json()
            seen = [one["eventID"] for one in answer["epcisBody"]["queryResults"]["resultsBody"]["eventList"]]
            assert seen == ["urn:uuid:c-ship"]
            assert with_key(site, key, "GET", "/epcis/bizSteps").json()["member"] == ["shipping"]
            own = bare_event(eventID="urn:uuid:c-own", bizStep="inspecting", **item)
            assert captured_by(site, key, own).json()["errors"][0]["code"] == "carrier_step"
            # Making an organisation known computes visibility anew: the carrier's must come out the same.
            other = {"id": "https://id.gs1.org/417/9528765000000", "name": "Other", "companyPrefixes": ["9528765"]}
            assert site.request("admin", "POST", "/admin/organisations", json=other).status_code == 201
            again = with_key(site, key, "GET", "/epcis/events").json()
            assert again["epcisBody"] == answer["epcisBody"]


def test_a_cookie_changes_nothing_for_a_page_of_another_site(site: Site) -> None:
    """Rejects a server that trusts either one alone."""
    key = site.server.keys["northgate-clinical"]
    login = {"json": {"key": key}}
    foreign = ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"})
    for headers in foreign:
        assert site.request(None, "POST", "/session", headers=WEB | headers, **login).status_code == 403
    own = {"Origin": site.server.url, "Sec-Fetch-Site": "same-origin"}
    assert site.request(None, "POST", "/session", headers=own, **login).status_code == 403
    assert site.request(None, "POST", "/session", headers=WEB | own, **login).status_code == 200
    texts = {"json": {"symbols": [{"symbologyIdentifier": "]d2", "text": "0109521141010235"}]}}
    assert site.request(None, "POST", "/scan", headers=WEB | own, **texts).status_code == 200
    for headers in foreign:
        assert site.request(None, "POST", "/scan", headers=WEB | headers, **texts).status_code == 403
    assert site.request(None, "POST", "/scan", headers=own, **texts).status_code == 403


def test_signing_out_everywhere_ends_the_sessions_of_every_device(site: Site) -> None:
    key = site.server.keys["cordia"]
    cookies = []
    for _ in range(3):
        site.http.cookies.clear()
        assert site.request(None, "POST", "/session", json={"key": key}, headers=WEB).status_code == 200
        cookies.append(site.http.cookies["traceward_session"])
    site.http.cookies.clear()

    def status(cookie: str, method: str = "GET", path: str = "/session") -> int:
        headers = WEB | {"Cookie": f"traceward_session={cookie}"}
        return site.http.request(method, path, headers=headers).status_code

    assert [status(one) for one in cookies] == [200, 200, 200]
    assert status(cookies[0], "DELETE", "/sessions") == 204
    assert [status(one) for one in cookies] == [401, 401, 401]
    assert with_key(site, key, "GET", "/session").status_code == 200


def test_a_session_that_began_over_our_own_tls_stays_on_tls(site: Site) -> None:
    """Rejects a cookie that is kept to TLS behind a proxy alone, and one that is then not read or ended any more."""
    app = httpx.ASGITransport(site.server.app)

    async def over_tls() -> tuple[str, int, int, str]:
        async with httpx.AsyncClient(transport=app, base_url="https://localhost") as http:
            signed_in = await http.post("/session", json={"key": site.server.keys["cordia"]}, headers=WEB)
            asked = await http.get("/session")
            ended = await http.delete("/session", headers=WEB)
            return signed_in.headers["set-cookie"], asked.status_code, ended.status_code, ended.headers["set-cookie"]

    began, asked, ended, forgotten = asyncio.run(over_tls())
    assert (asked, ended) == (200, 204)
    for cookie in (began, forgotten):
        assert cookie.startswith("__Host-traceward_session=")
        assert "; Secure" in cookie


def test_changes_of_keys_are_in_the_log_of_the_organisation_that_they_concern(site: Site) -> None:
    officer = new_key(site, NORTHGATE, "privacy_officer", name="Ada")["key"]
    made = new_key(site, NORTHGATE, "supply")
    new_key(site, CORDIA, "supplier")
    assert site.request("admin", "DELETE", f"/admin/keys/{made['id']}").status_code == 204
    entries = with_key(site, officer, "GET", "/audit?perPage=2").json()["entries"]
    assert [(one["action"], one["principal"]) for one in entries] == [
        ("key revoked", "admin"),
        ("key created", "admin"),
    ]
    assert entries[0]["resource"] == made["id"]
    assert len(entries[0]["requestID"]) == 32
    everything = with_key(site, officer, "GET", "/audit?perPage=1000").text
    assert CORDIA not in everything
    assert with_key(site, officer, "GET", "/audit?colour=red").status_code == 400
    verdict = site.get("admin", "/admin/audit/verification")
    assert verdict["whole"]
    assert verdict["entries"] >= 4
    assert site.request("cordia", "GET", "/admin/audit/verification").status_code == 403


def test_the_table_of_roles_is_told_to_administrators(site: Site) -> None:
    roles = site.get("admin", "/admin/roles")["roles"]
    assert roles["supply"]["sees"] == sorted(
        ["shipping and receiving", "placement, stock, counts", "use with lot, serial, ward", "price, order and invoice",
         "who captured"]
    )  # fmt: skip
    assert "know patients" in roles["clinical"]["rights"]
    assert "know patients" not in roles["supply"]["rights"]

"""An agreement of the demo's two sides, for tests of pages that need one."""

from __future__ import annotations

import uuid
from typing import Any

import httpx

from live_server import LiveServer
from web.patience import PATIENCE_S

CORDIA, NORTHGATE = "https://id.gs1.org/417/9521141000007", "https://id.gs1.org/417/4012345000009"
SITE = "https://id.gs1.org/414/4012345000016"
CABINET = f"{SITE}/254/OR3-CAB2"
VALVE = "09521141010235"
# Products of the supplier that the demo's own agreement does not cover.
PLATE, ROD = "09521141099995", "09521141088883"


def terms(**changes: Any) -> dict[str, Any]:
    """Terms for the plate at the hospital, in force from the start of the story."""
    line = {
        "gtin": PLATE,
        "par": [{"place": CABINET, "minimum": 1, "maximum": 4}],
        "prices": [{"amount": "1250.00", "currency": "EUR"}],
    }
    agreement = {
        "agreementID": f"urn:uuid:{uuid.uuid4()}",
        "title": "Plates on consignment",
        "supplier": CORDIA,
        "hospital": NORTHGATE,
        "validFrom": "2026-01-01",
        "sites": [SITE],
        "lines": [line],
    }
    return agreement | changes


def propose(server: LiveServer, key: str, body: dict[str, Any]) -> httpx.Response:
    headers = {"Authorization": f"Bearer {server.keys[key]}"}
    return httpx.post(f"{server.url}/agreements", json=body, headers=headers, timeout=PATIENCE_S)

"""The sensor rules that the draft conformance text names: refusals, but for GS1's examples with all possible fields."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from .conftest import BACKENDS, Site
from .test_epcis_binding import bare_event, document

REPORT = {"type": "Temperature", "value": 4.1, "uom": "CEL"}
BREACHES = {
    "sensor_time": {"sensorMetadata": {"time": "2026-04-01T10:00:01Z"}, "sensorReport": [REPORT]},
    "sensor_twice": {
        "sensorMetadata": {"deviceID": "urn:epc:id:giai:4000001.111"},
        "sensorReport": [REPORT | {"deviceID": "urn:epc:id:giai:4000001.111"}],
    },
    "sensor_exclusive": {
        "sensorReport": [REPORT | {"microorganism": "https://ex.org/m", "chemicalSubstance": "https://ex.org/c"}]
    },
}


SHARED = {
    "time": "2026-04-01T09:00:00Z",
    "deviceID": "urn:epc:id:giai:4000001.111",
    "deviceMetadata": "https://ex.org/device",
    "rawData": "https://ex.org/raw",
    "dataProcessingMethod": "https://ex.org/method",
}
SPECIMEN = {"sensorMetadata": SHARED, "sensorReport": [REPORT | SHARED]}


def capture(site: Site, code: str, element: Any) -> Any:
    """The answer to a document whose one event has that sensor element."""
    event = bare_event(eventID=f"urn:uuid:{code}", sensorElementList=[element])
    return site.capture("cordia", orjson.dumps(document(event)))


@pytest.mark.parametrize("backend", BACKENDS)
def test_named_rules_refuse_and_specimens_warn_unless_set_otherwise(
    open_site: Callable[..., Any], backend: str
) -> None:
    """M122 and TCR-53 step 29; ADR 13. Rejects a rule that only warns, and a setting without effect."""
    with open_site(backend) as site:
        for code, element in BREACHES.items():
            refused = capture(site, code, element)
            assert refused.status_code == 400, refused.text
            assert [(one["code"], bool(one["clause"])) for one in refused.json()["errors"]] == [(code, True)]
        job = site.job("cordia", capture(site, "specimen", SPECIMEN))
        assert job["success"], job
        assert {warning["code"] for warning in job["warnings"]} == {"sensor_twice"}
    with open_site(backend, strict_sensors=True) as strict:
        assert capture(strict, "specimen", SPECIMEN).status_code == 400
        fine = bare_event(sensorElementList=[{"sensorReport": [REPORT | {"time": "2026-04-01T10:00:00Z"}]}])
        assert strict.job("cordia", strict.capture("cordia", orjson.dumps(document(fine))))["success"]

"""The sensor rules that GS1's examples break: warnings as delivered, refusals where the setting says so."""

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


def capture(site: Site, code: str) -> Any:
    """The answer to a document whose one event has that breach."""
    event = bare_event(eventID=f"urn:uuid:{code}", sensorElementList=[BREACHES[code]])
    return site.capture("cordia", orjson.dumps(document(event)))


@pytest.mark.parametrize("backend", BACKENDS)
def test_contested_rules_warn_as_delivered_and_refuse_where_set(open_site: Callable[..., Any], backend: str) -> None:
    """M122 and TCR-53 step 29; ADR 13. Rejects a rule that is passed over in silence, and a setting without effect."""
    with open_site(backend) as lenient:
        for code in BREACHES:
            job = lenient.job("cordia", capture(lenient, code))
            assert job["success"], job
            assert code in {warning["code"] for warning in job["warnings"]}
    with open_site(backend, strict_sensors=True) as strict:
        for code in BREACHES:
            refused = capture(strict, code)
            assert refused.status_code == 400, refused.text
            assert [(one["code"], bool(one["clause"])) for one in refused.json()["errors"]] == [(code, True)]
        fine = bare_event(sensorElementList=[{"sensorReport": [REPORT | {"time": "2026-04-01T10:00:00Z"}]}])
        assert strict.job("cordia", strict.capture("cordia", orjson.dumps(document(fine))))["success"]

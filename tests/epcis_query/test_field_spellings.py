"""Extension fields, instants and deviations are found in every spelling that clients give them."""

from typing import Any

import orjson
import pytest

from epcis_query.postings import Postings
from traceward.epcis.evaluate import matches
from traceward.epcis.extension import Context
from traceward.epcis.identity import expand
from traceward.epcis.json_codec import read_json
from traceward.epcis.query import parse_query

CONTEXT = Context.of(
    {"bare": "http://fields.example/epcis", "hash": "http://fields.example/other#", "cbvmda": "urn:epcglobal:cbv:mda:"}
)
EVENT: dict[str, Any] = {
    "type": "ObjectEvent",
    "eventTime": "2026-05-05T12:00:00Z",
    "eventTimeZoneOffset": "+00:00",
    "action": "ADD",
    "epcList": ["urn:epc:id:sgtin:4012345.011111.1"],
    "bare:dose": 5,
    "hash:made": "2026-05-05T10:00:00.5+02:00",
    "hash:deep": {"hash:level": "low"},
    "ilmd": {"cbvmda:lotNumber": "00123"},
    "sensorElementList": [
        {"sensorReport": [{"type": "Temperature", "meanValue": 4, "sDev": 0.5, "uom": "CEL"}]},
        {"sensorReport": [{"type": "Temperature", "meanValue": 40, "sDev": 1.8, "uom": "FAH"}]},
    ],
}


def finds(name: str, value: str) -> bool:
    form = expand(read_json(orjson.dumps(EVENT)), CONTEXT)
    query = parse_query({name: [value]}, CONTEXT)
    found = matches(query, form)
    assert Postings([form]).find(query) == ({0} if found else set())
    return found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EQ_http://fields.example/epcis#dose", "5"),
        ("GE_http://fields.example/epcis#dose", "5"),
        ("EXISTS_http://fields.example/epcis#dose", ""),
        ("EQ_http://fields.example/epcisdose", "5"),
        ("EQ_INNER_http://fields.example/other#level", "low"),
        ("EQ_INNER_hash:level", "low"),
        ("EQ_ILMD_urn:epcglobal:cbv:mda#lotNumber", "00123"),
    ],
)
def test_a_field_is_found_by_namespace_hash_and_name_whatever_its_namespace_ends_with(name: str, value: str) -> None:
    """Rejects names compared as text: XML joins a namespace and a name by nothing, a query of EPCIS 1.x by '#'."""
    assert finds(name, value)


def test_another_field_of_the_namespace_is_not_found() -> None:
    assert not finds("EQ_http://fields.example/epcis#dos", "5")
    assert not finds("EQ_ILMD_urn:epcglobal:cbv:mda#lot", "00123")


def test_an_instant_equals_itself_in_every_zone() -> None:
    """Rejects EQ_ on times compared as text; EPCIS 1.2 and 2.0 8.2.7.1 let EQ_ take a time as GE_ and LT_ do."""
    assert finds("EQ_hash:made", "2026-05-05T08:00:00.500Z")
    assert finds("EQ_hash:made", "2026-05-05T10:00:00.5+02:00")
    assert finds("EQ_hash:made", "2026-01-01T00:00:00Z|2026-05-05T08:00:00.5Z")
    assert finds("EQ_hash:made", "unknown|2026-05-05T10:00:00.5+02:00")
    assert not finds("EQ_hash:made", "2026-05-05T10:00:00.5Z")


def test_a_standard_deviation_converts_as_a_difference_of_temperatures() -> None:
    """Rejects the zero point of the scale added to a deviation, which makes 0.5 degrees 273.65 kelvins."""
    assert finds("EQ_sDev_KEL", "0.5")
    assert finds("EQ_sDev_CEL", "1")
    assert finds("EQ_sDev_FAH", "0.9")
    assert not finds("GE_sDev_KEL", "1.01")
    assert finds("EQ_meanValue_KEL", "277.15")

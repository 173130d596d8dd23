"""What schemathesis cannot know: whole documents in XML, pictures, and which refusals a schema could have foretold.

Loaded by schemathesis itself (SCHEMATHESIS_HOOKS), not by pytest.
"""

import json

import schemathesis
from hypothesis import strategies as st

XML_EVENT = (
    "<ObjectEvent><eventTime>2026-01-{day:02d}T10:00:00Z</eventTime><eventTimeZoneOffset>+00:00</eventTimeZoneOffset>"
    "<epcList><epc>urn:epc:id:sgtin:4012345.000001.X{serial}</epc></epcList><action>OBSERVE</action></ObjectEvent>"
)
XML_DOCUMENT = (
    '<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:2" schemaVersion="2.0" '
    'creationDate="2026-01-31T00:00:00Z"><EPCISBody><EventList>{events}</EventList></EPCISBody></epcis:EPCISDocument>'
)


def _events() -> st.SearchStrategy[str]:
    return st.builds(
        lambda day, serial: XML_EVENT.format(day=day, serial=serial), st.integers(1, 28), st.integers(0, 10**9)
    )


def _documents() -> st.SearchStrategy[bytes]:
    return st.lists(_events(), max_size=3).map(lambda events: XML_DOCUMENT.format(events="".join(events)).encode())


schemathesis.openapi.media_type("application/xml", _documents())
schemathesis.openapi.media_type("text/xml", _documents())

#: Codes of findings that the published schemas say already: a request that keeps to them may not meet these.
SHAPE = frozenset(
    [
        "missing",
        "unknown_field",
        "text",
        "number",
        "boolean",
        "list",
        "object",
        "uri",
        "offset",
        "action",
        "uom",
        "hex",
        "empty",
        "quantity_range",
        "forbidden_field",
        "event_type",
        "no_children",
        "no_object",
        "no_transformation",
        "ilmd_action",
        "repeated",
        "type",
    ]
)


@schemathesis.check
def a_schema_valid_request_is_refused_for_a_rule(ctx, response, case) -> None:
    """A refusal of what the schema allows names a rule that no schema can say, never a shape."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 400:
        return
    try:
        findings = json.loads(response.content).get("errors", [])
    except (ValueError, AttributeError):
        return
    wrong = [finding for finding in findings if finding.get("severity") == "error" and finding.get("code") in SHAPE]
    assert not wrong, f"the schema allows what is refused: {wrong[0]}"

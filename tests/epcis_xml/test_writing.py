"""The JSON form of events to XML: forms of terms and identifiers, and what answers add."""

import json

import pytest

from epcis_xml.test_round_trips import json_document
from epcis_xml.xsd import invalid, written
from traceward.epcis import xml_codec
from traceward.epcis.extension import STANDARD_CONTEXT
from traceward.epcis.rendering import AnswerEvent, EpcFormat
from traceward.epcis.xml_codec import CbvXmlFormat

EVENT = {
    "type": "ObjectEvent",
    "eventTime": "2026-03-12T10:42:00Z",
    "eventTimeZoneOffset": "+01:00",
    "action": "OBSERVE",
    "bizStep": "shipping",
    "disposition": "https://ref.gs1.org/cbv/Disp-in_transit",
    "epcList": ["https://id.gs1.org/01/09521141010235/21/V23-0007"],
    "sensorElementList": [{"sensorReport": [{"type": "Temperature", "value": 5, "uom": "CEL"}]}],
}


@pytest.mark.parametrize(
    ("cbv_format", "step", "disposition"),
    [
        (CbvXmlFormat.NO_PREFERENCE, "urn:epcglobal:cbv:bizstep:shipping", "urn:epcglobal:cbv:disp:in_transit"),
        (CbvXmlFormat.ALWAYS_URN, "urn:epcglobal:cbv:bizstep:shipping", "urn:epcglobal:cbv:disp:in_transit"),
        (
            CbvXmlFormat.ALWAYS_WEB_URI,
            "https://ref.gs1.org/cbv/BizStep-shipping",
            "https://ref.gs1.org/cbv/Disp-in_transit",
        ),
        (CbvXmlFormat.NEVER_TRANSLATES, "shipping", "https://ref.gs1.org/cbv/Disp-in_transit"),
    ],
)
def test_terms_take_the_form_that_the_caller_asks_for(cbv_format, step, disposition):
    text = written(json_document([EVENT]), cbv_format=cbv_format).decode()
    assert f"<bizStep>{step}</bizStep><disposition>{disposition}</disposition>" in text
    kind = "Temperature" if cbv_format is CbvXmlFormat.NEVER_TRANSLATES else "https://gs1.org/voc/Temperature"
    assert f'type="{kind}"' in text  # measurement types have no URN
    assert invalid(text.encode(), "2.0") is None


def test_identifiers_take_the_form_that_the_caller_asks_for():
    document = json_document([EVENT])
    urn = "urn:epc:id:sgtin:9521141.001023.V23-0007"
    text = written(document, epc_format=EpcFormat.ALWAYS_EPC_URN, prefix_length=lambda _key: 7).decode()
    assert f"<epc>{urn}</epc>" in text
    assert "<epc>https://id.gs1.org/01/09521141010235/21/V23-0007</epc>" in written(document).decode()


def test_an_answer_carries_record_time_the_assigned_id_and_its_own_context():
    """Rejects one partner's prefix given another's meaning: two events, one prefix, two namespaces."""
    stored = {name: value for name, value in EVENT.items() if name != "sensorElementList"} | {"p:a": "1"}
    contexts = [json.dumps([STANDARD_CONTEXT, {"p": f"https://{host}.example/"}]).encode() for host in ("one", "two")]
    answered = [
        AnswerEvent(json.dumps(stored).encode(), "2026-03-12T11:00:00.000Z", context, f"urn:x:{number}")
        for number, context in enumerate(contexts)
    ]
    text = b"".join(
        xml_codec.document_pieces(answered, creation_date="2026-03-12T11:00:00Z", kind="EPCISQueryDocument")
    )
    assert invalid(text, "2.0") is None
    back = xml_codec.read_document(text)
    assert [one.data["eventID"] for one in back.events] == ["urn:x:0", "urn:x:1"]
    assert {one.data["recordTime"] for one in back.events} == {"2026-03-12T11:00:00.000Z"}
    names = [[one.context.expand_name(name) for name in one.data if ":" in name] for one in back.events]
    assert names == [["https://one.example/a"], ["https://two.example/a"]]


def test_what_the_schema_has_no_room_for_goes_into_elements_of_ours():
    """Rejects certificates, units and reports that get lost, and JSON lists in attributes."""
    event = EVENT | {
        "certificationInfo": ["urn:x:1", "urn:x:2", "urn:x:3"],
        "quantityList": [{"epcClass": "urn:x:class", "uom": "KGM"}],
        "sensorElementList": [{"sensorReport": [{"type": "Mass", "hexBinaryValue": "abc", "ex:a": ["1", "2"]}]}],
    }
    text = written(json_document([event])).decode()
    assert "<certificationInfo>urn:x:1</certificationInfo>" in text
    assert "<twx:certificationInfo>urn:x:3</twx:certificationInfo>" in text
    assert 'xsi:nil="true"/><uom>KGM</uom>' in text
    assert "&quot;hexBinaryValue&quot;:&quot;abc&quot;" in text
    (back,) = xml_codec.read_document(text.encode()).events
    assert back.data["certificationInfo"] == ["urn:x:1", "urn:x:2", "urn:x:3"]
    assert back.data["quantityList"] == [{"epcClass": "urn:x:class", "uom": "KGM"}]


def test_unset_stands_before_set():
    event = EVENT | {"persistentDisposition": {"set": ["available"], "unset": ["damaged"]}}
    text = written(json_document([event])).decode()
    assert text.index("<unset>") < text.index("<set>")


def test_1_2_has_its_wrappers_and_its_empty_lists():
    event = {
        **EVENT,
        "eventID": "urn:x:1",
        "quantityList": [],
        "certificationInfo": "urn:x:c",
        "persistentDisposition": {"set": ["available"]},
    }
    del event["epcList"]
    text = written(json_document([event]), "1.2").decode()
    assert "<baseExtension><eventID>urn:x:1</eventID><extension><certificationInfo>" in text
    assert "<epcList/><action>" in text
    assert "<extension><quantityList></quantityList><extension><sensorElementList>" in text
    assert invalid(text.encode(), "1.2") is None


def test_a_character_that_xml_cannot_hold_is_replaced():
    text = written(json_document([EVENT | {"https://ex.org/a": "a\u0001b\ufffe"}]))
    (back,) = xml_codec.read_document(text).events
    assert back.data["ex:a"] == "a\ufffdb\ufffd"

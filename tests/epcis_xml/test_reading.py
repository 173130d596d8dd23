"""XML to the JSON form of events: every field as its JSON twin has it, and faults named by their place."""

import json
from decimal import Decimal

import pytest

from epcis_xml.documents import EPC, OLD_HEAD, TAIL, WHEN, document, event, findings, only
from epcis_xml.xsd import digests
from traceward.epcis import identity, json_codec, xml_codec
from traceward.epcis.errors import CaptureLimitExceededException, ValidationException
from traceward.epcis.extension import STANDARD_CONTEXT
from traceward.epcis.rules import check_event

FULL = (
    b"<bizStep>urn:epcglobal:cbv:bizstep:shipping</bizStep>"
    b"<disposition>https://ref.gs1.org/cbv/Disp-in_transit</disposition>"
    b"<readPoint><id> urn:epc:id:sgln:9521141.00001.0 </id><ex:shelf>3</ex:shelf></readPoint>"
    b'<bizTransactionList><bizTransaction type="urn:epcglobal:cbv:btt:po">urn:x:po:1</bizTransaction>'
    b"<bizTransaction>urn:x:2</bizTransaction></bizTransactionList>"
    b"<quantityList><quantityElement><epcClass>urn:epc:class:lgtin:9521141.004530.A</epcClass>"
    b"<quantity>020.50</quantity><uom>KGM</uom></quantityElement></quantityList>"
    b'<sensorElementList><sensorElement><sensorMetadata time="2025-12-31T00:00:00Z" ex:by="me"/>'
    b'<sensorReport type="gs1:Temperature" value="+26.0" uom="CEL" booleanValue="1" component="ex:mine"/>'
    b"</sensorElement></sensorElementList>"
    b"<persistentDisposition><unset>urn:epcglobal:cbv:disp:damaged</unset>"
    b"<set>urn:epcglobal:cbv:disp:available</set></persistentDisposition>"
    b"<ex:list>1</ex:list><ex:list><inner>2</inner></ex:list>"
)
TWIN = {
    "bizStep": "shipping",
    "disposition": "in_transit",
    "readPoint": {"id": "urn:epc:id:sgln:9521141.00001.0", "ex:shelf": "3"},
    "bizTransactionList": [{"type": "po", "bizTransaction": "urn:x:po:1"}, {"bizTransaction": "urn:x:2"}],
    "quantityList": [{"epcClass": "urn:epc:class:lgtin:9521141.004530.A", "quantity": 20.5, "uom": "KGM"}],
    "sensorElementList": [
        {
            "sensorMetadata": {"time": "2025-12-31T00:00:00Z", "ex:by": "me"},
            "sensorReport": [
                {"type": "Temperature", "value": 26, "uom": "CEL", "booleanValue": True, "component": "ex:mine"}
            ],
        }
    ],
    "persistentDisposition": {"set": ["available"], "unset": ["damaged"]},
    "ex:list": ["1", {"inner": "2"}],
}


def test_an_event_is_its_json_twin():
    """Rejects another digest for the other format, terms left as URNs, numbers left as text, a CURIE without prefix."""
    read = xml_codec.read_document(
        document(
            event(rest=FULL),
            head=document().replace(TAIL, b"").replace(b"xmlns:ex", b'xmlns:gs1="https://gs1.org/voc/" xmlns:ex'),
        )
    )
    twin = {
        "@context": [STANDARD_CONTEXT, {"ex": "https://ex.org/"}],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-01-01T00:00:00Z",
        "epcisBody": {"eventList": [{"type": "ObjectEvent", **json.loads(_WHEN_JSON), **TWIN}]},
    }
    (one,) = read.events
    assert one.data["bizStep"] == "shipping"
    assert one.data["quantityList"][0]["quantity"] == Decimal("20.50")
    assert [finding for finding in check_event(one) if finding.severity == "error"] == []
    expected = json_codec.read_document(json.dumps(twin).encode())
    assert identity.expand(one.data, one.context) == identity.expand(
        expected.events[0].data, expected.events[0].context
    )
    assert digests(read) == digests(expected)
    assert json.loads(one.stored_context) == twin["@context"]


_WHEN_JSON = (
    '{"eventTime": "2026-01-01T01:00:00+01:00", "eventTimeZoneOffset": "+00:00", "action": "OBSERVE", '
    '"epcList": ["https://id.gs1.org/01/09521141010235/21/V23-0007"]}'
)


def test_an_event_without_extensions_needs_no_context_beside_it():
    (one,) = xml_codec.read_document(document(event())).events
    assert one.stored_context is None
    assert json.loads(one.text)["type"] == "ObjectEvent"


def test_the_text_is_json_that_the_json_codec_reads_the_same():
    """Rejects numbers that JSON cannot hold, and data that differ from the text that is stored."""
    (one,) = xml_codec.read_document(
        document(event(rest=FULL.replace(b"gs1:Temp", b"https://gs1.org/voc/Temp")))
    ).events
    again = json_codec.read_document(
        json.dumps(
            {
                "@context": json.loads(one.stored_context),
                "type": "EPCISDocument",
                "schemaVersion": "2.0",
                "creationDate": "2026-01-01T00:00:00Z",
                "epcisBody": {"eventList": [json.loads(one.text)]},
            }
        ).encode()
    ).events[0]
    assert identity.expand(again.data, again.context) == identity.expand(one.data, one.context)


@pytest.mark.parametrize(
    ("declared", "key"),
    [
        (b'xmlns:http="https://a.example/"', "http2:a"),
        (b'xmlns:gs1="https://a.example/"', "gs12:a"),
        (b'xmlns:cbvmda="urn:epcglobal:cbv:mda"', "cbvmda:a"),
        (b'xmlns:m="urn:epcglobal:cbv:mda:"', "cbvmda:a"),
        (b'xmlns:gs1="https://gs1.org/voc/"', "gs1:a"),
    ],
)
def test_a_prefix_keeps_its_meaning(declared, key):
    """Rejects a prefix that JSON takes for a scheme, or for a standard prefix of another namespace."""
    prefix = declared.split(b"=")[0][6:]
    (one,) = xml_codec.read_document(document(event(rest=b"<%b:a %b>x</%b:a>" % (prefix, declared, prefix)))).events
    assert one.data[key] == "x"
    namespace = declared.split(b'"')[1].decode()
    # The namespace of CBV master data has two spellings, with and without its last colon.
    full = namespace.removesuffix(":") + ":a" if "cbv" in namespace else namespace + "a"
    assert one.context.expand_name(key) == full


def test_one_prefix_for_two_namespaces_becomes_two():
    """Rejects a document where the first meaning of a prefix wins over the second."""
    rest = [b'<p:a xmlns:p="https://one.example/">1</p:a>', b'<p:a xmlns:p="https://two.example/">2</p:a>']
    read = xml_codec.read_document(document(*[event(rest=one) for one in rest]))
    names = [name for one in read.events for name in identity.expand(one.data, one.context) if ":" in name]
    assert names == ["https://one.example/a", "https://two.example/a"]


OLD = (
    b"<ObjectEvent>%b<baseExtension><eventID>urn:uuid:11111111-1111-4111-8111-111111111111</eventID>"
    b"<errorDeclaration><declarationTime>2026-01-02T00:00:00Z</declarationTime></errorDeclaration></baseExtension>"
    b"<epcList/><action>ADD</action><extension><quantityList/><ilmd><ex:lot>7</ex:lot></ilmd><extension>"
    b'<sensorElementList><sensorElement><sensorReport type="gs1:Mass"/></sensorElement></sensorElementList>'
    b"<vendors>x</vendors></extension></extension><ex:last>y</ex:last></ObjectEvent>"
) % WHEN


def test_wrappers_of_1_2_are_opened():
    """Rejects the official converter's loss of ilmd and of eventID (lot and expiry would be gone)."""
    data = only(OLD, head=OLD_HEAD)
    assert data["eventID"] == "urn:uuid:11111111-1111-4111-8111-111111111111"
    assert data["errorDeclaration"] == {"declarationTime": "2026-01-02T00:00:00Z"}
    assert data["ilmd"] == {"ex:lot": "7"}
    assert data["sensorElementList"] == [{"sensorReport": [{"type": "Mass"}]}]
    assert (data["unq:vendors"], data["ex:last"], data["quantityList"]) == ("x", "y", [])
    assert findings(OLD, head=OLD_HEAD) == []


def test_a_quantity_event_is_the_object_event_that_says_the_same():
    body = (
        b"<QuantityEvent>%b<epcClass>urn:epc:class:lgtin:9521141.004530.A</epcClass><quantity>5</quantity>"
        b"<bizStep>urn:epcglobal:cbv:bizstep:storing</bizStep></QuantityEvent>" % WHEN
    )
    data = only(body, head=OLD_HEAD.replace(b'"1.2"', b'"1.0"'))
    assert data["type"] == "ObjectEvent"
    assert data["quantityList"] == [{"epcClass": "urn:epc:class:lgtin:9521141.004530.A", "quantity": 5}]
    assert (data["action"], data["bizStep"]) == ("OBSERVE", "storing")


def test_an_event_type_of_ones_own_is_read():
    body = b"<extension><ex:Visit>%b<ex:who>me</ex:who></ex:Visit></extension>" % WHEN
    assert only(body)["type"] == "ex:Visit"
    assert findings(body) == []


LIST = "/EPCISDocument/EPCISBody/EventList"
OBJECT = LIST + "/ObjectEvent[1]"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (event(base=b"<recordTime>2026-01-01T00:00:00Z</recordTime>"), [("order", OBJECT + "/recordTime")]),
        (event(rest=b"<disposition>a:b</disposition><bizStep>c:d</bizStep>"), [("order", OBJECT + "/bizStep")]),
        (event(rest=b"<bizStep>a:b</bizStep><bizStep>c:d</bizStep>"), [("repeated", OBJECT + "/bizStep[2]")]),
        (event(rest=b"<ex:a/><bizStep>c:d</bizStep>"), [("order", OBJECT + "/bizStep")]),
        (event(rest=b"<parentID>a:b</parentID>"), [("unknown_element", OBJECT + "/parentID")]),
        (event(EPC + b"<id>urn:x:y</id>"), [("unknown_element", OBJECT + "/epcList/id")]),
        (event(EPC + b"text"), [("text", OBJECT + "/epcList")]),
        (event(b"<epc ex:a='b'>urn:x:y</epc>"), [("unknown_attribute", OBJECT + "/epcList/epc")]),
        (event(b"<epc>urn:x:y<b/></epc>"), [("unknown_element", OBJECT + "/epcList/epc/b")]),
        (event(EPC * 2), [("repeated", OBJECT + "/epcList/epc[2]")]),
        (event(EPC + b"<epc>no uri</epc>"), [("uri", OBJECT + "/epcList/epc[2]")]),
        (event(rest=b"<bizTransactionList/>"), [("empty", OBJECT + "/bizTransactionList")]),
        (
            event(rest=b"<sourceList><source type='nothing'>urn:x:y</source></sourceList>"),
            [("unknown_term", OBJECT + "/sourceList/source[1]/@type")],
        ),
        (
            event(rest=b"<persistentDisposition><set>a:b</set><unset>c:d</unset></persistentDisposition>"),
            [("order", OBJECT + "/persistentDisposition/unset")],
        ),
        (
            event(
                rest=b"<sensorElementList><sensorElement><sensorReport type='gs1:Mass' value='NaN'/>"
                b"</sensorElement></sensorElementList>"
            ),
            [("number", OBJECT + "/sensorElementList/sensorElement/sensorReport/@value")],
        ),
        (event(rest=b"<extension><foo/></extension>"), [("unknown_element", OBJECT + "/extension/foo")]),
        (event().replace(b"ObjectEvent", b"epcis:ObjectEvent"), [("unknown_element", LIST + "/ObjectEvent")]),
        (event() + b"<Other/>" + event(), [("unknown_element", LIST + "/Other")]),
        (event() + b"<Other/>", [("unknown_element", LIST + "/Other")]),
    ],
)
def test_a_fault_is_named_by_its_code_and_its_place(body, expected):
    """Rejects elements passed over in silence: an event that is not read is lost."""
    assert findings(body) == expected


@pytest.mark.parametrize("number", ["1e400", "1e-999999", "0e-999999", "9" * 20, "1" * 70, "0x1", "INF", "", "１"])
def test_a_number_that_json_cannot_hold_is_refused(number):
    quantity = f"<quantityList><quantityElement><epcClass>urn:x:y</epcClass><quantity>{number}</quantity>"
    body = event(rest=(quantity + "</quantityElement></quantityList>").encode())
    assert [code for code, _ in findings(body)] == ["number"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ((b"EPCISBody>", b"Body>"), "/EPCISDocument/Body"),
        ((b'schemaVersion="2.0"', b'schemaVersion="1.2"'), "/EPCISDocument/@schemaVersion"),
        ((b'schemaVersion="2.0"', b""), "/EPCISDocument/@schemaVersion"),
        ((b'2026-01-01T00:00:00Z">', b'yesterday">'), "/EPCISDocument/@creationDate"),
        (
            (b"<EPCISBody>", b"<EPCISHeader><EPCISMasterData/></EPCISHeader><EPCISBody>"),
            "/EPCISDocument/EPCISHeader/EPCISMasterData",
        ),
        ((b"epcis:EPCISDocument", b"EPCISDocument"), "/"),
    ],
)
def test_a_fault_of_the_document_refuses_it_whole(change, expected):
    with pytest.raises(ValidationException) as caught:
        xml_codec.read_document(document().replace(*change))
    assert expected in [finding.path for finding in caught.value.findings]


def test_one_broken_event_leaves_the_others_whole():
    read = xml_codec.read_document(document(event(), event(rest=b"<no/>"), event()))
    assert [bool(check_event(one)) for one in read.events] == [False, True, False]
    assert check_event(read.events[1])[0].event_index == 1


def test_limits_are_told_before_the_work():
    with pytest.raises(CaptureLimitExceededException):
        xml_codec.read_document(document(event(), event()), max_events=1)
    with pytest.raises(CaptureLimitExceededException):
        xml_codec.read_document(document(event()), max_bytes=100)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_four_encodings_are_read(encoding):
    text = document(event(rest="<ex:a>é</ex:a>".encode())).decode()
    name = encoding.removesuffix("-sig")
    body = f'<?xml version="1.0" encoding="{name}"?>{text}'.encode(encoding)
    (one,) = xml_codec.read_document(body).events
    assert one.data["ex:a"] == "é"

"""Any event of JSON through XML and back: valid by the official schema, and the same event."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epcis_xml.strategies import CONTEXT, events
from epcis_xml.xsd import expanded, invalid, written
from traceward.epcis import xml_codec
from traceward.epcis.document import Document
from traceward.epcis.json_codec import read_document
from traceward.epcis.rules import check_event
from traceward.epcis.xml_codec import CbvXmlFormat


def json_document(found, **header):
    return read_document(
        json.dumps(
            {
                "@context": CONTEXT,
                "type": "EPCISDocument",
                "schemaVersion": "2.0",
                "creationDate": "2026-03-12T11:00:00Z",
                **header,
                "epcisBody": {"eventList": found},
            }
        ).encode()
    )


def refused(document):
    """Whether rules find an error: such an event is not stored, so that nobody asks for its XML."""
    return any(finding.severity == "error" for event in document.events for finding in check_event(event))


@pytest.mark.parametrize("version", ["2.0", "1.2"])
@given(found=events())
def test_an_event_of_json_comes_through_xml_as_the_same_event(version, found):
    """Rejects keys that are no XML name dropped or mangled, blanks trimmed, lists of lists flattened, prefixes that
    collide, and extensions taken for elements of ours. Tried: text of blanks beside elements taken for indentation.
    """
    document = json_document([found])
    if refused(document):
        return
    text = written(document, version)
    assert invalid(text, version) is None
    back = xml_codec.read_document(text)
    assert [finding.message for event in back.events for finding in check_event(event)] == [
        finding.message for event in document.events for finding in check_event(event)
    ] or not refused(back)
    assert expanded(back) == expanded(document)


@given(found=st.lists(events(), max_size=3), cbv_format=st.sampled_from(CbvXmlFormat))
def test_every_form_of_cbv_terms_is_valid_and_the_same_event(found, cbv_format):
    """Rejects a form that reading does not know, and a URN for a kind that has none."""
    document = json_document([event for event in found if not refused(json_document([event]))])
    text = written(document, cbv_format=cbv_format)
    assert invalid(text, "2.0") is None
    assert expanded(xml_codec.read_document(text)) == expanded(document)


@given(found=events())
def test_xml_of_xml_is_the_same_text(found):
    """Rejects a form that drifts from one pass to the next."""
    document = json_document([found])
    if refused(document):
        return
    first = written(xml_codec.read_document(written(document)))
    assert written(xml_codec.read_document(first)) == first


HEADER = {
    "id": "https://id.example.org/document1",
    "sender": "urn:epc:id:sgln:0353579.00001.0",
    "receiver": "urn:epc:id:sgln:5012345.00001.0",
    "instanceIdentifier": "1234567890",
    "https://ex.org/note": {"https://ex.org/a": ["1", "2"], "plain": "x"},
    "epcisHeader": {
        "epcisMasterData": {
            "vocabularyList": [
                {
                    "type": "urn:epcglobal:epcis:vtype:BusinessLocation",
                    "vocabularyElementList": [
                        {
                            "id": "urn:epc:id:sgln:0037000.00729.0",
                            "attributes": [
                                {"id": "urn:epcglobal:cbv:mda#name", "attribute": "Store <1>"},
                                {"id": "urn:x:address", "attribute": {"https://ex.org/Street": "A & B"}},
                            ],
                            "children": ["urn:epc:id:sgln:0037000.00729.1"],
                        },
                        {"id": "urn:epc:id:sgln:0037000.00729.1"},
                    ],
                }
            ]
        }
    },
}


@pytest.mark.parametrize("version", ["2.0", "1.2"])
@pytest.mark.parametrize(
    "names", [list(HEADER), ["epcisHeader"], ["sender"], ["instanceIdentifier"], ["id"], ["https://ex.org/note"], []]
)
def test_the_header_comes_through(version, names):
    """Rejects master data without the SBDH that 1.2 wants, and an SBDH that is no longer its JSON counterpart."""
    header = {name: HEADER[name] for name in names}
    document = json_document([], **header)
    text = written(document, version)
    assert invalid(text, version) is None
    assert xml_codec.read_document(text).header == header


@pytest.mark.parametrize("version", ["2.0", "1.2"])
def test_master_data_is_a_document_of_its_own(version):
    text = xml_codec.write_master_data(HEADER, creation_date="2026-03-12T11:00:00Z", version=version)
    assert invalid(text, version) is None
    back = xml_codec.read_document(text)
    assert (back.kind, back.events) == ("EPCISMasterDataDocument", [])
    assert back.header == HEADER


def test_documents_are_written_piece_by_piece():
    """Rejects a writer that takes every event before it gives the first."""
    taken = []
    document = json_document([OBJECT, OBJECT])

    def events_as_asked():
        for event in document.events:
            taken.append(event.index)
            yield event

    pieces = xml_codec.document_pieces(events_as_asked(), creation_date="2026-03-12T11:00:00Z")
    next(pieces), next(pieces), next(pieces)
    assert taken == [0]
    assert isinstance(document, Document)


OBJECT = {
    "type": "ObjectEvent",
    "eventTime": "2026-03-12T10:42:00Z",
    "eventTimeZoneOffset": "+01:00",
    "action": "OBSERVE",
    "epcList": ["urn:epc:id:sgtin:9521141.001023.V23-0007"],
}


@pytest.mark.parametrize("value", [{"@u": "k", "#text": " "}, {"#text": " ", "a": ""}, [["a"], ["b", "c"]], [[["a"]]]])
def test_blanks_and_lists_within_lists_come_through(value):
    document = json_document([OBJECT | {"ex:a": value}])
    assert expanded(xml_codec.read_document(written(document))) == expanded(document)

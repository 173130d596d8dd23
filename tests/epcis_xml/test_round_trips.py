"""Any event of JSON through XML and back: valid by the official schema, and the same event."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epcis_xml.strategies import CONTEXT, events
from epcis_xml.xsd import expanded, invalid, written
from traceward.epcis import json_document as json_writer
from traceward.epcis import xml_codec
from traceward.epcis.document import Document
from traceward.epcis.extension import STANDARD_CONTEXT
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
    assert not refused(back)
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


def header_strategy():
    """Headers that JSON and XML both can hold: partners, master data of any depth, an SBDH that says more than JSON."""
    words = st.sampled_from(["a", "A & B <c>", "é", "x y"])
    names = st.sampled_from(["https://ex.org/Street", "https://ex.org/deep/City"])
    values = words | st.dictionaries(names, words | st.lists(words, min_size=2, max_size=2), min_size=1, max_size=2)
    ids = st.sampled_from(["urn:x:1", "urn:x:2", "https://id.gs1.org/414/9521141000006"])
    attribute = st.fixed_dictionaries({"id": ids, "attribute": values})
    entry = st.fixed_dictionaries(
        {"id": ids},
        optional={
            "attributes": st.lists(attribute, min_size=1, max_size=2),
            "children": st.lists(ids, min_size=1, max_size=2),
            "https://ex.org/beside": words,
        },
    )
    vocabulary = st.fixed_dictionaries(
        {
            "type": st.just("urn:epcglobal:epcis:vtype:Location"),
            "vocabularyElementList": st.lists(entry, min_size=1, max_size=2),
        }
    )
    partner = st.fixed_dictionaries({"Identifier": st.fixed_dictionaries({"@Authority": words, "#text": words})})
    rich = st.fixed_dictionaries(
        {
            "HeaderVersion": st.just("1.0"),
            "Sender": partner,
            "Receiver": partner | st.lists(partner, min_size=2, max_size=2),
            "DocumentIdentification": st.fixed_dictionaries(
                {
                    "Standard": words,
                    "TypeVersion": st.just("1.0"),
                    "InstanceIdentifier": words,
                    "Type": words,
                    "CreationDateAndTime": st.just("2026-03-12T11:00:00Z"),
                }
            ),
        }
    )
    return st.fixed_dictionaries(
        {},
        optional={
            "id": st.just("https://ex.org/d"),
            "epcisHeader": st.builds(
                lambda lists, more: {"epcisMasterData": {"vocabularyList": lists}} | more,
                st.lists(vocabulary, min_size=1, max_size=2),
                st.dictionaries(names, words, max_size=1),
            ),
            "https://ex.org/note": words,
            "sbdh:StandardBusinessDocumentHeader": rich,
        },
    )


@pytest.mark.parametrize("version", ["2.0", "1.2"])
@given(header=header_strategy())
def test_any_header_comes_through_xml_and_json_and_xml_again(version, header):
    """Rejects a second receiver, an authority or an extension of master data lost. Tried: `children` not written."""
    context = {"sbdh": "http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader#"}
    document = read_document(
        json.dumps(
            {
                "@context": [STANDARD_CONTEXT, context],
                "type": "EPCISDocument",
                "schemaVersion": "2.0",
                "creationDate": "2026-03-12T11:00:00Z",
                **header,
                "epcisBody": {"eventList": [OBJECT]},
            }
        ).encode()
    )
    text = written(document, version)
    assert invalid(text, version) is None
    first = xml_codec.read_document(text)
    assert {name: first.header[name] for name in header} == header
    pieces = json_writer.document_pieces(
        first.events, creation_date=str(first.creation_date), context=first.context, header=first.header
    )
    second = read_document(b"".join(pieces))
    assert second.header == first.header
    assert expanded(second) == expanded(document)
    assert written(second, version) == text


@given(found=events())
def test_an_event_of_xml_comes_through_json_as_the_same_xml(found):
    """Rejects a JSON document whose context lacks a prefix, or gives one another meaning, than its events need."""
    document = json_document([found])
    if refused(document):
        return
    first = xml_codec.read_document(written(document))
    pieces = json_writer.document_pieces(
        first.events, creation_date=str(first.creation_date), context=first.context, header=first.header
    )
    second = read_document(b"".join(pieces))
    assert expanded(second) == expanded(document)
    assert written(second) == written(first)

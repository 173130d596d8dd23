"""Small XML documents that the tests of this room share."""

from traceward.epcis import xml_codec
from traceward.epcis.errors import ValidationException
from traceward.epcis.rules import check_event

HEAD = (
    b'<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:2" xmlns:ex="https://ex.org/" '
    b'schemaVersion="2.0" creationDate="2026-01-01T00:00:00Z"><EPCISBody><EventList>'
)
TAIL = b"</EventList></EPCISBody></epcis:EPCISDocument>"
OLD_HEAD = HEAD.replace(b"xsd:2", b"xsd:1").replace(b'"2.0"', b'"1.2"')
EPC = b"<epc>urn:epc:id:sgtin:9521141.001023.V23-0007</epc>"
WHEN = b"<eventTime>2026-01-01T00:00:00Z</eventTime><eventTimeZoneOffset>+00:00</eventTimeZoneOffset>"


def event(epcs=EPC, rest=b"", *, base=b""):
    """An ObjectEvent; base: elements after the offset, rest: elements after the action."""
    return b"<ObjectEvent>%b%b<epcList>%b</epcList><action>OBSERVE</action>%b</ObjectEvent>" % (WHEN, base, epcs, rest)


def document(*events, head=HEAD):
    return head + b"".join(events) + TAIL


def only(*events, head=HEAD):
    """The one event of a document of that event, as data."""
    (found,) = xml_codec.read_document(document(*events, head=head)).events
    return found.data


def findings(*events, head=HEAD):
    """Code and XPath of every error, as a capture would tell them."""
    try:
        read = xml_codec.read_document(document(*events, head=head))
    except ValidationException as error:
        return [(finding.code, finding.path) for finding in error.findings]
    found = [finding for one in read.events for finding in check_event(one)]
    return [(finding.code, finding.path) for finding in found if finding.severity == "error"]

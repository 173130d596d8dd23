"""EPCIS XML to events and back: the names that other rooms use. docs/xml.md says what does not come back as sent.

Must not hold code: `xml_reader` reads and `xml_writer` writes.
"""

from traceward.epcis.xml_event_writer import CbvXmlFormat
from traceward.epcis.xml_reader import XmlEvent, read_document, read_event, stream_document
from traceward.epcis.xml_tables import Version
from traceward.epcis.xml_writer import Kind, document_pieces, write_event, write_master_data

__all__ = [
    "CbvXmlFormat",
    "Kind",
    "Version",
    "XmlEvent",
    "document_pieces",
    "read_document",
    "read_event",
    "stream_document",
    "write_event",
    "write_master_data",
]

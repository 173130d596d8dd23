"""The official EPCIS schemas as judges of what the server sends, formats asserted; nothing of the product reads them.

Where an official schema contradicts the standard, or itself, the exception stands in `DEFECTS` with its reason.
"""

import functools
import re
from dataclasses import dataclass

import jsonschema
import orjson
from lxml import etree

from epcis_xml.xsd import schema
from shared_data import shared, shared_folder

JSON_SCHEMA = "standard/json-schema/EPCIS-JSON-Schema.json"
OPENAPI = "standard/openapi/openapi.json"
_NEEDED_FORMATS = {"uri", "date-time"}
_ROOTS = {
    "urn:epcglobal:epcis:xsd:2": ("2.0", "EPCISDocument"),
    "urn:epcglobal:epcis-query:xsd:2": ("2.0", "EPCISQueryDocument"),
    "urn:epcglobal:epcis-masterdata:xsd:2": ("2.0", "EPCISMasterDataDocument"),
    "urn:epcglobal:epcis:xsd:1": ("1.2", "EPCISDocument"),
    "urn:epcglobal:epcis-query:xsd:1": ("1.2", "EPCISQueryDocument"),
    "urn:epcglobal:epcis-masterdata:xsd:1": ("1.2", "EPCISMasterDataDocument"),
}
_OWN = "https://ns.traceward.org/xml/"
#: Elements of our own around official ones, for what GS1 has no element.
_OWN = {"{https://ns.traceward.org/xml/}captureJobs", "{https://ns.traceward.org/xml/}Collection"}
_SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"


@dataclass(frozen=True)
class Defect:
    """What an official schema refuses although it is right. where, says: patterns of the complaint's place and text."""

    where: str
    says: str
    reason: str

    def covers(self, where: str, says: str) -> bool:
        """Whether a complaint is of this defect."""
        return re.search(self.where, where) is not None and re.search(self.says, says) is not None


DEFECTS = (
    Defect(
        r"^$",
        r"'captureID'.*is valid under each of.*errorFile",
        "OpenAPI CaptureJob: one of `errors` and `errorFile`, but neither alternative requires its field, so that "
        "every job fits both; the example beside it is refused too",
    ),
)


def at_hand() -> bool:
    """Whether there are official schemas to judge by."""
    return (shared_folder() / JSON_SCHEMA).exists()


def json_complaints(document) -> list[str]:
    """What the official JSON schema says against an EPCISDocument, an EPCISQueryDocument or a bare event."""
    return _complaints(_document_judge(), document)


def job_complaints(job) -> list[str]:
    """What the official OpenAPI document says against a capture job."""
    return _complaints(_job_judge(), job)


def xml_complaints(body: bytes) -> list[str]:
    """What the official XML schema of its namespace says against a document, a SOAP answer, a job or a problem."""
    root = etree.fromstring(body)
    if root.tag == _SOAP + "Envelope":
        # A fault's detail and a result are elements of the query schema, within one that is SOAP's own.
        parts = [part for part in root.iter() if isinstance(part.tag, str) and _namespace(part) in _ROOTS]
        judged = [
            part for part in parts if _namespace(part.getparent()) not in _ROOTS and part.getparent().tag[0] == "{"
        ]
        return [complaint for part in judged for complaint in _against(part)]
    if root.tag == _WSDL + "definitions":
        # Our own description of the SOAP service: an outside client that builds its calls from it is the judge.
        return []
    if _namespace(root) == _OWN:
        # A list of what the schema knows only singly.
        return [complaint for part in root if _namespace(part) in _ROOTS for complaint in _against(part)]
    if root.tag.endswith("Event") and not _namespace(root):
        return _against(_document_of(root))
    if root.tag in _OWN:
        return [complaint for part in root if _namespace(part) in _ROOTS for complaint in _against(part)]
    if _namespace(root) not in _ROOTS:
        return [f"the root is {root.tag}, of which there is no official schema"]
    return _against(root)


def _document_of(event):
    """A document of an event alone, which is how the schema knows it."""
    head = (
        b'<e:EPCISDocument xmlns:e="urn:epcglobal:epcis:xsd:2" schemaVersion="2.0" creationDate="2026-01-01T00:00:00Z">'
    )
    body = b"<EPCISBody><EventList>" + etree.tostring(event) + b"</EventList></EPCISBody></e:EPCISDocument>"
    return etree.fromstring(head + body)


def _against(element) -> list[str]:
    judge = schema(*_ROOTS[_namespace(element)])
    if judge.validate(element):
        return []
    return [f"line {error.line}: {error.message}" for error in judge.error_log]


def _namespace(element) -> str:
    return etree.QName(element).namespace or ""


def _complaints(judge, instance) -> list[str]:
    found = []
    for error in judge.iter_errors(instance):
        for one in _leaves(error):
            where = "/".join(map(str, one.absolute_path))
            if not any(defect.covers(where, one.message) for defect in DEFECTS):
                found.append(f"{where}: {one.message[:300]}")
    return found


def _leaves(error):
    """The complaints below a complaint; of alternatives, all."""
    if not error.context:
        yield error
    for one in error.context or ():
        yield from _leaves(one)


def _with_formats(document):
    checker = jsonschema.validators.validator_for(document)
    missing = _NEEDED_FORMATS - set(checker.FORMAT_CHECKER.checkers)
    assert not missing, f"formats {missing} are not checked: rfc3987 and rfc3339-validator are needed"
    return checker(document, format_checker=checker.FORMAT_CHECKER)


@functools.cache
def _document_judge():
    return _with_formats(orjson.loads(shared(JSON_SCHEMA).read_bytes()))


@functools.cache
def _job_judge():
    openapi = orjson.loads(shared(OPENAPI).read_bytes())
    return _with_formats(
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "$ref": "#/components/schemas/CaptureJob",
            "components": openapi["components"],
        }
    )

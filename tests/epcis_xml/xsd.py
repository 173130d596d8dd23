"""The official XML schemas as judges, and the published examples; nothing of the product reads either."""

import functools
import re

from lxml import etree

from shared_data import shared
from traceward.epcis import identity, json_codec, xml_codec

EXAMPLES = "standard/examples/gs1"
VECTORS = "standard/examples/event-hash/examples"
_FILES = {"EPCISDocument": "epcis", "EPCISQueryDocument": "epcis-query", "EPCISMasterDataDocument": "epcis-masterdata"}
_FOLDERS = {"2.0": ("XSD", "2_0"), "1.2": ("XSD-1.2", "1_2")}


@functools.cache
def schema(version, kind):
    folder, number = _FOLDERS[version]
    path = shared(f"standard/{folder}/EPCglobal-{_FILES[kind]}-{number}.xsd")
    return etree.XMLSchema(etree.parse(str(path)))


def invalid(text, version):
    """Why the official schema refuses a document; None when it is valid."""
    root = etree.fromstring(text)
    judge = schema(version, etree.QName(root).localname)
    return None if judge.validate(root) else str(judge.error_log.last_error)


def digests(document):
    return [identity.digest(identity.expand(event.data, event.context)) for event in document.events]


def expanded(document):
    return [identity.expand(event.data, event.context) for event in document.events]


def without_doctype(body):
    """Twelve official examples begin with an empty DOCTYPE, which we refuse as every other."""
    return re.sub(rb"<!DOCTYPE[^>]*>", b"", body)


def published(*folders, suffix):
    paths = [path for folder in folders for path in sorted(shared(folder).rglob(f"*{suffix}"))]
    return [path for path in paths if "CaptureJob" not in path.parts]


def read_published(path):
    """A published example of either format as read."""
    if path.suffix == ".xml":
        return xml_codec.read_document(without_doctype(path.read_bytes()))
    return json_codec.read_document(path.read_bytes())


def written(document, version="2.0", **options):
    options.setdefault("header", document.header)
    return b"".join(
        xml_codec.document_pieces(
            document.events,
            creation_date=document.creation_date,
            version=version,
            context=document.context,
            **options,
        )
    )

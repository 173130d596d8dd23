"""`traceward convert FILE`: an EPCIS document in another format or another spelling, with no server.

It must not repair: a document with a fault is refused whole, and nothing is written.
"""

import struct
import sys
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from traceward.cli.documents import ReadFile, UnreadableFileError, findings_of, read_file
from traceward.cli.output import ExitCode, fail, print_table
from traceward.epcis import json_document, rules, times, xml_codec
from traceward.epcis.document import Document, RawEvent
from traceward.epcis.errors import Finding, ValidationException
from traceward.epcis.json_codec import read_json
from traceward.epcis.rendering import EpcFormat
from traceward.epcis.xml_codec import CbvXmlFormat, Version
from traceward.gs1.company_prefix import CompanyPrefixes
from traceward.gs1.errors import KeyFormatError

_MEMORY_BYTES = 16 * 1024 * 1024
_LENGTH = struct.Struct(">I")
_MOST_SHOWN = 100


class Target(StrEnum):
    """What a document can become."""

    JSON = "json"
    XML = "xml"
    XML_1_2 = "xml-1.2"


_XML_VERSIONS: dict[Target, Version] = {Target.XML: "2.0", Target.XML_1_2: "1.2"}


def convert(
    file: Annotated[str, typer.Argument(metavar="FILE", help="An EPCIS document in JSON or XML; - is standard input.")],
    to: Annotated[Target, typer.Option("--to", help="EPCIS 2.0 in JSON or XML, or EPCIS 1.2 in XML.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write; else standard output.")
    ] = None,
    epc_format: Annotated[
        EpcFormat, typer.Option("--epc-format", help="How identifiers are spelt.")
    ] = EpcFormat.NEVER_TRANSLATES,
    cbv_format: Annotated[
        CbvXmlFormat, typer.Option("--cbv-format", help="How CBV terms are spelt in XML.")
    ] = CbvXmlFormat.NO_PREFERENCE,
    prefix: Annotated[
        list[str] | None,
        typer.Option("--prefix", metavar="DIGITS", help="A GS1 Company Prefix, to write its EPC URNs; repeatable."),
    ] = None,
) -> None:
    """Convert an EPCIS document between JSON, XML 2.0 and XML 1.2.

    Takes EPCISDocument, EPCISQueryDocument and EPCISMasterDataDocument of EPCIS 2.0 and 1.x, and in JSON a single
    event. Events stay the same events: same identity, same hash. XML of any size is converted in bounded memory.
    Ends with 1, and writes nothing, when the document has a fault.
    """
    try:
        prefixes = CompanyPrefixes(prefix or ())
    except KeyFormatError as error:
        raise fail(str(error), ExitCode.CANNOT_RUN) from error
    with tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES) as spool:
        read = _spooled(file, spool)
        events = _events(spool, read.document)
        pieces = _pieces(read.document, events, to, epc_format, cbv_format, prefixes)
        _write(pieces, output)


def _spooled(file: str, spool: IO[bytes]) -> ReadFile:
    """The header of the file, its events being in the spool; ends the command where anything is wrong."""
    errors: list[Finding] = []

    def take(event: RawEvent) -> None:
        found = [finding for finding in rules.check_event(event) if finding.severity == "error"]
        errors.extend(found[: _MOST_SHOWN - len(errors)])
        if not errors:
            spool.write(_LENGTH.pack(len(event.text)) + event.text)

    try:
        read = read_file(file, take)
    except UnreadableFileError as error:
        raise fail(str(error), ExitCode.CANNOT_RUN) from error
    except ValidationException as error:
        errors = findings_of(error)
    if errors:
        rows = [(finding.path or "the document", finding.message, finding.clause) for finding in errors]
        print_table(f"{file}: errors", ("where", "what", "clause"), rows, is_error=True)
        raise fail(f"{file} is not converted: it is no valid EPCIS", ExitCode.FOUND_FAULTS)
    return read


def _events(spool: IO[bytes], document: Document) -> Iterator[RawEvent]:
    spool.seek(0)
    index = 0
    while length := spool.read(_LENGTH.size):
        yield RawEvent(index, spool.read(*_LENGTH.unpack(length)), document.context, read_json)
        index += 1


def _pieces(
    document: Document,
    events: Iterable[RawEvent],
    to: Target,
    epc_format: EpcFormat,
    cbv_format: CbvXmlFormat,
    prefixes: CompanyPrefixes,
) -> Iterator[bytes]:
    created = _creation_date(document)
    kind = "EPCISQueryDocument" if document.kind == "EPCISQueryDocument" else "EPCISDocument"
    common: dict[str, Any] = {
        "creation_date": created,
        "kind": kind,
        "header": document.header,
        "context": document.context,
        "epc_format": epc_format,
        "prefix_length": prefixes.length,
    }
    if to is Target.JSON:
        return json_document.document_pieces(events, **common)
    version = _XML_VERSIONS[to]
    if document.kind == "EPCISMasterDataDocument":
        return iter((xml_codec.write_master_data(document.header, creation_date=created, version=version),))
    stated = document.header.get("queryResults", {})
    return xml_codec.document_pieces(
        events,
        version=version,
        cbv_format=cbv_format,
        query_name=stated.get("queryName", "SimpleEventQuery"),
        subscription_id=stated.get("subscriptionID"),
        **common,
    )


def _creation_date(document: Document) -> str:
    """The document's own date; one without a zone, which only XML has, is taken for UTC."""
    if document.creation_date is None:
        return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    stated = document.creation_date.strip()
    try:
        times.parse_time_us(stated)
    except ValidationException:
        return stated + "Z"
    return stated


def _write(pieces: Iterator[bytes], output: Path | None) -> None:
    if output is None:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    try:
        with output.open("wb") as stream:
            stream.writelines(pieces)
    except OSError as error:
        raise fail(f"cannot write {output}: {error.strerror}", ExitCode.CANNOT_RUN) from error

"""Ways of being wrong in XML and in compressed bodies."""

import re
from collections.abc import Callable
from dataclasses import replace

from .changes import Change, header_as, on, status, with_header, without_header
from .proxy import Answered, Asked, Mutation


def is_xml(answered: Answered) -> bool:
    return answered.headers.get("content-type", "").partition(";")[0].endswith("xml")


def text(pattern: str, new: str) -> Change:
    """Every match in an XML answer replaced."""

    def changed(_: Asked, answered: Answered) -> Answered:
        if not is_xml(answered):
            return answered
        return replace(answered, body=re.sub(pattern, new, answered.body.decode(), flags=re.DOTALL).encode())

    return changed


def sent(pattern: str, new: str) -> Callable[[Asked], Asked]:
    """Every match in an XML body replaced on its way to the server."""

    def changed(asked: Asked) -> Asked:
        if "xml" not in (asked.header("Content-Type") or ""):
            return asked
        return replace(asked, body=re.sub(pattern, new, asked.body.decode(), flags=re.DOTALL).encode())

    return changed


def of_xml(change: Change) -> Change:
    return lambda asked, answered: change(asked, answered) if is_xml(answered) else answered


def of_encoding(name: str, change: Change) -> Change:
    return lambda asked, a: change(asked, a) if asked.header("Content-Encoding") == name else a


XML = [
    Mutation("XML: another step is stored", "formats/an-xml*", sent("bizstep:inspecting", "bizstep:shipping")),
    Mutation("XML: half a document is taken", "formats/broken-xml*", answer=on("POST", "/capture", status(400, 202))),
    Mutation("XML: entities are taken", "formats/xml-entities*", answer=on("POST", "/capture", status(400, 200))),
    Mutation("XML: answers of another root", "formats/events*", answer=text("EPCISQueryDocument", "QueryDocument")),
    Mutation(
        "XML: times change places",
        "xml/every-type*",
        answer=text(
            r"(<eventTime>[^<]*</eventTime>)(.*?)(<eventTimeZoneOffset>[^<]*</eventTimeZoneOffset>)", r"\3\2\1"
        ),
    ),
    *(
        Mutation(
            f"XML: {element} of {kind} stands last",
            "xml/every-type*",
            answer=text(rf"(<{element}(?: [^>]*)?>.*?</{element}>)(.*?)(</{kind}>)", r"\2\1\3"),
        )
        for kind, element in (
            ("ObjectEvent", "epcList"),
            ("AggregationEvent", "parentID"),
            ("TransactionEvent", "bizTransactionList"),
            ("TransformationEvent", "inputEPCList"),
            ("AssociationEvent", "parentID"),
        )
    ),
    *(
        Mutation(f"XML: without {name}", "xml/every-type*", answer=text(rf"<{name}>[^<]*</{name}>", ""))
        for name in ("recordTime", "eventID")
    ),
    Mutation("XML: events are qualified", "xml/every-type*", answer=text(r"(</?)(\w+Event>)", r"\1x:\2")),
    Mutation(
        "XML: events of a namespace",
        "xml/every-type*",
        answer=text(r"<(\w+Event)>", r'<\1 xmlns="urn:epcglobal:epcis:xsd:2">'),
    ),
    Mutation("XML: without queryName", "xml/query-results*", answer=text(r"<queryName>[^<]*</queryName>", "")),
    Mutation("XML: without schemaVersion", "xml/query-results*", answer=text(r' schemaVersion="[^"]*"', "")),
    Mutation("XML: without creationDate", "xml/query-results*", answer=text(r' creationDate="[^"]*"', "")),
    Mutation("XML: without Link", "xml/xml-answers*", answer=of_xml(without_header("Link"))),
    Mutation(
        "XML: Always_URN gives web URIs", "xml/cbv*", header_as("GS1-CBV-XML-Format", "Always_URN", "Always_Web_URI")
    ),
    Mutation(
        "XML: Always_Web_URI gives URNs", "xml/cbv*", header_as("GS1-CBV-XML-Format", "Always_Web_URI", "Always_URN")
    ),
    Mutation("XML: takes any CBV format", "xml/an-unknown-cbv*", header_as("GS1-CBV-XML-Format", "Latin", None)),
    Mutation("XML: Always_EPC_URN is ignored", "xml/identifiers*", header_as("GS1-EPC-Format", "Always_EPC_URN", None)),
    Mutation("XML: an extension is lost", "xml/extensions-and-ilmd-go-from-json*", answer=text(r"night", "")),
    Mutation("XML: ILMD is lost", "xml/extensions-and-ilmd-go-from-json*", answer=text(r"<ilmd>.*?</ilmd>", "")),
    Mutation("XML: a captured extension is lost", "xml/*from-xml-to-json", sent(r"<ext:shift>.*?</ext:shift>", "")),
    Mutation("XML: captured ILMD is lost", "xml/*from-xml-to-json", sent(r"<ilmd>.*?</ilmd>", "")),
    Mutation("XML: types of lists are lost", "xml/lists*", sent(r' type="urn:epcglobal:cbv:btt:po"', "")),
    Mutation("XML: units are lost", "xml/lists*", sent(r"<uom>KGM</uom>", "")),
    Mutation("XML: dispositions are lost", "xml/lists*", sent(r"<disposition>[^<]*</disposition>", "")),
    Mutation(
        "XML: text/xml is refused",
        "xml/text-xml*",
        answer=lambda asked, a: replace(a, status=400) if asked.header("Content-Type") == "text/xml" else a,
    ),
    Mutation("XML: any root is taken", "xml/another-root*", answer=on("POST", "/capture", status(400, 202))),
    Mutation("XML 1.2: wrappers are lost", "xml/a-document-of*", sent(r"<extension><quantityList>.*?</extension>", "")),
    Mutation("XML 1.2: is answered as 2.0", "xml/events-are-answered*", header_as("GS1-EPCIS-Max", "1.2", None)),
    Mutation("XML 1.2: without its wrapper", "xml/events-are-answered*", answer=text(r"</?extension>", "")),
    Mutation("XML 1.2: says 2.0", "xml/events-are-answered*", answer=of_xml(with_header("GS1-EPCIS-Version", "2.0.0"))),
    *(
        Mutation(f"XML: jobs without {name}", "xml/a-job*", answer=text(rf' {name}="[^"]*"', ""))
        for name in ("running", "success", "captureID")
    ),
    Mutation("XML: jobs of another root", "xml/a-job*", answer=text(r"EPCISCaptureJob", "CaptureJob")),
    Mutation(
        "XML: jobs out of order",
        "xml/a-job*",
        answer=text(r"(<captureErrorBehaviour>.*?</captureErrorBehaviour>)(<createdAt>.*?</createdAt>)", r"\2\1"),
    ),
    *(
        change
        for case in ("xml/a-wrong-parameter*", "xml/an-unknown-event*")
        for change in (
            Mutation(f"{case}: plain XML", case, answer=of_xml(with_header("Content-Type", "application/xml"))),
            Mutation(f"{case}: another root", case, answer=text(r"EPCISException>", "Problem>")),
            Mutation(f"{case}: no title", case, answer=text(r"<title>.*?</title>", "")),
            Mutation(f"{case}: another type", case, answer=text(r"<type>.*?</type>", "<type>about:blank</type>")),
            Mutation(f"{case}: as JSON", case, header_as("Accept", "application/xml, application/problem+xml", None)),
        )
    ),
    Mutation("XML: children are lost", "xml/master-data*", sent(r"<children>.*?</children>", "")),
    Mutation(
        "gzip: cannot inflate",
        "encodings/a-gzipped*",
        answer=of_encoding("gzip", lambda _, a: replace(a, status=400)),
    ),
    Mutation(
        "gzip: takes half a stream",
        "encodings/a-broken*",
        answer=of_encoding("gzip", lambda _, a: replace(a, status=202)),
    ),
    Mutation("takes any encoding", "encodings/an-unknown*", header_as("Content-Encoding", "rot13", None)),
    Mutation(
        "gzip: answers are cut off",
        "encodings/an-answer*",
        answer=lambda _, a: replace(a, body=a.body[:-30]) if "content-encoding" in a.headers else a,
    ),
    Mutation(
        "gzip: answers lack an event",
        "encodings/an-answer*",
        header_as("Accept-Encoding", "gzip", None),
        lambda asked, a: (
            replace(a, headers=a.headers | {"content-encoding": "gzip"}) if asked.header("Accept-Encoding") else a
        ),
    ),
]

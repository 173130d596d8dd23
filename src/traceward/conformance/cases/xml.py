"""The XML binding: documents of both versions captured, events, jobs and problems answered.

The order of elements is written out here as the schema has it; nothing of the server's own tables is looked at.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from xml.sax.saxutils import escape

from traceward.conformance.case import Group
from traceward.conformance.cases.capture import EVERY_TYPE, fresh
from traceward.conformance.cases.formats import QUERY_NAMESPACE, XML, parsed_xml
from traceward.conformance.client import Answer
from traceward.conformance.data import NAMESPACE, Event, new_event_id, time_text
from traceward.conformance.model import Level, NotSupported, Unmet
from traceward.conformance.run import Run, expect_header, expect_status, segment

GROUP: Final = Group("xml", "XML binding")
EPCIS: Final = "{urn:epcglobal:epcis:xsd:2}"
ACCEPT_XML: Final = {"Accept": "application/xml, application/problem+xml"}

_START: Final = "eventTime recordTime eventTimeZoneOffset eventID errorDeclaration certificationInfo "
_END: Final = "sourceList destinationList sensorElementList persistentDisposition "
#: Type -> its elements in the order of the schema. XSD EPCglobal-epcis-2_0, sequences of each event type.
ORDER: Final[Mapping[str, str]] = {
    "ObjectEvent": _START + "epcList action bizStep disposition readPoint bizLocation bizTransactionList quantityList "
    f"{_END} ilmd",
    "AggregationEvent": _START + "parentID childEPCs action bizStep disposition readPoint bizLocation "
    f"bizTransactionList childQuantityList {_END}",
    "TransactionEvent": _START + "bizTransactionList parentID epcList action bizStep disposition readPoint bizLocation "
    f"quantityList {_END}",
    "TransformationEvent": _START + "inputEPCList inputQuantityList outputEPCList outputQuantityList transformationID "
    f"bizStep disposition readPoint bizLocation bizTransactionList {_END} ilmd",
    "AssociationEvent": _START + "parentID childEPCs childQuantityList action bizStep disposition readPoint "
    f"bizLocation bizTransactionList {_END}",
}
_JOB_ORDER: Final = ("captureErrorBehaviour", "createdAt", "finishedAt", "errors", "errorFile")
_PROBLEM_ORDER: Final = ("type", "title", "status", "detail", "instance")


def expect_xml(answer: Answer, *statuses: int) -> ET.Element:
    """The root of an answer in XML; raises NotSupported where the server offers none (406), or takes none (415)."""
    if answer.status in {406, 415} and answer.status not in statuses:
        raise NotSupported(f"XML is answered with {answer.status}")
    expect_status(answer, *statuses)
    if not answer.media_type.endswith("xml"):
        raise Unmet("an XML media type", answer.media_type or "none")
    return parsed_xml(answer)


def expect_order(names: Sequence[str], order: Sequence[str], where: str) -> None:
    """Nothing when the known ones among the names stand in that order, and no known one behind a foreign one."""
    known = [name for name in names if name in order]
    if known != sorted(known, key=order.index) or names[: len(known)] != known:
        raise Unmet(f"the order {' '.join(name for name in order if name in known)} in {where}", " ".join(names))


def _xml_events(run: Run, event_id: str, **headers: str) -> list[ET.Element]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = run.request("GET", f"/events/{segment(event_id)}", headers=ACCEPT_XML | named)
    root = expect_xml(answer, 200)
    found = root.find(".//EventList")
    if found is None:
        raise Unmet("an EventList in no namespace", answer.text(300))
    return list(found)


def _event_xml(run: Run, event_id: str, inside: str = "", **parts: str) -> str:
    time = time_text(datetime.now(UTC) - timedelta(minutes=1))
    start = parts.get("start", f"<eventID>{escape(event_id)}</eventID>")
    return (
        f"<ObjectEvent><eventTime>{time}</eventTime><eventTimeZoneOffset>+00:00</eventTimeZoneOffset>{start}"
        f"<epcList><epc>{run.data.names['s1_urn']}</epc></epcList><action>{parts.get('action', 'OBSERVE')}</action>"
        f"<bizStep>urn:epcglobal:cbv:bizstep:inspecting</bizStep>{inside}</ObjectEvent>"
    )


def _document_xml(events: str, version: str = "2", header: str = "") -> bytes:
    time = time_text(datetime.now(UTC))
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:{version}" '
        f'xmlns:ext="{NAMESPACE}" schemaVersion="{"2.0" if version == "2" else "1.2"}" creationDate="{time}">{header}'
        f"<EPCISBody><EventList>{events}</EventList></EPCISBody></epcis:EPCISDocument>"
    ).encode()


def _capture(run: Run, body: bytes, event_id: str, media_type: str = "application/xml") -> Event:
    answer = run.request("POST", "/capture", headers={"Content-Type": media_type}, body=body)
    if answer.status in {406, 415}:
        raise NotSupported(f"{media_type} is not captured ({answer.status})")
    job = run.finished_job(answer)
    if job.get("success") is not True:
        raise Unmet("a job with success", str(job)[:400])
    found = run.event(event_id)
    if len(found) != 1:
        raise Unmet("the captured event once", f"{len(found)} events")
    return found[0]


def _expect_fields(event: Event, expected: Mapping[str, object]) -> None:
    for name, value in expected.items():
        if event.get(name) != value:
            raise Unmet(f"{name} {value}", str(event.get(name)))


@GROUP.case(Level.RECOMMENDED, "XSD 2.0, sequences of the event types")
def every_type_is_answered_in_the_order_of_the_schema(run: Run) -> None:
    """Each of the five types has its elements in the schema's order, unqualified, inside EventList."""
    part = run.part("core")
    for label in EVERY_TYPE:
        event = part.events[label]
        (element,) = _xml_events(run, event["eventID"])
        if element.tag != event["type"]:
            raise Unmet(f"the element {event['type']} in no namespace", element.tag)
        names = [child.tag for child in element]
        for name in ("eventTime", "recordTime", "eventTimeZoneOffset", "eventID"):
            if name not in names:
                raise Unmet(f"{name} in {event['type']}", " ".join(names))
        expect_order(names, ORDER[event["type"]].split(), event["type"])


@GROUP.case(Level.RECOMMENDED, "XSD 2.0, EPCISQueryDocument and QueryResults")
def query_results_have_their_name(run: Run) -> None:
    """The answer holds a qualified QueryResults with an unqualified queryName and resultsBody."""
    part = run.part("core")
    answer = run.request("GET", "/events", dict(part.window) | {"perPage": "1"}, headers=ACCEPT_XML)
    root = expect_xml(answer, 200)
    results = root.find(f"EPCISBody/{QUERY_NAMESPACE}QueryResults")
    if results is None or [child.tag for child in results] != ["queryName", "resultsBody"]:
        raise Unmet("EPCISBody/epcisq:QueryResults/(queryName, resultsBody)", answer.text(400))
    for name in ("schemaVersion", "creationDate"):
        if not root.get(name):
            raise Unmet(f"the attribute {name}", "none")


@GROUP.case(Level.RECOMMENDED, "REST application/xml; Link")
def xml_answers_are_paged(run: Run) -> None:
    """An answer in XML that is longer than perPage names its next page in Link."""
    part = run.part("core")
    answer = run.request("GET", "/events", dict(part.window) | {"perPage": "2"}, headers=ACCEPT_XML)
    root = expect_xml(answer, 200)
    if len(root.findall(".//EventList/*")) > 2:
        raise Unmet("at most two events", str(len(root.findall(".//EventList/*"))))
    expect_header(answer, "Link")


def _cbv_case(value: str, expected: str) -> None:
    def judge(run: Run) -> None:
        event = fresh(run)
        run.captured([event])
        (element,) = _xml_events(run, event["eventID"], GS1_CBV_XML_Format=value)
        found = element.findtext("bizStep")
        if found != expected:
            raise Unmet(expected, str(found))

    name = "cbv-terms-as-" + value.rpartition("_")[2].lower()
    GROUP.add(
        name, f"GS1-CBV-XML-Format {value} gives {expected}.", "REST GS1-CBV-XML-Format", Level.RECOMMENDED, judge
    )


_cbv_case("Always_URN", "urn:epcglobal:cbv:bizstep:inspecting")
_cbv_case("Always_Web_URI", "https://ref.gs1.org/cbv/BizStep-inspecting")


@GROUP.case(Level.RECOMMENDED, "REST GS1-CBV-XML-Format")
def an_unknown_cbv_format_is_refused(run: Run) -> None:
    """GS1-CBV-XML-Format: Latin is answered with 400 or 406."""
    answer = run.get("/events", {"perPage": "1"}, GS1_CBV_XML_Format="Latin", Accept="application/xml")
    if answer.status not in {400, 406}:
        raise Unmet("status 400 or 406", str(answer.status))


@GROUP.case(Level.RECOMMENDED, "REST GS1-EPC-Format, application/xml")
def identifiers_keep_to_the_format_asked_for(run: Run) -> None:
    """Always_EPC_URN and Always_GS1_Digital_Link hold in XML too, for an event captured with URNs."""
    event = fresh(run, epcList=[run.data.names["s1_urn"]])
    run.captured([event])
    for value, wanted in (("Always_EPC_URN", "s1_urn"), ("Always_GS1_Digital_Link", "s1")):
        (element,) = _xml_events(run, event["eventID"], GS1_EPC_Format=value)
        found = [one.text for one in element.findall("epcList/epc")]
        if found != [run.data.names[wanted]]:
            raise Unmet(f"{run.data.names[wanted]} with {value}", str(found))


@GROUP.case(Level.RECOMMENDED, "XSD 2.0, extension elements; JSON binding, extension keys")
def extensions_and_ilmd_go_from_json_to_xml(run: Run) -> None:
    """An extension field and ILMD captured in JSON are elements of their namespaces in XML."""
    event = fresh(run, action="ADD", ilmd={"ext:grade": "fine"}) | {"ext:shift": "night"}
    run.captured([event])
    (element,) = _xml_events(run, event["eventID"])
    found = (element.findtext(f"{{{NAMESPACE}}}shift"), element.findtext(f"ilmd/{{{NAMESPACE}}}grade"))
    if found != ("night", "fine"):
        raise Unmet("ext:shift night, and ilmd/ext:grade fine", str(found))


@GROUP.case(Level.RECOMMENDED, "XSD 2.0, extension elements; JSON binding, extension keys")
def extensions_and_ilmd_go_from_xml_to_json(run: Run) -> None:
    """An extension element and ILMD captured in XML are members with their prefixes, or whole URIs, in JSON."""
    event_id = new_event_id()
    inside = "<ilmd><ext:grade>fine</ext:grade></ilmd><ext:shift>night</ext:shift>"
    event = _capture(run, _document_xml(_event_xml(run, event_id, inside, action="ADD")), event_id)
    flat = {name.rsplit(":", 1)[-1].rsplit("/", 1)[-1]: value for name, value in event.items()}
    ilmd = {name.rsplit(":", 1)[-1].rsplit("/", 1)[-1]: value for name, value in dict(event.get("ilmd", {})).items()}
    if (flat.get("shift"), ilmd.get("grade")) != ("night", "fine"):
        raise Unmet("shift night, and grade fine in ilmd", str(event)[:400])


@GROUP.case(Level.RECOMMENDED, "XSD 2.0, ObjectEvent; JSON binding")
def lists_and_types_come_from_xml_to_json(run: Run) -> None:
    """Quantities are numbers, typed lists keep their types, and CBV terms are bare words in JSON."""
    event_id, names = new_event_id(), run.data.names
    inside = (
        "<disposition>urn:epcglobal:cbv:disp:active</disposition>"
        f"<readPoint><id>{names['rp1']}</id></readPoint>"
        '<bizTransactionList><bizTransaction type="urn:epcglobal:cbv:btt:po">urn:epcglobal:cbv:bt:9521987000009:7'
        "</bizTransaction></bizTransactionList>"
        f"<quantityList><quantityElement><epcClass>{names['lotA_urn']}</epcClass><quantity>2.50</quantity>"
        "<uom>KGM</uom></quantityElement></quantityList>"
    )
    event = _capture(run, _document_xml(_event_xml(run, event_id, inside)), event_id)
    _expect_fields(
        event,
        {
            "type": "ObjectEvent",
            "bizStep": "inspecting",
            "disposition": "active",
            "bizTransactionList": [{"type": "po", "bizTransaction": "urn:epcglobal:cbv:bt:9521987000009:7"}],
            "quantityList": [{"epcClass": names["lotA"], "quantity": 2.5, "uom": "KGM"}],
        },
    )


@GROUP.case(Level.OPTIONAL, "XML media types")
def text_xml_is_xml_too(run: Run) -> None:
    """A document of Content-Type text/xml is captured."""
    event_id = new_event_id()
    _capture(run, _document_xml(_event_xml(run, event_id)), event_id, "text/xml")


@GROUP.case(Level.RECOMMENDED, "XSD 2.0, EPCISDocument")
def another_root_is_refused(run: Run) -> None:
    """XML whose root is no EPCIS document is answered with 400."""
    answer = run.request("POST", "/capture", headers=XML, body=b"<?xml version='1.0'?><html><body/></html>")
    if answer.status == 415:
        raise NotSupported("application/xml is not captured (415)")
    expect_status(answer, 400)


@GROUP.case(Level.OPTIONAL, "XSD 1.2: extension and baseExtension wrappers")
def a_document_of_epcis_1_2_is_captured(run: Run) -> None:
    """An EPCIS 1.2 document is captured, with what it keeps inside its wrappers."""
    event_id, names = new_event_id(), run.data.names
    start = f"<baseExtension><eventID>{escape(event_id)}</eventID></baseExtension>"
    inside = (
        f"<extension><quantityList><quantityElement><epcClass>{names['lotA_urn']}</epcClass><quantity>3</quantity>"
        "</quantityElement></quantityList></extension>"
    )
    answer = run.request(
        "POST", "/capture", headers=XML, body=_document_xml(_event_xml(run, event_id, inside, start=start), "1")
    )
    if answer.status in {400, 406, 415}:
        raise NotSupported(f"a document of EPCIS 1.2 is answered with {answer.status}")
    if run.finished_job(answer).get("success") is not True:
        raise Unmet("a job with success", "one that failed")
    found = run.event(event_id)
    if len(found) != 1 or found[0].get("quantityList") != [{"epcClass": names["lotA"], "quantity": 3}]:
        raise Unmet("the event with the quantity of its wrapper", str(found)[:400])


@GROUP.case(Level.OPTIONAL, "REST GS1-EPCIS-Max; XSD 1.2")
def events_are_answered_as_epcis_1_2(run: Run) -> None:
    """With GS1-EPCIS-Max 1.2 the answer in XML is of the namespace of EPCIS 1.2, quantities in their wrapper."""
    event = fresh(run, quantityList=[{"epcClass": run.data.names["lotA"], "quantity": 3}])
    run.captured([event])
    headers = ACCEPT_XML | {"GS1-EPCIS-Max": "1.2"}
    answer = run.request("GET", f"/events/{segment(event['eventID'])}", headers=headers)
    root = expect_xml(answer, 200)
    if root.tag != "{urn:epcglobal:epcis-query:xsd:1}EPCISQueryDocument":
        raise Unmet("the root EPCISQueryDocument of urn:epcglobal:epcis-query:xsd:1", root.tag)
    quantity = root.findtext(".//ObjectEvent/extension/quantityList/quantityElement/quantity")
    if quantity is None or float(quantity) != 3:
        raise Unmet("ObjectEvent/extension/quantityList", answer.text(400))
    if not expect_header(answer, "GS1-EPCIS-Version").startswith("1.2"):
        raise Unmet("GS1-EPCIS-Version 1.2", expect_header(answer, "GS1-EPCIS-Version"))


@GROUP.case(Level.RECOMMENDED, "XSD 2.0, EPCISCaptureJob")
def a_job_is_told_in_xml(run: Run) -> None:
    """A capture job in XML has running, success and captureID as attributes, and its elements in order."""
    accepted = run.submit([fresh(run)])
    job = run.finished_job(accepted)
    answer = run.request("GET", expect_header(accepted, "Location"), headers=ACCEPT_XML)
    root = expect_xml(answer, 200)
    if root.tag != f"{EPCIS}EPCISCaptureJob":
        raise Unmet(f"the root {EPCIS}EPCISCaptureJob", root.tag)
    told = (root.get("running"), root.get("success"), root.get("captureID"))
    if told != ("false", "true", str(job.get("captureID"))):
        raise Unmet(f"running false, success true, captureID {job.get('captureID')}", str(told))
    names = [child.tag for child in root]
    expect_order(names, _JOB_ORDER, "EPCISCaptureJob")
    if names[:1] != ["captureErrorBehaviour"]:
        raise Unmet("captureErrorBehaviour first", " ".join(names) or "no elements")


def expect_xml_problem(answer: Answer, status: int, name: str) -> None:
    """Nothing when the answer is an EPCISException in XML of that status and type. RFC 7807; XSD 2.0."""
    root = expect_xml(answer, status)
    if answer.media_type != "application/problem+xml":
        raise Unmet("Content-Type application/problem+xml", answer.media_type)
    names = [child.tag for child in root]
    if root.tag != f"{EPCIS}EPCISException" or names[:2] != ["type", "title"]:
        raise Unmet(f"{EPCIS}EPCISException with type and title", f"{root.tag} with {' '.join(names)}")
    expect_order(names, _PROBLEM_ORDER, "EPCISException")
    if (root.findtext("type") or "").rsplit(":", 1)[-1] != name:
        raise Unmet(f"the type epcisException:{name}", str(root.findtext("type")))


@GROUP.case(Level.RECOMMENDED, "REST 400, application/problem+xml; XSD EPCISException")
def a_wrong_parameter_is_told_in_xml(run: Run) -> None:
    """A query parameter that does not exist is told as EPCISException where only XML is accepted."""
    answer = run.request("GET", "/events", {"EQ_nothing": "x"}, headers=ACCEPT_XML)
    expect_xml_problem(answer, 400, "QueryParameterException")


@GROUP.case(Level.RECOMMENDED, "REST 404, application/problem+xml; XSD EPCISException")
def an_unknown_event_is_told_in_xml(run: Run) -> None:
    """An event that is not there is told as EPCISException where only XML is accepted."""
    answer = run.request("GET", f"/events/{segment(new_event_id())}", headers=ACCEPT_XML)
    expect_xml_problem(answer, 404, "NoSuchNameException")


@GROUP.case(Level.OPTIONAL, "XSD 2.0, EPCISHeader/extension/EPCISMasterData")
def master_data_is_captured_from_an_xml_header(run: Run) -> None:
    """Children that an XML header declares are found by WD_bizLocation of their parent."""
    event_id, token = new_event_id(), run.data.token
    parent, child = (f"https://ns.example.org/place/{token}/{name}" for name in ("hall", "shelf"))
    header = (
        "<EPCISHeader><extension><EPCISMasterData><VocabularyList>"
        '<Vocabulary type="urn:epcglobal:epcis:vtype:BusinessLocation"><VocabularyElementList>'
        f'<VocabularyElement id="{parent}"><attribute id="{NAMESPACE}site">7</attribute><children><id>{child}</id>'
        f'</children></VocabularyElement><VocabularyElement id="{child}"/></VocabularyElementList></Vocabulary>'
        "</VocabularyList></EPCISMasterData></extension></EPCISHeader>"
    )
    inside = f"<bizLocation><id>{child}</id></bizLocation>"
    _capture(run, _document_xml(_event_xml(run, event_id, inside), header=header), event_id)
    answer = run.get("/events", {"WD_bizLocation": parent})
    if answer.status in {400, 501}:
        raise NotSupported(f"WD_bizLocation is answered with {answer.status}")
    found = [event.get("eventID") for event in run.find({"WD_bizLocation": parent})]
    if found != [event_id]:
        raise Unmet(f"the event {event_id}", str(found)[:200])

"""Identifier formats (GS1-EPC-Format), the event hash, and XML."""

import hashlib
import xml.etree.ElementTree as ET
from typing import Final
from xml.sax.saxutils import escape

from traceward.conformance.case import Group
from traceward.conformance.cases.capture import fresh
from traceward.conformance.client import Answer
from traceward.conformance.data import CONTEXT, Event, new_event_id, time_text
from traceward.conformance.model import Level, NotSupported, Unmet
from traceward.conformance.run import (
    Run,
    event_list,
    expect_header,
    expect_problem,
    expect_status,
    segment,
)

GROUP: Final = Group("formats", "Identifier formats, event hash, XML")
XML: Final = {"Content-Type": "application/xml"}
QUERY_NAMESPACE: Final = "{urn:epcglobal:epcis-query:xsd:2}"


def _read_as(run: Run, event: Event, epc_format: str | None) -> list[str]:
    headers = {} if epc_format is None else {"GS1-EPC-Format": epc_format}
    answer = run.request("GET", f"/events/{segment(event['eventID'])}", headers=headers)
    if answer.status == 406:
        raise NotSupported(f"GS1-EPC-Format {epc_format} is answered with 406")
    found = event_list(answer)
    if len(found) != 1:
        raise Unmet("one event", str(len(found)))
    return sorted(map(str, found[0].get("epcList", [])))


def _expect_format(run: Run, epc_format: str | None, captured: str, expected: str) -> None:
    event = fresh(run, epcList=[run.data.names[captured]])
    run.captured([event])
    wanted = [run.data.names[expected]]
    found = _read_as(run, event, epc_format)
    if found != wanted:
        raise Unmet(f"epcList {wanted}", str(found))


@GROUP.case(Level.MANDATORY, "REST GS1-EPC-Format, default")
def the_default_format_is_digital_link(run: Run) -> None:
    """Without GS1-EPC-Format an event captured with URNs comes back with GS1 Digital Links."""
    _expect_format(run, None, "s1_urn", "s1")


@GROUP.case(Level.MANDATORY, "REST GS1-EPC-Format: Always_GS1_Digital_Link")
def always_digital_link(run: Run) -> None:
    """Always_GS1_Digital_Link gives GS1 Digital Links for URNs."""
    _expect_format(run, "Always_GS1_Digital_Link", "s1_urn", "s1")


@GROUP.case(Level.MANDATORY, "REST GS1-EPC-Format: Never_Translates")
def never_translates(run: Run) -> None:
    """Never_Translates gives identifiers as they were captured."""
    _expect_format(run, "Never_Translates", "s1_urn", "s1_urn")
    _expect_format(run, "Never_Translates", "s1", "s1")


@GROUP.case(Level.MANDATORY, "REST GS1-EPC-Format: Always_EPC_URN")
def always_urn(run: Run) -> None:
    """Always_EPC_URN gives URNs for an event that was captured with URNs."""
    _expect_format(run, "Always_EPC_URN", "s1_urn", "s1_urn")


@GROUP.case(Level.RECOMMENDED, "REST GS1-EPC-Format")
def an_unknown_format_is_refused(run: Run) -> None:
    """GS1-EPC-Format: Roman is answered with 400 or 406."""
    answer = run.get("/events", {"perPage": "1"}, GS1_EPC_Format="Roman")
    if answer.status not in {400, 406}:
        raise Unmet("status 400 or 406", str(answer.status))
    expect_problem(answer, answer.status)


# --- event hash: the pre-hash text is written out here, as CBV 2.0 spells it for these events --------------------


def hash_id(prehash: str) -> str:
    """The event id of a pre-hash text. CBV 2.0, event hash.

    >>> hash_id("x")[:20]
    'ni:///sha-256;2d7116'
    """
    return f"ni:///sha-256;{hashlib.sha256(prehash.encode()).hexdigest()}?ver=CBV2.0"


def _expect_hash(run: Run, event: Event, prehash: str) -> None:
    del event["eventID"]
    answer = run.post("/events", {"@context": CONTEXT} | event)
    expect_status(answer, 201)
    found = event_list(run.request("GET", expect_header(answer, "Location")))
    event_id = str(found[0].get("eventID")) if found else "no event"
    if not event_id.startswith("ni:"):
        raise NotSupported(f"the server gives other ids than the event hash: {event_id}")
    if event_id != hash_id(prehash):
        raise Unmet(f"{hash_id(prehash)} for the pre-hash text {prehash}", event_id)


@GROUP.case(Level.OPTIONAL, "CBV 2.0, event hash")
def the_hash_of_a_plain_event(run: Run) -> None:
    """An ObjectEvent without eventID gets the hash of its canonical text as id."""
    event = fresh(run, readPoint={"id": run.data.names["rp1"]})
    _expect_hash(
        run,
        event,
        f"eventType=ObjectEventeventTime={event['eventTime']}eventTimeZoneOffset=+00:00"
        f"epcListepc={run.data.names['s1']}action=OBSERVE"
        f"bizStep=https://ref.gs1.org/cbv/BizStep-inspectingreadPointid={run.data.names['rp1']}",
    )


@GROUP.case(Level.OPTIONAL, "CBV 2.0, event hash: normal forms")
def the_hash_is_of_normal_forms(run: Run) -> None:
    """URNs count as Digital Links, times as UTC with three decimals, numbers without trailing zeros, lists sorted."""
    names = run.data.names
    event = fresh(
        run,
        action="ADD",
        epcList=[names["s2_urn"], names["s1_urn"]],
        quantityList=[{"epcClass": names["lotA_urn"], "quantity": 20.50, "uom": "KGM"}],
        disposition="active",
        ilmd={"ext:grade": "fine", "cbvmda:lotNumber": "L7"},
    )
    text = event["eventTime"]
    event |= {"eventTime": text.replace("Z", "+00:00"), "eventTimeZoneOffset": "+02:00"}
    _expect_hash(
        run,
        event,
        f"eventType=ObjectEventeventTime={text}eventTimeZoneOffset=+02:00"
        f"epcListepc={names['s1']}epc={names['s2']}"
        f"quantityListquantityElementepcClass={names['lotA']}quantity=20.5uom=KGM"
        "action=ADDbizStep=https://ref.gs1.org/cbv/BizStep-inspectingdisposition=https://ref.gs1.org/cbv/Disp-active"
        "ilmd{https://ns.example.org/conformance/}grade=fine{urn:epcglobal:cbv:mda:}lotNumber=L7",
    )


@GROUP.case(Level.OPTIONAL, "CBV 2.0, event hash: what is left out")
def the_hash_leaves_out_record_time(run: Run) -> None:
    """A recordTime does not count into the hash."""
    event = fresh(run, recordTime="2001-01-01T00:00:00Z")
    _expect_hash(
        run,
        event,
        f"eventType=ObjectEventeventTime={event['eventTime']}eventTimeZoneOffset=+00:00"
        f"epcListepc={run.data.names['s1']}action=OBSERVEbizStep=https://ref.gs1.org/cbv/BizStep-inspecting",
    )


# --- XML ----------------------------------------------------------------------------------------------------------


def _xml_document(run: Run, event_id: str, version: str = "2.0") -> bytes:
    # A leap year: the start is drawn, and may be 29 February.
    time = time_text(run.data.parts["core"].start.replace(year=2020))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:2" schemaVersion="{version}" creationDate="{time}">'
        f"<EPCISBody><EventList><ObjectEvent><eventTime>{time}</eventTime>"
        f"<eventTimeZoneOffset>+00:00</eventTimeZoneOffset><eventID>{escape(event_id)}</eventID>"
        f"<epcList><epc>{run.data.names['s1_urn']}</epc></epcList><action>OBSERVE</action>"
        "<bizStep>urn:epcglobal:cbv:bizstep:inspecting</bizStep></ObjectEvent></EventList></EPCISBody>"
        "</epcis:EPCISDocument>"
    ).encode()


def parsed_xml(answer: Answer) -> ET.Element:
    """The root of an XML answer; a document with a DOCTYPE is not read."""
    if b"<!DOCTYPE" in answer.body or b"<!ENTITY" in answer.body:
        raise Unmet("XML without DOCTYPE", answer.text(200))
    try:
        return ET.fromstring(answer.body)  # noqa: S314 - without DOCTYPE there are no entities to expand
    except ET.ParseError as error:
        raise Unmet("well-formed XML", f"{error}: {answer.text(200)}") from error


@GROUP.case(Level.RECOMMENDED, "REST application/xml; XSD EPCISQueryDocument")
def events_can_be_asked_for_as_xml(run: Run) -> None:
    """Accept: application/xml gives an EPCISQueryDocument in XML with the events of the query."""
    part = run.part("core")
    answer = run.get("/events", part.window | {"EQ_bizStep": "shipping"}, Accept="application/xml")
    if answer.status == 406:
        raise NotSupported("application/xml is not offered (406)")
    expect_status(answer, 200)
    root = parsed_xml(answer)
    if root.tag != f"{QUERY_NAMESPACE}EPCISQueryDocument":
        raise Unmet(f"the root {QUERY_NAMESPACE}EPCISQueryDocument", root.tag)
    found = [one.text for one in root.findall(".//ObjectEvent/eventID")]
    if found != [part.events["ship"]["eventID"]]:
        raise Unmet(f"the event {part.events['ship']['eventID']}", str(found))


@GROUP.case(Level.RECOMMENDED, "REST /capture, application/xml")
def an_xml_document_can_be_captured(run: Run) -> None:
    """An EPCISDocument in XML is captured, and its event comes back in JSON."""
    event_id = new_event_id()
    answer = run.request("POST", "/capture", headers=XML, body=_xml_document(run, event_id))
    if answer.status == 415:
        raise NotSupported("application/xml is not captured (415)")
    if run.finished_job(answer).get("success") is not True:
        raise Unmet("a job with success", "one that failed")
    found = run.event(event_id)
    if len(found) != 1 or found[0].get("bizStep") != "inspecting":
        raise Unmet("the event with bizStep inspecting", str(found)[:300])


@GROUP.case(Level.RECOMMENDED, "REST 400, application/problem+xml")
def broken_xml_is_refused(run: Run) -> None:
    """XML that is not well-formed is answered with 400 and a problem body."""
    answer = run.request("POST", "/capture", headers=XML, body=_xml_document(run, new_event_id())[:-20])
    if answer.status == 415:
        raise NotSupported("application/xml is not captured (415)")
    expect_problem(answer, 400, "ValidationException")


@GROUP.case(Level.RECOMMENDED, "REST 400; entities")
def xml_entities_are_not_expanded(run: Run) -> None:
    """A document with a DOCTYPE and entities is refused, not expanded."""
    body = _xml_document(run, "&bomb;").decode()
    dtd = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY bomb "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    attack = body.replace("?>", "?>" + dtd, 1).replace("&amp;bomb;", "&bomb;")
    answer = run.request("POST", "/capture", headers=XML, body=attack.encode())
    if answer.status == 415:
        raise NotSupported("application/xml is not captured (415)")
    if answer.status == 202:
        if run.finished_job(answer)["success"] is not False:
            raise Unmet("a document with a DOCTYPE refused", "a job with success")
    else:
        expect_problem(answer, 400, "ValidationException")

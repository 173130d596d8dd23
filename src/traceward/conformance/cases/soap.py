"""The query control interface over SOAP: an optional binding, asked for at `/soap` below the base or where --soap says.

SOAP 1.1 envelopes, document/literal; nothing of a WSDL is read.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Final
from xml.sax.saxutils import escape

from traceward.conformance.case import Group
from traceward.conformance.cases.capture import fresh
from traceward.conformance.cases.formats import parsed_xml
from traceward.conformance.data import PLACES
from traceward.conformance.model import Level, NotSupported, Unmet
from traceward.conformance.run import Run

GROUP: Final = Group("soap", "Query control over SOAP")
_SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_QUERY: Final = "urn:epcglobal:epcis-query:xsd:2"
_HEADERS: Final = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""', "Accept": "text/xml"}
#: Status of an answer that says that there is no such binding here.
_ABSENT: Final = frozenset({404, 405, 406, 415, 501})


def call(run: Run, content: str) -> ET.Element:
    """What stands in the body of the answer to one call: the result, or the Fault."""
    envelope = (
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{_SOAP}" xmlns:q="{_QUERY}" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        f"<s:Body>{content}</s:Body></s:Envelope>"
    )
    answer = run.request("POST", run.soap, headers=_HEADERS, body=envelope.encode())
    if answer.status in _ABSENT:
        raise NotSupported(f"{run.soap} is answered with {answer.status}")
    if answer.status not in {200, 500}:
        raise Unmet("status 200, or 500 with a Fault", f"{answer.status}: {answer.text(300)}")
    body = parsed_xml(answer).find(f"{{{_SOAP}}}Body")
    if body is None or len(body) != 1:
        raise Unmet("an Envelope whose Body holds one element", answer.text(300))
    if (body[0].tag == f"{{{_SOAP}}}Fault") != (answer.status == 500):
        raise Unmet("a Fault with status 500, a result with 200", f"{body[0].tag} with {answer.status}")
    return body[0]


def result(run: Run, content: str, name: str) -> ET.Element:
    """The result of that name; raises Unmet for a Fault and for any other element."""
    element = call(run, content)
    if element.tag != f"{{{_QUERY}}}{name}":
        raise Unmet(f"{name} of {_QUERY}", ET.tostring(element, encoding="unicode")[:400])
    return element


def expect_fault(run: Run, content: str, exception: str) -> None:
    """Nothing when the answer is a Fault whose detail holds that exception of the WSDL, with a reason."""
    element = call(run, content)
    if element.tag != f"{{{_SOAP}}}Fault":
        raise Unmet("a Fault", element.tag)
    detail = element.find(f"detail/{{{_QUERY}}}{exception}")
    if detail is None:
        raise Unmet(f"{exception} in the detail", ET.tostring(element, encoding="unicode")[:400])
    if detail.find("reason") is None:
        raise Unmet(f"a reason in {exception}", ET.tostring(detail, encoding="unicode")[:300])
    if not element.findtext("faultcode") or not element.findtext("faultstring"):
        raise Unmet("faultcode and faultstring", ET.tostring(element, encoding="unicode")[:300])


def poll(name: str, parameters: Mapping[str, str]) -> str:
    """A Poll; values are the XML of `value`, its type included."""
    given = "".join(f"<param><name>{escape(key)}</name>{value}</param>" for key, value in parameters.items())
    return f"<q:Poll><queryName>{escape(name)}</queryName><params>{given}</params></q:Poll>"


def strings(*values: str) -> str:
    """A list of strings as a parameter has it."""
    return '<value xsi:type="q:ArrayOfString">' + "".join(f"<string>{escape(v)}</string>" for v in values) + "</value>"


def typed(kind: str, value: str) -> str:
    """A single value of an XML Schema type."""
    return f'<value xsi:type="xsd:{kind}">{escape(value)}</value>'


@GROUP.case(Level.OPTIONAL, "WSDL getStandardVersion")
def the_version_of_the_standard_is_told(run: Run) -> None:
    """GetStandardVersion answers 2.0."""
    found = result(run, "<q:GetStandardVersion/>", "GetStandardVersionResult").text or ""
    if not found.startswith("2.0"):
        raise Unmet("2.0", found)


@GROUP.case(Level.OPTIONAL, "WSDL getVendorVersion")
def the_version_of_the_vendor_is_told(run: Run) -> None:
    """GetVendorVersion answers a text, which may be empty."""
    result(run, "<q:GetVendorVersion/>", "GetVendorVersionResult")


@GROUP.case(Level.OPTIONAL, "WSDL getQueryNames")
def the_standard_queries_are_named(run: Run) -> None:
    """GetQueryNames lists SimpleEventQuery and SimpleMasterDataQuery."""
    found = [one.text for one in result(run, "<q:GetQueryNames/>", "GetQueryNamesResult").findall("string")]
    for name in ("SimpleEventQuery", "SimpleMasterDataQuery"):
        if name not in found:
            raise Unmet(name, ", ".join(map(str, found)) or "no names")


@GROUP.case(Level.OPTIONAL, "WSDL poll; EPCIS 2.0 8.2.7.1")
def events_are_polled(run: Run) -> None:
    """Poll of SimpleEventQuery gives the events that the same query gives over REST, and no subscriptionID."""
    part = run.part("core")
    times = {name: typed("dateTime", value) for name, value in part.window.items()}
    found = result(run, poll("SimpleEventQuery", times | {"EQ_bizStep": strings("shipping")}), "QueryResults")
    if found.findtext("queryName") != "SimpleEventQuery" or found.find("subscriptionID") is not None:
        raise Unmet("queryName SimpleEventQuery and no subscriptionID", str([child.tag for child in found]))
    ids = [one.text for one in found.findall("resultsBody/EventList/*/eventID")]
    if ids != [part.events["ship"]["eventID"]]:
        raise Unmet(f"the event {part.events['ship']['eventID']}", str(ids))


@GROUP.case(Level.OPTIONAL, "WSDL poll; VoidHolder")
def parameters_without_a_value_are_understood(run: Run) -> None:
    """EXISTS_errorDeclaration with a VoidHolder gives the event that has one."""
    part = run.part("core")
    times = {name: typed("dateTime", value) for name, value in part.window.items()}
    void = '<value xsi:type="q:VoidHolder"/>'
    found = result(run, poll("SimpleEventQuery", times | {"EXISTS_errorDeclaration": void}), "QueryResults")
    if len(found.findall("resultsBody/EventList/*/errorDeclaration")) != 1:
        raise Unmet("one event with errorDeclaration", ET.tostring(found, encoding="unicode")[:300])


@GROUP.case(Level.OPTIONAL, "WSDL poll; NoSuchNameException")
def an_unknown_query_is_a_fault(run: Run) -> None:
    """Poll of a query that is not there is NoSuchNameException."""
    expect_fault(run, poll(f"none-{run.data.token}", {}), "NoSuchNameException")


@GROUP.case(Level.OPTIONAL, "WSDL poll; QueryParameterException")
def an_unknown_parameter_is_a_fault(run: Run) -> None:
    """Poll with a parameter that does not exist is QueryParameterException."""
    expect_fault(run, poll("SimpleEventQuery", {"EQ_nothing": strings("x")}), "QueryParameterException")


@GROUP.case(Level.OPTIONAL, "WSDL poll; QueryTooLargeException")
def too_many_events_are_a_fault(run: Run) -> None:
    """Poll that matches more than maxEventCount is QueryTooLargeException."""
    part = run.part("core")
    times = {name: typed("dateTime", value) for name, value in part.window.items()}
    expect_fault(run, poll("SimpleEventQuery", times | {"maxEventCount": typed("int", "1")}), "QueryTooLargeException")


@GROUP.case(Level.OPTIONAL, "WSDL getSubscriptionIDs; NoSuchNameException")
def subscriptions_of_an_unknown_query_are_a_fault(run: Run) -> None:
    """GetSubscriptionIDs of a query that is not there is NoSuchNameException."""
    content = f"<q:GetSubscriptionIDs><queryName>none-{run.data.token}</queryName></q:GetSubscriptionIDs>"
    expect_fault(run, content, "NoSuchNameException")


@GROUP.case(Level.OPTIONAL, "WSDL unsubscribe; NoSuchSubscriptionException")
def ending_an_unknown_subscription_is_a_fault(run: Run) -> None:
    """Unsubscribe of a subscription that is not there is NoSuchSubscriptionException."""
    content = f"<q:Unsubscribe><subscriptionID>none-{run.data.token}</subscriptionID></q:Unsubscribe>"
    expect_fault(run, content, "NoSuchSubscriptionException")


@GROUP.case(Level.OPTIONAL, "SimpleMasterDataQuery; mandatory parameters")
def master_data_needs_its_parameters(run: Run) -> None:
    """Poll of SimpleMasterDataQuery without includeAttributes and includeChildren is QueryParameterException."""
    expect_fault(run, poll("SimpleMasterDataQuery", {}), "QueryParameterException")


@GROUP.case(Level.OPTIONAL, "SimpleMasterDataQuery; VocabularyList")
def master_data_is_polled(run: Run) -> None:
    """Poll of SimpleMasterDataQuery gives an element with its attribute and its children."""
    parent, child = (f"https://ns.example.org/place/{run.data.token}/{name}" for name in ("ward", "cupboard"))
    element = {
        "id": parent,
        "attributes": [{"id": "urn:epcglobal:cbv:mda:site", "attribute": "ward 7"}],
        "children": [child],
    }
    run.captured([fresh(run)], [{"type": PLACES, "vocabularyElementList": [element, {"id": child}]}])
    asked = {
        "includeAttributes": typed("boolean", "true"),
        "includeChildren": typed("boolean", "true"),
        "vocabularyName": strings(PLACES),
        "EQ_name": strings(parent),
    }
    found = result(run, poll("SimpleMasterDataQuery", asked), "QueryResults")
    elements = found.findall("resultsBody/VocabularyList/Vocabulary/VocabularyElementList/VocabularyElement")
    told = [
        (one.get("id"), [a.text for a in one.findall("attribute")], [c.text for c in one.findall("children/id")])
        for one in elements
    ]
    if told != [(parent, ["ward 7"], [child])]:
        raise Unmet(f"{parent} with ward 7 and {child}", str(told)[:400])


@GROUP.case(Level.OPTIONAL, "SOAP 1.1, Fault")
def text_that_is_no_envelope_is_a_fault(run: Run) -> None:
    """XML that is no SOAP envelope is answered with a Fault, or with 400."""
    answer = run.request("POST", run.soap, headers=_HEADERS, body=b"<hello/>")
    if answer.status in _ABSENT:
        raise NotSupported(f"{run.soap} is answered with {answer.status}")
    if answer.status == 400:
        return
    if answer.status != 500 or parsed_xml(answer).find(f"{{{_SOAP}}}Body/{{{_SOAP}}}Fault") is None:
        raise Unmet("a Fault with status 500, or 400", f"{answer.status}: {answer.text(200)}")

"""SOAP 1.1 answers of the query control interface: results and faults, in the namespace that was asked.

Must not decide what is answered. EPCIS 2.0 and 1.2 WSDL, document/literal.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from traceward.epcis.errors import TracewardError
from traceward.epcis.extension import Context
from traceward.epcis.rendering import AnswerEvent
from traceward.epcis.soap import ENVELOPE
from traceward.epcis.xml_event_writer import CbvXmlFormat
from traceward.epcis.xml_header import vocabulary_list_parts
from traceward.epcis.xml_names import WriteNames
from traceward.epcis.xml_tables import QUERY_NAMESPACES, Version
from traceward.epcis.xml_values import ValueWriter, attribute_xml, text_xml
from traceward.epcis.xml_writer import event_elements

#: Every fault of the WSDL; any other error is one of these by its status.
FAULTS: Final = frozenset(
    {
        "DuplicateNameException",
        "InvalidURIException",
        "NoSuchNameException",
        "NoSuchSubscriptionException",
        "DuplicateSubscriptionException",
        "QueryParameterException",
        "QueryTooLargeException",
        "QueryTooComplexException",
        "SubscriptionControlsException",
        "SubscribeNotPermittedException",
        "SecurityException",
        "ValidationException",
        "ImplementationException",
    }
)
_BY_STATUS: Final = {
    400: "ValidationException",
    401: "SecurityException",
    403: "SecurityException",
    404: "NoSuchNameException",
    413: "QueryTooComplexException",
}
_HTTP_SERVER_ERROR: Final = 500


def names_result(operation: str, texts: Iterable[str], version: Version) -> bytes:
    """An ArrayOfString; operation: `GetQueryNames` or `GetSubscriptionIDs`."""
    content = "".join(f"<string>{text_xml(text)}</string>" for text in texts)
    return _envelope(_element(f"{operation}Result", content, version))


def text_result(operation: str, text: str, version: Version) -> bytes:
    """A text; operation: `GetStandardVersion` or `GetVendorVersion`."""
    return _envelope(_element(f"{operation}Result", text_xml(text), version))


def void_result(operation: str, version: Version) -> bytes:
    """Nothing but that it is done; operation: `Subscribe` or `Unsubscribe`."""
    return _envelope(_element(f"{operation}Result", "", version))


def event_results(query_name: str, events: Iterable[AnswerEvent], version: Version, cbv_format: CbvXmlFormat) -> bytes:
    """The QueryResults of a poll for events; each event's text is in the EPC format asked for already."""
    listed = "".join(event_elements(events, version=version, cbv_format=cbv_format))
    return _results(query_name, f"<EventList>{listed}</EventList>", {}, version)


def vocabulary_results(query_name: str, vocabularies: Iterable[Mapping[str, Any]], version: Version) -> bytes:
    """The QueryResults of a poll for master data; vocabularies: as the JSON form of a header has them."""
    values = ValueWriter(WriteNames(Context.of(None)))
    listed = "".join(vocabulary_list_parts(vocabularies, values))
    return _results(query_name, listed, values.declared, version)


def fault(error: TracewardError, version: Version, query_name: str | None = None) -> bytes:
    """The fault of an error: a Client one where the request is at fault, with the exception of the WSDL as its detail.

    ImplementationException has severity ERROR, since a failed call changes nothing. query_name: of the call.
    """
    name = error.name if error.name in FAULTS else _BY_STATUS.get(error.status, "ImplementationException")
    content = f"<reason>{text_xml(_reason(error))}</reason>"
    if name == "ImplementationException":
        content += "<severity>ERROR</severity>"
    if name in {"ImplementationException", "QueryTooLargeException"} and query_name:
        content += f"<queryName>{text_xml(query_name)}</queryName>"
    code = "Server" if error.status >= _HTTP_SERVER_ERROR else "Client"
    return _fault(code, f"{name}: {_reason(error)}", f"<detail>{_element(name, content, version)}</detail>")


def bare_fault(code: str, reason: str) -> bytes:
    """A fault of SOAP itself, without detail, since no call was read. code: VersionMismatch, MustUnderstand, Client."""
    return _fault(code, reason, "")


def _reason(error: TracewardError) -> str:
    more = [finding.message for finding in error.findings[:10] if finding.message not in error.detail]
    return "; ".join([error.detail, *more])


def _fault(code: str, reason: str, detail: str) -> bytes:
    content = f"<faultcode>soapenv:{code}</faultcode><faultstring>{text_xml(reason)}</faultstring>{detail}"
    return _envelope(f"<soapenv:Fault>{content}</soapenv:Fault>")


def _results(query_name: str, body: str, declared: Mapping[str, str], version: Version) -> bytes:
    content = f"<queryName>{text_xml(query_name)}</queryName><resultsBody>{body}</resultsBody>"
    return _envelope(_element("QueryResults", content, version, tuple(declared.items())))


def _element(name: str, content: str, version: Version, declared: Sequence[tuple[str, str]] = ()) -> str:
    spaces = "".join(f' xmlns:{prefix}="{attribute_xml(space)}"' for prefix, space in declared)
    return f'<epcisq:{name} xmlns:epcisq="{QUERY_NAMESPACES[version]}"{spaces}>{content}</epcisq:{name}>'


def _envelope(content: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<soapenv:Envelope xmlns:soapenv="{ENVELOPE}">'
        f"<soapenv:Body>{content}</soapenv:Body></soapenv:Envelope>"
    ).encode()

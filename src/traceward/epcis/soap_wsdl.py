"""The WSDL of this server's SOAP binding, made from one table of operations; for both versions of EPCIS.

Must not be a copy of GS1's: it describes what this server takes and gives, with the names of the standard's messages.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from traceward.epcis.xml_tables import QUERY_NAMESPACES, Version
from traceward.epcis.xml_values import attribute_xml

_ALWAYS: Final = ("SecurityException", "ValidationException", "ImplementationException")
_NO_NAME: Final = "NoSuchNameException"
_PARAMETER: Final = "QueryParameterException"
_COMPLEX: Final = "QueryTooComplexException"
#: Operation -> the element of its request, that of its result, and its faults.
OPERATIONS: Final[Mapping[str, tuple[str, str, tuple[str, ...]]]] = {
    "getQueryNames": ("GetQueryNames", "GetQueryNamesResult", _ALWAYS),
    "subscribe": (
        "Subscribe",
        "SubscribeResult",
        (
            _NO_NAME,
            "InvalidURIException",
            "DuplicateSubscriptionException",
            _PARAMETER,
            _COMPLEX,
            "SubscriptionControlsException",
            "SubscribeNotPermittedException",
            *_ALWAYS,
        ),
    ),
    "unsubscribe": ("Unsubscribe", "UnsubscribeResult", ("NoSuchSubscriptionException", *_ALWAYS)),
    "getSubscriptionIDs": ("GetSubscriptionIDs", "GetSubscriptionIDsResult", (_NO_NAME, *_ALWAYS)),
    "poll": ("Poll", "QueryResults", (_PARAMETER, "QueryTooLargeException", _COMPLEX, _NO_NAME, *_ALWAYS)),
    "getStandardVersion": ("GetStandardVersion", "GetStandardVersionResult", _ALWAYS),
    "getVendorVersion": ("GetVendorVersion", "GetVendorVersionResult", _ALWAYS),
}
_WSDL_NAMESPACES: Final[Mapping[Version, str]] = {
    "2.0": "urn:epcglobal:epcis:wsdl:2",
    "1.2": "urn:epcglobal:epcis:wsdl:1",
}

#: Type -> its children: name, type, and whether it may be missing; "*" may be repeated.
_TYPES: Final[Mapping[str, tuple[tuple[str, str, str], ...]]] = {
    "Nothing": (),
    "ArrayOfString": (("string", "xsd:string", "*"),),
    "VoidHolder": (),
    "QueryParam": (("name", "xsd:string", ""), ("value", "xsd:anyType", "")),
    "QueryParams": (("param", "q:QueryParam", "*"),),
    "QuerySchedule": tuple(
        (name, "xsd:string", "?") for name in ("second", "minute", "hour", "dayOfMonth", "month", "dayOfWeek")
    ),
    "SubscriptionControls": (
        ("schedule", "q:QuerySchedule", "?"),
        ("trigger", "xsd:anyURI", "?"),
        ("initialRecordTime", "xsd:dateTime", "?"),
        ("reportIfEmpty", "xsd:boolean", ""),
    ),
    "Subscribe": (
        ("queryName", "xsd:string", ""),
        ("params", "q:QueryParams", ""),
        ("dest", "xsd:anyURI", ""),
        ("controls", "q:SubscriptionControls", ""),
        ("subscriptionID", "xsd:string", ""),
    ),
    "Unsubscribe": (("subscriptionID", "xsd:string", ""),),
    "GetSubscriptionIDs": (("queryName", "xsd:string", ""),),
    "Poll": (("queryName", "xsd:string", ""), ("params", "q:QueryParams", "")),
    "QueryResults": (
        ("queryName", "xsd:string", ""),
        ("subscriptionID", "xsd:string", "?"),
        ("resultsBody", "q:QueryResultsBody", ""),
    ),
    "Exception": (("reason", "xsd:string", ""),),
    "QueryTooLargeException": (
        ("reason", "xsd:string", ""),
        ("queryName", "xsd:string", "?"),
        ("subscriptionID", "xsd:string", "?"),
    ),
    "ImplementationException": (
        ("reason", "xsd:string", ""),
        ("severity", "xsd:NCName", ""),
        ("queryName", "xsd:string", "?"),
        ("subscriptionID", "xsd:string", "?"),
    ),
}
_ELEMENT_TYPES: Final[Mapping[str, str]] = {
    "GetQueryNames": "q:Nothing",
    "GetQueryNamesResult": "q:ArrayOfString",
    "SubscribeResult": "q:VoidHolder",
    "UnsubscribeResult": "q:VoidHolder",
    "GetSubscriptionIDsResult": "q:ArrayOfString",
    "GetStandardVersion": "q:Nothing",
    "GetStandardVersionResult": "xsd:string",
    "GetVendorVersion": "q:Nothing",
    "GetVendorVersionResult": "xsd:string",
}
_OCCURS: Final = {"": "", "?": ' minOccurs="0"', "*": ' minOccurs="0" maxOccurs="unbounded"'}


def wsdl(version: Version, location: str) -> bytes:
    """The service's description. location: the URL at which it answers."""
    target = _WSDL_NAMESPACES[version]
    return "".join(
        (
            '<?xml version="1.0" encoding="UTF-8"?>\n',
            f'<wsdl:definitions targetNamespace="{target}" xmlns:w="{target}" xmlns:q="{QUERY_NAMESPACES[version]}"',
            ' xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"',
            ' xmlns:xsd="http://www.w3.org/2001/XMLSchema">',
            f"<wsdl:types>{_schema(version)}</wsdl:types>",
            *_messages(),
            *_port_type(),
            *_binding(),
            '<wsdl:service name="EPCglobalEPCISService">',
            '<wsdl:port name="EPCglobalEPCISServicePort" binding="w:EPCISServiceBinding">',
            f'<soap:address location="{attribute_xml(location)}"/></wsdl:port></wsdl:service></wsdl:definitions>',
        )
    ).encode()


def _faults() -> list[str]:
    return list(dict.fromkeys(fault for _, _, faults in OPERATIONS.values() for fault in faults))


def _schema(version: Version) -> str:
    types = "".join(_complex_type(name, children) for name, children in _TYPES.items())
    # What a result holds is described by the standard's own schema of events and vocabularies.
    body = (
        '<xsd:complexType name="QueryResultsBody"><xsd:sequence>'
        '<xsd:any namespace="##any" processContents="skip"/></xsd:sequence></xsd:complexType>'
    )
    names = dict.fromkeys(name for request, result, _ in OPERATIONS.values() for name in (request, result))
    elements = "".join(f'<xsd:element name="{name}" type="{_ELEMENT_TYPES.get(name, f"q:{name}")}"/>' for name in names)
    faults = "".join(
        f'<xsd:element name="{name}" type="q:{name if name in _TYPES else "Exception"}"/>' for name in _faults()
    )
    start = f'<xsd:schema targetNamespace="{QUERY_NAMESPACES[version]}" elementFormDefault="unqualified">'
    return f"{start}{types}{body}{elements}{faults}</xsd:schema>"


def _complex_type(name: str, children: tuple[tuple[str, str, str], ...]) -> str:
    content = "".join(f'<xsd:element name="{child}" type="{kind}"{_OCCURS[count]}/>' for child, kind, count in children)
    return f'<xsd:complexType name="{name}"><xsd:sequence>{content}</xsd:sequence></xsd:complexType>'


def _messages() -> Iterator[str]:
    for operation, (request, result, _) in OPERATIONS.items():
        for kind, element in (("Request", request), ("Response", result)):
            part = f'<wsdl:part name="parms" element="q:{element}"/>'
            yield f'<wsdl:message name="{operation}{kind}">{part}</wsdl:message>'
    for fault in _faults():
        yield f'<wsdl:message name="{fault}Response"><wsdl:part name="fault" element="q:{fault}"/></wsdl:message>'


def _port_type() -> Iterator[str]:
    yield '<wsdl:portType name="EPCISServicePortType">'
    for operation, (_, _, faults) in OPERATIONS.items():
        yield f'<wsdl:operation name="{operation}"><wsdl:input message="w:{operation}Request"/>'
        yield f'<wsdl:output message="w:{operation}Response"/>'
        for fault in faults:
            yield f'<wsdl:fault name="{fault}Fault" message="w:{fault}Response"/>'
        yield "</wsdl:operation>"
    yield "</wsdl:portType>"


def _binding() -> Iterator[str]:
    yield '<wsdl:binding name="EPCISServiceBinding" type="w:EPCISServicePortType">'
    yield '<soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>'
    for operation, (_, _, faults) in OPERATIONS.items():
        yield f'<wsdl:operation name="{operation}"><soap:operation soapAction=""/>'
        yield '<wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output>'
        for fault in faults:
            yield f'<wsdl:fault name="{fault}Fault"><soap:fault name="{fault}Fault" use="literal"/></wsdl:fault>'
        yield "</wsdl:operation>"
    yield "</wsdl:binding>"

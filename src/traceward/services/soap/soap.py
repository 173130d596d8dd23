"""The query control interface of the WSDL: calls answered from the queries, subscriptions and master data of REST.

It must not read XML or headers: `epcis.soap` and `api.soap_routes` do. EPCIS 2.0 8.2.5.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from traceward import __version__
from traceward.epcis import soap_writer
from traceward.epcis.errors import (
    InvalidURIException,
    QueryParameterException,
    SubscribeNotPermittedException,
    SubscriptionControlsException,
    ValidationException,
)
from traceward.epcis.extension import CONSIGNMENT_NAMESPACE, Context
from traceward.epcis.json_codec import write_json
from traceward.epcis.master_data import Element
from traceward.epcis.master_data_query import parse_master_data_query
from traceward.epcis.query import as_json_query, parse_json_query
from traceward.epcis.rendering import EpcFormat
from traceward.epcis.soap import SoapRequest, Value
from traceward.epcis.subscription import SubscriptionSpec, parse_subscription
from traceward.epcis.xml_codec import CbvXmlFormat, Version
from traceward.gs1.epc_uri import canonical_identifier, digital_link_to_urn
from traceward.services.delivery import subscriptions
from traceward.services.identity.principals import Principal
from traceward.services.queries import master_data, named_queries
from traceward.services.queries.answers import Representation, answer_event
from traceward.services.queries.named_queries import SIMPLE_EVENT_QUERY, private_name, public_name
from traceward.services.queries.query import all_events
from traceward.services.runtime import Runtime
from traceward.store.named_query_models import NamedQueryRow

SIMPLE_MASTER_DATA_QUERY: Final = "SimpleMasterDataQuery"
STREAM_TRIGGER: Final = "https://ns.traceward.org/trigger/capture"
"""The one trigger: report events as they come."""
MAX_EVENTS: Final = 10_000
"""Events of one poll, which has no pages."""

_NAMES_AT_ONCE: Final = 1000
_STANDARD_VERSIONS: Final[Mapping[Version, str]] = {"2.0": "2.0", "1.2": "1.2"}
#: EPCIS 1.2 knows neither Digital Link nor web vocabulary terms.
_REPRESENTATIONS: Final[Mapping[Version, Representation]] = {
    "2.0": Representation("application/xml"),
    "1.2": Representation("application/xml", EpcFormat.ALWAYS_EPC_URN, CbvXmlFormat.ALWAYS_URN, version="1.2"),
}


def answer(runtime: Runtime, caller: Principal, request: SoapRequest) -> bytes:
    """The envelope that answers one call. Raises the errors that the WSDL has faults for, and no others."""
    return _OPERATIONS[request.operation](runtime, caller, request)


def _get_query_names(runtime: Runtime, caller: Principal, request: SoapRequest) -> bytes:
    names = [SIMPLE_EVENT_QUERY, SIMPLE_MASTER_DATA_QUERY]
    token = None
    while True:
        page = named_queries.list_queries(runtime, caller, token, _NAMES_AT_ONCE)
        names += [one.name for one in page.queries]
        token = page.next_token
        if token is None:
            return soap_writer.names_result("GetQueryNames", names, request.version)


def _poll(runtime: Runtime, caller: Principal, request: SoapRequest) -> bytes:
    name = request.texts["queryName"]
    if name == SIMPLE_MASTER_DATA_QUERY:
        return _poll_master_data(runtime, caller, request)
    if name == SIMPLE_EVENT_QUERY:
        context = _context(request)
        query = parse_json_query(as_json_query(request.params, context), context)
    else:
        query = named_queries.parsed(named_queries.find(runtime, caller, name))
        _refuse_parameters(request)
    wanted = _REPRESENTATIONS[request.version]
    events = all_events(runtime, caller, query, MAX_EVENTS)
    answers = (answer_event(runtime, event, wanted.epc_format) for event in events)
    return soap_writer.event_results(name, answers, request.version, wanted.cbv_format)


def _poll_master_data(runtime: Runtime, caller: Principal, request: SoapRequest) -> bytes:
    query = parse_master_data_query({name: _listed(value) for name, value in request.params.items()}, _context(request))
    found: dict[str, list[dict[str, Any]]] = {}
    for element in master_data.poll(runtime, caller, query):
        found.setdefault(element.vtype, []).append(_content(runtime, element, request.version))
    vocabularies = [{"type": vtype, "vocabularyElementList": elements} for vtype, elements in found.items()]
    return soap_writer.vocabulary_results(SIMPLE_MASTER_DATA_QUERY, vocabularies, request.version)


def _subscribe(runtime: Runtime, caller: Principal, request: SoapRequest) -> bytes:
    name, subscription_id = request.texts["queryName"], request.texts["subscriptionID"]
    if name == SIMPLE_MASTER_DATA_QUERY:
        raise SubscribeNotPermittedException(f"{name} can be polled but not subscribed to")
    definition = None
    if name != SIMPLE_EVENT_QUERY:
        named_queries.find(runtime, caller, name)
        _refuse_parameters(request)
    elif request.params:
        definition = _definition(runtime, caller, request, subscription_id)
    subscriptions.create(
        runtime,
        caller,
        definition.name if definition is not None else name,
        _spec(request),
        _REPRESENTATIONS[request.version],
        subscription_id,
        definition,
    )
    return soap_writer.void_result("Subscribe", request.version)


def _unsubscribe(runtime: Runtime, caller: Principal, request: SoapRequest) -> bytes:
    subscriptions.delete(runtime, caller, None, request.texts["subscriptionID"])
    return soap_writer.void_result("Unsubscribe", request.version)


def _get_subscription_ids(runtime: Runtime, caller: Principal, request: SoapRequest) -> bytes:
    name = request.texts["queryName"]
    if name != SIMPLE_MASTER_DATA_QUERY:
        named_queries.find(runtime, caller, name)
    found = [
        one.subscription_id for one in subscriptions.all_of(runtime, caller) if public_name(one.query_name) == name
    ]
    return soap_writer.names_result("GetSubscriptionIDs", found, request.version)


def _get_standard_version(_runtime: Runtime, _caller: Principal, request: SoapRequest) -> bytes:
    return soap_writer.text_result("GetStandardVersion", _STANDARD_VERSIONS[request.version], request.version)


def _get_vendor_version(_runtime: Runtime, _caller: Principal, request: SoapRequest) -> bytes:
    return soap_writer.text_result("GetVendorVersion", __version__, request.version)


_OPERATIONS: Final[Mapping[str, Callable[[Runtime, Principal, SoapRequest], bytes]]] = {
    "GetQueryNames": _get_query_names,
    "Poll": _poll,
    "Subscribe": _subscribe,
    "Unsubscribe": _unsubscribe,
    "GetSubscriptionIDs": _get_subscription_ids,
    "GetStandardVersion": _get_standard_version,
    "GetVendorVersion": _get_vendor_version,
}


def _context(request: SoapRequest) -> Context:
    return Context.of([{"mcx": CONSIGNMENT_NAMESPACE}, dict(request.prefixes)])


def _refuse_parameters(request: SoapRequest) -> None:
    if request.params:
        name = next(iter(request.params))
        raise QueryParameterException(f"{name[:128]} is given to a named query, which has its parameters already")


def _listed(value: Value) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


def _content(runtime: Runtime, element: Element, version: Version) -> dict[str, Any]:
    """The element as XML is made of it; for EPCIS 1.2 with EPC URNs, where the company prefix is known."""
    content = master_data.content_of(element)
    if version == "1.2":
        content["id"] = _urn(runtime, element.spelt)
        if element.children:
            content["children"] = [_urn(runtime, child) for child in element.children]
    return content


def _urn(runtime: Runtime, identifier: str) -> str:
    if identifier.startswith("urn:"):
        return identifier
    return digital_link_to_urn(canonical_identifier(identifier), runtime.prefixes.length) or identifier


def _definition(runtime: Runtime, caller: Principal, request: SoapRequest, subscription_id: str) -> NamedQueryRow:
    """The subscription's own query, under a name that no client can give."""
    context = _context(request)
    query = as_json_query(request.params, context)
    parse_json_query(query, context)
    named_queries.refuse_patients(write_json(query), dict(request.prefixes))
    return NamedQueryRow(
        owner=named_queries.owner_of(caller),
        name=private_name(subscription_id),
        id=runtime.random_bytes(16).hex(),
        definition=write_json(query),
        context=write_json([dict(request.prefixes)] if request.prefixes else None).decode(),
        created_us=runtime.now_us(),
    )


def _spec(request: SoapRequest) -> SubscriptionSpec:
    """What the REST binding's body would ask for. Raises InvalidURIException, SubscriptionControlsException."""
    controls = dict(request.controls or {})
    trigger = controls.pop("trigger", None)
    if trigger is not None:
        if trigger != STREAM_TRIGGER:
            raise SubscriptionControlsException(f"trigger is {trigger[:200]!a}; expected {STREAM_TRIGGER}")
        controls["stream"] = True
        # reportIfEmpty must be there by the schema, and says nothing of a trigger.
        if not controls["reportIfEmpty"]:
            del controls["reportIfEmpty"]
    try:
        return parse_subscription({"dest": request.texts["dest"], **controls})
    except ValidationException as error:
        if any(finding.path == "dest" for finding in error.findings):
            raise InvalidURIException(error.detail) from error
        raise

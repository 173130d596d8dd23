"""The SOAP binding, on both databases: asked by an outside client (zeep), by raw envelopes, and by hostile ones."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import zeep
from lxml import etree
from zeep.exceptions import Fault

from api.conftest import BACKENDS, Site
from delivery.receiver import receiving
from epcis_xml.xsd import schema
from traceward.services.soap.soap import STREAM_TRIGGER

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
QUERY = {"2.0": "urn:epcglobal:epcis-query:xsd:2", "1.2": "urn:epcglobal:epcis-query:xsd:1"}
XSI = "http://www.w3.org/2001/XMLSchema-instance"
CLINICAL = "northgate-clinical"
WARD = "https://id.gs1.org/414/4012345000016/254/W4"
PLACES = "urn:epcglobal:epcis:vtype:BusinessLocation"


@pytest.fixture(scope="module", params=BACKENDS)
def story(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    """A demo server with its story, and a hospital's master data and named query."""
    with open_site(request.param, demo_storyline=True) as site:
        element = {
            "id": WARD,
            "attributes": [{"id": "urn:epcglobal:cbv:mda#name", "attribute": "Ward 4 <east>"}],
            "children": [WARD + "a"],
        }
        body = {"vocabularyList": [{"type": PLACES, "vocabularyElementList": [element]}]}
        site.request(CLINICAL, "POST", "/masterdata/vocabularies", json=body)
        site.request(
            CLINICAL, "POST", "/epcis/queries", json={"name": "shipped", "query": {"EQ_bizStep": ["shipping"]}}
        )
        yield site


def client_of(site: Site, name: str = CLINICAL, wsdl: str = "wsdl") -> Any:
    """The operations of our WSDL as zeep reads it, with the key as password of HTTP Basic."""
    session = requests.Session()
    session.auth = ("anyone", site.server.keys[name])
    return zeep.Client(f"{site.server.url}/epcis/soap?{wsdl}", transport=zeep.Transport(session=session)).service


def listed(version: str, *values: str) -> Any:
    """A value of type ArrayOfString."""
    value = etree.Element("value", nsmap={"q": QUERY[version], "xsi": XSI})
    value.set(f"{{{XSI}}}type", "q:ArrayOfString")
    for text in values:
        etree.SubElement(value, "string").text = text
    return value


def envelope(call: str, version: str = "2.0", header: str = "") -> bytes:
    return (
        f'<e:Envelope xmlns:e="{SOAP}" xmlns:q="{QUERY[version]}" xmlns:xsi="{XSI}"'
        f' xmlns:xsd="http://www.w3.org/2001/XMLSchema">{header}<e:Body>{call}</e:Body></e:Envelope>'
    ).encode()


def poll(name: str = "SimpleEventQuery", **params: Any) -> str:
    """A Poll whose parameters are lists (ArrayOfString), texts, or None (VoidHolder)."""
    content = ""
    for given, value in params.items():
        if value is None:
            written = '<value xsi:type="q:VoidHolder"/>'
        elif isinstance(value, list):
            written = "".join(f"<string>{text}</string>" for text in value)
            written = f'<value xsi:type="q:ArrayOfString">{written}</value>'
        else:
            written = f"<value>{value}</value>"
        content += f"<param><name>{given}</name>{written}</param>"
    return f"<q:Poll><queryName>{name}</queryName><params>{content}</params></q:Poll>"


def call(site: Site, body: bytes, name: str | None = CLINICAL, **headers: str) -> Any:
    return site.request(name, "POST", "/epcis/soap", content=body, headers={"Content-Type": "text/xml"} | headers)


def answered(answer: Any, version: str = "2.0") -> Any:
    """The one element of an answer's Body, valid by the official schema of its version."""
    (body,) = etree.fromstring(answer.content)
    (element,) = body
    judged = element.find("detail")[0] if element.tag == f"{{{SOAP}}}Fault" else element
    judge = schema(version, "EPCISQueryDocument")
    assert judge.validate(judged), judge.error_log.last_error
    return element


def fault_of(answer: Any, version: str = "2.0") -> tuple[str, str]:
    """The exception of a fault, and its reason."""
    assert answer.headers["content-type"].startswith("text/xml")
    fault = answered(answer, version)
    assert fault.tag == f"{{{SOAP}}}Fault", etree.tostring(fault)
    (detail,) = fault.find("detail")
    return etree.QName(detail).localname, detail.findtext("reason")


def count(site: Site, body: str, version: str = "2.0") -> int:
    found = answered(call(site, envelope(body, version)), version)
    return len(found.findall(".//eventID"))


def test_an_outside_client_reads_our_wsdl_and_calls_every_operation(story: Site) -> None:
    """Calls are built from the WSDL alone; rejects a WSDL that differs from what the server takes and gives."""
    service = client_of(story)
    assert service.getStandardVersion() == "2.0"
    assert client_of(story, wsdl="wsdl=1.2").getStandardVersion() == "1.2"
    assert service.getVendorVersion()
    assert service.getQueryNames() == ["SimpleEventQuery", "SimpleMasterDataQuery", "shipped"]
    params = {"param": [{"name": "EQ_action", "value": "ADD"}, {"name": "eventCountLimit", "value": "3"}]}
    params["param"].append({"name": "orderBy", "value": "eventTime"})
    found = service.poll(queryName="SimpleEventQuery", params=params)
    assert (found.queryName, found.subscriptionID) == ("SimpleEventQuery", None)
    controls = {"schedule": {"minute": "0"}, "reportIfEmpty": False}
    asked = {"dest": "https://example.com/hook", "controls": controls, "subscriptionID": "by zeep"}
    service.subscribe(queryName="SimpleEventQuery", params={"param": params["param"][:1]}, **asked)
    with pytest.raises(Fault) as twice:
        service.subscribe(queryName="SimpleEventQuery", params={}, **asked)
    assert etree.QName(twice.value.detail[0]).localname == "DuplicateSubscriptionException"
    assert service.getSubscriptionIDs(queryName="SimpleEventQuery") == ["by zeep"]
    assert service.getQueryNames() == ["SimpleEventQuery", "SimpleMasterDataQuery", "shipped"]
    service.unsubscribe(subscriptionID="by zeep")
    assert service.getSubscriptionIDs(queryName="SimpleEventQuery") == []
    with pytest.raises(Fault, match="NoSuchSubscriptionException"):
        service.unsubscribe(subscriptionID="by zeep")


@pytest.mark.parametrize("version", ["2.0", "1.2"])
def test_a_poll_finds_what_rest_finds_in_a_document_of_its_version(story: Site, version: str) -> None:
    """Rejects an answer in the other version's namespace or wrappers, and parameters that are read in another way."""
    for parameters, given in {
        "": {},
        "EQ_bizStep=shipping%7Creceiving": {"EQ_bizStep": ["shipping", "receiving"]},
        "EQ_action=ADD&eventType=ObjectEvent": {"EQ_action": ["ADD"], "eventType": ["ObjectEvent"]},
        "EXISTS_errorDeclaration=true": {"EXISTS_errorDeclaration": None},
        "GE_eventTime=2026-05-01T00:00:00Z": {"GE_eventTime": "2026-05-01T00:00:00Z"},
        "GE_quantity=2": {"GE_quantity": "2"},
        "MATCH_epc=urn:epc:idpat:sgtin:9521141.*.*": {"MATCH_epc": ["urn:epc:idpat:sgtin:9521141.*.*"]},
    }.items():
        wanted = len(story.events(CLINICAL, f"perPage=1000&{parameters}"))
        assert count(story, poll(**given), version) == wanted, parameters
        assert wanted > 0, parameters
    assert count(story, poll("shipped"), version) == len(story.events(CLINICAL, "EQ_bizStep=shipping"))
    text = call(story, envelope(poll(), version)).text
    assert ("https://id.gs1.org/01/" in text) is (version == "2.0")


def test_names_of_extensions_are_read_as_1_x_spells_them(story: Site) -> None:
    name = "EQ_ILMD_urn:epcglobal:cbv:mda#lotNumber"
    lots = {one for event in story.events(CLINICAL) if (one := event.get("ilmd", {}).get("cbvmda:lotNumber"))}
    for lot in lots:
        assert count(story, poll(**{name: [lot]})) == len(story.events(CLINICAL, f"EQ_ILMD_cbvmda:lotNumber={lot}")) > 0
    prefixed = poll(**{"EQ_own:colour": ["red"]}).replace("<params>", '<params xmlns:own="http://own.example/ns">')
    assert count(story, prefixed) == 0


@pytest.mark.parametrize("version", ["2.0", "1.2"])
def test_SimpleMasterDataQuery_gives_the_vocabularies_asked_for(story: Site, version: str) -> None:
    both = {"includeAttributes": "true", "includeChildren": "true"}
    found = answered(call(story, envelope(poll("SimpleMasterDataQuery", **both, EQ_name=[WARD]), version)), version)
    assert [one.get("type") for one in found.iter("Vocabulary")] == [PLACES]
    (element,) = found.iter("VocabularyElement")
    assert element.get("id") == (WARD if version == "2.0" else "urn:epc:id:sgln:4012345.00001.W4")
    assert [(one.get("id"), one.text) for one in element.iter("attribute")] == [
        ("urn:epcglobal:cbv:mda#name", "Ward 4 <east>")
    ]
    bare = both | {"includeAttributes": "false", "includeChildren": "false"}
    found = answered(call(story, envelope(poll("SimpleMasterDataQuery", **bare), version)), version)
    assert not list(found.iter("attribute"))
    assert not list(found.iter("children"))
    hidden = answered(call(story, envelope(poll("SimpleMasterDataQuery", **both), version), "rival-supplier"), version)
    assert not list(hidden.iter("VocabularyElement"))


BOTH = {"includeAttributes": "true", "includeChildren": "true"}
CONTROLS = "<controls><reportIfEmpty>false</reportIfEmpty></controls>"


def subscribe(name: str = "SimpleEventQuery", dest: str = "https://example.com/", controls: str = CONTROLS) -> str:
    return (
        f"<q:Subscribe><queryName>{name}</queryName><params/><dest>{dest}</dest>{controls}"
        "<subscriptionID>one</subscriptionID></q:Subscribe>"
    )


FAULTS = [
    (poll(EQ_bizStep=["shiping"]), "QueryParameterException", "did you mean shipping?"),
    (poll(EQ_bizstep=["shipping"]), "QueryParameterException", "EQ_bizstep is not a parameter"),
    (poll(eventCountLimit="3"), "QueryParameterException", "eventCountLimit needs an order"),
    (poll(EQ_action=None), "QueryParameterException", "EQ_action has no value"),
    (poll(orderBy=["eventTime", "recordTime"]), "QueryParameterException", "orderBy has an array"),
    (poll(perPage="3"), "QueryParameterException", "a poll has no pages"),
    (poll(maxEventCount="1"), "QueryTooLargeException", "more than maxEventCount 1"),
    (poll("shipped", EQ_action=["ADD"]), "QueryParameterException", "named query"),
    (poll("nobody's"), "NoSuchNameException", "no query of this name"),
    (poll("SimpleMasterDataQuery"), "QueryParameterException", "includeAttributes is missing"),
    (poll("SimpleMasterDataQuery", **BOTH, maxElementCount="0"), "QueryParameterException", "maxElementCount has '0'"),
    (poll(WD_readPoint=["x"] * 101), "QueryTooComplexException", "101 values"),
    ("<q:GetSubscriptionIDs><queryName>none</queryName></q:GetSubscriptionIDs>", "NoSuchNameException", "no query"),
    ("<q:Unsubscribe><subscriptionID>x</subscriptionID></q:Unsubscribe>", "NoSuchSubscriptionException", "this id"),
    (subscribe(), "SubscriptionControlsException", ""),
    (subscribe(controls=CONTROLS.replace("<rep", "<trigger>urn:x</trigger><rep")), "SubscriptionControlsException", ""),
    (subscribe(dest="ftp://example.com/x"), "SubscriptionControlsException", ""),
    (subscribe("SimpleMasterDataQuery"), "SubscribeNotPermittedException", "polled but not subscribed"),
    (subscribe("none"), "NoSuchNameException", ""),
    (
        subscribe(
            controls="<controls><schedule><minute>0</minute></schedule><reportIfEmpty>false</reportIfEmpty></controls>"
        ).replace("<params/>", "<params><param><name>orderBy</name><value>eventTime</value></param></params>"),
        "QueryParameterException",
        "orderBy, which is of one whole answer",
    ),
    ("<q:Poll><queryName>SimpleEventQuery</queryName></q:Poll>", "ValidationException", "params is missing in Poll"),
    ("<q:Pol/>", "ValidationException", "is no call"),
]


@pytest.mark.parametrize(("body", "name", "said"), FAULTS)
def test_each_mistake_is_the_fault_that_the_WSDL_has_for_it(story: Site, body: str, name: str, said: str) -> None:
    """EPCIS WSDL, faults; each detail is valid by the official schema in the version of the call."""
    for version in ("2.0", "1.2"):
        answer = call(story, envelope(body, version))
        assert answer.status_code == 500
        found, reason = fault_of(answer, version)
        assert found == name
        assert said in reason


def test_a_wrong_destination_is_an_InvalidURIException(story: Site) -> None:
    schedule = "<controls><schedule><minute>0</minute></schedule><reportIfEmpty>false</reportIfEmpty></controls>"
    for dest in ("ftp://example.com/x", "not a uri", "https://user:password@example.com/"):
        assert fault_of(call(story, envelope(subscribe(dest=dest, controls=schedule))))[0] == "InvalidURIException"


def test_a_call_needs_a_key_and_says_how_to_give_it(story: Site) -> None:
    body = envelope(poll())
    for headers in (
        {},
        {"Authorization": "Basic eDp5"},
        {"Authorization": b"Basic \xff"},
        {"Authorization": "Bearer x"},
    ):
        answer = story.request(
            None, "POST", "/epcis/soap", content=body, headers={"Content-Type": "text/xml"} | dict(headers)
        )
        assert answer.status_code == 401
        assert "Basic" in answer.headers["www-authenticate"]
        assert fault_of(answer)[0] == "SecurityException"
    refused = call(story, body, "admin")
    assert (refused.status_code, fault_of(refused)[0]) == (500, "SecurityException")


HEADER = "<e:Header>{}</e:Header>"
ADDRESSING = 'xmlns:a="http://www.w3.org/2005/08/addressing"'
BAD_ENVELOPES = [
    (b"", "ValidationException"),
    (b"<x", "ValidationException"),
    (b"<x/>", "Client"),
    (envelope(""), "Client"),
    (envelope(poll() * 2), "Client"),
    (envelope(poll()).replace(SOAP.encode(), b"http://www.w3.org/2003/05/soap-envelope"), "VersionMismatch"),
    (envelope(poll(), header=HEADER.format('<h xmlns="urn:h" e:mustUnderstand="1"/>')), "MustUnderstand"),
    (b'<!DOCTYPE x [<!ENTITY a "b">]>' + envelope(poll()), "ValidationException"),
    (
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + envelope(poll("&a;")),
        "ValidationException",
    ),
    (envelope("<q:Poll>" + "<x>" * 5000 + "</x>" * 5000 + "</q:Poll>"), "ValidationException"),
    (envelope(poll("x" * 1_100_000)), "Client"),
    (envelope(poll()).decode().encode("utf-16-be"), "ValidationException"),
]


@pytest.mark.parametrize(("body", "code"), BAD_ENVELOPES)
def test_a_hostile_envelope_is_refused_with_a_fault(story: Site, body: bytes, code: str) -> None:
    answer = call(story, body)
    assert answer.status_code == 500
    (found,) = etree.fromstring(answer.content)
    fault = found[0]
    told = fault.findtext("faultcode").partition(":")[2]
    detail = fault.find("detail")
    assert code == (told if detail is None else etree.QName(detail[0]).localname)
    assert "root:" not in answer.text


def test_an_address_to_answer_to_is_never_used(story: Site) -> None:
    """WS-Addressing ReplyTo: rejects a server that can be made to call anybody."""
    with receiving() as receiver:
        reply = f"<a:ReplyTo {ADDRESSING}><a:Address>{receiver.url}/r</a:Address></a:ReplyTo>"
        answer = call(story, envelope("<q:GetStandardVersion/>", header=HEADER.format(reply)))
        assert answered(answer).text == "2.0"
        assert receiver.messages == []


def test_only_xml_is_taken_and_the_wsdl_is_for_everyone(story: Site) -> None:
    answer = call(story, envelope(poll()), **{"Content-Type": "application/json"})
    assert answer.status_code == 415
    for wsdl in ("?wsdl", "?wsdl=1.2"):
        described = story.http.get(f"/epcis/soap{wsdl}")
        assert described.status_code == 200
        assert f"{story.server.url}/epcis/soap" in described.text
    assert story.http.get("/epcis/soap?wsdl=3").status_code == 400


@pytest.mark.parametrize("version", ["2.0", "1.2"])
def test_a_subscription_by_soap_reports_in_xml_under_the_standards_name(
    open_site: Callable[..., Any], version: str
) -> None:
    """Rejects a report of what the parameters do not ask for, in JSON, or under the name that keeps them."""
    with open_site(webhook_first_wait_s=0.02) as site, receiving() as receiver:
        trigger = f"<controls><trigger>{STREAM_TRIGGER}</trigger><reportIfEmpty>false</reportIfEmpty></controls>"
        asked = subscribe(dest=f"{receiver.url}/hook", controls=trigger).replace(
            "<params/>",
            '<params><param><name>EQ_bizStep</name><value xsi:type="q:ArrayOfString"><string>shipping</string></value>'
            "</param></params>",
        )
        answer = call(site, envelope(asked, version), "cordia")
        assert answered(answer, version).tag.endswith("SubscribeResult"), answer.text
        assert site.get("cordia", "/epcis/queries") == []
        site.load_story()
        assert receiver.wait(lambda: bool(receiver.messages))
        message = receiver.messages[0]
        assert message.headers["content-type"].startswith("application/xml")
        document = etree.fromstring(message.body)
        assert schema(version, "EPCISQueryDocument").validate(document)
        assert document.findtext(".//queryName") == "SimpleEventQuery"
        assert document.findtext(".//subscriptionID") == "one"
        assert {one.text.rpartition(":")[2] for one in document.iter("bizStep")} == {"shipping"}
        ended = call(site, envelope("<q:Unsubscribe><subscriptionID>one</subscriptionID></q:Unsubscribe>"), "cordia")
        assert answered(ended).tag.endswith("UnsubscribeResult")


def test_fields_of_xml_documents_are_found_by_the_names_of_EPCIS_1_x(story: Site) -> None:
    """Rejects a namespace and a name joined by nothing when captured and by '#' when asked: nothing was ever found."""
    space, name = "http://fields.example/epcis", "urn:uuid:7a0d7b52-6f43-4a0e-9d6e-0d1f1a5a0c01"
    document = (
        f'<d:EPCISDocument xmlns:d="urn:epcglobal:epcis:xsd:2" xmlns:f="{space}" schemaVersion="2.0"'
        ' creationDate="2026-03-01T00:00:00Z"><EPCISBody><EventList><ObjectEvent>'
        "<eventTime>2026-03-01T00:00:00Z</eventTime><eventTimeZoneOffset>+00:00</eventTimeZoneOffset>"
        f"<eventID>{name}</eventID><epcList><epc>urn:epc:id:sgtin:4012345.077777.1</epc></epcList>"
        "<action>OBSERVE</action><f:dose>5</f:dose></ObjectEvent></EventList></EPCISBody></d:EPCISDocument>"
    )
    headers = {"Content-Type": "application/xml"}
    assert story.request(CLINICAL, "POST", "/epcis/capture", content=document, headers=headers).status_code == 202
    asked = envelope(poll(**{"EQ_f:dose": ["5"]}))
    prefixed = asked.replace(b"<e:Body", f'<e:Body xmlns:f="{space}"'.encode())
    for body in (
        envelope(poll(**{f"EQ_{space}#dose": ["5"]}), "1.2"),
        envelope(poll(**{f"GE_{space}#dose": "5"})),
        prefixed,
    ):
        assert name.encode() in call(story, body).content
    assert name.encode() not in call(story, envelope(poll(**{f"GT_{space}#dose": "5"}))).content

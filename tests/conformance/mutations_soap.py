"""Ways of being wrong in the SOAP binding."""

import re
from dataclasses import replace

from .changes import Change
from .proxy import Answered, Asked, Mutation


def answered_to(call: str, pattern: str, new: str) -> Change:
    """Every match replaced in the answers to that call."""

    def changed(asked: Asked, answered: Answered) -> Answered:
        if call.encode() not in asked.body or not asked.path.endswith("/soap"):
            return answered
        return replace(answered, body=re.sub(pattern, new, answered.body.decode(), flags=re.DOTALL).encode())

    return changed


def with_status(old: int, new: int) -> Change:
    return lambda asked, a: replace(a, status=new) if asked.path.endswith("/soap") and a.status == old else a


#: Case -> the exception that its fault must hold, and a text of its call.
FAULTS = (
    ("an-unknown-query*", "NoSuchNameException", "Poll"),
    ("an-unknown-parameter*", "QueryParameterException", "EQ_nothing"),
    ("too-many*", "QueryTooLargeException", "maxEventCount"),
    ("subscriptions-of*", "NoSuchNameException", "GetSubscriptionIDs"),
    ("ending*", "NoSuchSubscriptionException", "Unsubscribe"),
    ("master-data-needs*", "QueryParameterException", "SimpleMasterDataQuery"),
)
SOAP = [
    Mutation("SOAP: version 1.2", "soap/the-version-of-the-st*", answer=answered_to("GetStandard", r">2\.0", ">1.2")),
    Mutation(
        "SOAP: the vendor's version has another name",
        "soap/the-version-of-the-v*",
        answer=answered_to("GetVendor", "GetVendorVersionResult", "GetVersionResult"),
    ),
    *(
        Mutation(
            f"SOAP: does not name {name}", "soap/the-standard*", answer=answered_to("GetQueryNames", name, "Other")
        )
        for name in ("SimpleEventQuery", "SimpleMasterDataQuery")
    ),
    Mutation("SOAP: polls another event", "soap/events*", answer=answered_to("Poll", "<eventID>[^<]*", "<eventID>x:y")),
    Mutation("SOAP: no queryName", "soap/events*", answer=answered_to("Poll", "<queryName>[^<]*</queryName>", "")),
    Mutation(
        "SOAP: poll tells a subscription",
        "soap/events*",
        answer=answered_to("Poll", "</queryName>", "</queryName><subscriptionID>1</subscriptionID>"),
    ),
    Mutation(
        "SOAP: void parameters are ignored",
        "soap/parameters*",
        lambda asked: replace(
            asked, body=re.sub(rb"<param><name>EXISTS_\w+</name><value [^>]*/></param>", b"", asked.body)
        ),
        answered_to("EXISTS", "</?errorDeclaration>", ""),
    ),
    Mutation("SOAP: faults are 200", "soap/an-unknown-query*", answer=with_status(500, 200)),
    Mutation("SOAP: results are 500", "soap/events*", answer=with_status(200, 500)),
    Mutation("SOAP: text is an envelope", "soap/text*", answer=with_status(500, 200)),
    *(
        mutation
        for case, exception, call in FAULTS
        for mutation in (
            Mutation(f"SOAP: {case} another exception", f"soap/{case}", answer=answered_to(call, exception, "Failure")),
            Mutation(
                f"SOAP: {case} no reason",
                f"soap/{case}",
                answer=answered_to(call, r"<(\w+:)?reason>.*?</(\w+:)?reason>", ""),
            ),
            Mutation(f"SOAP: {case} no detail", f"soap/{case}", answer=answered_to(call, "<detail>.*?</detail>", "")),
        )
    ),
    *(
        Mutation(f"SOAP: master data without its {what}", "soap/master-data-is*", answer=answered_to("Poll", old, ""))
        for what, old in (("attributes", "<attribute .*?</attribute>"), ("children", "<children>.*?</children>"))
    ),
    Mutation(
        "SOAP: master data of another element",
        "soap/master-data-is*",
        answer=answered_to("Poll", '<VocabularyElement id="[^"]*"', '<VocabularyElement id="x:y"'),
    ),
]

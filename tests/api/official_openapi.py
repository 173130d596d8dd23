"""GS1's own OpenAPI document, repaired as far as a program needs it, and what our server does otherwise, with reasons.

Repairs are those without which nothing can be generated from the document; what else is wrong in it becomes a finding.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from shared_data import shared


@dataclass(frozen=True)
class Difference:
    """Findings that are no fault of the server. title: schemathesis' own; operations: pattern of `METHOD /path`."""

    title: str
    operations: str
    reason: str


DIFFERENCES = (
    Difference(
        "Undocumented status code",
        ".*",
        "always 400: GS1's document lists it for few operations, so a wrong header, parameter or body has no answer",
    ),
    Difference(
        "Undocumented Content-Type",
        r"\w+ /queries/\{queryName\}/(events|subscriptions)",
        "a problem body is application/problem+json, which the document says of every other status of these operations",
    ),
    Difference(
        "Response violates schema",
        r"GET /capture(/\{captureID\})?",
        "`errors` and `errorFile` exclude each other by a oneOf that requires neither, so that every job fits both",
    ),
    Difference(
        "Schema-violating request accepted",
        "OPTIONS .*",
        "what a resource can do does not depend on the name in its path, so OPTIONS does not look at it",
    ),
    Difference(
        "Schema-valid request rejected",
        r"POST /queries(/\{queryName\}/subscriptions)?|POST /(capture|events)",
        "the document does not require the body, without which there is nothing to do",
    ),
)


def repaired() -> dict[str, Any]:
    """The document with three repairs.

    Patterns of schedules call themselves, which ECMA regular expressions cannot. `secret` is required of subscriptions,
    although the member is called signatureToken and is optional. GS1-Extensions is an object in `simple` style, which
    schemathesis compares as text.
    """
    document: dict[str, Any] = json.loads(shared("standard/openapi/openapi.json").read_text(encoding="utf-8"))
    for schema in document["components"]["schemas"].values():
        if "\\g" in str(schema.get("pattern", "")):
            schema["pattern"] = r"^[0-9]+$"
        if "secret" in schema.get("required", []):
            schema["required"].remove("secret")
    header = document["components"]["headers"]["GS1-Extensions"]
    header["schema"] = {"type": "string"}
    return document


def unexplained(report: dict[str, Any]) -> list[tuple[str, str]]:
    """(title, operation) of the findings in a report of schemathesis that no difference covers."""
    return [
        (failure["title"], operation)
        for failure in report["failures"]
        for operation in failure["operations"]
        if not any(one.title == failure["title"] and re.fullmatch(one.operations, operation) for one in DIFFERENCES)
    ]

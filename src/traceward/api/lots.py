"""Lots as requests name them: what AI (10) of a label can hold.

It must not judge identifiers: what partners captured under a longer one is found by that identifier.
"""

from typing import Annotated, Final

from pydantic import AfterValidator, WithJsonSchema

from traceward.gs1.value_rules import VALUE_RULES, first_fault

_RULE: Final = VALUE_RULES["10"]


def lot_number(value: str) -> str:
    """The lot, where AI (10) can hold it; else raises ValueError. GS1 General Specifications 3.4.1."""
    fault = first_fault(_RULE, value)
    if fault is not None:
        raise ValueError(
            f"no lot number: {fault.code.replace('_', ' ')} at character {fault.position + 1} of {len(value)};"
            f" expected 1 to {_RULE.longest} characters of GS1's set 82, AI (10)"
        )
    return value


LotNumber = Annotated[
    str,
    AfterValidator(lot_number),
    WithJsonSchema(
        {
            "type": "string",
            "minLength": 1,
            "maxLength": _RULE.longest,
            "pattern": r"^[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]+$",
        }
    ),
]

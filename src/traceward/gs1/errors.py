"""Errors that the rules of GS1 data raise, each with a code and the position of the fault.

This module must not format answers for users; the web layer renders these errors.

    Gs1Error (ValueError)
    ├── CheckDigitError       a GS1 key whose check characters do not fit
    ├── KeyFormatError        a GS1 key of the wrong length or alphabet
    ├── DateError             a date that the calendar does not have
    ├── ElementStringError    data of a symbol that breaks the rules of its AIs
    ├── DigitalLinkError      a URI that is not a GS1 Digital Link, or data that cannot become one
    ├── EpcUriError           an EPC URN that cannot be read or made
    └── UdiError              data without a device identifier, or a carrier of another agency
"""

from __future__ import annotations

_LONGEST_QUOTED = 120


def shortened(text: str) -> str:
    """The text for a message. Sound GS1 values and most identifiers are shorter; hostile data is not."""
    return text if len(text) <= _LONGEST_QUOTED else f"{text[:_LONGEST_QUOTED]}..."


class Gs1Error(ValueError):
    """Data that breaks a rule of GS1; `code` names the rule, `position` counts characters from 0 (None = the whole)."""

    code: str
    position: int | None

    def __init__(self, message: str, *, code: str = "invalid", position: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.position = position


class CheckDigitError(Gs1Error):
    """A key whose check digit or check pair does not fit its other characters."""


class KeyFormatError(Gs1Error):
    """A key of the wrong length, or with characters outside its alphabet."""


class DateError(Gs1Error):
    """A date or time that does not exist."""


class ElementStringError(Gs1Error):
    """Data of a symbol that breaks the rules of its application identifiers."""


class DigitalLinkError(Gs1Error):
    """A URI that is not a GS1 Digital Link, or element strings that cannot become one."""


class EpcUriError(Gs1Error):
    """An EPC URN that cannot be read, or that a Digital Link cannot become."""


class UdiError(Gs1Error):
    """A carrier that holds no device identifier, or one of another issuing agency."""

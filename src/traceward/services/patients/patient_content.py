"""Whether an event that names no patient by GSRN tells of a person all the same: by a field's name, or a pattern.

Pure; it must not judge GSRNs (`epcis.identity.private` does).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

_FIELDS: Final = frozenset(
    {
        "birthdate",
        "birthday",
        "dateofbirth",
        "dob",
        "fallnummer",
        "familienname",
        "familyname",
        "firstname",
        "geburtsdatum",
        "geburtstag",
        "givenname",
        "healthinsurancenumber",
        "insurednumber",
        "krankenversichertennummer",
        "lastname",
        "medicalrecordnumber",
        "mrn",
        "nachname",
        "nhsnumber",
        "patient",
        "patientbirthdate",
        "patientdateofbirth",
        "patientdob",
        "patientenid",
        "patientenname",
        "patientennummer",
        "patientfirstname",
        "patientid",
        "patientidentifier",
        "patientinitials",
        "patientlastname",
        "patientmrn",
        "patientname",
        "patientnumber",
        "patientref",
        "patientreference",
        "socialsecuritynumber",
        "ssn",
        "subject",
        "subjectid",
        "surname",
        "versichertennummer",
        "vorname",
    }
)
"""Names of fields, English and German, without case, prefix or punctuation, that hold what identifies a person."""

# Looking for each costs a tenth of what one regular expression for all of them does.
_MARKS: Final = (
    b"patient",
    b"mrn",
    b"birth",
    b"dob",
    b"ssn",
    b"medical",
    b"insur",
    b"social",
    b"subject",
    b"nhs",
    b"name",
    b"fallnummer",
    b"geburt",
    b"versichert",
    b"\\u",
)
STAFF_FIELD: Final = "https://ns.traceward.org/consignment/capturedBy"
_PUNCTUATION: Final = re.compile(r"[^a-z0-9]")


def patient_field(expanded: Mapping[str, Any], text: bytes) -> str | None:
    """The name of a field that identifies a person by its name, None where there is none.

    text: the event as sent, of which a quick look mostly suffices.

    >>> patient_field({"https://ex.example/Patient-Name": "A"}, b'{"ex:Patient-Name":"A"}')
    'https://ex.example/Patient-Name'
    """
    lower = text.lower()
    if not any(mark in lower for mark in _MARKS):
        return None
    return next((name for name in _names(expanded) if _plain(name) in _FIELDS), None)


def names_staff(expanded: Mapping[str, Any], text: bytes) -> bool:
    """Whether an event has our field `mcx:capturedBy`, which names a member of staff (GSRNP)."""
    return (b"capturedBy" in text or b"\\u" in text) and STAFF_FIELD in _names(expanded)


def matching_pattern(patterns: Sequence[str], text: bytes) -> str | None:
    """The first of the configured patterns that the event's text holds, None where it holds none."""
    if not patterns:
        return None
    decoded = text.decode()
    return next((one for one in patterns if _compiled(one).search(decoded)), None)


def _plain(name: str) -> str:
    return _PUNCTUATION.sub("", re.split(r"[/#:]", name)[-1].lower())


def _names(value: Any) -> Iterable[str]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield str(name)
            yield from _names(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _names(one)


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)

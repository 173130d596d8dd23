"""Whether a text names a patient: a GSRN of a service recipient (AI 8018) in any spelling.

This module must not be relied on to find other personal data, nor to tell whose patient it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from traceward.gs1.check_digits import has_valid_check_digit
from traceward.gs1.plain_text import aligned_plain_text, plain_text

_GSRN = r"(?:[\s.\-_]?[0-9]){10,}"
_EIGHTEEN = r"[0-9](?:[\s.\-_/]?[0-9]){17}"
# A URN without any digit behind it is the form of a name, as documentation writes it, and nobody's name.
_URN = r"urn:epc:[a-z]+:gsrn(?:-[0-9]+)?:"  # id, idpat, tag, pat; gsrnp does not match
_NUMBER_FOLLOWS = r"(?=[^\s'\"]{0,200}[0-9*]|[\W_]{0,20}[0-9*])"
_PATIENT = re.compile(
    rf"(?P<urn>{_URN}){_NUMBER_FOLLOWS}"
    rf"|(?P<link>/(?:8018|gsrn)/+)(?={_GSRN})"  # path of a Digital Link, AI or short name
    rf"|[?&;](?:8018|gsrn)=(?={_GSRN})"  # data attribute of a Digital Link
    rf"|\(8018\)\s*(?={_GSRN})"  # bracketed element string
    r"|(?<![0-9])8018(?=[0-9]{18}(?![0-9]))"  # bare element string
    r"|urn:epc:raw:96\.x2d[0-9a-f]{22}"  # a wristband's tag that nobody decoded: the header 2D is GSRN-96
    r"|\bgsrn[\W_]{0,6}(?=[0-9.]{18}(?![0-9]))[0-9]{6,12}\.[0-9]{5,11}"  # prefix and reference without check digit
    r"|\](?:c1|d2|e0|j1|q3)8018"  # scan data
)
# The AI or the key's name beside the number, with signs between them, as people write it: "8018: 9521...".
# Only a number with its check digit counts, since any number may stand behind a lot or order called 8018.
_WRITTEN = re.compile(rf"(?:(?<![0-9])8018[\W_]{{1,6}}|\bgsrn[\W_]{{0,6}})({_EIGHTEEN})(?![0-9])")
# Within longer digits, as behind a GTIN: whatever ends in its check digit is taken for a GSRN. Looks ahead, so that
# overlapping places are all seen.
_WITHIN_DIGITS = re.compile(r"(?=8018([0-9]{18}))")
# What is cut out with a patient: of a URN or link all that hangs together with it, less the sentence's own signs; of
# an element string its digits. What follows a whole number after a space is another number.
_HANGING = r"(?:[^\s'\"]*[^\s'\".,:;!?)\]}>])?"
_REST = {
    "urn": re.compile(rf"(?:[\W_]{{0,20}}[0-9*](?:[\s.\-_]?[0-9*]){{0,16}})?{_HANGING}"),
    "link": re.compile(rf"(?:[\s.\-_]?[0-9]){{0,18}}{_HANGING}"),
    None: re.compile(r"(?:[\s.\-_]?[0-9]){0,18}[0-9]*"),
}
_LINK_START = re.compile(r"(?:[a-z][a-z0-9+.\-]{0,20}:)?//[^\s'\",;<>(){}\[\]|]*\Z")
_LONGEST_START = 300
_MARK = "[patient]"


def contains_patient_identifier(text: str) -> bool:
    """Whether `text` has, anywhere, a GSRN of a patient (AI 8018), however spelt: URN, Digital Link, element string.

    Case, percent-encoding (nested too), entities, digits of other scripts, invisible signs, short names and any host
    are seen through. A provider (GSRNP, AI 8017) is no patient. Malformed GSRNs count, since they may still tell a
    patient. What is encoded as a whole (base64, hexadecimal), and bare digits without AI or name, are not seen.

    >>> contains_patient_identifier("URN:EPC:ID:GSRN:9521141.0000000042")
    True
    >>> contains_patient_identifier("https://hospital.example/%38018/952114100000000421")
    True
    >>> contains_patient_identifier("urn:epc:id:gsrnp:9521141.0000000042")
    False
    """
    return may_name_patient(text.encode("utf-8", "replace")) and next(_patients(plain_text(text)), None) is not None


def _patients(plain: str) -> Iterator[re.Match[str]]:
    """Where a plain text names patients; they may overlap."""
    yield from _PATIENT.finditer(plain)
    for pattern in (_WRITTEN, _WITHIN_DIGITS):
        for found in pattern.finditer(plain):
            if has_valid_check_digit(re.sub(r"[^0-9]", "", found[1])):
                yield found


def may_name_patient(text: bytes) -> bool:
    """Whether a text (UTF-8) has any of the marks without which no spelling of a GSRN is found in it; a quick look."""
    return (
        b"8018" in text or b"%" in text or b"&#" in text or not text.isascii()
        or b"gsrn" in (lower := text.lower()) or b"epc:raw:" in lower
    )  # fmt: skip


def without_patients(text: str) -> str:
    """The text with a mark in each patient's place, all else as it was; nothing but a mark where that leaves a patient.

    >>> without_patients("'urn:epc:id:gsrn:9521141.0000000042' is no PLACE (8018)952114100000000421 2026")
    "'[patient]' is no PLACE [patient] 2026"
    """
    if not contains_patient_identifier(text):
        return text
    plain, starts, ends = aligned_plain_text(text)
    kept: list[str] = []
    at = 0
    for start, end in sorted(_to_cut(plain, found) for found in _patients(plain)):
        if ends[end - 1] <= at:
            continue
        if starts[start] >= at:
            kept += (text[at : starts[start]], _MARK)
        at = ends[end - 1]
    cut = "".join((*kept, text[at:]))
    return "[left out: it names a patient]" if contains_patient_identifier(cut) else cut


def _to_cut(plain: str, found: re.Match[str]) -> tuple[int, int]:
    """Start and end in the plain text of all that tells of a patient that was found there."""
    if found.re is not _PATIENT:
        return found.start(), found.end(1)
    start = found.start()
    if found.lastgroup == "link":
        before = _LINK_START.search(plain, max(0, start - _LONGEST_START), start)
        start = start if before is None else before.start()
    rest = _REST[found.lastgroup].match(plain, found.end())
    return start, found.end() if rest is None else rest.end()

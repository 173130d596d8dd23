"""Logical ids of FHIR resources: opaque, stable, and read back without a table.

A patient's id, and that of whatever belongs to one patient, is sealed for the organisation: without the instance's
secret it tells nothing, and for another organisation it is no id at all. Reads no data.
"""

from base64 import b32decode, b32encode
from binascii import Error as Base32Error
from hashlib import blake2b
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from traceward.ledger.facts import GS1, PATIENT
from traceward.services.tracing.implants import LinkLine

_GTIN_BYTES: Final = 6
_GSRN_BYTES: Final = 8
_EID_BYTES: Final = 16
_ITEM, _LINK, _EVENT, _PLACE, _AUDIT = "i", "l", "e", "p", "a"


class Item(NamedTuple):
    """A serialised trade item. epc: its canonical identifier."""

    epc: str


class EventLine(NamedTuple):
    """One line of an event. eid: 16 bytes; line: its number, from 0."""

    eid: bytes
    line: int


class Place(NamedTuple):
    """A place. sgln: its canonical identifier."""

    sgln: str


class FhirIds:
    """Makes and reads the ids of one organisation."""

    def __init__(self, secret: bytes, organisation: str) -> None:
        self._cipher = AESSIV(blake2b(secret, digest_size=64, person=b"fhir ids").digest())
        self._for = [organisation.encode()]

    def patient(self, gsrn: str) -> str:
        """The id of a patient. gsrn: canonical identifier, AI 8018.

        Raises ValueError for anything else.
        """
        digits = gsrn.removeprefix(PATIENT)
        if not gsrn.startswith(PATIENT) or not digits.isdigit():
            raise ValueError(f"expected a GSRN (AI 8018), not an identifier of {len(gsrn)} characters")
        return _text(self._cipher.encrypt(int(digits).to_bytes(_GSRN_BYTES, "big"), self._for))

    def read_patient(self, text: str) -> str | None:
        """The GSRN of a patient's id, canonical; None for any other text."""
        opened = self._open(text)
        return f"{PATIENT}{int.from_bytes(opened, 'big'):018d}" if opened and len(opened) == _GSRN_BYTES else None

    def device(self, subject: Item | LinkLine) -> str:
        """The id of a device: a serialised item, or the pieces of a lot that one event tied to a patient."""
        if isinstance(subject, LinkLine):
            return _LINK + _text(self._cipher.encrypt(subject.eid + subject.line.to_bytes(2, "big"), self._for))
        gtin, _, serial = subject.epc.removeprefix(f"{GS1}01/").partition("/21/")
        return _ITEM + _text(int(gtin).to_bytes(_GTIN_BYTES, "big") + unquote(serial).encode())

    def read_device(self, text: str) -> Item | LinkLine | None:
        """What a device's id stands for; None for any other text."""
        if text.startswith(_LINK):
            opened = self._open(text[1:])
            if opened is None or len(opened) != _EID_BYTES + 2:
                return None
            return LinkLine(opened[:_EID_BYTES], int.from_bytes(opened[_EID_BYTES:], "big"))
        data = _bytes(text[1:]) if text.startswith(_ITEM) else None
        if data is None or len(data) <= _GTIN_BYTES:
            return None
        try:
            serial = data[_GTIN_BYTES:].decode("ascii")
        except UnicodeDecodeError:
            return None
        return Item(f"{GS1}01/{int.from_bytes(data[:_GTIN_BYTES], 'big'):014d}/21/{quote(serial, safe='')}")

    def audit(self, number: int) -> str:
        """The id of an entry of the audit log, sealed, since the number would tell how many others have."""
        return _AUDIT + _text(self._cipher.encrypt(number.to_bytes(_GSRN_BYTES, "big"), self._for))

    def read_audit(self, text: str) -> int | None:
        """The number of such an id; None for any other text."""
        opened = self._open(text[1:]) if text.startswith(_AUDIT) else None
        return int.from_bytes(opened, "big") if opened is not None and len(opened) == _GSRN_BYTES else None

    def _open(self, text: str) -> bytes | None:
        data = _bytes(text)
        if data is None:
            return None
        try:
            return self._cipher.decrypt(data, self._for)
        except (InvalidTag, ValueError):
            return None


def is_item(epc: str) -> bool:
    """Whether an identifier is that of a serialised trade item, which alone is a device of its own."""
    return epc.startswith(f"{GS1}01/") and "/21/" in epc


def event_id(line: EventLine) -> str:
    """The id of what one line of an event is shown as.

    >>> read_event_id(event_id(EventLine(b"0123456789abcdef", 3)))
    EventLine(eid=b'0123456789abcdef', line=3)
    """
    return _EVENT + _text(line.eid + line.line.to_bytes(2, "big"))


def read_event_id(text: str) -> EventLine | None:
    """The event and line of such an id; None for any other text."""
    data = _bytes(text[1:]) if text.startswith(_EVENT) else None
    if data is None or len(data) != _EID_BYTES + 2:
        return None
    return EventLine(data[:_EID_BYTES], int.from_bytes(data[_EID_BYTES:], "big"))


def place_id(sgln: str) -> str:
    """The id of a place's stock list.

    >>> read_place_id(place_id("https://id.gs1.org/414/4012345000016/254/OR3"))
    Place(sgln='https://id.gs1.org/414/4012345000016/254/OR3')
    """
    gln, _, extension = sgln.removeprefix(f"{GS1}414/").partition("/254/")
    return _PLACE + _text(int(gln).to_bytes(_GTIN_BYTES, "big") + unquote(extension).encode())


def read_place_id(text: str) -> Place | None:
    """The place of such an id; None for any other text."""
    data = _bytes(text[1:]) if text.startswith(_PLACE) else None
    if data is None or len(data) < _GTIN_BYTES:
        return None
    try:
        extension = data[_GTIN_BYTES:].decode("ascii")
    except UnicodeDecodeError:
        return None
    tail = f"/254/{quote(extension, safe='')}" if extension else ""
    return Place(f"{GS1}414/{int.from_bytes(data[:_GTIN_BYTES], 'big'):013d}{tail}")


def _text(data: bytes) -> str:
    return b32encode(data).decode().rstrip("=").lower()


def _bytes(text: str) -> bytes | None:
    try:
        data = b32decode(text.upper() + "=" * (-len(text) % 8))
    except (Base32Error, ValueError):
        return None
    return data if _text(data) == text else None

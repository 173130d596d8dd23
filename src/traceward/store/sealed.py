"""Texts of private events, encrypted under the keys of the data subjects that they name, and given back on reading.

Erasing a subject means forgetting its key: its events can then be read by nobody, while their numbers, facts and places
in the history stay. It must not decide whose data something is; services name the subjects.
"""

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from traceward.store.connection import Row

MARK: Final = b"\x00tw1"
"""How a sealed text begins; no JSON or XML text can."""

ERASED: Final = b""
"""What is given in place of a text whose key is gone."""

_ID_BYTES: Final = 16
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_COPIES: Final = "SELECT eid, party, text FROM sealed_copy WHERE eid IN {in}"
_COLUMNS: Final = ("id", "party", "wrapped", "name", "created_us", "erased_us")

Fetch = Callable[[str, Iterable[Any]], list[Row]]
"""`fetch_in` of a connection or transaction."""


class Text(NamedTuple):
    """What is encrypted of an event: its text as sent, its rendering and its @context."""

    text: bytes
    rendered: bytes | None
    context: bytes | None


class Vault:
    """Seals and opens under one instance's secret. Keys of subjects are wrapped by a key that is made from it."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._wrapping: AESGCM | None = None

    @property
    def secret(self) -> bytes:
        """The instance's secret, under which index terms are hashed too."""
        return self._secret

    def subject_id(self, party: int, name: str) -> bytes:
        """The 16 bytes by which a subject of an organisation is known: nobody can make them without the secret."""
        text = f"{party}\0{name}".encode()
        return blake2b(text, digest_size=_ID_BYTES, key=self._secret, person=b"subject").digest()

    def new_key_row(self, party: int, name: str, created_us: int, erased_us: int | None = None) -> Row:
        """A row of `subject_key`, in the order of its columns, with a fresh key. erased_us: when an earlier went."""
        subject = self.subject_id(party, name)
        key = AESGCM.generate_key(bit_length=256)
        wrapped = _encrypt(self._wrapper(), key, subject)
        return (subject, party, wrapped, _encrypt(AESGCM(key), name.encode(), subject), created_us, erased_us)

    def seal(self, keys: Mapping[bytes, bytes], content: Text, bound_to: bytes) -> bytes:
        """The content under all of these subjects' keys; it opens with `bound_to` only, the eid of its event."""
        ids = sorted(keys)
        cipher = AESGCM(_joined(keys[one] for one in ids))
        return MARK + bytes([len(ids)]) + b"".join(ids) + _encrypt(cipher, msgspec.msgpack.encode(content), bound_to)

    def unwrap(self, rows: Iterable[Row]) -> dict[bytes, bytes]:
        """The keys of subjects, from (id, wrapped) rows; those that were erased are left out."""
        return {
            bytes(subject): _decrypt(self._wrapper(), bytes(wrapped), bytes(subject))
            for subject, wrapped in rows
            if wrapped is not None
        }

    def open_all(self, sealed: Mapping[bytes, bytes], fetch_in: Fetch) -> dict[bytes, Text | None]:
        """The contents of sealed texts by eid; None for those of which a key is gone."""
        wanted = {subject for text in sealed.values() for subject in subjects_of(text)}
        stored = fetch_in("SELECT id, wrapped, erased_us FROM subject_key WHERE id IN {in}", wanted)
        keys = self.unwrap((row[0], row[1]) for row in stored)
        renewed = {bytes(row[0]) for row in stored if row[2] is not None}
        return {eid: self._open(text, keys, eid, renewed) for eid, text in sealed.items()}

    def _open(
        self, text: bytes, keys: Mapping[bytes, bytes], bound_to: bytes, renewed: Collection[bytes]
    ) -> Text | None:
        ids = subjects_of(text)
        if not all(one in keys for one in ids):
            return None
        cipher = AESGCM(_joined(keys[one] for one in ids))
        try:
            plain = _decrypt(cipher, text[len(MARK) + 1 + len(ids) * _ID_BYTES :], bound_to)
        except ValueError:
            if not any(one in renewed for one in ids):
                raise
            return None  # sealed under a key that was erased, before its subject came back
        return Text(*msgspec.msgpack.decode(plain))

    def _wrapper(self) -> AESGCM:
        if self._wrapping is None:
            kdf = HKDF(SHA256(), _KEY_BYTES, salt=None, info=b"traceward subject keys")
            self._wrapping = AESGCM(kdf.derive(self._secret))
        return self._wrapping


def subjects_of(text: bytes) -> tuple[bytes, ...]:
    """The subjects under whose keys a text is sealed."""
    start, count = len(MARK) + 1, text[len(MARK)]
    return tuple(text[at : at + _ID_BYTES] for at in range(start, start + count * _ID_BYTES, _ID_BYTES))


def is_sealed(text: bytes) -> bool:
    """Whether a stored text is encrypted."""
    return text.startswith(MARK)


def key_columns() -> tuple[str, ...]:
    """The columns of `subject_key`, in the order of its rows."""
    return _COLUMNS


def _joined(keys: Iterable[bytes]) -> bytes:
    """One key from those of several subjects, so that forgetting any of them is enough."""
    joined = list(keys)
    return joined[0] if len(joined) == 1 else blake2b(b"".join(joined), digest_size=_KEY_BYTES).digest()


def _encrypt(cipher: AESGCM, plain: bytes, bound_to: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, bound_to)


def _decrypt(cipher: AESGCM, data: bytes, bound_to: bytes) -> bytes:
    try:
        return cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], bound_to)
    except InvalidTag as error:
        raise ValueError(
            "an encrypted text does not open: it was altered, or the database has another secret"
        ) from error


def opened(rows: Sequence[Row], vault: Vault, fetch_in: Fetch) -> dict[int, Text | None]:
    """The contents of those event rows whose text is sealed, by number. rows: in the order of `EVENT_COLUMNS`."""
    sealed = {bytes(row[1]): (row[0], bytes(row[8])) for row in rows if row[6] and is_sealed(bytes(row[8][:4]))}
    if not sealed:
        return {}
    contents = vault.open_all({eid: text for eid, (_, text) in sealed.items()}, fetch_in)
    gone = [eid for eid, content in contents.items() if content is None]
    # What one organisation had erased another may still read: whether it may be seen at all was decided before.
    for eid, _, text in sorted(fetch_in(_COPIES, gone), key=lambda row: row[1]) if gone else []:
        if contents[bytes(eid)] is None:
            contents |= vault.open_all({bytes(eid): bytes(text)}, fetch_in)
    return {sealed[eid][0]: content for eid, content in contents.items()}

"""A websocket to the server under test, enough to hear one message; it must not be used for anything else. RFC 6455."""

import base64
import secrets
import struct
from typing import Final

from traceward.conformance.client import Client
from traceward.conformance.model import NotSupported, Unmet

MAX_MESSAGE_BYTES: Final = 16_000_000
_TEXT_OR_MORE: Final = frozenset({0, 1, 2})
_CLOSE: Final = 8


class WebSocket:
    """An open websocket; raises NotSupported where the server answers with anything but 101."""

    def __init__(self, client: Client, target: str, timeout_s: float) -> None:
        upgrade = client.upgrade(
            target,
            {
                "Upgrade": "websocket",
                "Connection": "Upgrade",
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
            },
            timeout_s,
        )
        if upgrade.status != 101:
            upgrade.close()
            raise NotSupported(f"the upgrade to a websocket is answered with {upgrade.status}")
        self._upgrade = upgrade

    def message(self) -> str:
        """The next text message; raises Unmet where none comes in time."""
        text = b""
        try:
            while True:
                final, kind, payload = self._frame()
                if kind == _CLOSE:
                    raise Unmet("a message", "the end of the websocket")
                if kind in _TEXT_OR_MORE:
                    text += payload
                    if final:
                        return text.decode("utf-8", errors="replace")
        except (OSError, EOFError) as error:
            raise Unmet("a message over the websocket", f"none: {error}") from error

    def close(self) -> None:
        """Close the connection."""
        self._upgrade.close()

    def _frame(self) -> tuple[bool, int, bytes]:
        first, second = self._exactly(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack(">H", self._exactly(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self._exactly(8))
        if size > MAX_MESSAGE_BYTES:
            raise Unmet(f"a message of at most {MAX_MESSAGE_BYTES} bytes", str(size))
        return bool(first & 0x80), first & 0x0F, self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        data = self._upgrade.stream.read(size)
        if len(data) < size:
            raise EOFError("the connection ended")
        return data

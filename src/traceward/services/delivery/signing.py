"""The headers by which a receiver knows who sent a message, that it is whole, and that it has not come before.

Pure values; it must not keep or log the secret.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Final

_STANDARD_PREFIX: Final = "whsec_"


def message_headers(message_id: str, time_s: int, body: bytes, token: str | None) -> dict[str, str]:
    """webhook-id and webhook-timestamp and, with a token, webhook-signature and the same value as GS1-Signature.

    The signature is `v1,` and the base64 of HMAC-SHA256 over `<webhook-id>.<webhook-timestamp>.<body>`; its key is the
    signatureToken in UTF-8, or, where that begins with `whsec_`, what the rest decodes to as base64. Standard Webhooks
    1.0; EPCIS 2.0 REST leaves the algorithm of GS1-Signature to the server.

    >>> message_headers("m", 1, b"{}", "key")["GS1-Signature"]
    'v1,PZ/NkMlNTAuwo7eUSzj+2MvSPuobXrtxD9Jq3rZS73c='
    """
    headers = {"webhook-id": message_id, "webhook-timestamp": str(time_s)}
    if token is None:
        return headers
    signed = b"%b.%d.%b" % (message_id.encode(), time_s, body)
    digest = hmac.new(signing_key(token), signed, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return headers | {"webhook-signature": signature, "GS1-Signature": signature}


def signing_key(token: str) -> bytes:
    """The bytes that a signatureToken stands for."""
    if token.startswith(_STANDARD_PREFIX):
        try:
            return base64.b64decode(token.removeprefix(_STANDARD_PREFIX), validate=True)
        except binascii.Error:
            return token.encode()
    return token.encode()

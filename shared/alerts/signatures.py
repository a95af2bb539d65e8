"""Standard Webhooks signatures: proof that a message comes from whoever shares the secret, and is not an old one.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from shared.errors import BadSignature, InvalidSecret

TOLERANCE_S = 300.0

_PREFIX = "whsec_"
_KEY_BYTES = range(24, 65)


def sign(secret: str, *, id: str, timestamp: int, body: bytes) -> str:  # noqa: A002 - the header is webhook-id
    """Return the value of the header ``webhook-signature`` for one message.

    ``id`` is the value of ``webhook-id``: the same for every attempt at one message, and without a full stop.
    ``timestamp`` is that of the attempt, in real seconds since the Unix epoch.

    Raises:
        InvalidSecret: ``secret`` is not ``whsec_`` followed by 24 to 64 bytes in base64.

    >>> sign(
    ...     "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    ...     id="msg_p5jXN8AQM9LWM0D4loKWxJek",
    ...     timestamp=1614265330,
    ...     body=b'{"test": 2432232314}',
    ... )
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    signed = b".".join((id.encode(), str(timestamp).encode(), body))
    digest = hmac.digest(_key(secret), signed, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def verify(secret: str, *, headers: Mapping[str, str], body: bytes, now: float) -> None:
    """Accept a message or raise.

    ``headers`` are looked up in lower case; ``now`` is in real seconds since the Unix epoch. The signature header may
    hold several signatures, separated by spaces, of which one has to fit: so secrets can be changed without a gap.

    Raises:
        BadSignature: a header is missing, the time is more than five minutes away, or no signature fits.
        InvalidSecret: ``secret`` is not ``whsec_`` followed by 24 to 64 bytes in base64.
    """
    missing = [name for name in ("webhook-id", "webhook-timestamp", "webhook-signature") if not headers.get(name)]
    if missing:
        raise BadSignature(reason=f"without {', '.join(missing)}")
    sent = headers["webhook-timestamp"]
    if not (sent.isascii() and sent.isdigit() and len(sent) < 16):
        raise BadSignature(reason="webhook-timestamp is not a number of seconds")
    if abs(now - int(sent)) > TOLERANCE_S:
        raise BadSignature(reason="webhook-timestamp is more than five minutes away")
    expected = sign(secret, id=headers["webhook-id"], timestamp=int(sent), body=body).encode()
    offered = headers["webhook-signature"].split(" ")
    if not any(hmac.compare_digest(expected, one.encode()) for one in offered):
        raise BadSignature(reason="no signature fits")


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidSecret(reason="is not base64") from None
    if not secret.startswith(_PREFIX):
        raise InvalidSecret(reason=f"does not begin with {_PREFIX}")
    if len(key) not in _KEY_BYTES:
        raise InvalidSecret(reason=f"is {len(key)} bytes long, not 24 to 64")
    return key

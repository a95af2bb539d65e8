"""Shared access signatures: who may use which entity, until when.

A token is ``SharedAccessSignature sr=<uri>&sig=<hash>&se=<expiry>&skn=<key name>``. The hash is an HMAC-SHA256, under
the key, of the resource URI as it stands in the token and the expiry. Expiry is in real seconds since the epoch.
"""

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, unquote_plus

from infra.local.eventhubs.errors import Refused

_SCHEME: Final = "SharedAccessSignature "


@dataclass(frozen=True, slots=True)
class SharedKey:
    """A named key that signs for the whole namespace."""

    name: str
    key: str = field(repr=False)

    def check(self, token: str, audience: str) -> float:
        """Check that ``token`` opens ``audience`` now, and return when it expires.

        Raises:
            Refused: it is not a token, not signed with this key, expired, or for something else.
        """
        if not token.startswith(_SCHEME):
            raise Refused.unauthorized("InvalidSignature: not a shared access signature")
        text = token.removeprefix(_SCHEME)
        resource = next((part.removeprefix("sr=") for part in text.split("&") if part.startswith("sr=")), "")
        fields = {name: values[0] for name, values in parse_qs(text).items()}
        expiry = fields.get("se", "")
        signature = fields.get("sig", "").encode()
        # azure-eventhub quotes the key's name twice.
        named = self.name in {fields.get("skn"), unquote_plus(fields.get("skn", ""))}
        if not (named and expiry.isdecimal() and hmac.compare_digest(signature, self._sign(resource, expiry))):
            raise Refused.unauthorized("InvalidSignature: The token has an invalid signature.")
        if float(expiry) <= time.time():
            raise Refused.unauthorized("ExpiredToken: The token is expired.")
        if not _covers(path_of(unquote_plus(resource)), path_of(audience)):
            raise Refused.unauthorized(f"InvalidAudience: the token is not for {audience!r}")
        return float(expiry)

    def _sign(self, resource: str, expiry: str) -> bytes:
        digest = hmac.digest(self.key.encode(), f"{resource}\n{expiry}".encode(), hashlib.sha256)
        return base64.b64encode(digest)


class Grants:
    """What one connection may use: the paths it has put a token for."""

    def __init__(self) -> None:
        self._expiries: dict[str, float] = {}

    def add(self, audience: str, expires: float) -> None:
        self._expiries[path_of(audience)] = expires

    def require(self, *paths: str) -> None:
        """Check that one of ``paths`` may be used now.

        Raises:
            Refused: no token for it was put, or it has expired.
        """
        now = time.time()
        live = [granted for granted, expires in self._expiries.items() if expires > now]
        if not any(_covers(granted, path.lower()) for granted in live for path in paths):
            raise Refused.unauthorized(f"Unauthorized access: no valid token was put for {paths[0]!r}.")


def path_of(address: str) -> str:
    """Return the path of an entity, in lower case, without scheme and host.

    >>> path_of("sb://127.0.0.1:5672/hub/ConsumerGroups/$Default")
    'hub/consumergroups/$default'
    """
    _, separator, rest = address.partition("://")
    path = rest.partition("/")[2] if separator else address
    return path.strip("/").lower()


def _covers(granted: str, path: str) -> bool:
    """Say whether a token for ``granted`` opens ``path``: the same, or something below it."""
    return not granted or path == granted or path.startswith(granted + "/")

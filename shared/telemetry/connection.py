"""The Application Insights connection string."""

import uuid
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

# where a connection string without an endpoint of its own means, says Azure Monitor's documentation
_GLOBAL_ENDPOINT = "https://dc.services.visualstudio.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where telemetry goes, and for whom. ``endpoint`` has no trailing slash."""

    instrumentation_key: str = field(repr=False)
    endpoint: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``InstrumentationKey=<uuid>;IngestionEndpoint=<url>;…``; names are matched in any case.

        Raises:
            ValueError: saying what is missing or wrong, without repeating the key.

        >>> Connection.parse(
        ...     "InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=http://127.0.0.1:4000/"
        ... ).track_url
        'http://127.0.0.1:4000/v2.1/track'
        """
        parts = {
            name.strip().lower(): value.strip()
            for name, separator, value in (part.partition("=") for part in text.split(";"))
            if separator
        }
        key = parts.get("instrumentationkey", "")
        if not key:
            raise ValueError("the connection string has no InstrumentationKey")
        try:
            uuid.UUID(key)
        except ValueError:
            raise ValueError("the connection string's InstrumentationKey is not a UUID") from None
        endpoint = parts.get("ingestionendpoint", _GLOBAL_ENDPOINT).rstrip("/")
        if not is_http(endpoint):
            raise ValueError(f"the connection string's IngestionEndpoint is not an http(s) address: {endpoint!r}")
        return cls(instrumentation_key=key, endpoint=endpoint)

    @property
    def track_url(self) -> str:
        """Return the address that takes batches."""
        return f"{self.endpoint}/v2.1/track"


def is_http(url: str) -> bool:
    """Say whether ``url`` can be posted to: http or https, a host, and a port that is one."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False

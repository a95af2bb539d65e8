"""Posts one body over HTTP. No retries, no rules: an answer, or ``TelemetryUnanswered``."""

import http.client
from urllib.parse import urljoin, urlsplit

from shared.errors import TelemetryUnanswered
from shared.telemetry.answers import Answer
from shared.telemetry.connection import is_http

_REDIRECTS = frozenset({307, 308})
_HOPS = 4
_ANSWER_BYTES = 1 << 20
_HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "Content-Encoding": "gzip",
    "Accept": "application/json",
}


def post(url: str, body: bytes, timeout_s: float) -> Answer:
    """Post ``body`` (JSON, gzip) and return the answer, following redirects that keep the method.

    ``timeout_s`` bounds connecting and every single read, not their sum. Redirects are followed afresh each time, at
    most four, and never from https to http. Proxies of the environment are not used.

    Raises:
        TelemetryUnanswered: no connection, no answer in time, none that is HTTP, or a redirect that cannot be followed.
    """
    for _ in range(_HOPS):
        answer, location = _post_once(url, body, timeout_s)
        if answer.status not in _REDIRECTS:
            return answer
        target = urljoin(url, location or "")
        if not is_http(target) or (url.startswith("https:") and not target.startswith("https:")):
            raise TelemetryUnanswered(reason="redirected to nowhere, or to an address that is not encrypted")
        url = target
    raise TelemetryUnanswered(reason="redirected in circles")


def _post_once(url: str, body: bytes, timeout_s: float) -> tuple[Answer, str | None]:
    """Return the answer and its Location."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    connection = kind(parts.hostname or "", parts.port, timeout=timeout_s)
    try:
        connection.request("POST", path, body, _HEADERS)
        response = connection.getresponse()
        answer = Answer(
            status=response.status,
            body=response.read(_ANSWER_BYTES),
            retry_after=response.getheader("Retry-After"),
        )
        return answer, response.getheader("Location")
    except (OSError, http.client.HTTPException, UnicodeError, ValueError) as error:
        # ValueError: a header or a path that http.client refuses to send or to read
        raise TelemetryUnanswered(reason=f"{type(error).__name__}: {error}") from error
    finally:
        connection.close()

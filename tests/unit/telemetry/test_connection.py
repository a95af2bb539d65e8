"""Connection strings."""

import pytest

from shared.telemetry.connection import Connection

KEY = "00000000-0000-0000-0000-00000000abcd"


def test_reads_what_the_portal_shows() -> None:
    connection = Connection.parse(
        f"InstrumentationKey={KEY};IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/;"
        "LiveEndpoint=https://westeurope.livediagnostics.monitor.azure.com/;ApplicationId=0000"
    )

    assert connection.instrumentation_key == KEY
    assert connection.track_url == "https://westeurope-5.in.applicationinsights.azure.com/v2.1/track"


def test_without_an_endpoint_means_the_global_one() -> None:
    assert Connection.parse(f"instrumentationkey={KEY}").endpoint == "https://dc.services.visualstudio.com"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("nonsense", "no InstrumentationKey"),
        ("InstrumentationKey=", "no InstrumentationKey"),
        ("InstrumentationKey=secret", "not a UUID"),
        (f"InstrumentationKey={KEY};IngestionEndpoint=", "not an http"),
        (f"InstrumentationKey={KEY};IngestionEndpoint=ftp://host", "not an http"),
        (f"InstrumentationKey={KEY};IngestionEndpoint=http://host:port", "not an http"),
        (f"InstrumentationKey={KEY};IngestionEndpoint=http://[", "not an http"),
    ],
)
def test_says_what_is_wrong_without_the_key(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as caught:
        Connection.parse(text)

    assert KEY not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_the_key_is_not_printed() -> None:
    assert KEY not in repr(Connection.parse(f"InstrumentationKey={KEY}"))

"""Shared access signatures: checked against the client's own, and against what they are not for."""

import time

import pytest
from azure.eventhub._pyamqp.utils import generate_sas_token

from infra.local.eventhubs.errors import Refused
from infra.local.eventhubs.sas import Grants, SharedKey

KEY = SharedKey("RootManageSharedAccessKey", "secret")
HUB = "sb://127.0.0.1:5672/hub"


def _token(*, audience: str = HUB, name: str = KEY.name, key: str = KEY.key, expiry: float = 3_600.0) -> str:
    return str(generate_sas_token(audience, name, key, int(time.time() + expiry)))  # type: ignore[no-untyped-call]


def test_the_clients_own_token_opens_what_it_names_and_what_is_below() -> None:
    expires = KEY.check(_token(), f"{HUB}/ConsumerGroups/capture")

    assert expires == pytest.approx(time.time() + 3_600.0, abs=2.0)


def test_a_key_name_that_needs_quoting_is_found() -> None:
    """The client quotes it twice."""
    key = SharedKey("send & listen", "secret")

    assert key.check(_token(name=key.name), HUB)


@pytest.mark.parametrize(
    ("token", "why"),
    [
        (_token(key="another"), "InvalidSignature"),
        (_token(name="another"), "InvalidSignature"),
        (_token(expiry=-1.0), "ExpiredToken"),
        (_token(audience="sb://127.0.0.1:5672/other"), "InvalidAudience"),
        (_token(audience="sb://127.0.0.1:5672/hu"), "InvalidAudience"),
        (_token().replace("&se=", "&se=9"), "InvalidSignature"),
        ("SharedAccessSignature ", "InvalidSignature"),
        ("a.json.webtoken", "InvalidSignature"),
    ],
)
def test_any_other_token_is_unauthorized(token: str, why: str) -> None:
    """A test of permissions that passes with any key has tested nothing."""
    with pytest.raises(Refused, match=why) as caught:
        KEY.check(token, HUB)

    assert caught.value.status_code == 401


def test_a_grant_ends_with_its_token() -> None:
    grants = Grants()
    grants.add(HUB, time.time() + 60.0)
    grants.require("Hub/Partitions/0")
    grants.add(HUB, time.time() - 1.0)

    with pytest.raises(Refused):
        grants.require("Hub/Partitions/0")

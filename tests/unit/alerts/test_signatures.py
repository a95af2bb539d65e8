"""Standard Webhooks signatures."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.alerts.signatures import sign, verify
from shared.errors import BadSignature, InvalidSecret

# the example of the Standard Webhooks libraries
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
SENT = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def headers(**changes: str) -> dict[str, str]:
    whole = {"webhook_id": ID, "webhook_timestamp": str(SENT), "webhook_signature": SIGNATURE}
    return {name.replace("_", "-"): value for name, value in {**whole, **changes}.items()}


def test_signs_the_published_example() -> None:
    assert sign(SECRET, id=ID, timestamp=SENT, body=BODY) == SIGNATURE


@pytest.mark.parametrize("signature", [SIGNATURE, f"v1,AAAA {SIGNATURE}", f"{SIGNATURE} v1a,of-another-kind"])
@pytest.mark.parametrize("skew_s", [-300, 0, 300])
def test_accepts_one_fitting_signature_within_five_minutes(signature: str, skew_s: int) -> None:
    verify(SECRET, headers=headers(webhook_signature=signature), body=BODY, now=SENT + skew_s)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"webhook_id": ""}, "without webhook-id"),
        ({"webhook_timestamp": ""}, "without webhook-timestamp"),
        ({"webhook_signature": ""}, "without webhook-signature"),
        ({"webhook_timestamp": "soon"}, "not a number"),
        ({"webhook_timestamp": "9" * 5000}, "not a number"),
        ({"webhook_timestamp": "²"}, "not a number"),
        ({"webhook_timestamp": str(SENT - 301)}, "five minutes"),
        ({"webhook_timestamp": str(SENT + 301)}, "five minutes"),
        ({"webhook_timestamp": str(SENT + 1)}, "no signature fits"),
        ({"webhook_id": "msg_other"}, "no signature fits"),
        ({"webhook_signature": SIGNATURE[3:]}, "no signature fits"),
        ({"webhook_signature": "v1,é"}, "no signature fits"),
    ],
)
def test_refuses_whatever_does_not_fit(changes: dict[str, str], reason: str) -> None:
    with pytest.raises(BadSignature, match=reason):
        verify(SECRET, headers=headers(**changes), body=BODY, now=SENT)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_a_signature_is_good_for_its_own_body_only(body: bytes, other: bytes) -> None:
    signed = headers(webhook_signature=sign(SECRET, id=ID, timestamp=SENT, body=body))

    verify(SECRET, headers=signed, body=body, now=SENT)
    if body != other:
        with pytest.raises(BadSignature):
            verify(SECRET, headers=signed, body=other, now=SENT)


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "does not begin with whsec_"),
        ("whsec_not base64", "is not base64"),
        ("whsec_é", "is not base64"),
        ("whsec_" + base64.b64encode(bytes(23)).decode(), "is 23 bytes long"),
        ("whsec_" + base64.b64encode(bytes(65)).decode(), "is 65 bytes long"),
    ],
)
def test_refuses_a_secret_that_is_none_without_repeating_it(secret: str, reason: str) -> None:
    with pytest.raises(InvalidSecret, match=reason) as caught:
        sign(secret, id=ID, timestamp=SENT, body=BODY)

    assert secret not in str(caught.value)

import base64
from datetime import UTC, datetime, timedelta

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from connectors.sdk.errors import InvalidSignature
from connectors.sdk.signatures import (
    check_hmac_base64,
    check_hmac_hex,
    check_standard_webhook,
    hmac_sha256_base64,
    hmac_sha256_hex,
    sign_standard_webhook,
)

NOW = datetime.now(UTC).replace(microsecond=0)  # the second opinion below looks at the system's time
BODY = '{"id": 1, "note": "schön"}'.encode()
SECRET = "whsec_" + base64.b64encode(b"a secret of tests, thirty-two b.").decode()


def test_known_answers_of_rfc_4231_case_2():
    digest = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert hmac_sha256_hex(b"Jefe", b"what do ya want for nothing?") == digest
    assert (
        hmac_sha256_base64(b"Jefe", b"what do ya want for nothing?") == base64.b64encode(bytes.fromhex(digest)).decode()
    )


@pytest.mark.parametrize(
    ("check", "sign"), [(check_hmac_base64, hmac_sha256_base64), (check_hmac_hex, hmac_sha256_hex)]
)
def test_any_of_several_secrets_proves(check, sign):
    check(BODY, sign(b"new", BODY), ["old", "new"])


@pytest.mark.parametrize(
    ("check", "sign"), [(check_hmac_base64, hmac_sha256_base64), (check_hmac_hex, hmac_sha256_hex)]
)
def test_an_empty_secret_proves_nothing(check, sign):
    for secrets in ([], [""], ["", ""]):
        with pytest.raises(InvalidSignature):
            check(BODY, sign(b"", BODY), secrets)


@given(st.none() | st.text(max_size=80))
def test_garbage_is_refused(signature):
    for check in (check_hmac_base64, check_hmac_hex):
        with pytest.raises(InvalidSignature):
            check(BODY, signature, ["secret", "", "zweites Geheimnis ß"])


def test_our_signature_is_taken_by_the_reference_and_theirs_by_us():
    reference = standardwebhooks.Webhook(SECRET)
    just_now = datetime.now(UTC)  # the reference knows no other clock
    assert reference.verify(BODY, sign_standard_webhook(SECRET, "msg_1", just_now, BODY)) == {"id": 1, "note": "schön"}
    theirs = reference.sign("msg_2", NOW, BODY.decode())
    headers = {
        "webhook-id": "msg_2",
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": f"v1,AAAA v1a,BBBB {theirs}",
    }
    check_standard_webhook(headers, BODY, [SECRET], NOW)


@pytest.mark.parametrize(("seconds", "is_taken"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_a_delivery_is_believed_for_five_minutes(seconds, is_taken):
    headers = sign_standard_webhook(SECRET, "msg_1", NOW, BODY)
    at = NOW + timedelta(seconds=seconds)
    if is_taken:
        check_standard_webhook(headers, BODY, [SECRET], at)
        return
    with pytest.raises(InvalidSignature, match="five minutes"):
        check_standard_webhook(headers, BODY, [SECRET], at)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "msg_2"},
        {"webhook-id": ""},
        {"webhook-timestamp": str(int(NOW.timestamp()) + 1)},
        {"webhook-timestamp": "now"},
        {"webhook-timestamp": "１２３"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v2,AAAA"},
        {"webhook-signature": "\udcff v1,é"},
    ],
)
def test_a_changed_header_is_refused(change):
    headers = {**sign_standard_webhook(SECRET, "msg_1", NOW, BODY), **change}
    with pytest.raises(InvalidSignature):
        check_standard_webhook(headers, BODY, [SECRET], NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64!", "ß"])
def test_a_secret_that_is_none_neither_proves_nor_signs(secret):
    with pytest.raises(InvalidSignature):
        check_standard_webhook(sign_standard_webhook(SECRET, "m", NOW, BODY), BODY, [secret], NOW)
    with pytest.raises(ValueError, match="base64"):
        sign_standard_webhook(secret, "m", NOW, BODY)

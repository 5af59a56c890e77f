"""The provider's own words, from every shape of error body, without secrets."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from airbyte_cdk.sources.streams.http.error_handlers.response_models import ResponseAction

from source_invoices.components.http.json_body import decode
from source_invoices.components.http.responses import Resolutions, quote, resolve_status
from source_invoices.components.http.unanswered import why_unanswered
from source_invoices.secrets import Secrets


def answer(body: Any, status: int = 400, content_type: str = "application/json") -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.headers["Content-Type"] = content_type
    response._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return response


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": "Unauthenticated."}, "Unauthenticated."),
        ({"error": "invalid_scope", "error_description": "Not yours"}, "Not yours"),
        ({"error": "invalid_grant"}, "invalid_grant"),
        ({"error": {"code": 7, "message": "Broken"}}, "Broken"),
        ({"error": True, "number": 3, "message": "No such key"}, "No such key"),
        ({"Message": "Bad", "Value": None, "WasSuccessful": False}, "Bad"),
        ({"Message": None, "Errors": [{"Message": "a"}, {"Message": "b"}]}, "a; b"),
        ({"errors": {"page": ["must be an integer"]}}, "must be an integer"),
        ({"detail": "Gone"}, "Gone"),
        ("Not found", "Not found"),
        ({"statusCode": 429, "message": "Slow  down\n please"}, "Slow down please"),
        (b"plain text", "plain text"),
    ],
)
def test_words_are_found_in_every_known_shape(body: Any, words: str) -> None:
    assert quote(answer(body)) == f"'{words}'"


@pytest.mark.parametrize("body", [b"", {}, [], None, 7, {"message": 7}, {"message": {"error": {"detail": []}}}])
def test_no_words_are_said_to_be_none(body: Any) -> None:
    assert quote(answer(body)) in ("(no words)", "'7'")


def test_a_page_for_people_is_not_quoted() -> None:
    assert quote(answer(b"<html>Maintenance</html>", content_type="text/html")) == "(no words)"


def test_signs_that_steer_a_terminal_are_left_out() -> None:
    assert quote(answer({"message": "a\x1b[31mb\u202ec"})) == "'a [31mb c'"


def test_long_words_are_shortened() -> None:
    assert len(quote(answer({"message": "x" * 10_000}))) < 400


@pytest.fixture
def secret() -> Iterator[str]:
    holder = Secrets(["hush-hush"])
    yield "hush-hush"
    del holder


def test_a_secret_in_the_provider_s_words_is_masked(secret: str) -> None:
    assert quote(answer({"message": f"{secret} is wrong"})) == "'**** is wrong'"


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<html>", b'{"a": 1', b"NaN", b'{"a": Infinity}', b"\xff\xfe\xff", b"[" * 100_000, b"[1,]"),
        *(b"1e400", b"[-1e400]", b"[1e400, 1234567890123456789]", b"[NaN, 1234567890123456789]"),
    ],
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        decode(answer(body))


@pytest.mark.parametrize(
    "text",
    [
        *("123456789012345678901234567890", "999999999999999999", "9223372036854775807", "9223372036854775808"),
        *("18446744073709551615", "18446744073709551616", "-9223372036854775808", "-9223372036854775809", "-0"),
        *("0.1", "12345678901234.567", "0.12345678901234567", "1234567890.1234567891234567", "1e22", "-1e-400"),
    ],
)
def test_numbers_stay_exact(text: str) -> None:
    whole = text.lstrip("-").isdecimal()
    (number,) = decode(answer(f"[{text}]".encode()))
    assert number == (int(text) if whole else float(text))
    assert isinstance(number, int if whole else float)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'"\\ud800"', "\ud800"),
        (b"\xef\xbb\xbf[1]", [1]),
        ('["ż"]'.encode("utf-16"), ["ż"]),
        (b'{"a": 1, "a": 2}', {"a": 2}),
    ],
)
def test_unusual_json_is_read(body: bytes, expected: Any) -> None:
    assert decode(answer(body)) == expected


@pytest.mark.parametrize(
    ("status", "action"),
    [
        (204, ResponseAction.RETRY), (206, ResponseAction.RETRY), (301, ResponseAction.FAIL), (304, ResponseAction.RETRY),
        (400, ResponseAction.FAIL), (401, ResponseAction.REFRESH_TOKEN_THEN_RETRY), (403, ResponseAction.FAIL),
        (404, ResponseAction.FAIL), (408, ResponseAction.RETRY), (409, ResponseAction.RATE_LIMITED),
        (410, ResponseAction.FAIL), (422, ResponseAction.FAIL), (429, ResponseAction.RATE_LIMITED),
        (500, ResponseAction.RETRY), (501, ResponseAction.RETRY), (503, ResponseAction.RETRY), (599, ResponseAction.RETRY),
    ],
)  # fmt: skip
def test_every_status_has_its_meaning(status: int, action: ResponseAction) -> None:
    resolution = resolve_status(answer({}, status), Resolutions("ipxo", "s"), frozenset({409, 429}), "Ask for access.")
    assert resolution is not None
    assert resolution.response_action == action
    assert resolution.error_message is not None
    assert resolution.error_message.startswith("IPXO, s: ")
    assert str(status) in resolution.error_message


def test_a_200_is_for_the_caller_to_judge() -> None:
    assert resolve_status(answer({}, 200), Resolutions("ipxo", "s"), frozenset(), "") is None


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (requests.exceptions.ConnectTimeout(), "no connection in time"),
        (requests.exceptions.ReadTimeout(), "no answer in time"),
        (requests.exceptions.SSLError(ValueError("certificate has expired")), "certificate has expired"),
        (requests.exceptions.ChunkedEncodingError(), "broke off"),
        (requests.exceptions.ConnectionError(ConnectionRefusedError(111, "Connection refused")), "Connection refused"),
        (requests.exceptions.ConnectionError(), "could not be reached"),
        (None, "could not be reached"),
    ],
)
def test_a_missing_answer_is_explained_without_an_address(error: Exception | None, words: str) -> None:
    assert words in why_unanswered(error)


def test_the_host_of_a_redirect_is_quoted_without_secrets_and_cut() -> None:
    holder = Secrets(["cs3cret-of-ours"])
    response = answer(b"", 302)
    response.headers["Location"] = f"http://cs3cret-of-ours.{'x' * 500}.example/"
    message = str(resolve_status(response, Resolutions("ipxo", "s"), frozenset(), "").error_message)  # type: ignore[union-attr]
    assert holder
    assert "points on to ****.xxx" in message
    assert "x" * 100 not in message

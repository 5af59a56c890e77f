"""Answers that break HTTP or mean harm, from a list and from a sign-in: each is a sentence, and none is an exception."""

import gzip
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from integration_tests.support import timing
from integration_tests.support.connector import call, catalog_of, command, read, start
from sandbox import Fault, Sandbox

PAYHUBIX = "payhubix_invoices"
NEXUDUS = "nexudus_payout_invoices"
CLOSED_PORT = "http://127.0.0.1:1"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
EMPTY = b"Content-Length: 0\r\n\r\n"
ANSWERS = {
    "a redirect to no address": (b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\n" + EMPTY, "cannot be read"),
    "304": (b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n", "no usable answer, HTTP 304"),
    "101": (b"HTTP/1.1 101 Switching Protocols\r\nConnection: close\r\n\r\n", "no usable answer, HTTP 101"),
    "a vast chunk": (OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx", "broke off"),
    "a negative chunk": (OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nx", "no usable answer"),
    "a length in words": (OK + b"Content-Length: abc\r\n\r\nx", "not JSON"),
    "two lengths": (OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", "no usable answer"),
    "bytes in a header": (OK + b"X-\xff\x00: \xfe\x01\r\n\r\nx", "not JSON"),
    "an unknown encoding": (OK + b"Content-Encoding: wish\r\n\r\nx", "not JSON"),
    "no gzip": (OK + b"Content-Encoding: gzip\r\n\r\nnot gzip", "cannot be unpacked"),
    "no such charset": (b"HTTP/1.1 403 No\r\nContent-Type: text/plain; charset=\x00no\r\n\r\nNo way", "'No way'"),
    "an odd charset": (b"HTTP/1.1 403 No\r\nContent-Type: text/plain; charset=idna\r\n\r\nNo way", "'No way'"),
    "many headers": (OK + b"X: x\r\n" * 200 + b"\r\n", "no usable answer: got more than 100 headers"),
    "a long header": (OK + b"X: " + b"x" * 100_000 + b"\r\n\r\n", "no usable answer: got more than 65536 bytes"),
    "no HTTP": (b"\x00\x01\x02 220 mail ready\r\n\r\n", "no usable answer"),
}


def raw(route: str, content: bytes) -> Fault:
    return Fault(kind="raw", route=route, pieces=[content], times=None)


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("route", [PAYHUBIX, "nexudus_token"])
def test_an_answer_that_breaks_http_is_a_sentence(sandbox: Sandbox, route: str, name: str) -> None:
    content, words = ANSWERS[name]
    stream = PAYHUBIX if route == PAYHUBIX else NEXUDUS
    sandbox.faults.append(raw(route, content))
    with timing.policy(first_backoff=0.001, attempts=2, deadline=5, sign_in_deadline=5):
        output = read(sandbox.config(), [stream])
    message = output.error_of(stream)["message"]
    assert message.startswith("Payhubix, payhubix_invoices: " if route == PAYHUBIX else "Nexudus, sign-in: ")
    assert words in message
    assert "\n" not in message
    assert "Traceback" not in "".join(output.logs)


@pytest.mark.parametrize("lifetime", [b"-1" + b"0" * 400, b'"soon"', b"-5", b"true", b"null"])
def test_the_lifetime_of_a_token_may_be_nonsense(sandbox: Sandbox, lifetime: bytes) -> None:
    body = b'{"access_token": "good", "token_type": "bearer", "expires_in": %s}' % lifetime
    sandbox.faults.append(raw("nexudus_token", OK + b"Content-Length: %d\r\n\r\n" % len(body) + body))
    with timing.short_waits():
        message = read(sandbox.config(), [NEXUDUS]).error_of(NEXUDUS)["message"]
    assert "access refused, HTTP 401" in message


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_unpacks_to_gigabytes_fails_the_stream_once(
    sandbox: Sandbox, tmp_path: Path, chunked: bool
) -> None:
    packed = gzip.compress(bytes(2**26), 1) * 16
    head = OK + b"Content-Encoding: gzip\r\n"
    if chunked:
        content = head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed)
    else:
        content = head + b"Content-Length: %d\r\n\r\n" % len(packed) + packed
    sandbox.faults.append(raw(PAYHUBIX, content))
    arguments = command(tmp_path, "read", config=sandbox.config(), catalog=catalog_of([PAYHUBIX]))
    peak = tmp_path / "peak"
    program = (
        "import resource, sys; from pathlib import Path; from source_invoices.cli import main\n"
        "try: main(sys.argv[2:])\n"
        "finally: Path(sys.argv[1]).write_text(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))"
    )
    output = start([str(peak), *arguments], program=(sys.executable, "-c", program))
    assert output.error_of(PAYHUBIX)["message"].startswith(
        "Payhubix, payhubix_invoices: the answer has more than 256 MB, which no page of invoices has."
    )
    assert sandbox.count(PAYHUBIX) == 1
    assert int(peak.read_text()) < 900_000  # kilobytes; the whole body has a gigabyte beside the connector's own


@pytest.mark.parametrize("verb", ["check", "read"])
@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_that_are_not_there_are_named(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, verb: str, name: str
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(name, "/no/such/bundle.pem")
    config = {"payhubix": {**sandbox.config()["payhubix"], "api_url": "https://127.0.0.1:1"}}
    message = _message(verb, config)
    assert f"{name} names /no/such/bundle.pem, which is not there. Correct {name} " in message
    assert "(Tried " not in message


@pytest.mark.parametrize("verb", ["check", "read"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_dead_proxy_is_named_without_its_password(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, verb: str, scheme: str
) -> None:
    monkeypatch.setenv(f"{scheme}_proxy", CLOSED_PORT.replace("//", "//user:proxy-password@"))
    address = sandbox.config()["payhubix"]["api_url"].replace("http:", f"{scheme}:")
    config = {"payhubix": {**sandbox.config()["payhubix"], "api_url": address}}
    with timing.short_waits():
        message = _message(verb, config)
    assert f"the proxy 127.0.0.1:1 (from {scheme.upper()}_PROXY" in message
    assert "Connection refused" in message
    assert "proxy-password" not in message


def _message(verb: str, config: Mapping[str, Any]) -> str:
    if verb == "check":
        return str(call("check", config=config).connection_status()["message"])
    return str(read(config, [PAYHUBIX]).error_of(PAYHUBIX)["message"])

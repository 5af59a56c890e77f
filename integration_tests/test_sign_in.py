"""Tokens and keys: what is sent to which provider, and what happens when they expire."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from integration_tests.support.connector import STREAMS, catalog_of, command, read, start
from sandbox import Fault, Kind, Request, Sandbox

pytestmark = pytest.mark.usefixtures("short_waits")


def forms(sandbox: Sandbox, route: str) -> list[dict[str, str]]:
    return [dict(parse_qsl(request.body)) for request in sandbox.requests if request.route == route]


def test_streams_with_the_same_scope_share_one_token(sandbox: Sandbox) -> None:
    assert read(sandbox.config()).exit_code == 0
    assert sorted(form["scope"] for form in forms(sandbox, "ipxo_token")) == ["billing", "ecommerce"]
    assert {form["grant_type"] for form in forms(sandbox, "ipxo_token")} == {"client_credentials"}
    (nexudus,) = [request for request in sandbox.requests if request.route == "nexudus_token"]
    assert nexudus.headers["client_id"] == "6f0e2a58-9d3b-4c1e-8a67-5b1f0c7d2e94"
    assert set(forms(sandbox, "nexudus_token")[0]) == {"grant_type", "username", "password"}


@pytest.mark.parametrize(("scope", "lost"), [("billing", "ipxo_ecommerce_invoices"), ("ecommerce", "ipxo_invoices")])
def test_a_missing_scope_fails_only_the_streams_that_need_it(sandbox: Sandbox, scope: str, lost: str) -> None:
    sandbox.ipxo.granted_scopes = {scope}
    output = read(sandbox.config(), ["ipxo_ecommerce_invoices", "ipxo_invoices"])
    for stream in ("ipxo_ecommerce_invoices", "ipxo_invoices"):
        assert output.status(stream) == ("INCOMPLETE" if stream == lost else "COMPLETE")
    error = output.error_of(lost)
    assert "IPXO" in error["message"]
    assert "HTTP 400" in error["message"]
    assert error["failure_type"] == "config_error"


def test_every_request_asks_for_json(sandbox: Sandbox) -> None:
    read(sandbox.config())
    assert {request.headers["accept"] for request in sandbox.requests} == {"application/json"}


def test_a_secret_is_sent_only_to_its_own_provider(sandbox: Sandbox) -> None:
    config = sandbox.config()
    read(config)
    secrets = {
        "ipxo": [config["ipxo"]["credentials"]["client_secret"]],
        "nexudus": [config["nexudus"]["credentials"]["password"]],
        "payhubix": [config["payhubix"]["api_key"]],
    }
    for request in sandbox.requests:
        sent = json.dumps([request.path, request.query, request.headers, request.body])
        for provider, values in secrets.items():
            if not request.route.startswith(provider):
                assert not [value for value in values if value in sent]


def test_a_redirect_carries_no_credential(sandbox: Sandbox) -> None:
    elsewhere = sandbox.config()["ipxo"]["api_url"]
    for route in ("payhubix_invoices", "nexudus_token"):
        sandbox.faults.append(Fault(kind="redirect", location=f"{elsewhere}/stolen", route=route))
    output = read(sandbox.config(), ["payhubix_invoices", "nexudus_payout_invoices"])
    assert output.exit_code == 1
    assert not [request for request in sandbox.requests if "stolen" in request.path]


@pytest.mark.parametrize("stream", [stream for stream in STREAMS if not stream.startswith("payhubix")])
def test_a_revoked_token_is_renewed_once(sandbox: Sandbox, stream: str) -> None:
    provider = getattr(sandbox, stream.partition("_")[0])
    asked: list[Request] = []

    def revoke(request: Request) -> None:
        if request.route == stream:
            asked.append(request)
            if len(asked) == 2:
                provider.revoke_tokens()

    sandbox.on_request = revoke
    output = read(sandbox.config(), [stream])
    assert (output.status(stream), output.exit_code) == ("COMPLETE", 0)
    assert len(output.records(stream)) == 9
    assert sandbox.count(f"{stream.partition('_')[0]}_token") == 2


@pytest.mark.parametrize("stream", [stream for stream in STREAMS if not stream.startswith("payhubix")])
def test_a_second_refusal_fails_with_the_provider_s_message(sandbox: Sandbox, stream: str) -> None:
    sandbox.faults.append(Fault(kind="status", status=401, body={"message": "Not you"}, route=stream, times=None))
    output = read(sandbox.config(), [stream])
    assert (output.status(stream), output.exit_code) == ("INCOMPLETE", 1)
    assert "access refused, HTTP 401: 'Not you'" in output.error_of(stream)["message"]
    assert output.error_of(stream)["failure_type"] == "config_error"
    # The windows of Nexudus are read at the same time.
    parallel = 6 if stream.startswith("nexudus") else 1
    assert 2 <= sandbox.count(stream) <= 2 * parallel
    assert 2 <= sandbox.count(f"{stream.partition('_')[0]}_token") <= 1 + parallel


def _with_ready_made_credentials(config: dict[str, Any]) -> dict[str, Any]:
    for provider in ("ipxo", "nexudus"):
        config[provider]["credentials"] = {"auth_type": "access_token", "access_token": "no-longer-valid"}
    config["payhubix"]["api_key"] = "no-longer-valid"
    return config


@pytest.mark.parametrize("stream", STREAMS)
def test_keys_and_ready_made_tokens_fail_at_once(sandbox: Sandbox, stream: str) -> None:
    output = read(_with_ready_made_credentials(sandbox.config()), [stream])
    assert (output.status(stream), output.exit_code) == ("INCOMPLETE", 1)
    assert "HTTP 401" in output.error_of(stream)["message"]
    # Each request is made once. The windows of Nexudus are read at the same time.
    asked = [(request.route, tuple(request.query)) for request in sandbox.requests]
    assert {route for route, _ in asked} == {stream}
    assert len(set(asked)) == len(asked)
    assert len(asked) == 1 or stream.startswith("nexudus")
    assert "no-longer-valid" not in output.text


def test_a_ready_made_token_is_used_as_it_is(sandbox: Sandbox) -> None:
    read(sandbox.config(), ["nexudus_payout_invoices"])
    bearer = sandbox.requests[-1].headers["authorization"]
    config = sandbox.config()
    config["nexudus"]["credentials"] = {"auth_type": "access_token", "access_token": bearer.removeprefix("Bearer ")}
    output = read(config, ["nexudus_payout_invoices"])
    assert output.status("nexudus_payout_invoices") == "COMPLETE"
    assert sandbox.count("nexudus_token") == 1


@pytest.mark.parametrize("secret", ["12e45", "0x1F", "'quoted'", "[1, 2]", "1_000", "{{ 3*14 }}", "None", "pässword"])
def test_a_secret_is_sent_exactly_as_it_is_set(sandbox: Sandbox, secret: str) -> None:
    sandbox.nexudus.password = secret
    sandbox.ipxo.client_secret = secret
    config = sandbox.config()
    if secret.isascii() and " " not in secret:  # because it is sent as a header
        sandbox.payhubix.api_key = secret
        config = sandbox.config()
    assert config["nexudus"]["credentials"]["password"] == secret
    assert read(config, ["ipxo_payout_invoices", "nexudus_payout_invoices", "payhubix_invoices"]).exit_code == 0


def test_a_token_is_renewed_before_it_expires(sandbox: Sandbox) -> None:
    sandbox.ipxo.token_lifetime = 1
    sandbox.latency = 0.4
    output = read(sandbox.config(), ["ipxo_payout_invoices"])
    assert len(output.records("ipxo_payout_invoices")) == 9
    assert [request.status for request in sandbox.requests if request.route == "ipxo_payout_invoices"] == [200] * 4
    assert sandbox.count("ipxo_token") >= 2  # more on a machine that is busy for longer than a token is good


@pytest.mark.parametrize("route", ["ipxo_token", "nexudus_token"])
@pytest.mark.parametrize("kind", ["status", "drop", "half", "html", "broken_json", "empty"])
def test_a_sign_in_that_fails_twice_is_tried_again(sandbox: Sandbox, route: str, kind: Kind) -> None:
    sandbox.faults.append(Fault(kind=kind, route=route, times=2))
    stream = "ipxo_payout_invoices" if route == "ipxo_token" else "nexudus_payout_invoices"
    output = read(sandbox.config(), [stream])
    assert (output.status(stream), output.exit_code) == ("COMPLETE", 0)
    assert sandbox.count(route) == 3


@pytest.mark.parametrize("route", ["ipxo_token", "nexudus_token"])
def test_a_sign_in_response_without_a_token_fails(sandbox: Sandbox, route: str) -> None:
    sandbox.faults.append(Fault(kind="no_envelope", route=route))
    stream = "ipxo_payout_invoices" if route == "ipxo_token" else "nexudus_payout_invoices"
    output = read(sandbox.config(), [stream])
    assert "access_token" in output.error_of(stream)["message"]


def test_a_sign_in_that_times_out_is_tried_again(sandbox: Sandbox, short_timeouts: None) -> None:
    sandbox.faults.append(Fault(kind="slow", delay=2, route="nexudus_token"))
    assert read(sandbox.config(), ["nexudus_payout_invoices"]).exit_code == 0
    assert sandbox.count("nexudus_token") == 2


def test_a_token_is_masked_like_a_secret(sandbox: Sandbox) -> None:
    def echo(body: Any) -> Any:
        token = sandbox.requests[-1].headers["authorization"]
        return {"error": f"the token {token} is wrong"}

    sandbox.faults.append(Fault(kind="edit", route="ipxo_payout_invoices", edit=echo, times=None))
    output = read(sandbox.config(), ["ipxo_payout_invoices"])
    assert "'the token Bearer **** is wrong'" in output.errors()[0]["message"]


def test_debug_output_has_no_secret(sandbox: Sandbox, tmp_path: Path) -> None:
    arguments = command(tmp_path, "read", config=sandbox.config(), catalog=catalog_of(STREAMS))
    output = start([*arguments, "--debug"])  # which fails if the output has a secret of the configuration
    assert '"DEBUG"' in output.text
    tokens = {request.headers.get("authorization", "none").removeprefix("Bearer ") for request in sandbox.requests}
    assert len(tokens) == 4
    assert not [token for token in tokens - {"none"} if token in output.text]


def test_no_temporary_file_has_a_secret(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = command(tmp_path, "read", config=sandbox.config(), catalog=catalog_of(["payhubix_invoices"]))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    written: list[list[bytes]] = []
    sandbox.on_request = lambda _: written.append([p.read_bytes() for p in temporary.rglob("*") if p.is_file()])
    assert start(arguments).exit_code == 0
    assert written
    assert not [file for files in written for file in files if b"sandbox-api-key" in file]


def test_credentials_of_a_netrc_file_are_not_used(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert read(sandbox.config()).exit_code == 0
    assert not [request for request in sandbox.requests if "Basic" in request.headers.get("authorization", "")]


@pytest.mark.parametrize("answer", [{"access_token": "two\nlines"}, {"access_token": ""}, {"access_token": 7}, []])
def test_a_token_that_cannot_be_sent_fails_the_sign_in(sandbox: Sandbox, answer: object) -> None:
    sandbox.faults.append(Fault(kind="no_envelope", body=answer, route="nexudus_token"))
    output = read(sandbox.config(), ["nexudus_payout_invoices"])
    assert "has no `access_token`" in output.error_of("nexudus_payout_invoices")["message"]


@pytest.mark.parametrize("lifetime", [10**400, "soon", None, True, -5])
def test_an_unusable_lifetime_of_a_token_is_ignored(sandbox: Sandbox, lifetime: object) -> None:
    read(sandbox.config(), ["nexudus_payout_invoices"])
    token = sandbox.requests[-1].headers["authorization"].removeprefix("Bearer ")
    body = {"access_token": token, "expires_in": lifetime}
    sandbox.faults.append(Fault(kind="no_envelope", body=body, route="nexudus_token", times=None))
    assert read(sandbox.config(), ["nexudus_payout_invoices"]).exit_code == 0


def test_a_one_time_code_is_sent_with_the_password(sandbox: Sandbox) -> None:
    sandbox.nexudus.totp = "123456"
    config = sandbox.config()
    config["nexudus"]["credentials"]["totp"] = "123456"
    assert read(config, ["nexudus_payout_invoices"]).exit_code == 0

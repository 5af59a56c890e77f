"""`check`: one small request for each list, and a message for the person who can correct the settings."""

from typing import Any

import pytest

from integration_tests.support.connector import call
from sandbox import Fault, Sandbox
from source_invoices.components.http.transport import Transport

pytestmark = pytest.mark.usefixtures("short_waits")

LISTS = ["ipxo_payout_invoices", "ipxo_ecommerce_invoices", "nexudus_payout_invoices", "payhubix_invoices"]


def check(config: Any) -> tuple[str, str, list[str]]:
    """Returns status, message and log. Every check ends with exit 0, one status, no secret and no traceback."""
    output = call("check", config=config)
    assert output.exit_code == 0
    assert "Traceback" not in output.text
    for secret in ("sandbox-client-secret", "sandbox-password", "sandbox-api-key", "a-wrong-secret"):
        assert secret not in output.text + "".join(output.logs)
    status = output.connection_status()
    return status["status"], status.get("message") or "", output.logs


def test_good_accounts_succeed_with_one_request_for_each_list(sandbox: Sandbox) -> None:
    status, message, _ = check(sandbox.config())
    assert (status, message) == ("SUCCEEDED", "")
    data = [request for request in sandbox.requests if not request.route.endswith("_token")]
    assert sorted(request.route for request in data) == sorted(LISTS)
    assert {request.value("per_page") or request.value("size") for request in data} == {"1"}


def test_a_filter_without_matches_costs_no_more_requests(sandbox: Sandbox) -> None:
    config = {**sandbox.config(), "start_date": "2099-01-01"}
    config["payhubix"]["filters"] = {"status": "PartiallyExpired"}
    assert check(config)[0] == "SUCCEEDED"
    assert len([request for request in sandbox.requests if not request.route.endswith("_token")]) == len(LISTS)


def test_a_provider_that_asks_for_a_long_wait_fails_at_once(sandbox: Sandbox) -> None:
    sandbox.faults.append(Fault(kind="status", status=429, retry_after="30", route="payhubix_invoices", times=None))
    status, message, _ = check(sandbox.config())
    assert status == "FAILED"
    assert "30 seconds" in message


@pytest.mark.parametrize(
    ("error", "words"), [(OSError("no\n room."), "OSError: no room."), (NotImplementedError(), "NotImplementedError.")]
)
def test_an_unexpected_failure_is_reported_in_one_sentence(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Transport, "send", fail)
    status, message, _ = check({"payhubix": sandbox.config()["payhubix"]})
    assert status == "FAILED"
    assert message == f"Payhubix, payhubix_invoices: unexpected failure, {words}"


def test_a_message_that_all_streams_of_a_provider_share_appears_once(sandbox: Sandbox) -> None:
    config = sandbox.config()
    config["nexudus"]["credentials"]["password"] = "a-wrong-secret"
    _, message, _ = check(config)
    assert message.count("Nexudus") == 1


@pytest.mark.parametrize("provider", ["ipxo", "nexudus", "payhubix"])
def test_one_configured_provider_is_enough(sandbox: Sandbox, provider: str) -> None:
    assert check({provider: sandbox.config()[provider]})[0] == "SUCCEEDED"


def test_an_account_without_invoices_succeeds() -> None:
    with Sandbox(rows=0) as sandbox:
        assert check(sandbox.config())[0] == "SUCCEEDED"


def test_a_configuration_without_a_provider_fails() -> None:
    status, message, _ = check({})
    assert status == "FAILED"
    assert "at least one of `ipxo`, `nexudus`, `payhubix`" in message


@pytest.mark.parametrize(
    ("provider", "path", "words"),
    [
        (
            "ipxo",
            ["credentials", "client_secret"],
            ["IPXO", "HTTP 401", "authentication failed"],
        ),
        ("nexudus", ["credentials", "password"], ["Nexudus", "The user name or password is incorrect."]),
        ("payhubix", ["api_key"], ["Payhubix", "access refused, HTTP 401", "api_key"]),
    ],
)
def test_the_message_says_which_secret_is_wrong(
    sandbox: Sandbox, provider: str, path: list[str], words: list[str]
) -> None:
    config = sandbox.config()
    place = config[provider]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = "a-wrong-secret"
    status, message, _ = check(config)
    assert status == "FAILED"
    for word in words:
        assert word.lower() in message.lower()


def test_the_message_names_the_setting_of_a_tenant_without_access(sandbox: Sandbox) -> None:
    config = sandbox.config()
    config["ipxo"]["tenant_uuid"] = "00000000-0000-0000-0000-000000000000"
    status, message, _ = check(config)
    assert status == "FAILED"
    assert "IPXO, ipxo_payout_invoices: access refused, HTTP 403" in message
    assert "`ipxo.tenant_uuid`" in message


@pytest.mark.parametrize(("provider", "words"), [("nexudus", "PayoutInvoice-List"), ("payhubix", '"Invoices"')])
def test_the_message_names_a_missing_role_or_permission(sandbox: Sandbox, provider: str, words: str) -> None:
    sandbox.nexudus.missing_role = True
    sandbox.payhubix.missing_permission = True
    status, message, _ = check({provider: sandbox.config()[provider]})
    assert status == "FAILED"
    assert words in message


@pytest.mark.parametrize("provider", ["ipxo", "nexudus", "payhubix"])
def test_the_message_names_a_provider_that_cannot_be_reached(sandbox: Sandbox, provider: str) -> None:
    config = sandbox.config()
    for key in ("api_url", "token_url"):
        if key in config[provider]:
            config[provider][key] = "http://127.0.0.1:9"  # nothing listens on the discard port
    status, message, _ = check(config)
    assert status == "FAILED"
    assert "could not be reached" in message
    assert {"ipxo": "IPXO", "nexudus": "Nexudus", "payhubix": "Payhubix"}[provider] in message


@pytest.mark.parametrize(
    ("scope", "missing"), [("billing", "ipxo_ecommerce_invoices"), ("ecommerce", "ipxo_payout_invoices")]
)
def test_one_scope_is_enough_and_a_missing_scope_is_a_warning(sandbox: Sandbox, scope: str, missing: str) -> None:
    sandbox.ipxo.granted_scopes = {scope}
    status, _, logs = check({"ipxo": sandbox.config()["ipxo"]})
    assert status == "SUCCEEDED"
    assert [log for log in logs if log.startswith("WARNING") and missing in log and "HTTP 400" in log]


def test_a_key_without_any_scope_fails(sandbox: Sandbox) -> None:
    sandbox.ipxo.granted_scopes = set()
    assert check(sandbox.config())[0] == "FAILED"


def test_an_outage_of_one_list_fails_and_is_no_missing_scope(sandbox: Sandbox) -> None:
    sandbox.faults.append(Fault(kind="status", status=503, route="ipxo_ecommerce_invoices", times=None))
    status, message, _ = check(sandbox.config())
    assert status == "FAILED"
    assert "ipxo_ecommerce_invoices" in message


def test_the_message_reports_every_provider_that_fails(sandbox: Sandbox) -> None:
    sandbox.nexudus.missing_role = True
    sandbox.payhubix.missing_permission = True
    _, message, _ = check(sandbox.config())
    assert "Nexudus" in message
    assert "Payhubix" in message


def test_the_proxy_that_the_environment_names_is_used(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"payhubix": sandbox.config()["payhubix"]}
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    status, message, _ = check(config)
    assert status == "FAILED"
    assert message.startswith("Payhubix, payhubix_invoices: the proxy 127.0.0.1:1 (from HTTP_PROXY or ALL_PROXY in the")
    assert "Connection refused" in message
    assert sandbox.count("payhubix_invoices") == 0
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert check(config)[0] == "SUCCEEDED"

"""A bad configuration is refused with a message that names the key. Nothing is built or sent."""

import copy
from typing import Any

import pytest

from integration_tests.support.connector import STREAMS, call, catalog_of, read
from sandbox import Sandbox

TENANT = "5a9db0c5-3c1e-4f7a-9b2d-7e61c0ffee42"
GOOD: dict[str, Any] = {
    "ipxo": {
        "tenant_uuid": TENANT,
        "credentials": {"auth_type": "client_credentials", "client_id": "an-id", "client_secret": "hush-hush"},
    },
    "nexudus": {"credentials": {"auth_type": "password", "username": "a@b.c", "password": "hush-hush"}},
    "payhubix": {"api_key": "hush-hush"},
}
REMOVED = "(removed)"

BAD: list[tuple[str, Any, str]] = [
    ("start_date", "last year", "must be a date"),
    ("start_date", "2025-02-30", "must be a date"),
    ("start_date", "2025-01-01T00:00:00", "must be a date"),
    ("start_date", 20250101, "must be a text"),
    ("start_date", None, "must be a text"),
    ("lookback_days", -1, "at least 0"),
    ("lookback_days", 1.5, "a whole number"),
    ("num_workers", "ten", "a whole number"),
    ("num_workers", 0, "at least 1"),
    ("num_workers", 41, "at most 40"),
    ("num_workers", True, "a whole number"),
    ("num_workers", 10.0, "a whole number"),
    ("start_date", "0999-01-01", "from 1970 on"),
    ("ipxo.invoice_uuid", [TENANT], "is not a setting"),
    ("ipxo.invoice_uuids", [TENANT, TENANT], "twice"),
    ("ipxo.api_url", "https://host:notaport", "an https address"),
    ("ipxo.api_url", "https://[", "an https address"),
    ("ipxo.api_url", "http://localhost:99999", "an https address"),
    ("ipxo.api_url", "https://a..b", "an https address"),
    ("ipxo.api_url", "https://" + "a" * 64 + ".com", "an https address"),
    ("payhubix.filter", {"status": "Paid"}, "is not a setting"),
    ("payhubix.filters.currency_symbol", "\ud800", "Unicode"),
    ("nexudus.credentials.password", "\udfff", "Unicode"),
    ("num_workers", 10**30, "at most 40"),
    ("ipxo", "yes", "an object"),
    ("ipxo", [], "an object"),
    ("ipxo.tenant_uuid", REMOVED, "is missing"),
    ("ipxo.tenant_uuid", "5a9db0c5", "a UUID"),
    ("ipxo.tenant_uuid", TENANT + "\n", "a UUID"),
    ("ipxo.tenant_uuid", "../" + TENANT, "a UUID"),
    ("ipxo.user_id", "me", "a UUID"),
    ("ipxo.credentials", REMOVED, "is missing"),
    ("ipxo.credentials", "hush-hush", "an object"),
    ("ipxo.credentials.auth_type", REMOVED, "client_credentials, access_token"),
    ("ipxo.credentials.auth_type", "password", "client_credentials, access_token"),
    ("ipxo.credentials.client_secret", REMOVED, "is missing"),
    ("ipxo.credentials.client_secret", 12345678, "must be a text"),
    ("ipxo.credentials.client_secret", "", "must not be empty"),
    ("ipxo.api_url", "http://apigw.ipxo.com", "an https address"),
    ("ipxo.api_url", "http://localhost.example.com", "an https address"),
    ("ipxo.api_url", "http://localhost:80@example.com", "an https address"),
    ("ipxo.api_url", "ftp://127.0.0.1", "an https address"),
    ("ipxo.api_url", "https://user:hush@ipxo.com", "an https address"),
    ("ipxo.token_url", "hydra.ipxo.com", "an https address"),
    ("ipxo.invoice_uuids", [], "must not be empty"),
    ("ipxo.invoice_uuids", [TENANT, "x"], "a UUID"),
    ("ipxo.invoice_uuids", TENANT, "a list"),
    ("ipxo.payout_filters.status", "open", "one of paid, unpaid"),
    ("ipxo.payout_filters.total", "10", "a number"),
    ("ipxo.payout_filters.state", "paid", "is not a setting"),
    ("ipxo.payout_filters.uuid", "x", "a UUID"),
    ("ipxo.ecommerce_filters.status", 1, "must be a text"),
    ("nexudus.credentials", {"auth_type": "access_token"}, "is missing"),
    ("nexudus.credentials.username", "", "must not be empty"),
    ("nexudus.filters.updated_on", "2025-01-01T00:00", "is not a setting"),
    ("nexudus.filters.from_created_on", "2025-01-01", "a time to the minute"),
    ("nexudus.filters.min_amount", "1", "a number"),
    ("nexudus.requests_per_minute", 1, "at least 2"),
    ("payhubix.api_key", REMOVED, "is missing"),
    ("payhubix.api_key", "hush hush\n", "without spaces"),
    ("payhubix.filters.status", "paid", "one of Created"),
    ("payhubix.filters", [], "an object"),
]


def changed(key: str, value: Any) -> dict[str, Any]:
    config = copy.deepcopy(GOOD)
    *parents, last = key.split(".")
    place = config
    for parent in parents:
        place = place.setdefault(parent, {})
    if value == REMOVED:
        del place[last]
    else:
        place[last] = value
    return config


@pytest.mark.parametrize(("key", "value", "words"), BAD, ids=lambda item: None if isinstance(item, dict) else str(item))
def test_every_command_refuses_a_bad_setting_and_names_its_key(key: str, value: Any, words: str) -> None:
    config = changed(key, value)
    check = call("check", config=config)
    assert check.exit_code == 0
    message = check.connection_status()["message"]
    assert check.connection_status()["status"] == "FAILED"
    assert f"`{key}" in message
    assert words in message
    for output in (call("discover", config=config), read(config)):
        assert output.exit_code == 1
        assert [error["message"] for error in output.errors()] == [message]
        assert output.errors()[0]["failure_type"] == "config_error"
        assert "hush" not in output.text
        assert "Traceback" not in "".join(output.logs)
    assert "hush" not in check.text


def test_the_message_names_every_missing_key() -> None:
    message = call("check", config={"ipxo": {}}).connection_status()["message"]
    assert "`ipxo.tenant_uuid` is missing" in message
    assert "`ipxo.credentials` is missing" in message


@pytest.mark.parametrize("config", [{}, {"ipxo": {}}, {"start_date": "2025-01-01"}])
def test_at_least_one_provider_must_be_configured(config: dict[str, Any]) -> None:
    for output in (call("discover", config=config), call("read", config=config, catalog=catalog_of(STREAMS))):
        assert output.exit_code == 1
        assert "is missing" in output.errors()[0]["message"] or "at least one" in output.errors()[0]["message"]


@pytest.mark.parametrize("content", ["", "{", '"text"', "\x00"])
@pytest.mark.parametrize("option", ["config", "catalog", "state"])
def test_the_message_names_a_file_that_cannot_be_used(content: str, option: str) -> None:
    files: dict[str, Any] = {"config": GOOD, "catalog": catalog_of(["payhubix_invoices"]), option: content}
    output = call("read", **files)
    assert output.exit_code == 1
    (error,) = output.errors()
    assert f"--{option}" in error["message"]
    assert error["failure_type"] == "config_error"


@pytest.mark.parametrize("address", ["https://proxy.example.com:8443/ipxo", "http://localhost:1", "http://[::1]:1/x/"])
def test_good_addresses_are_accepted(address: str) -> None:
    assert call("discover", config=changed("ipxo.api_url", address)).exit_code == 0


def test_unknown_keys_of_a_platform_are_ignored(sandbox: Sandbox) -> None:
    config = {**sandbox.config(), "__injected_by_a_platform": {"x": 1}}
    assert read(config, ["payhubix_invoices"]).exit_code == 0


def test_an_address_may_end_in_a_slash(sandbox: Sandbox) -> None:
    config = sandbox.config()
    config["payhubix"]["api_url"] += "/"
    config["ipxo"]["api_url"] += "/"
    assert read(config, ["payhubix_invoices", "ipxo_invoices"]).exit_code == 0

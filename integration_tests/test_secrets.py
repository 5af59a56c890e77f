"""No secret leaves the connector, in whichever form and wherever a provider echoes it; as a process and in a program."""

import base64
import html
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer
from airbyte_cdk.utils import airbyte_secrets_utils
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from integration_tests.support.connector import Output, catalog_of, command, read, start
from sandbox import Fault, Sandbox
from source_invoices import SourceInvoices, masking
from source_invoices.secrets import mask

SECRET = "Cs3cret+/for-us"
KEY = "K3y+/for-payhubix"
LOGGER = logging.getLogger("airbyte")
FORMS: dict[str, Callable[[str], str]] = {
    "in a form": lambda text: f"client_secret={quote_plus(text)}",
    "HTML": lambda text: html.escape("".join(f"&#{ord(sign)};" for sign in text)),
    "JSON": lambda text: json.dumps(text.replace("/", "\\u002f")),
    "base64": lambda text: base64.b64encode(f"id:{text}".encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "cut": "\u200b\n".join,
}


@pytest.fixture
def account(sandbox: Sandbox, short_waits: None) -> Iterator[Sandbox]:
    """A sandbox whose accounts have secrets with signs."""
    sandbox.ipxo.client_secret = sandbox.nexudus.password = SECRET
    sandbox.payhubix.api_key = KEY
    yield sandbox


def assert_masked(text: str, form: Callable[[str], str], secret: str) -> None:
    """A mask stands where the secret was, and nothing of its form is left."""
    assert "****" in text
    for shown in (secret, form(secret), secret[:8], form(secret)[-12:]):
        assert shown not in text


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(
    ("stream", "route", "secret"),
    [
        ("ipxo_payout_invoices", "ipxo_token", SECRET),
        ("nexudus_payout_invoices", "nexudus_token", SECRET),
        ("payhubix_invoices", "payhubix_invoices", KEY),
    ],
)
def test_an_error_that_echoes_a_secret_is_masked(
    account: Sandbox, form: Callable[[str], str], stream: str, route: str, secret: str
) -> None:
    body = {"message": f"{'x' * 290} {form(secret)} is wrong"}
    account.faults.append(Fault(kind="status", status=400, route=route, body=body, times=None))
    output = read(account.config(), [stream])
    assert output.status(stream) == "INCOMPLETE"
    assert_masked(output.text + "".join(output.logs) + "****", form, secret)
    body["message"] = f"{form(secret)} is wrong"
    output = read(account.config(), [stream])
    assert "****" in output.errors()[0]["message"]
    assert_masked(output.text + "".join(output.logs), form, secret)


def _edited(field: str, value: str) -> Callable[[Any], Any]:
    def edit(body: Any) -> Any:
        body["message"]["invoices"][0][field] = value
        return body

    return edit


FORM = FORMS["in a form"]
PLACES = {
    "the host of a redirect": Fault(
        kind="redirect", route="payhubix_invoices", location=f"http://{quote_plus(KEY)}.example/", times=None
    ),
    "an unreadable time": Fault(
        kind="edit", route="payhubix_invoices", edit=_edited("created_at", FORM(KEY)), times=None
    ),
    "a key that is none": Fault(kind="edit", route="payhubix_invoices", edit=_edited("link", [FORM(KEY)]), times=None),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("fault", PLACES.values(), ids=PLACES)
def test_a_value_that_holds_a_secret_is_masked_wherever_it_is_quoted(account: Sandbox, fault: Fault) -> None:
    account.faults.append(fault)
    output = read(account.config(), ["payhubix_invoices"])
    account.faults.clear()
    assert output.status("payhubix_invoices") == "INCOMPLETE"
    assert_masked("".join(error["message"] for error in output.errors()), FORM, KEY)
    assert_masked(output.text, FORM, KEY)


@pytest.mark.parametrize("field", ["access_token", "refresh_token", "id_token"])
def test_a_token_in_an_answer_that_is_refused_is_masked(account: Sandbox, field: str) -> None:
    body = {"error_description": "the token a+blank%20here is none", field: "a blank here"}
    account.faults.append(Fault(kind="status", status=400, route="ipxo_token", body=body, times=None))
    output = read(account.config(), ["ipxo_payout_invoices"])
    assert "'the token **** is none'" in output.errors()[0]["message"]


def test_nothing_that_a_process_writes_has_a_secret(account: Sandbox, tmp_path: Path) -> None:
    body = {"message": f"{FORM(KEY)} and {FORMS['base64'](KEY)}"}
    account.faults.append(Fault(kind="status", status=403, route="payhubix_invoices", body=body, times=None))
    for verb, files in (("check", {}), ("read", {"catalog": catalog_of(["payhubix_invoices"])})):
        output: Output = start([*command(tmp_path, verb, config=account.config(), **files), "--debug"])
        assert output.exit_code == (1 if verb == "read" else 0)
        assert_masked(output.text, FORM, KEY)
        assert FORMS["base64"](KEY) not in output.text


def test_a_program_that_calls_the_source_gets_no_secret(account: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    body = {"message": f"{FORM(KEY)} is wrong"}
    account.faults.append(Fault(kind="status", status=403, route="payhubix_invoices", body=body, times=None))
    before = list(getattr(airbyte_secrets_utils, "__SECRETS_FROM_CONFIG"))
    source = SourceInvoices()
    catalog = ConfiguredAirbyteCatalogSerializer.load(catalog_of(["payhubix_invoices"]))
    said = str(source.check(LOGGER, account.config()).message)
    with pytest.raises(AirbyteTracedException) as failure:
        for message in source.read(LOGGER, account.config(), catalog):
            said += repr(message)
    said += "".join(map(repr, (failure.value, failure.value.message, failure.value.__context__))) + caplog.text
    assert_masked(said, FORM, KEY)
    assert getattr(airbyte_secrets_utils, "__SECRETS_FROM_CONFIG") == before


def test_two_accounts_in_one_program_show_neither_secret(account: Sandbox) -> None:
    catalog = ConfiguredAirbyteCatalogSerializer.load(catalog_of(["payhubix_invoices"]))
    first, second = account.config(), account.config()
    second["payhubix"]["api_key"] = "the-key-of-another"
    body = {"message": f"{FORM(KEY)} and {FORM('the-key-of-another')}"}
    account.faults.append(Fault(kind="status", status=403, route="payhubix_invoices", body=body, times=None))
    readings = [SourceInvoices(catalog, config).read(LOGGER, config, catalog) for config in (first, second)]
    said = [repr(next(reading)) for reading in readings]  # both have begun
    for reading in readings:
        with pytest.raises(AirbyteTracedException):
            said += map(repr, reading)
    assert "client_secret=****" in "".join(said)
    assert "the-key-of-another" not in "".join(said)
    assert quote_plus(KEY) not in "".join(said)


def test_records_do_not_pass_the_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []

    def count(text: str, *, short: bool = True) -> str:
        texts.append(text)
        return mask(text, short=short)

    monkeypatch.setattr(masking, "mask", count)
    counts = []
    for rows in (3, 99):
        texts.clear()
        with Sandbox(rows={"ipxo_payout_invoices": rows}) as sandbox:
            assert len(read(sandbox.config(), ["ipxo_payout_invoices"]).records("ipxo_payout_invoices")) == rows
        counts.append(len(texts))
    assert counts[0] == counts[1]

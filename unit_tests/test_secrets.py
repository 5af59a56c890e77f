"""The filter of secrets: the forms in which a provider may echo a secret, and what it leaves alone."""

import base64
import gc
import html
import json
import re
import unicodedata
from collections.abc import Callable
from urllib.parse import quote, quote_plus
from weakref import WeakSet

import pytest

from source_invoices import secret_forms, secrets
from source_invoices.secrets import Secrets, excerpt, mask, quoted

SECRET = 'Cs3cret+/ "pä&<1>'

FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "as a field of a form": quote_plus,
    "as a field of a form, in small letters": lambda text: quote_plus(text).lower(),
    "escaped for an address": lambda text: quote(text, safe=""),
    "escaped for an address twice": lambda text: quote_plus(quote_plus(text)),
    "escaped for an address, each character": lambda text: "".join(f"%{octet:02x}" for octet in text.encode()),
    "escaped for an address in Latin-1": lambda text: quote_plus(text, encoding="latin-1"),
    "escaped for HTML": html.escape,
    "in decimal references of HTML": lambda text: "".join(f"&#{ord(sign)};" for sign in text),
    "in hexadecimal references of HTML": lambda text: "".join(f"&#x{ord(sign):X};" for sign in text),
    "in references of HTML without their ends": lambda text: text.replace("&", "&amp").replace("<", "&lt"),
    "escaped for JSON": lambda text: json.dumps(text)[1:-1],
    "escaped for JSON, with slashes": lambda text: json.dumps(text)[1:-1].replace("/", r"\/"),
    "escaped for JSON twice": lambda text: json.dumps(json.dumps(text))[3:-3],
    "escaped for JSON, each character": lambda text: "".join(f"\\u{ord(sign):04X}" for sign in text),
    "escaped for an address and for JSON": lambda text: json.dumps(quote_plus(text)),
    "escaped for HTML and for an address": lambda text: quote_plus(html.escape(text)),
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in base64 without its padding": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "in base64 for addresses": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "in base64 after an identifier": lambda text: base64.b64encode(f"an-id:{text}".encode()).decode(),
    "in base64 after a longer one": lambda text: base64.b64encode(f"their-id:{text}".encode()).decode(),
    "in base64 between others": lambda text: base64.b64encode(f"another-id:{text}, end".encode()).decode(),
    "in base64, escaped as OAuth says": lambda text: base64.b64encode(f"id:{quote_plus(text)}".encode()).decode(),
    "in base64, in lines": lambda text: base64.encodebytes(text.encode()).decode().replace("=", "\n="),
    "in base64, escaped for an address": lambda text: quote_plus(base64.b64encode(text.encode()).decode()),
    "in hex": lambda text: text.encode().hex(),
    "in hex, in capitals": lambda text: text.encode().hex().upper(),
    "with blanks collapsed": lambda text: text.replace(" ", ""),
    "with more blanks": lambda text: text.replace(" ", "   "),
    "cut by a line break": lambda text: text[:5] + "\n" + text[5:],
    "cut by an escaped line break": lambda text: text[:5] + "\\n" + text[5:],
    "cut by control characters": "\x00".join,
    "cut by characters of no width": "\u200b".join,
    "cut by soft hyphens": "&shy;".join,
    "cut by marks of HTML": lambda text: "<wbr/>".join(text[:8]) + html.escape(text[8:]),
    "with an accent of its own": lambda text: unicodedata.normalize("NFD", text),
    "read in another encoding": lambda text: text.encode().decode("latin-1"),
    "in capitals": lambda text: text.replace("Cs3cret", "CS3CRET"),
}
SECRETS = {
    "with signs": SECRET,
    "of letters": "sandbox-client-secret",
    "that looks escaped": "p%2Bss&amp;w\\u0041rd\\n%25",
    "of eight characters": "hunter22",
}


# Some characters of the text beside a secret in base64 may stay.
BESIDE = r"[A-Za-z0-9%=\n]{0,12}"


@pytest.fixture
def holder(monkeypatch: pytest.MonkeyPatch) -> Secrets:
    """The only secrets in use."""
    monkeypatch.setattr(secrets, "IN_USE", WeakSet[Secrets]())
    return Secrets()


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("name", FORMS)
def test_a_secret_is_masked_in_each_form(holder: Secrets, name: str, secret: str) -> None:
    text = f"client_secret is {FORMS[name](secret)} , and more"
    assert mask(text) == text
    holder.add(secret)
    beside = BESIDE if name.startswith("in base64") else '"?'
    assert re.fullmatch(rf"client_secret is {beside}\*\*\*\*{beside} , and more", mask(text))


@pytest.mark.parametrize("text", ["the page of 20 rows", "%41 &amp; \\u0041 <b>", "100% + 1\n\u200b", ""])
def test_a_text_without_a_secret_stays_as_it_is(holder: Secrets, text: str) -> None:
    holder.add(SECRET)
    assert mask(text) == text


def test_each_of_several_secrets_is_masked_where_one_is_in_another(holder: Secrets) -> None:
    for secret in ("a-longer-secret", "longer-secret", "another-secret"):
        holder.add(secret)
    assert mask("x a-longer-secret and longer-secret, another-secret!") == "x **** and ****, ****!"


@pytest.mark.parametrize("secret", ["abc", "123456", "p+ w"])
def test_a_short_secret_is_masked_only_where_it_stands_alone(holder: Secrets, secret: str) -> None:
    holder.add(secret)
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    for form in (secret, quote_plus(secret), secret.encode().hex(), encoded):
        assert mask(f"it is '{form}'.") == "it is '****'."
    assert mask(f"it is x{secret}x") == f"it is x{secret}x"
    assert mask(secret, short=False) == secret


def test_no_part_of_a_secret_stays_where_a_text_is_cut(holder: Secrets) -> None:
    holder.add(SECRET)
    for before in range(280, 301):
        shown = excerpt("x" * before + quote_plus(SECRET), 300)
        assert set(shown) <= set("x*.")
    assert quoted("y" * 95 + SECRET) == f"'{'y' * 95}****'"
    assert quoted({"key": [SECRET]}) == '\'{"key": ["****"]}\''


def test_values_are_shown_whatever_they_are() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert [quoted(value) for value in (None, True, "a\u202eb\ud800")] == ["'null'", "'true'", "'a b'"]
    assert quoted(deep) == "'(a value that cannot be shown)'"
    assert len(quoted("x" * 1_000_000)) < 110


def test_the_tokens_of_an_answer_are_masked_whatever_else_it_says(holder: Secrets) -> None:
    holder.add_tokens(
        {"access_token": "with a blank", "data": [{"refresh_token": "to-refresh-it", "idToken": "an-id-token"}]}
    )
    assert mask("with+a+blank, to-refresh-it, an-id-token, data") == "****, ****, ****, data"


def test_an_object_that_is_no_longer_used_leaves_no_secret_behind() -> None:
    gc.collect()
    before = len(secrets.IN_USE)
    holder = Secrets(["one-of-the-secrets"])
    for number in range(1000):
        holder.add_token(f"token-number-{number}")
    assert len(holder.all()) < 200
    assert mask("token-number-999 one-of-the-secrets") == "**** ****"
    del holder
    gc.collect()
    assert len(secrets.IN_USE) == before
    assert mask("one-of-the-secrets") == "one-of-the-secrets"


HOSTILE = ["%", "\\", "&#", "<a", "%25", "&amp;", "a", "Cs3cret+/", "%c3", "\\u", "\u200b", "é", "&lt"]


@pytest.mark.parametrize("part", HOSTILE)
def test_a_long_hostile_text_is_masked_in_steps_that_grow_with_its_length(
    holder: Secrets, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """Each step of decoding looks at each character a limited number of times. A square of a megabyte would never end."""
    holder.add(SECRET)
    readings: list[int] = []

    def counted(text: str) -> str:
        readings.append(len(text))
        return secret_forms.squeeze(text)

    monkeypatch.setattr(secrets, "squeeze", counted)
    text = part * (1_000_000 // len(part)) + quote_plus(SECRET)
    assert mask(text).endswith("****")
    assert len(readings) <= 6
    assert sum(readings) <= 6 * len(text)

"""The configuration: a sentence for each thing that is wrong with it, and its defaults."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from jsonschema import Draft7Validator, FormatChecker
from jsonschema import validators as jsonschema_validators
from jsonschema.exceptions import ValidationError

from source_invoices.providers import PROVIDERS
from source_invoices.settings import CHECK_LIMITS
from source_invoices.times import parse_start_date

_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "object": "an object",
    "array": "a list",
    "boolean": "true or false",
}


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not re.fullmatch(pattern, instance):
        yield ValidationError("does not match")


# Python's `$` also matches before a line break at the end, JSON schema's does not.
# Nor is 10.0 a whole number to Python.
_Validator = jsonschema_validators.extend(
    Draft7Validator,
    {"pattern": _pattern},
    type_checker=Draft7Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)  # type: ignore[no-untyped-call]


def with_defaults(config: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with the defaults of its specification put in, and addresses without a slash at the end."""
    filled = {name: value for name, value in config.items() if name != CHECK_LIMITS}
    for name, rule in schema.get("properties", {}).items():
        if "default" in rule:
            filled.setdefault(name, rule["default"])
        if name.endswith("_url") and name in filled:
            filled[name] = filled[name].rstrip("/")
        if rule.get("type") == "object" and isinstance(filled.get(name), Mapping):
            filled[name] = with_defaults(filled[name], rule)
    return filled


def validation_errors(config: Any, schema: Mapping[str, Any]) -> list[str]:
    """A sentence for each thing that is wrong with a configuration, each naming its key; none for a good one.

    schema: the connection specification. No sentence repeats a secret.
    """
    formats = FormatChecker(formats=())
    formats.checks("date-time", raises=ValueError)(_is_start_date)
    formats.checks("uri", raises=(ValueError, requests.RequestException))(_is_address)
    found: list[str] = []
    for error in _Validator(schema, format_checker=formats).iter_errors(config):
        found.extend(sentence for sentence in _sentences(error) if sentence not in found)
    found.extend(f"`{key}` is not valid Unicode text." for key in _broken_texts(config))
    if not found and not any(config.get(provider) for provider in PROVIDERS):
        names = ", ".join(f"`{key}`" for key in PROVIDERS)
        found.append(f"No provider is configured: fill in at least one of {names}.")
    return found


def _is_start_date(text: Any) -> bool:
    return not isinstance(text, str) or bool(parse_start_date(text))


def _is_address(text: Any) -> bool:
    """Whether a request could be sent there. Raises ValueError or RequestException where not."""
    if isinstance(text, str):
        requests.Request("GET", text).prepare()
        urlsplit(text).port  # noqa: B018  (raises for what is no port)
        (urlsplit(text).hostname or "").encode("idna")
    return True


def _broken_texts(value: Any, path: str = "") -> Iterator[str]:
    """The keys of texts with halves of characters, which cannot be sent."""
    if isinstance(value, str) and any("\ud800" <= sign <= "\udfff" for sign in value):
        yield path
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield from _broken_texts(item, f"{path}.{name}".lstrip("."))


def _sentences(error: ValidationError) -> Iterator[str]:
    key = ".".join(map(str, error.absolute_path))
    name = f"`{key}`" if key else "The configuration"
    rule: Any = error.validator_value
    schema: Any = error.schema
    instance: Any = error.instance
    if error.validator == "oneOf":
        yield from _choice(error, key)
    elif error.validator == "required":
        for missing in (item for item in rule if item not in instance):
            title = schema["properties"][missing].get("title", missing)
            yield f"`{key}.{missing}` is missing ({title})."
    elif error.validator == "additionalProperties":
        known = schema["properties"]
        for unknown in sorted(set(instance) - set(known)):
            yield f"`{key}.{unknown}` is not a setting; known here are {', '.join(known)}."
    elif error.validator == "type":
        yield f"{name} must be {_TYPES.get(rule, rule)}."
    elif error.validator in ("enum", "const"):
        allowed = rule if isinstance(rule, list) else [rule]
        yield f"{name} must be one of {', '.join(map(str, allowed))}{_given(error)}."
    elif error.validator in ("minimum", "maximum"):
        yield f"{name} must be at {'least' if error.validator == 'minimum' else 'most'} {rule}{_given(error)}."
    elif error.validator in ("minLength", "minItems"):
        yield f"{name} must not be empty."
    elif error.validator == "uniqueItems":
        yield f"{name} names something twice."
    else:
        wanted = schema.get("pattern_descriptor")
        yield f"{name} must be {wanted or 'of the form that its description says'}{_given(error)}."


def _choice(error: ValidationError, key: str) -> Iterator[str]:
    """The sentences of the one alternative that the configuration names by its `auth_type`."""
    rule: Any = error.validator_value
    alternatives = {item["properties"]["auth_type"]["const"]: index for index, item in enumerate(rule)}
    if not isinstance(error.instance, Mapping):
        yield f"`{key}` must be an object."
        return
    chosen = error.instance.get("auth_type")
    if not isinstance(chosen, str) or chosen not in alternatives:
        yield f"`{key}.auth_type` must be one of {', '.join(alternatives)}."
        return
    for inner in error.context or []:
        if inner.schema_path[0] == alternatives[chosen]:
            yield from _sentences(inner)


def _given(error: ValidationError) -> str:
    schema: Any = error.schema
    # An address may have a password before its @.
    return "" if schema.get("airbyte_secret") or "@" in str(error.instance) else f", not {str(error.instance)!r:.80}"

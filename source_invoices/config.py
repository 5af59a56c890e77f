"""The configuration: a sentence for each of its faults, and its defaults."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from jsonschema import Draft7Validator, FormatChecker
from jsonschema import validators as jsonschema_validators
from jsonschema.exceptions import ValidationError

from source_invoices.json_files import is_deep
from source_invoices.nearest import nearest
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


# Python writes no whole number of more than 4,300 digits.
_MOST_BITS = 1_000
# What the CDK takes out of a configuration itself (InternalConfig in its schema_helpers.py, for its own tests).
_KEYS_OF_THE_CDK = ("_limit", "_page_size")


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not re.fullmatch(pattern, instance):
        yield ValidationError("does not match")


# Python's `$` also matches before a line break at the end, JSON schema's does not.
# JSON schema takes 10.0 for a whole number; the settings do not.
_Validator = jsonschema_validators.extend(
    Draft7Validator,
    # Unknown keys are found by _unknown_keys, which knows the nearest name.
    {"pattern": _pattern, "additionalProperties": lambda *_: ()},
    type_checker=Draft7Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)  # type: ignore[no-untyped-call]


def with_defaults(config: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a configuration with the defaults of its specification, and with addresses that end without a slash."""
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
    """Returns a sentence for each fault of a configuration. Each names its key. A good configuration has none.

    schema: the connection specification. No sentence repeats a secret.
    """
    formats = FormatChecker(formats=())
    formats.checks("date-time", raises=ValueError)(_is_start_date)
    formats.checks("uri", raises=(ValueError, requests.RequestException))(_is_address)
    if not isinstance(config, Mapping):
        return ["The configuration must be an object."]
    if is_deep(config):
        deep = ", ".join(f"`{name!s:.80}`" for name, value in config.items() if is_deep([value]))
        return [f"{deep} is nested too deeply."]
    if unusable := list(_unusable_values(config)):
        return unusable  # jsonschema could not write such a number
    found = list(_unknown_keys(config, schema))
    for error in _Validator(schema, format_checker=formats).iter_errors(config):
        found.extend(sentence for sentence in _sentences(error) if sentence not in found)
    if not found and not any(config.get(provider) for provider in PROVIDERS):
        names = ", ".join(f"`{key}`" for key in PROVIDERS)
        found.append(f"No provider is configured: fill in at least one of {names}.")
    return found


def _is_start_date(text: Any) -> bool:
    return not isinstance(text, str) or bool(parse_start_date(text))


def _is_address(text: Any) -> bool:
    """Returns whether a request can be sent there. Raises ValueError or RequestException if not."""
    if isinstance(text, str):
        requests.Request("GET", text).prepare()
        urlsplit(text).port  # noqa: B018  (raises for an invalid port)
        (urlsplit(text).hostname or "").encode("idna")
    return True


def _unknown_keys(config: Mapping[str, Any], schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yields a sentence for each key that is not a setting.

    The specification allows other keys at the top, because platforms that run only manifests put theirs in before they
    validate. Keys of another alternative may stay where `auth_type` was changed.
    """
    rules = {
        name: rule for part in (schema, *schema.get("oneOf", [])) for name, rule in part.get("properties", {}).items()
    }
    for name, value in config.items():
        if name in rules:
            if isinstance(value, Mapping) and rules[name].get("type") == "object":
                yield from _unknown_keys(value, rules[name], f"{path}{name}.")
        elif not str(name).startswith("__") and (path or name not in _KEYS_OF_THE_CDK):
            hint = nearest(str(name), rules, rules, before=path, quote="`")
            yield f"`{path}{name!s:.80}` is not a setting; {hint}"


def _unusable_values(value: Any, path: str = "") -> Iterator[str]:
    """Yields a sentence for each value that cannot be sent: half of a character, a number that is none or too long."""
    if isinstance(value, str) and any("\ud800" <= sign <= "\udfff" for sign in value):
        yield f"`{path}` is not valid Unicode text."
    if isinstance(value, float) and not math.isfinite(value):
        yield f"`{path}` must be a number."
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        yield f"`{path}` is too large a number."
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield from _unusable_values(item, f"{path}.{name}".lstrip("."))


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
    """Yields the sentences of the alternative that `auth_type` names."""
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

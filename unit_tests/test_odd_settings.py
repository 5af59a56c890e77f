"""Any value of any setting is taken or refused in a sentence that names its key. None raises."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from source_invoices.config import validation_errors
from source_invoices.manifest_file import load_specification

SPECIFICATION = load_specification()
UUID = "5a9db0c5-3c1e-4f7a-9b2d-7e61c0ffee42"
GOOD: dict[str, Any] = {
    "ipxo": {
        "tenant_uuid": UUID,
        "credentials": {"auth_type": "client_credentials", "client_id": "a", "client_secret": "b"},
    },
    "nexudus": {"credentials": {"auth_type": "password", "username": "a@b.c", "password": "b"}},
    "payhubix": {"api_key": "c"},
}


def paths(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for part in (schema, *schema.get("oneOf", [])):
        for name, rule in part.get("properties", {}).items():
            yield (*path, name)
            yield from paths(rule, (*path, name))


# A token is not looked at where another way to sign in is chosen.
PATHS = sorted({path for path in paths(SPECIFICATION) if path[-1] != "access_token"})
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from(
        [10**400, -(10**4000), 2**63, float("nan"), float("inf"), 1e308, "\ud800", "", " ", "\x00", "9" * 5000]
    ),
    st.floats(),
    st.text(st.characters()),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


def with_value(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    config = copy.deepcopy(GOOD)
    place = config
    for name in path[:-1]:
        place = place.setdefault(name, {})
    place[path[-1]] = value
    return config


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(PATHS), VALUES)
def test_each_sentence_about_an_odd_value_names_its_key(path: tuple[str, ...], value: Any) -> None:
    for sentence in validation_errors(with_value(path, value), SPECIFICATION):
        assert sentence.startswith(f"`{'.'.join(path)}"), sentence


@pytest.mark.parametrize("path", PATHS, ids=".".join)
@pytest.mark.parametrize(
    "value", [None, True, [None], 10**5000, float("inf")], ids=["null", "true", "list", "huge", "inf"]
)
def test_no_setting_takes_what_is_no_value(path: tuple[str, ...], value: Any) -> None:
    sentences = validation_errors(with_value(path, value), SPECIFICATION)
    assert sentences
    assert all(f"`{'.'.join(path)}" in sentence for sentence in sentences)


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_any_value_in_place_of_the_configuration_is_refused(value: Any) -> None:
    assert validation_errors(value, SPECIFICATION)


def test_a_value_of_a_thousand_levels_is_refused() -> None:
    deep: Any = 1
    for _ in range(1_000):
        deep = [deep]
    (sentence,) = validation_errors({**GOOD, "start_date": deep}, SPECIFICATION)
    assert "`start_date`" in sentence

"""Times of every provider, in every form, to RFC 3339 in UTC."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_invoices.times import (
    normalize,
    parse_text_time,
    parse_unix_time,
    to_rfc3339,
    unix_to_rfc3339,
    whole_seconds,
)

INSTANTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(timezone.utc))
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-10-23T22:02:48.0000000+00:00", "2025-10-23T22:02:48.000000Z"),
        ("2025-10-23T22:02:48+00:00", "2025-10-23T22:02:48.000000Z"),
        ("2025-01-05 17:47:59.919249 +0000 UTC", "2025-01-05T17:47:59.919249Z"),
        ("2025-01-05 17:47:59 +0000 UTC", "2025-01-05T17:47:59.000000Z"),
        ("2025-01-05 17:47:59.1 +0330 +0330", "2025-01-05T14:17:59.100000Z"),
        ("2025-01-05 17:47:59.123456789 -0500 EST", "2025-01-05T22:47:59.123456Z"),
        ("2025-01-15T10:30:00Z", "2025-01-15T10:30:00.000000Z"),
        ("2025-01-15T10:30", "2025-01-15T10:30:00.000000Z"),
        ("2025-01-15T10:30:00", "2025-01-15T10:30:00.000000Z"),
        ("0001-01-01T00:00:00", "0001-01-01T00:00:00.000000Z"),
        ("2024-02-29T23:59:59.9999999Z", "2024-02-29T23:59:59.999999Z"),
    ],
)
def test_every_documented_form_is_read(text: str, expected: str) -> None:
    assert normalize(text) == to_rfc3339(parse_text_time(text)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "now", "2025-01-05", "2025-13-01T00:00:00Z", "2025-02-29T00:00:00Z", "2025-01-01T24:00:00Z", "1735689600",
     "2025-01-01T00:00:60Z", "2025-01-01T00:00:00.1234567890Z", "2025-01-01T00:00:00Z ", " 2025-01-01T00:00:00Z",
     "٢٠٢٥-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00", "2025-01-01T00:00:00Z\n"],
)  # fmt: skip
def test_any_other_text_is_refused(text: str) -> None:
    for read in (parse_text_time, normalize):
        with pytest.raises(ValueError, match=r".+"):
            read(text)


@given(INSTANTS, OFFSETS, st.integers(0, 9))
def test_zone_and_fraction_change_nothing_but_the_precision(instant: datetime, zone: timezone, digits: int) -> None:
    fraction = f"{instant.microsecond:06}000"[:digits]
    local = instant.astimezone(zone)
    offset = local.strftime("%z")
    expected = instant.replace(microsecond=int(fraction[:6].ljust(6, "0")))
    text = local.strftime("%Y-%m-%dT%H:%M:%S") + (f".{fraction}" if fraction else "")
    go = "UTC" if offset == "+0000" else offset
    for form in (f"{text}{offset[:3]}:{offset[3:]}", f"{text.replace('T', ' ')} {offset} {go}"):
        assert parse_text_time(form) == expected
        assert normalize(form) == to_rfc3339(expected)


@given(INSTANTS, INSTANTS)
def test_texts_sort_as_the_instants_do(one: datetime, other: datetime) -> None:
    assert (to_rfc3339(one) < to_rfc3339(other)) == (one < other)


@given(st.integers(-(10**10), 10**11))
def test_seconds_since_1970_are_exact(seconds: int) -> None:
    assert parse_unix_time(seconds).timestamp() == seconds
    assert unix_to_rfc3339(seconds) == to_rfc3339(parse_unix_time(seconds))
    assert whole_seconds(seconds) == whole_seconds(float(seconds)) == seconds


@pytest.mark.parametrize(
    "value", [True, "1735689600", None, 1.5, float("nan"), float("inf"), 10**12, -(10**12), [1], {}]
)
def test_anything_else_is_no_number_of_seconds(value: object) -> None:
    for read in (parse_unix_time, whole_seconds):
        with pytest.raises(ValueError, match="seconds since 1970"):
            read(value)

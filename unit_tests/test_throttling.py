"""Waits: what a provider names in either form, and for how long else."""

import math
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.streams.call_rate import APIBudget
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from hypothesis import given
from hypothesis import strategies as st

from source_invoices.components.http.stream_failure import StreamFailure
from source_invoices.components.http.throttling import ProviderPause, RetryPolicy, retry_after
from source_invoices.components.http.tokens import lifetime_of
from source_invoices.components.http.waiting import in_words
from source_invoices.sync_context import context_of

POLICY = RetryPolicy()


def named(header: str | None, date: str | None = None) -> float | None:
    response = requests.Response()
    if date is not None:
        response.headers["Date"] = date
    if header is not None:
        response.headers["Retry-After"] = header
    return retry_after(response)


@pytest.mark.parametrize(("header", "seconds"), [("0", 0), ("1", 1), (" 120 ", 120)])
def test_seconds_are_read(header: str, seconds: float) -> None:
    assert named(header) == seconds


def test_a_date_is_read_as_the_time_until_then() -> None:
    moment = datetime.now(timezone.utc) + timedelta(seconds=90)
    assert named(format_datetime(moment, usegmt=True)) == pytest.approx(90, abs=5)
    assert named(format_datetime(moment - timedelta(days=1), usegmt=True)) == 0


@pytest.mark.parametrize("clock", [timedelta(days=-4000), timedelta(hours=-1), timedelta(hours=5)])
def test_a_date_is_read_against_the_date_of_the_answer(clock: timedelta) -> None:
    now = datetime.now(timezone.utc) + clock
    hint = format_datetime(now + timedelta(seconds=90), usegmt=True)
    assert named(hint, format_datetime(now, usegmt=True)) == 90
    assert named(hint, "yesterday") == pytest.approx(max(0, clock.total_seconds() + 90), abs=5)


@pytest.mark.parametrize("hint", [None, 0.0, 0.1])
def test_a_short_hint_waits_as_if_there_were_none(hint: float | None) -> None:
    pause = ProviderPause()
    for rounds in range(1, 5):
        assert pause.extend(hint, POLICY) == rounds
        assert pause.remaining() > 0.5 * 2 ** (rounds - 1) - 0.1
        pause._until = 0


@pytest.mark.parametrize("header", ["9" * 400, "9" * 5000])
def test_hundreds_of_digits_are_a_long_wait(header: str) -> None:
    assert named(header) == float("inf")
    assert in_words(float("inf")) == "more than thirty years"


@pytest.mark.parametrize(
    "header",
    [
        "Fri, 31 Dec 99999 23:59:59 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Mon, 01 Jan 0001 00:00:00 +2359",
        "Mon, 01 Jan 2024 00:00:00 +9999",
        "Mon, 01 Jan 2024 99:99:99 GMT",
    ],
)
def test_a_date_beyond_the_calendar_names_no_wait(header: str) -> None:
    assert not named(header)
    assert named("Mon, 01 Jan 2024 00:00:00 GMT", header) is not None


@pytest.mark.parametrize(
    ("lifetime", "seconds"),
    [
        (60, 60),
        (1.5, 1.5),
        (10**400, 1e9),
        *((value, 3600) for value in (-(10**400), -1, 0, math.nan, "60", True, None, [60])),
    ],
)
def test_the_lifetime_of_a_token_is_a_positive_number(lifetime: object, seconds: float) -> None:
    assert lifetime_of({"expires_in": lifetime}) == seconds


@pytest.mark.parametrize("header", [None, "", "soon", "-1", "1.5", "inf", "²", "Wed, 99 Foo 2025 07:28:00 GMT"])
def test_what_cannot_be_read_names_no_wait(header: str | None) -> None:
    assert named(header) is None


@given(st.integers(1, 200))
def test_waits_grow_up_to_a_cap(attempt: int) -> None:
    assert 0.5 * min(2.0 ** (attempt - 1), POLICY.longest_backoff) <= POLICY.backoff(attempt) <= POLICY.longest_backoff


def test_answers_of_one_round_count_once_and_an_answer_ends_the_count() -> None:
    pause = ProviderPause()
    assert [pause.extend(None, POLICY) for _ in range(5)] == [1] * 5
    assert pause.remaining() > 0
    pause.lift()
    assert pause.extend(None, POLICY) == 0  # still the pause of the round before


def test_the_longest_named_wait_counts() -> None:
    pause = ProviderPause()
    pause.extend(100, POLICY)
    pause.extend(1, POLICY)
    assert pause.remaining() == pytest.approx(100, abs=5)


def test_the_first_failure_of_a_stream_is_the_one_that_all_its_requests_end_with() -> None:
    failure = StreamFailure()
    failure.wait(0)
    for message in ("first", "second"):
        with pytest.raises(AirbyteTracedException, match="first"):
            failure.fail(message, FailureType.transient_error)
    with pytest.raises(AirbyteTracedException, match="first"):
        failure.wait(3600)


def test_components_of_one_source_share_and_others_do_not() -> None:
    one, other = APIBudget([]), APIBudget([])
    pause = context_of(one).pauses.get("ipxo", ProviderPause)
    assert context_of(one).pauses.get("ipxo", ProviderPause) is pause
    assert context_of(one).pauses.get("nexudus", ProviderPause) is not pause
    assert context_of(other).pauses.get("ipxo", ProviderPause) is not pause

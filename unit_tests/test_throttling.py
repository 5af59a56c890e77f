"""Waits: what a provider names in either form, and for how long else."""

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
from source_invoices.sync_context import context_of

POLICY = RetryPolicy()


def named(header: str | None) -> float | None:
    response = requests.Response()
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

"""Time: each provider's way of writing it, read as an instant and written as RFC 3339 in UTC.

The connector parses times itself because strptime's `%f` takes one to six fraction digits. The providers send none to
nine digits, and Go's `time.String()` names the zone twice.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

_LENGTH = len("2025-01-31T08:00:00.000000Z")
_SECONDS_PER_DAY = 86_400
# Formatting each number anew takes as long as the rest of a time.
_TWO_DIGITS = tuple(f"{number:02}" for number in range(60))
_HOURS, _MINUTES = 24, 60
YEAR_10000 = 253_402_300_800
"""The first second that no time can name, in seconds since 1970."""

# RFC 3339; the same without seconds or zone, which then is UTC; and Go's `time.String()`.
_TEXT_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
    r" ?(?:Z|([+-])(\d\d):?(\d\d))?(?: [A-Z+-][A-Z0-9]{1,4})?",
    re.ASCII,
)
_DIGITS = re.compile(r"-?\d{1,18}", re.ASCII)
# A date alone is midnight UTC.
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
# The most frequent forms, which need no arithmetic.
_UTC_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ]((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d{1,9}))?(?:Z|\+00:00| \+0000 UTC)", re.ASCII
)
_MICROSECONDS = 6

# A row's time is parsed when it is normalized and again when the lookback scan compares it.
_remember = lru_cache(maxsize=1024)


@_remember
def parse_text_time(text: str) -> datetime:
    """Returns the instant that a provider's text names, in UTC, cut to microseconds.

    Raises ValueError for any other text.
    """
    if len(text) == _LENGTH and text[-1] == "Z" and text[10] == "T":  # as to_rfc3339 writes it
        try:
            return datetime.fromisoformat(f"{text[:-1]}+00:00")
        except ValueError:
            pass
    match = _TEXT_TIME.fullmatch(text) or _DATE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a time")
    parts = [*match.groups(default="0"), *"0000000"][:10]
    year, month, day, hour, minute, second, fraction, sign, offset_hours, offset_minutes = parts
    microsecond = int(f"{fraction:0<6.6}")
    local = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), microsecond, timezone.utc)
    if offset_hours == offset_minutes == "00" or sign == "0":
        return local
    if int(offset_hours) >= _HOURS or int(offset_minutes) >= _MINUTES:
        raise ValueError(f"{text!r} has no such zone")
    offset = timedelta(hours=int(offset_hours), minutes=int(offset_minutes))
    try:
        return local + offset if sign == "-" else local - offset
    except OverflowError:
        raise ValueError(f"{text!r} is out of range") from None


def normalize(text: str) -> str:
    """Returns the time of a provider's text, as `to_rfc3339` writes it. Raises ValueError for any other text."""
    match = _UTC_TIME.fullmatch(text)
    if match:
        day, clock, fraction = match.groups("000000")
        if _is_day(day):
            return f"{day}T{clock}.{fraction if len(fraction) == _MICROSECONDS else f'{fraction:0<6.6}'}Z"
    return to_rfc3339(parse_text_time(text))


@_remember
def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def parse_unix_time(seconds: Any) -> datetime:
    """Returns the instant of whole seconds since 1970, a number or its digits. Raises ValueError for anything else."""
    if isinstance(seconds, str) and _DIGITS.fullmatch(seconds):
        seconds = int(seconds)
    if type(seconds) is not int and not (isinstance(seconds, float) and seconds.is_integer()):
        raise ValueError(f"{seconds!r} is not a number of seconds since 1970")
    try:
        return _since_1970(seconds)
    except (OverflowError, OSError, ValueError):
        raise ValueError(f"{seconds!r} seconds since 1970 is out of range") from None


def _since_1970(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


def parse_time(value: Any) -> datetime | None:
    """Returns the instant of a text or of whole seconds since 1970; None for a missing value, 0 or "".

    Raises ValueError for anything else.
    """
    if not value:
        return None
    if type(value) is int and 0 < value < YEAR_10000:
        return datetime.fromtimestamp(value, timezone.utc)
    if isinstance(value, str) and (len(value) == _LENGTH or not _DIGITS.fullmatch(value)):
        return parse_text_time(value)
    return parse_unix_time(value)


def parse_times(values: Iterable[Any]) -> list[datetime | None]:
    """Returns what `parse_time` returns for each of many values. A call for each would take longer than reading them.

    Raises ValueError as `parse_time` does.
    """
    found: list[datetime | None] = []
    for value in values:
        if type(value) is int and 0 < value < YEAR_10000:
            found.append(datetime.fromtimestamp(value, timezone.utc))
        elif type(value) is str and len(value) == _LENGTH and value[-1] == "Z" and value[10] == "T":
            try:
                found.append(datetime.fromisoformat(f"{value[:-1]}+00:00"))
            except ValueError:
                found.append(parse_time(value))
        else:
            found.append(parse_time(value))
    return found


def whole_seconds(value: Any) -> int:
    """Returns seconds since 1970 as an integer. Raises ValueError for anything that `parse_unix_time` refuses."""
    if type(value) is int and 0 <= value < YEAR_10000:
        return value
    return int(parse_unix_time(value).timestamp())


def unix_to_rfc3339(seconds: int) -> str:
    """Returns the time of whole seconds since 1970, as `to_rfc3339` writes it."""
    days, second = divmod(seconds, _SECONDS_PER_DAY)
    minute, second = divmod(second, 60)
    return f"{_day(days)}T{_TWO_DIGITS[minute // 60]}:{_TWO_DIGITS[minute % 60]}:{_TWO_DIGITS[second]}.000000Z"


@_remember
def _day(days: int) -> str:
    return _since_1970(days * _SECONDS_PER_DAY).date().isoformat()


def to_rfc3339(instant: datetime) -> str:
    """Returns UTC with six fraction digits, always, so that the texts sort as the instants do."""
    if instant.tzinfo is not timezone.utc:
        instant = instant.astimezone(timezone.utc)
    return instant.isoformat(timespec="microseconds")[: _LENGTH - 1] + "Z"


def earlier(instant: datetime, by: timedelta) -> datetime:
    """Returns an instant that is earlier by so much; the first one of the calendar where there is none."""
    try:
        return instant - by
    except OverflowError:
        return datetime.min.replace(tzinfo=timezone.utc)


def parse_start_date(text: str) -> datetime:
    """Returns the instant of a date, which is midnight UTC, or of a date-time. Raises ValueError."""
    return parse_text_time(text)

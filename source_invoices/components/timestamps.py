"""Each provider's way of writing time, to RFC 3339 in UTC.

Here because the manifest cannot parse these times: strptime's `%f` takes one to six fraction digits where the providers
send none to nine, and Jinja for each record costs more than the rest of the read.
"""

import re
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.declarative.transformations import RecordTransformation
from airbyte_cdk.sources.types import Config, StreamSlice, StreamState
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

_LENGTH = len("2025-01-31T08:00:00.000000Z")
_SECONDS_A_DAY = 86_400
_YEAR_10000 = 253_402_300_800

# RFC 3339, the same without seconds or zone (then UTC), and Go's `time.String()`, which names the zone twice.
_TEXT_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
    r" ?(?:Z|([+-])(\d\d):?(\d\d))?(?: [A-Z+-][A-Z0-9]{1,4})?",
    re.ASCII,
)
# The most usual of them, which need no arithmetic.
_UTC_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|\+00:00| \+0000 UTC)", re.ASCII)


# The walk over a list looks at a row's time of issue again, a moment after it was read.
_remember = lru_cache(maxsize=1024)


@_remember
def parse_text_time(text: str) -> datetime:
    """The instant that a provider's text names, in UTC, cut to microseconds. Raises ValueError for any other text."""
    if len(text) == _LENGTH and text[-1] == "Z" and text[10] == "T":  # as to_rfc3339 has written it
        try:
            return datetime.fromisoformat(f"{text[:-1]}+00:00")
        except ValueError:
            pass
    match = _TEXT_TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a time")
    year, month, day, hour, minute, second, fraction, sign, offset_hours, offset_minutes = match.groups(default="0")
    microsecond = int(fraction.ljust(6, "0")[:6])
    local = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), microsecond, timezone.utc)
    if offset_hours == offset_minutes == "00" or sign == "0":
        return local
    offset = timedelta(hours=int(offset_hours), minutes=int(offset_minutes))
    try:
        return local + offset if sign == "-" else local - offset
    except OverflowError:
        raise ValueError(f"{text!r} is out of range") from None


def normalize(text: str) -> str:
    """The time that a provider's text names, as `to_rfc3339` writes it. Raises ValueError for any other text."""
    match = _UTC_TIME.fullmatch(text)
    if not match:
        return to_rfc3339(parse_text_time(text))
    day, clock, fraction = match.groups(default="")
    normal = f"{day}T{clock}.{fraction:0<6.6}Z"
    parse_text_time(normal)  # there may be no such day
    return normal


def parse_unix_time(seconds: Any) -> datetime:
    """The instant that whole seconds since 1970 name. Raises ValueError for anything that is not such a number."""
    if type(seconds) is not int and not (isinstance(seconds, float) and seconds.is_integer()):
        raise ValueError(f"{seconds!r} is not a number of seconds since 1970")
    try:
        return _since_1970(seconds)
    except (OverflowError, OSError, ValueError):
        raise ValueError(f"{seconds!r} seconds since 1970 is out of range") from None


@_remember
def _since_1970(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


def whole_seconds(value: Any) -> int:
    """A number of seconds since 1970 as an integer. Raises ValueError for anything that `parse_unix_time` refuses."""
    if type(value) is int and 0 <= value < _YEAR_10000:
        return value
    return int(parse_unix_time(value).timestamp())


def unix_to_rfc3339(seconds: int) -> str:
    """The time that whole seconds since 1970 name, as `to_rfc3339` writes it."""
    days, second = divmod(seconds, _SECONDS_A_DAY)
    return f"{_day(days)}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.000000Z"


@_remember
def _day(days: int) -> str:
    return _since_1970(days * _SECONDS_A_DAY).date().isoformat()


def to_rfc3339(instant: datetime) -> str:
    """The form in which times leave: UTC and always six fraction digits, so that the texts sort as the instants do."""
    if instant.tzinfo is not timezone.utc:
        instant = instant.astimezone(timezone.utc)
    return instant.isoformat(timespec="microseconds")[: _LENGTH - 1] + "Z"


@dataclass
class Timestamps(RecordTransformation):
    """Rewrites the text times of a record and derives its cursor from integer times.

    The stock AddFields can do neither (see above), and where it fails the CDK keeps the record and silently stops
    moving the state: this one fails the stream.

    text_times: fields that hold a time as text; null and "" are left as they are.
    latest_of: fields that hold seconds since 1970, the latest of which becomes `derived`; null and 0 mean "not yet".
    """

    parameters: InitVar[Mapping[str, Any]]
    key: str
    text_times: Sequence[str] = field(default_factory=list)
    latest_of: Sequence[str] = field(default_factory=list)
    derived: str = ""

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        self._stream = parameters["name"]

    def transform(
        self,
        record: MutableMapping[str, Any],
        config: Config | None = None,
        stream_state: StreamState | None = None,
        stream_slice: StreamSlice | None = None,
    ) -> None:
        name = ""
        try:
            for name in self.text_times:
                if record.get(name):
                    record[name] = normalize(record[name])
            if self.derived:
                latest = None
                for name in self.latest_of:
                    if record.get(name):
                        seconds = whole_seconds(record[name])
                        latest = seconds if latest is None or seconds > latest else latest
                record[self.derived] = None if latest is None else unix_to_rfc3339(latest)
        except (ValueError, TypeError) as error:
            raise AirbyteTracedException(
                message=f"{self._stream}: the time in `{name}` of invoice {record.get(self.key)!r} cannot be read: "
                f"{record[name]!r:.100}. The stream stops here: later syncs would miss an invoice without a time. "
                "Please report this value to the connector's maintainers.",
                internal_message=str(error),
                failure_type=FailureType.system_error,
            ) from error

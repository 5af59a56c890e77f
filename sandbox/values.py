"""What generated rows are made of: hashes, keys, names, and the providers' ways of writing time.

All times inside the sandbox are integers: nanoseconds since 1970 in UTC, because one provider writes nanoseconds.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
NEVER = -(1 << 80)
"""The time of a row that has none: before all others."""
TWO_DIGITS = tuple(f"{number:02d}" for number in range(60))
MINUTES = tuple(f"{hour:02d}:{minute}" for hour in range(24) for minute in TWO_DIGITS)
MASK = (1 << 64) - 1

NAMES = (
    "Acme Networks Ltd",
    "Müller & Söhne GmbH",
    'O\'Brien "Quick" Hosting',
    "東京コワーキング株式会社",
    "First line\nsecond line",
    "{{ 7*7 }}",
    "Zoë 🚀 Space",
    "<b>Bold</b> & Co",
    "'; DROP TABLE invoices; --",
    "=SUM(A1:A9)",
    "Tab\there, back\\slash",
    "Ελληνική Εταιρεία",
    "{{ config['credentials'] }}",
    "null",
    "Żółć Sp. z o.o.",
    "Plain Text Inc",
)
"""Names as customers type them. Some of them break careless quoting, templates or encodings."""

TIME_TEXT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?\s*(Z|[+-]\d\d:?\d\d)?(?: UTC)?", re.ASCII
)


def mix(index: int, seed: int) -> int:
    """Returns 64 well-mixed bits for a row (the finalizer of splitmix64). They are the same in every process."""
    value = (index * 0x9E3779B97F4A7C15 + seed * 0xD1342543DE82EF95 + 0x2545F4914F6CDD1D) & MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def cents_of(bits: int, most: int, large: bool) -> int:
    """An amount in cents, as invoices have them; if `large`, now and then one beyond 32 bits."""
    cents = (bits >> 8) % most + 100
    return cents * 1_000_003 if large and bits % 199 == 0 else cents


def uuid_text(bits: int, index: int) -> str:
    """Returns a UUID that looks like version 4. Its last group is the row's index, so a key is found without search."""
    text = f"{bits:016x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:]}-a{text[9:12]}-{index:012x}"


def related_uuid(uuid: str, number: int) -> str:
    """Returns another UUID for the same row. It costs less than a new one and is as unique."""
    return f"{number:08x}{uuid[8:]}"


def uuid_index(text: str) -> int | None:
    """Returns the index that `uuid_text` wrote into a key. The caller checks the rest of the key."""
    try:
        return int(text[24:], 16) if len(text) == 36 else None
    except ValueError:
        return None


def instant(text: str) -> int | None:
    """Returns the time in a text of any provider; None for a text without a time."""
    match = TIME_TEXT.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second or 0), tzinfo=timezone.utc
        )
    except ValueError:
        return None
    if zone and zone != "Z":
        sign = -1 if zone[0] == "-" else 1
        moment -= sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return nanoseconds(moment) + int((fraction or "").ljust(9, "0")[:9])


def nanoseconds(moment: datetime) -> int:
    """Returns a datetime as the sandbox's integer time. Without a zone it is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    whole = int(aware.replace(microsecond=0).timestamp())
    return whole * SECOND + aware.microsecond * 1000


def wall_time(time: int) -> str:
    """Returns the whole seconds of a time in UTC, such as `2025-01-05T17:47:59`."""
    day, second = divmod(time // SECOND, 86_400)
    return f"{day_text(day)}T{MINUTES[second // 60]}:{TWO_DIGITS[second % 60]}"


@lru_cache(maxsize=1000)
def day_text(day: int) -> str:
    """Returns the date of a day counted from 1970. It is cached, because neighboring rows share it."""
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def fraction_text(time: int, digits: int = 0) -> str:
    """Returns the fraction of a second with its point: at least `digits` digits, more if the fraction needs them."""
    nano = time % SECOND
    if not nano and not digits:
        return ""
    needed = len(f"{nano:09d}".rstrip("0")) if nano else 0
    length = max(digits, needed)
    return f".{nano:09d}"[: length + 1] if length else ""

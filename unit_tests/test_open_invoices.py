"""The walk against a model of a provider without an updated field: after every sync the copy equals the provider's list."""

import math
import random
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import Any

import pytest

from source_invoices.components import open_invoices
from source_invoices.components.envelope import Page
from source_invoices.components.moving_rows import Position
from source_invoices.components.open_invoices import Columns, Earlier, Walk

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
COLUMNS = Columns("key", "issued", frozenset({"paid", "void"}))
LOOKBACK = timedelta(days=30)


class Provider:
    """A list of invoices that the test changes between syncs. `order`: "newest first" or "oldest first"."""

    def __init__(
        self, size: int, order: str = "newest first", counts_rows: bool = True, looks_at_keys: bool = True
    ) -> None:
        self.invoices: dict[str, dict[str, Any]] = {}
        self.now = START
        self.requests = 0
        # Called before each request.
        self.between: Callable[[], None] = lambda: None
        self._numbers = count()
        self._size = size
        self._order = order
        self._counts_rows = counts_rows
        self._looks_at_keys = looks_at_keys

    def add(self, issued: datetime | None, status: str = "unpaid") -> str:
        key = f"{next(self._numbers):06}"
        self.invoices[key] = {
            "key": key,
            "status": status,
            "issued": int(issued.timestamp()) if issued else None,
            "note": 0,
        }
        return key

    def page(self, position: Position) -> Page:
        self.requests += 1
        self.between()
        rows = sorted(self.invoices.values(), key=lambda row: (row["issued"] or 0, row["key"]))
        if self._order == "newest first":
            rows.reverse()
        if position.key is not None and self._looks_at_keys:
            rows = [row for row in rows if row["key"] == position.key]
        on_page = [dict(row) for row in rows[(position.page - 1) * self._size : position.page * self._size]]
        pages = max(1, math.ceil(len(rows) / self._size))
        keys = [row["key"] for row in on_page]
        more = position.page < pages
        if self._counts_rows:
            return Page(on_page, keys, position.page, more, len(rows), self._size)
        return Page(on_page, keys, position.page, more, pages=pages)


def sync(
    provider: Provider, copy: dict[str, dict[str, Any]], state: dict[str, Any] | None, **options: Any
) -> dict[str, Any]:
    """One sync into a copy; returns the state, as JSON would hand it back."""
    earlier = Earlier.load(state) if state else None
    walk = Walk(earlier, COLUMNS, **{"settings": "s", "lookback": LOOKBACK, "started": provider.now, **options})
    position: Position | None = Position()
    while position:
        page = provider.page(position)
        for row in page.rows:
            if walk.take(row):
                copy[row["key"]] = dict(row)
        position = walk.turn(page, position)
    assert walk.state() is None
    walk.end()
    if options.get("ask") == "detail":
        for key in walk.awaited:
            provider.requests += 1
            if key in provider.invoices:
                walk.note(provider.invoices[key])
                copy[key] = dict(provider.invoices[key])
        assert walk.state() is None
        walk.finish()
    left = walk.state()
    assert left is not None
    return left.dump()


def change(provider: Provider, schedule: random.Random) -> None:
    """What happens between two syncs. Deletions and back-dated invoices do not come together: they hide each other."""
    provider.now += timedelta(days=schedule.choice([0, 1, 20, 100]))
    recent = provider.now - timedelta(days=25)
    for row in provider.invoices.values():
        row_is_recent = row["issued"] and row["issued"] > recent.timestamp()
        if (row["status"] not in COLUMNS.final or row_is_recent) and schedule.random() < 0.3:
            row["status"] = schedule.choice(["paid", "void", "unpaid", "a new status"])
            row["note"] += 1
    for _ in range(schedule.randrange(4)):
        provider.add(provider.now + timedelta(hours=schedule.randrange(-30, 1)), schedule.choice(["unpaid", "paid"]))
    if schedule.random() < 0.3:
        provider.add(provider.now + timedelta(days=60))
    if schedule.random() < 0.5:
        for key in schedule.sample(sorted(provider.invoices), min(len(provider.invoices), schedule.randrange(3))):
            del provider.invoices[key]
    else:
        for _ in range(schedule.randrange(3)):
            provider.add(provider.now - timedelta(days=schedule.randrange(1, 500)), schedule.choice(["paid", "unpaid"]))
        if schedule.random() < 0.2:
            provider.add(None)


@pytest.mark.parametrize("counts_rows", [True, False])
@pytest.mark.parametrize("order", ["newest first", "oldest first"])
@pytest.mark.parametrize("ask", ["key", "ignored key", "detail", ""])
def test_after_every_sync_the_copy_is_the_list(ask: str, order: str, counts_rows: bool) -> None:
    for seed in range(150):
        schedule = random.Random(f"{seed}")
        provider = Provider(schedule.choice([1, 2, 3, 10]), order, counts_rows, ask != "ignored key")
        for age in range(schedule.randrange(25)):
            provider.add(
                START - timedelta(days=age * schedule.choice([1, 20])), schedule.choice(["paid", "paid", "unpaid"])
            )
        copy: dict[str, dict[str, Any]] = {}
        state = None
        for _ in range(5):
            state = sync(provider, copy, state, ask="key" if ask == "ignored key" else ask)
            assert {key: copy[key] for key in provider.invoices} == provider.invoices, f"seed {seed}"
            change(provider, schedule)


@pytest.mark.parametrize("ask", ["key", "detail", ""])
def test_invoices_that_move_while_they_are_read_are_there_after_the_next_sync(ask: str) -> None:
    for seed in range(300):
        schedule = random.Random(f"{seed}")
        provider = Provider(schedule.choice([1, 2, 3, 10]))
        for age in range(schedule.randrange(25)):
            provider.add(
                START - timedelta(days=age * schedule.choice([1, 20])), schedule.choice(["paid", "paid", "unpaid"])
            )

        def move(provider: Provider = provider, schedule: random.Random = schedule) -> None:
            for _ in range(schedule.randrange(2)):
                provider.add(provider.now, schedule.choice(["unpaid", "paid"]))
            for row in provider.invoices.values():
                if row["status"] not in COLUMNS.final and schedule.random() < 0.1:
                    row["status"], row["note"] = schedule.choice(["paid", "unpaid"]), row["note"] + 1
            if provider.invoices and schedule.random() < 0.3:
                del provider.invoices[schedule.choice(sorted(provider.invoices))]

        copy: dict[str, dict[str, Any]] = {}
        state = None
        for _ in range(3):
            moves = count()
            # The list rests at last, as lists do.
            provider.between = lambda moves=moves: move() if next(moves) < 15 else None  # type: ignore[misc]
            state = sync(provider, copy, state, ask=ask)
            provider.now += timedelta(days=schedule.choice([0, 1, 20]))
        provider.between = lambda: None
        sync(provider, copy, state, ask=ask)
        assert {key: copy.get(key) for key in provider.invoices} == provider.invoices, f"seed {seed}"


def history(settled: int, still_open: int, size: int = 100, **options: Any) -> Provider:
    """Settled invoices, one a day, and open ones among the oldest."""
    provider = Provider(size, **options)
    for age in range(settled):
        provider.add(START - timedelta(days=40 + age), "paid")
    for age in range(still_open):
        provider.add(START - timedelta(days=300 + age), "unpaid")
    return provider


@pytest.mark.parametrize(("still_open", "requests"), [(0, 1), (1, 2)])
def test_a_quiet_sync_of_a_thousand_rows_costs_a_page_and_what_is_open(still_open: int, requests: int) -> None:
    provider = history(1000, still_open)
    state = sync(provider, {}, None, ask="key")
    provider.now += timedelta(days=1)
    before = provider.requests
    sync(provider, {}, state, ask="key")
    assert provider.requests - before == requests


@pytest.mark.parametrize("rows", [1000, 5000])
def test_the_cost_does_not_grow_with_the_history(rows: int) -> None:
    provider = history(rows, 3)
    state = sync(provider, {}, None, ask="key")
    before = provider.requests
    copy: dict[str, dict[str, Any]] = {}
    sync(provider, copy, state, ask="key")
    assert provider.requests - before == 4
    assert len(copy) == 3 + 32  # the open ones, and those of the lookback and a day


def test_walking_on_is_taken_where_it_costs_fewer_requests() -> None:
    provider = history(150, 90)
    state = sync(provider, {}, None, ask="key")
    before = provider.requests
    sync(provider, {}, state, ask="key")
    assert provider.requests - before == 3


def test_a_list_that_is_not_counted_is_counted_on_its_last_page() -> None:
    provider = history(1000, 0, counts_rows=False)
    state = sync(provider, {}, None)
    before = provider.requests
    sync(provider, {}, state)
    assert provider.requests - before == 2


def test_a_back_dated_invoice_makes_the_next_sync_read_to_the_end() -> None:
    provider = history(1000, 0)
    state = sync(provider, {}, None)
    new = provider.add(START - timedelta(days=365), "paid")
    copy: dict[str, dict[str, Any]] = {}
    sync(provider, copy, state)
    assert new in copy


def test_too_many_open_invoices_are_said_to_be_too_many() -> None:
    provider = Provider(1000)
    for minute in range(10_050):
        provider.add(START - timedelta(days=50, minutes=minute))
    state = sync(provider, {}, None)
    assert state["open"] is None
    copy: dict[str, dict[str, Any]] = {}
    sync(provider, copy, state)
    assert len(copy) == 10_050


def test_changed_settings_read_everything_again() -> None:
    provider = history(300, 0)
    state = sync(provider, {}, None)
    copy: dict[str, dict[str, Any]] = {}
    sync(provider, copy, state, settings="others")
    assert len(copy) == 300


def test_the_start_date_bounds_the_first_sync() -> None:
    provider = history(1000, 0, size=10)
    sync(provider, {}, None, since=START - timedelta(days=60))
    assert provider.requests < 5


def test_an_unfinished_walk_leaves_no_state() -> None:
    provider = history(300, 0)
    walk = Walk(None, COLUMNS, settings="s", lookback=LOOKBACK, started=START)
    assert walk.turn(provider.page(Position()), Position()) is not None
    assert walk.state() is None


def test_the_state_is_small_and_survives_a_round_trip() -> None:
    provider = history(10, 100)
    state = sync(provider, {}, None)
    assert Earlier.load(state).dump() == state
    assert len(str(state)) < 1000 + 45 * 100


@pytest.mark.parametrize(
    "damage",
    [{"open": "all"}, {"open": [1]}, {"open": 7}, {"below": -1}, {"below": "1"}, {"below": True}, {"below": None},
     {"floor": "then"}, {"floor": None}],
)  # fmt: skip
def test_a_damaged_state_is_refused(damage: dict[str, Any]) -> None:
    state = sync(history(3, 1), {}, None)
    with pytest.raises(ValueError, match=r"\w"):
        Earlier.load({**state, **damage})
    for missing in state:
        with pytest.raises(ValueError, match=missing):
            Earlier.load({name: value for name, value in state.items() if name != missing})
    others: tuple[Any, ...] = (None, [], "state", 7)
    for other in others:
        with pytest.raises(ValueError, match=r"\w"):
            Earlier.load(other)


def test_a_list_that_begins_with_its_oldest_row_is_read_to_the_end_though_its_number_is_the_same() -> None:
    provider = Provider(1, order="oldest first")
    for days in range(400, 0, -50):
        provider.add(START - timedelta(days=days), "paid")
    provider.now += timedelta(days=100)
    copy: dict[str, dict[str, Any]] = {}
    state = sync(provider, copy, sync(provider, copy, None))
    for key in sorted(provider.invoices)[:2]:
        del provider.invoices[key]
    new = provider.add(provider.now, "paid")
    sync(provider, copy, state)
    assert new in copy


def test_too_many_open_invoices_stay_too_many_when_one_is_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_invoices, "MOST_OPEN", 10)
    walk = Walk(None, COLUMNS, settings="s", lookback=LOOKBACK, started=START)
    rows = [{"key": str(number), "status": "unpaid", "issued": 1} for number in range(12)]
    for row in rows:
        walk.note(row)
    for row in rows[:5]:
        walk.note({**row, "status": "paid"})
    walk.end()
    state = walk.state()
    assert state is not None
    assert state.open is None

"""The lookback scan against a model of a provider without an updated field: after every sync the copy equals the provider's list."""

import math
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import Any

import pytest

from source_invoices.components.incremental import open_invoices
from source_invoices.components.incremental.lookback_plan import LookbackPlan
from source_invoices.components.incremental.lookback_scan import LookbackScan
from source_invoices.components.incremental.scan_rule import Columns, ScanRule
from source_invoices.components.incremental.scan_state import ScanState
from source_invoices.components.pages.page import Page
from source_invoices.components.pages.plan import InvoiceKey, PageNumber, Position

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
COLUMNS = Columns("key", "issued", "status", frozenset({"paid", "void"}))
LOOKBACK = timedelta(days=30)


class Provider:
    """A list of invoices that the test changes between syncs. `order`: "newest first" or "oldest first"."""

    def __init__(
        self, size: int, order: str = "newest first", counts_rows: bool = True, looks_at_keys: bool = True
    ) -> None:
        self.invoices: dict[str, dict[str, Any]] = {}
        self.now = START
        self.requests = 0
        self.hidden_from_look_ups: set[str] = set()
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
        if isinstance(position, InvoiceKey) and self._looks_at_keys:
            rows = [row for row in rows if row["key"] == position.key and position.key not in self.hidden_from_look_ups]
        number = position.number if isinstance(position, PageNumber) else 1
        on_page = [dict(row) for row in rows[(number - 1) * self._size : number * self._size]]
        pages = max(1, math.ceil(len(rows) / self._size))
        keys = [row["key"] for row in on_page]
        more = number < pages
        if self._counts_rows:
            return Page(on_page, keys, number, more, len(rows), self._size)
        return Page(on_page, keys, number, more, pages=pages)


def begin(started: datetime, state: Any = None, **options: Any) -> LookbackScan:
    rule = ScanRule(COLUMNS, **{"settings": "s", "lookback": LOOKBACK, "started": started, **options})
    return LookbackScan(ScanState.load(state), rule)


def sync(
    provider: Provider, copy: dict[str, dict[str, Any]], state: Any, asks: str = "", **options: Any
) -> Mapping[str, Any]:
    """One sync into a copy. Returns the state, as JSON would hand it back."""
    scan = begin(provider.now, state, asks_details=asks == "details", **options)
    plan = LookbackPlan(scan, asks_keys=asks == "key")
    position = plan.first_position
    while position:
        assert scan.state() is None
        page = provider.page(position)
        for row in plan.accept(page.rows, position):
            copy[row["key"]] = dict(row)
        position = plan.next_position(page, position)
    if asks == "details":
        for key in scan.open.unseen:
            provider.requests += 1
            if key in provider.invoices:
                scan.track_statuses([provider.invoices[key]], is_listed=False)
                copy[key] = dict(provider.invoices[key])
            else:
                scan.open.miss(key)
        assert scan.state() is None
        scan.finish()
    left = scan.state()
    assert left is not None
    return left.dump()


def scanned(provider: Provider, state: Any) -> tuple[LookbackScan, int]:
    """One sync that asks for open invoices by key, and how many requests it took."""
    scan, before = begin(provider.now, state), provider.requests
    plan = LookbackPlan(scan, asks_keys=True)
    position = plan.first_position
    while position:
        page = provider.page(position)
        plan.accept(page.rows, position)
        position = plan.next_position(page, position)
    return scan, provider.requests - before


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
@pytest.mark.parametrize("asks", ["key", "ignored key", "details", ""])
def test_after_every_sync_the_copy_equals_the_list(asks: str, order: str, counts_rows: bool) -> None:
    for seed in range(150):
        schedule = random.Random(f"{seed}")
        provider = Provider(schedule.choice([1, 2, 3, 10]), order, counts_rows, asks != "ignored key")
        for age in range(schedule.randrange(25)):
            provider.add(
                START - timedelta(days=age * schedule.choice([1, 20])), schedule.choice(["paid", "paid", "unpaid"])
            )
        copy: dict[str, dict[str, Any]] = {}
        state = None
        for _ in range(5):
            state = sync(provider, copy, state, asks="key" if asks == "ignored key" else asks)
            assert {key: copy[key] for key in provider.invoices} == provider.invoices, f"seed {seed}"
            change(provider, schedule)


@pytest.mark.parametrize("asks", ["key", "details", ""])
def test_invoices_that_move_during_a_sync_arrive_with_the_next(asks: str) -> None:
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
            state = sync(provider, copy, state, asks=asks)
            provider.now += timedelta(days=schedule.choice([0, 1, 20]))
        provider.between = lambda: None
        sync(provider, copy, state, asks=asks)
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
def test_a_quiet_sync_requests_one_page_and_the_open_invoices(still_open: int, requests: int) -> None:
    provider = history(1000, still_open)
    state = sync(provider, {}, None, asks="key")
    provider.now += timedelta(days=1)
    before = provider.requests
    sync(provider, {}, state, asks="key")
    assert provider.requests - before == requests


@pytest.mark.parametrize("rows", [1000, 5000])
def test_the_cost_does_not_grow_with_the_history(rows: int) -> None:
    provider = history(rows, 3)
    state = sync(provider, {}, None, asks="key")
    before = provider.requests
    copy: dict[str, dict[str, Any]] = {}
    sync(provider, copy, state, asks="key")
    assert provider.requests - before == 4
    assert len(copy) == 3 + 32  # the open ones, and those of the lookback and a day


def test_the_scan_reads_on_where_that_takes_fewer_requests() -> None:
    provider = history(150, 90)
    state = sync(provider, {}, None, asks="key")
    before = provider.requests
    sync(provider, {}, state, asks="key")
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


def test_the_state_says_that_there_are_too_many_open_invoices() -> None:
    provider = Provider(1000)
    for minute in range(10_050):
        provider.add(START - timedelta(days=50, minutes=minute))
    state = sync(provider, {}, None)
    assert state["scan"]["open"] is None
    copy: dict[str, dict[str, Any]] = {}
    sync(provider, copy, state)
    assert len(copy) == 10_050


def test_changed_settings_read_everything_again() -> None:
    provider = history(300, 0)
    state = sync(provider, {}, None)
    copy: dict[str, dict[str, Any]] = {}
    sync(provider, copy, state, settings="others")
    assert len(copy) == 300


def test_a_first_sync_with_a_start_date_reads_the_list_to_its_end() -> None:
    provider = history(100, 0, size=10)
    undated = provider.add(None)
    copy: dict[str, dict[str, Any]] = {}
    sync(provider, copy, None, since=START - timedelta(days=60))
    assert provider.requests == 11
    assert undated in copy


def test_a_list_that_was_last_read_whole_too_long_ago_is_read_whole() -> None:
    provider = history(1000, 0)
    month = timedelta(days=30)
    state = sync(provider, {}, None, full_read=month)
    for days, requests in ((29, 1), (2, 10), (29, 1)):
        provider.now += timedelta(days=days)
        before = provider.requests
        state = sync(provider, {}, state, full_read=month)
        assert provider.requests - before == requests


def test_a_settled_invoice_that_changes_comes_with_the_next_whole_reading() -> None:
    provider = history(300, 0)
    copy: dict[str, dict[str, Any]] = {}
    state = sync(provider, copy, None, full_read=timedelta(days=30))
    provider.invoices["000299"]["note"] = "corrected"
    state = sync(provider, copy, state, full_read=timedelta(days=30))
    assert copy["000299"]["note"] == 0
    provider.now += timedelta(days=31)
    sync(provider, copy, state, full_read=timedelta(days=30))
    assert copy["000299"]["note"] == "corrected"


def test_an_open_invoice_that_is_gone_is_named_where_the_older_rows_are_fewer() -> None:
    provider = history(300, 2)
    state = sync(provider, {}, None)
    gone = sorted(provider.invoices)[-1]
    del provider.invoices[gone]
    scan, requests = scanned(provider, state)
    assert scan.vanished == [gone]
    assert requests == 1 + 2


def test_an_open_invoice_that_one_answer_lacks_is_looked_for_in_the_whole_list() -> None:
    provider = history(300, 2)
    state = sync(provider, {}, None)
    hidden = sorted(provider.invoices)[-1]
    provider.hidden_from_look_ups.add(hidden)
    scan, requests = scanned(provider, state)
    assert scan.vanished == []
    assert requests == 1 + 2 + 4
    left = scan.state()
    assert left
    assert left.open
    assert hidden in left.open


def test_an_issued_draft_hides_no_back_dated_invoice() -> None:
    provider = history(300, 0)
    draft = provider.add(None)
    state = sync(provider, {}, None)
    provider.invoices[draft]["issued"] = int(provider.now.timestamp())
    back_dated = provider.add(START - timedelta(days=200), "paid")
    copy: dict[str, dict[str, Any]] = {}
    sync(provider, copy, state, asks="key")
    assert {draft, back_dated} <= set(copy)


def test_a_new_key_of_the_same_account_goes_on_and_one_of_another_reads_everything() -> None:
    provider = history(300, 1)
    provider.add(START, "paid")
    state = sync(provider, {}, None, account="one")
    before = provider.requests
    sync(provider, {}, state, asks="key", account="another key")
    assert provider.requests - before == 2
    other = Provider(100)
    for age in range(300):
        other.invoices[f"other {age}"] = {
            "key": f"other {age}",
            "status": "paid",
            "issued": int((START - timedelta(days=40 + age)).timestamp()),
            "note": 0,
        }
    copy: dict[str, dict[str, Any]] = {}
    sync(other, copy, state, asks="key", account="another account")
    assert len(copy) == 300


def test_a_state_of_a_clock_that_was_ahead_hides_nothing() -> None:
    provider = Provider(100)
    provider.now += timedelta(days=4000)
    state = sync(provider, {}, None)
    provider.now -= timedelta(days=4000)
    new = provider.add(provider.now, "paid")
    copy: dict[str, dict[str, Any]] = {}
    sync(provider, copy, state)
    assert new in copy


def test_an_unfinished_scan_leaves_no_state() -> None:
    provider = history(300, 0)
    scan = begin(START)
    assert LookbackPlan(scan).next_position(provider.page(PageNumber()), PageNumber()) is not None
    assert scan.state() is None


def test_the_state_is_small_and_survives_a_round_trip() -> None:
    provider = history(10, 100)
    state = sync(provider, {}, None)
    loaded = ScanState.load(state)
    assert loaded
    assert loaded.dump() == state
    assert len(str(state)) < 1000 + 45 * 100


def test_a_state_of_an_earlier_release_is_read() -> None:
    state = sync(history(3, 1), {}, None)["scan"]
    earlier = {
        "floor": state["lookback_start"],
        "below": state["older_rows"],
        "open": state["open"],
        "settings": state["settings"],
    }
    read = ScanState.load({"walk": earlier})
    current = ScanState.load({"scan": state})
    assert read
    assert current
    assert read == ScanState.load(earlier)
    assert (read.lookback_start, read.older_rows, read.open) == (
        current.lookback_start,
        current.older_rows,
        current.open,
    )


@pytest.mark.parametrize(
    "damage",
    [{"open": "all"}, {"open": [1]}, {"open": 7}, {"older_rows": -1}, {"older_rows": "1"}, {"older_rows": True},
     {"older_rows": None}, {"lookback_start": "then"}, {"lookback_start": None}],
)  # fmt: skip
def test_a_damaged_state_is_refused(damage: dict[str, Any]) -> None:
    state = sync(history(3, 1), {}, None)["scan"]
    with pytest.raises(ValueError, match=r"\w"):
        ScanState.load({"scan": {**state, **damage}})
    for missing in ("lookback_start", "older_rows", "open", "settings"):
        with pytest.raises(ValueError, match=missing):
            ScanState.load({"scan": {name: value for name, value in state.items() if name != missing}})
    others: tuple[Any, ...] = ("state", 7, {"scan": 7}, {"scan": []}, ["scan"])
    for other in others:
        with pytest.raises(ValueError, match=r"\w"):
            ScanState.load(other)


def test_an_oldest_first_list_is_read_to_its_end_despite_an_equal_count() -> None:
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
    scan = begin(START)
    rows: list[dict[str, Any]] = [{"key": str(number), "status": "unpaid", "issued": 1} for number in range(12)]
    scan.track_statuses(rows, is_listed=True)
    scan.track_statuses([{**row, "status": "paid"} for row in rows[:5]], is_listed=True)
    scan.finish()
    state = scan.state()
    assert state is not None
    assert state.open is None

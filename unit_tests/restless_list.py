"""A model of a list that does all that real lists do while they are read: moves, ties, clamps, replicas, short pages.

A seed makes a list and its schedule, always the same. Before each answer the list makes the next step of its schedule,
and after `Behaviour.moves` steps it rests. A reader asks it for pages and says which rows it has read and whether it
holds them to be all; `silent_loss` compares that with the rows that were there throughout.

What no count can show is not in the model, in which a reader that counts can be told from one that does not:
- rows that are added anywhere but at the front, or re-dated though they were added, while others are removed;
- a total that is not counted anew though rows were added; here only a removal shows late;
- a first page from a server that lacks rows: these are then like rows that were added;
- where pages state no total, so that the last page counts the list: a last page, or a first, that lacks rows.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

A_DAY = 86_400
OPEN, FINAL = "unpaid", "paid"


@dataclass(frozen=True)
class Page:
    """A page as a provider sends it: `total` or `pages`, whichever it states, and `size`, None where it does not."""

    rows: Sequence[dict[str, Any]]
    keys: Sequence[Any]
    number: int | None
    more: bool
    total: int | None = None
    size: int | None = None
    pages: int | None = None


@dataclass(frozen=True)
class Behaviour:
    """What a list does. Chances are per answer, unless they say otherwise.

    rows, size: at the beginning. states_total: pages state `total` and `size`; else only `pages`.
    moves: how many answers it takes until the list rests. What is about answers (ties, replicas, short pages, cached
    totals) rests with it, unless `ties_settle` is False.
    adds, removes, re_dates, pays: the chance that one row is added at the front, removed, moved to the front or to the
    end, or changes its status. clamp: the chance that the size of pages changes, to one that it never was.
    tied: of so many rows one shares its time with the row before it; 0 for none. ties: how equal rows come: in another
    order with each answer, for each page, or always in the same ("by_request", "by_page", "settled").
    lag: the chance that an answer comes from a server that lacks the newest rows, up to `most_behind`.
    short: the chance that a page lacks some of its rows. cached: for so many answers a total shows no removal.
    """

    rows: int = 25
    size: int = 4
    states_total: bool = True
    moves: int = 20
    adds: float = 0.0
    removes: float = 0.0
    re_dates: float = 0.0
    pays: float = 0.0
    clamp: float = 0.0
    tied: int = 0
    ties: str = "settled"
    ties_settle: bool = True
    lag: float = 0.0
    most_behind: int = 2
    short: float = 0.0
    cached: int = 1


@dataclass
class Row:
    """An invoice: `time` orders it, newest first."""

    key: int
    time: int
    status: str

    def sent(self) -> dict[str, Any]:
        """The row as the provider sends it."""
        return {"key": self.key, "status": self.status, "issued": self.time}


@dataclass
class RestlessList:
    """The list. `throughout` holds the keys that every server has had since the first answer.

    make_page: builds the page; a reader that has a class of its own for pages passes it.
    """

    behaviour: Behaviour
    chance: random.Random
    make_page: Callable[..., Any] = Page
    answers: int = 0
    throughout: set[int] = field(init=False)

    def __post_init__(self) -> None:
        count, tied = self.behaviour.rows, self.behaviour.tied
        self.size = self.behaviour.size
        self._sizes = {self.size}
        self._next = count + 1
        self._clock = (count + 1) * A_DAY
        self._total: tuple[int, int] | None = None
        self.rows = [Row(key, key * A_DAY, self._status()) for key in range(count, 0, -1)]
        for before, row in zip(self.rows, self.rows[1:], strict=False):
            if tied and self.chance.randrange(tied) == 0:
                row.time = before.time
        self._there_at_first = {row.key for row in self.rows}
        self.throughout = set(self._there_at_first)

    @property
    def rests(self) -> bool:
        """Whether all moves are made."""
        return self.answers > self.behaviour.moves

    def page(self, number: int, size: int | None = None) -> Any:
        """The answer to a request for a page; `size` is reduced to the list's own."""
        if self.answers and not self.rests:
            self._move()
        self.answers += 1
        size = min(size or self.size, self.size)
        counts = not self.behaviour.states_total and number * size >= len(self.rows)
        rows = self._as_seen(number, up_to_date=counts or number == 1)
        self.throughout &= {row.key for row in rows}
        total = self._stated(len(rows))
        on_page = rows[(number - 1) * size : number * size]
        if number * size < len(rows) and (number > 1 or self.behaviour.states_total):
            on_page = self._shortened(on_page)
        if self.behaviour.states_total:
            return self._sent(on_page, number, number * size < total, total=total, size=size)
        pages = max(1, math.ceil(total / size))
        return self._sent(on_page, number, number < pages, pages=pages)

    def look_up(self, key: int) -> Any:
        """The answer to a request for one invoice."""
        self.answers += 1
        found = [row for row in self._as_seen(0) if row.key == key]
        return self._sent(found, 1, False)

    def begin_reading(self, behaviour: Behaviour | None = None) -> None:
        """Another sync begins: what is there now counts, and the list moves as `behaviour` says."""
        self.behaviour = behaviour or self.behaviour
        self.answers = 0
        self._total = None
        self._there_at_first = {row.key for row in self.rows}
        self.throughout = set(self._there_at_first)

    def _sent(self, rows: Sequence[Row], number: int, more: bool, **numbers: int) -> Any:
        return self.make_page([row.sent() for row in rows], [row.key for row in rows], number, more, **numbers)

    def _status(self) -> str:
        return OPEN if self.chance.randrange(5) == 0 else FINAL

    def _happens(self, chance: float) -> bool:
        return self.chance.random() < chance

    def _move(self) -> None:
        behaviour = self.behaviour
        if self._happens(behaviour.adds):
            self._clock += A_DAY
            self.rows.insert(0, Row(self._next, self._clock, OPEN))
            self._next += 1
        if self.rows and self._happens(behaviour.removes):
            del self.rows[self.chance.randrange(len(self.rows))]
        movable = [row for row in self.rows if row.key in self._there_at_first]
        if movable and self._happens(behaviour.re_dates):
            row = self.chance.choice(movable)
            self._clock += A_DAY
            row.time = self._clock if self.chance.randrange(2) else min(other.time for other in self.rows) - A_DAY
            self.rows.sort(key=lambda one: -one.time)
        if self.rows and self._happens(behaviour.pays):
            self.chance.choice(self.rows).status = FINAL
        unused = [size for size in range(1, 2 * behaviour.size + 1) if size not in self._sizes]
        if unused and self._happens(behaviour.clamp):
            self.size = self.chance.choice(unused)
            self._sizes.add(self.size)

    def _as_seen(self, number: int, *, up_to_date: bool = False) -> list[Row]:
        """The rows in the order in which the server has them that answers."""
        rows = list(self.rows)
        if not self.rests and not up_to_date and self._happens(self.behaviour.lag):
            rows = rows[self.chance.randrange(1, self.behaviour.most_behind + 1) :]
        settled = self.behaviour.ties == "settled" or (self.rests and self.behaviour.ties_settle)
        if settled or not self.behaviour.tied:
            return rows
        order = random.Random(number) if self.behaviour.ties == "by_page" else self.chance
        ranks = {row.key: order.random() for row in sorted(rows, key=lambda one: one.key)}
        return sorted(rows, key=lambda one: (-one.time, ranks[one.key]))

    def _stated(self, count: int) -> int:
        if self._total is None or self.answers - self._total[0] >= self.behaviour.cached or self.rests:
            self._total = self.answers, count
        self._total = self._total[0], max(self._total[1], count)
        return self._total[1]

    def _shortened(self, rows: list[Row]) -> list[Row]:
        if len(rows) > 1 and not self.rests and self._happens(self.behaviour.short):
            return self.chance.sample(rows, self.chance.randrange(1, len(rows)))
        return rows


@dataclass(frozen=True)
class Reading:
    """What a reader has read: the status of each row by its key, and what it leaves for the next sync.

    A reader that cannot read the list raises ValueError instead, with a sentence.
    """

    rows: Mapping[int, str]
    state: Any = None


# The list, how many pages may be under way at the same time, and what decides in which order they are answered.
Read = Callable[[RestlessList, int, random.Random], Reading]


class InAnyOrder:
    """Requests under way, answered one by one in an order that a schedule chooses."""

    def __init__(self, schedule: random.Random) -> None:
        self._schedule = schedule
        self._under_way: dict[Hashable, Callable[[], Any]] = {}
        self._answers: dict[Hashable, Any] = {}

    def begin(self, place: Hashable, ask: Callable[[], Any]) -> None:
        """A request is sent; nothing is asked for twice at the same time."""
        if place not in self._answers:
            self._under_way.setdefault(place, ask)

    def take(self, place: Hashable) -> Any:
        """The answer to a request, after those that the schedule lets come before it."""
        while place not in self._answers:
            one = self._schedule.choice(list(self._under_way))
            self._answers[one] = self._under_way.pop(one)()
        return self._answers.pop(place)


CHANCES = ("adds", "removes", "re_dates", "pays", "clamp", "lag", "short")


def behaviours(seed: int, **fixed: Any) -> Behaviour:
    """Any behaviour, chosen by a seed: each kind of restlessness is there or not. `fixed` names those that are set."""
    chance = random.Random(seed)
    chosen: dict[str, Any] = {name: chance.choice([0.0, 0.0, 0.1, 0.4]) for name in CHANCES}
    made = Behaviour(
        rows=chance.randrange(41),
        size=chance.randrange(1, 8),
        states_total=chance.randrange(3) > 0,
        moves=chance.randrange(31),
        tied=chance.choice([0, 1, 3]),
        ties=chance.choice(["settled", "by_page", "by_request"]),
        most_behind=chance.choice([1, 3]),
        cached=chance.choice([1, 1, 4, 10]),
        **chosen,
    )
    return replace(made, **fixed)


def at_rest(seed: int, **fixed: Any) -> Behaviour:
    """A list of any length and size of pages that does not move."""
    quiet = dict.fromkeys(CHANCES, 0.0) | {"moves": 0, "cached": 1, "ties": "settled"}
    return behaviours(seed, **{**quiet, **fixed})


@dataclass(frozen=True)
class Outcome:
    """How one reading ended. `missing` is empty where the reader says that it has not read the whole list."""

    seed: int
    missing: frozenset[int]
    complete: bool
    answers: int
    behaviour: Behaviour


def outcome(read: Read, seed: int, behaviour: Behaviour, make_page: Callable[..., Any] = Page) -> Outcome:
    """Reads one list by one schedule, with one to ten pages under way."""
    restless = RestlessList(behaviour, random.Random(seed), make_page)
    workers = random.Random(seed).choice([1, 1, 2, 5, 10])
    try:
        met = set(read(restless, workers, random.Random(seed)).rows)
    except ValueError as error:
        if not str(error):
            raise
        return Outcome(seed, frozenset(), False, restless.answers, behaviour)
    return Outcome(seed, frozenset(restless.throughout - met), True, restless.answers, behaviour)


def outcomes(read: Read, seeds: Sequence[int], make_page: Callable[..., Any] = Page, **fixed: Any) -> Iterator[Outcome]:
    """Reads a list for each seed."""
    return (outcome(read, seed, behaviours(seed, **fixed), make_page) for seed in seeds)


def silent_losses(
    read: Read, seeds: Sequence[int], make_page: Callable[..., Any] = Page, **fixed: Any
) -> list[Outcome]:
    """The readings that say that they are complete and lack rows: there must be none."""
    return [one for one in outcomes(read, seeds, make_page, **fixed) if one.missing]


# The list, how many pages may be under way, what decides in which order they are answered, and the state before.
ReadOn = Callable[[RestlessList, int, random.Random, Any], Reading]


@dataclass(frozen=True)
class Copy:
    """A destination after some syncs, and what it should hold: the rows that are there at the end."""

    rows: Mapping[int, str]
    held: Mapping[int, str]
    complete: bool

    @property
    def wrong(self) -> dict[int, tuple[str | None, str]]:
        """The rows that are missing or old, with the status in the destination and at the provider."""
        return {key: (self.rows.get(key), status) for key, status in self.held.items() if self.rows.get(key) != status}


def synced(read: ReadOn, seed: int, syncs: int = 4, make_page: Callable[..., Any] = Page, **fixed: Any) -> Copy:
    """Syncs a list several times, each time restless in another way, and at last at rest.

    Rows that are open change between the syncs too. A final status that changes again, and a row that is back-dated or
    re-dated while no sync runs, is left to the next whole reading, so it is not in here. A sync that fails leaves the
    state before it.
    """
    behaviour = behaviours(seed, **fixed)
    restless = RestlessList(behaviour, random.Random(seed), make_page)
    schedule = random.Random(seed)
    copy: dict[int, str] = {}
    state: Any = None
    complete = False
    for number in range(syncs):
        last = number == syncs - 1
        restless.begin_reading(
            at_rest(seed, **_kept(behaviour)) if last else behaviours(seed + number, **_kept(behaviour))
        )
        try:
            reading = read(restless, schedule.choice([1, 5]), schedule, state)
        except ValueError:
            complete = False
            continue
        copy.update(reading.rows)
        state, complete = reading.state, True
        for row in restless.rows:
            if row.status == OPEN and schedule.randrange(3) == 0 and number < syncs - 2:
                row.status = FINAL
    return Copy(copy, {row.key: row.status for row in restless.rows}, complete)


def _kept(behaviour: Behaviour) -> dict[str, Any]:
    """What stays from sync to sync: what the provider is like."""
    names = {one.name for one in fields(Behaviour)} & {"size", "states_total", "tied"}
    return {name: getattr(behaviour, name) for name in names} | {"re_dates": 0.0}

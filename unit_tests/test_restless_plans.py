"""The plans of the connector read restless lists: no row that was there throughout is lost in silence."""

import pytest

from source_invoices.components.pages.page import Page
from unit_tests.restless_list import at_rest, outcome, silent_losses, synced
from unit_tests.restless_plans import read, read_on

SCHEDULES = 1000
EITHER = pytest.mark.parametrize("states_total", [True, False])
# Each lost a row before a rule was made for its kind.
HARD = {
    True: [
        3615,
        5806,
        3251,
        4878,
        5370,
        13833,
        25279,
        35867,
        37438,
        39395,
        45416,
        48335,
        50586,
        50635,
        50684,
        52586,
        58204,
        58258,
        59737,
        60870,
        64590,
        64691,
        65773,
        67693,
        70076,
        70116,
        74040,
        78039,
        81652,
        82569,
        92603,
        96799,
    ],
    False: [
        459,
        1561,
        2193,
        2532,
        2572,
        3078,
        5504,
        5648,
        11255,
        11334,
        16282,
        16697,
        17644,
        25985,
        27431,
        27968,
        41247,
        43241,
        54341,
        56790,
        75375,
        75815,
        93409,
        94577,
    ],
}


@EITHER
def test_no_schedule_loses_a_row_in_silence(states_total: bool) -> None:
    lost = silent_losses(read, range(SCHEDULES), make_page=Page, states_total=states_total)
    assert len(lost) == 0, lost[:3]


@pytest.mark.parametrize("seed", [4587, 5045])
def test_a_schedule_that_was_hard_to_see_through_loses_no_row(seed: int) -> None:
    assert not silent_losses(read, [seed], make_page=Page, states_total=False)


@pytest.mark.parametrize(("states_total", "seed"), [(kind, seed) for kind, seeds in HARD.items() for seed in seeds])
def test_a_schedule_that_is_hard_to_see_through_loses_no_row(states_total: bool, seed: int) -> None:
    assert not silent_losses(read, [seed], make_page=Page, states_total=states_total)


def test_no_schedule_of_a_list_at_rest_is_read_more_than_once() -> None:
    for seed in range(300):
        behaviour = at_rest(seed)
        one = outcome(read, seed, behaviour, Page)
        pages = max(1, -(-behaviour.rows // behaviour.size))
        assert (one.complete, one.missing) == (True, frozenset())
        assert one.answers <= pages + 3


@EITHER
def test_after_some_syncs_the_destination_is_as_the_list(states_total: bool) -> None:
    wrong = 0
    for seed in range(SCHEDULES // 2):
        copy = synced(read_on, seed, make_page=Page, states_total=states_total)
        wrong += bool(copy.wrong) or not copy.complete
    assert wrong == 0

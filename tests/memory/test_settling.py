"""Less than before: how many readings, over how much time, until it counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from exporter.memory.settling import KEPT, LONGEST, Settling
from exporter.model import Matter
from testing.builders import on

START = on("18:00")
MINUTE = timedelta(minutes=1)


def counts(matter: Matter, *readings: tuple[float, int]) -> list[bool]:
    """Whether each reading (minutes after the first, and how much it found) counts."""
    settling = Settling()
    return [not settling.hold(matter, {"x": size}, START + minutes * MINUTE) for minutes, size in readings]


@pytest.mark.parametrize(
    ("matter", "readings", "expected"),
    [
        pytest.param(Matter.ROWS, [(0, 0)], [True], id="the first reading counts, whatever it finds"),
        pytest.param(Matter.ROWS, [(0, 5), (10, 5), (20, 9)], [True] * 3, id="as much or more counts"),
        pytest.param(Matter.ROWS, [(0, 5), (10, 0), (13, 5)], [True, False, True], id="back by the next reading"),
        pytest.param(Matter.ROWS, [(0, 5), (10, 0), (13, 0)], [True, False, True], id="gone, said twice"),
        pytest.param(Matter.ROWS, [(0, 5), (10, 0), (12, 0)], [True, False, False], id="said twice, too soon"),
        pytest.param(Matter.ROWS, [(0, 5), (10, 3), (13, 3)], [True, False, True], id="some gone, said twice"),
        pytest.param(
            Matter.ROWS, [(0, 9), (10, 0), (13, 4), (23, 4)], [True, False, False, True], id="still being loaded"
        ),
        pytest.param(
            Matter.ROWS,
            [(0, 99), *((10 * number, number) for number in range(1, LONGEST + 1))],
            [True, *[False] * (LONGEST - 1), True],
            id="loaded for ever",
        ),
        pytest.param(Matter.ROWS, [(0, 5), (10, 0), (-120, 0), (-117, 0)], [True, False, False, True], id="clock back"),
        pytest.param(Matter.UNITS, [(0, 8), (10, 0), (13, 0)], [True, False, False], id="no units, said twice"),
        pytest.param(
            Matter.UNITS, [(0, 8), (10, 0), (13, 0), (20, 0)], [True, False, False, True], id="no units, said thrice"
        ),
        pytest.param(Matter.UNITS, [(0, 8), (10, 7), (13, 7)], [True, False, True], id="one unit fewer"),
        pytest.param(Matter.DOCUMENT, [(0, 2), (1, 0), (1.5, 0)], [True, False, True], id="a document, said twice"),
        pytest.param(Matter.DOCUMENT, [(0, 2), (1, 0), (1.1, 0)], [True, False, False], id="told twice at once"),
    ],
)
def test_less_than_before_counts_once_it_was_read_often_enough(
    matter: Matter, readings: list[tuple[float, int]], expected: list[bool]
) -> None:
    assert counts(matter, *readings) == expected


def test_a_doubt_has_the_earlier_value_and_each_readings_value() -> None:
    settling = Settling()
    for minutes, size in ((0, 5), (10, 0), (11, 2)):
        settling.hold(Matter.ROWS, {"x": size, "y": 1}, START + minutes * MINUTE)

    ((key, doubt),) = settling.doubts.items()

    assert key == (Matter.ROWS, "x")
    assert (doubt.was, doubt.seen_at, doubt.since, doubt.found) == (5, START, START + 10 * MINUTE, (0, 2))


def test_only_a_value_in_doubt_causes_one_repeated_reading() -> None:
    settling = Settling()
    settling.hold(Matter.ROWS, {"x": 5}, START)
    before = settling.repeat_at([Matter.ROWS])
    settling.hold(Matter.ROWS, {"x": 0}, START + 10 * MINUTE)
    asked, others = settling.repeat_at([Matter.ROWS]), settling.repeat_at([Matter.DOCUMENT])
    settling.hold(Matter.ROWS, {"x": 0}, START + 13 * MINUTE)

    assert (before, asked, others) == (None, START + 13 * MINUTE, None)
    assert settling.repeat_at([Matter.ROWS]) is None


def test_a_reading_before_the_time_of_the_repeated_one_does_not_stand_in_for_it() -> None:
    settling = Settling()
    settling.hold(Matter.UNITS, {"x": 7}, START)
    settling.hold(Matter.UNITS, {"x": 6}, START + 10 * MINUTE)
    settling.hold(Matter.UNITS, {"x": 6}, START + 11 * MINUTE)

    assert settling.repeat_at([Matter.UNITS]) == START + 13 * MINUTE


def test_a_value_in_doubt_that_cannot_be_read_delays_no_other_repeat() -> None:
    settling = Settling()
    settling.hold(Matter.ROWS, {"x": 5, "y": 5}, START)
    settling.hold(Matter.ROWS, {"x": 0, "y": 5}, START + 10 * MINUTE)
    settling.hold(Matter.ROWS, {"y": 5}, START + 13 * MINUTE)

    settling.hold(Matter.ROWS, {"y": 0}, START + 20 * MINUTE)

    assert settling.repeat_at([Matter.ROWS]) == START + 23 * MINUTE


def test_a_value_that_is_no_longer_read_is_remembered_for_a_day() -> None:
    settling = Settling()
    settling.hold(Matter.ROWS, {"x": 5}, START)
    settling.hold(Matter.ROWS, {}, START + KEPT)

    within = settling.hold(Matter.ROWS, {"x": 0}, START + KEPT)
    settling.hold(Matter.ROWS, {}, START + KEPT + MINUTE)

    assert within == {"x"}
    assert settling.doubts == {}
    assert settling.hold(Matter.ROWS, {"x": 0}, START + KEPT + MINUTE) == frozenset()

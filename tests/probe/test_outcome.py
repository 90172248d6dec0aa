"""From what was written and what is there to numbers, a table, JSON and one sentence."""

from __future__ import annotations

import json

import pytest

from exporter.probe.outcome import OLDER, Outcome, Round, Write, compare, conclusion, summarize
from exporter.probe.printing import table, to_json
from exporter.probe.strategies import Strategy

WRITTEN: dict[str, dict[str, object]] = {OLDER: {"n": 0}, "a": {"n": 1}, "b": {"n": 2}, "c": {"n": 3}}


def writes(*names: str, error: str | None = None) -> list[Write]:
    """Writes that took 10, 20, 30 ... milliseconds."""
    return [Write(name, 0.01 * number, error=error) for number, name in enumerate(names, start=1)]


def outcome(strategy: Strategy, found: dict[str, object], *given_up: Write) -> Outcome:
    """One round in which a, b and c were written, except for what was given up."""
    other = {write.writer for write in given_up}
    acknowledged = writes(*(name for name in "abc" if name not in other))
    return summarize(strategy, [compare([*acknowledged, *given_up], WRITTEN, found)])


def test_an_entry_that_was_acknowledged_and_is_not_there_is_lost() -> None:
    found = outcome(Strategy.SET, {OLDER: {"n": 0}, "b": {"n": 2}})

    assert (found.written, found.left, found.lost, found.older_lost, found.damaged) == (3, 1, 2, 0, 0)


def test_the_entry_that_was_there_before_is_counted_by_itself() -> None:
    found = outcome(Strategy.BLIND_SET, {"c": {"n": 3}})

    assert (found.lost, found.older_lost) == (2, 1)


def test_an_entry_that_is_not_what_was_written_is_damaged_and_not_lost() -> None:
    found = outcome(Strategy.MERGE, {**WRITTEN, "a": {"n": 1, "stray": True}, OLDER: {}, "foreign": 1})

    assert (found.lost, found.older_lost, found.damaged) == (0, 0, 3)


def test_a_write_that_was_given_up_is_neither_written_nor_lost() -> None:
    given_up = Write("b", 9.0, conflicts=5, retries=4, error="too slow")

    found = outcome(Strategy.TRANSACTION, {OLDER: {"n": 0}, "a": {"n": 1}, "c": {"n": 3}}, given_up)

    assert (found.written, found.left, found.lost) == (2, 2, 0)
    assert (found.conflicts, found.retries, found.errors) == (5, 4, {"too slow": 1})
    assert found.maximum == pytest.approx(0.02)


def test_an_entry_that_is_there_although_its_write_was_given_up_is_told_apart() -> None:
    found = outcome(Strategy.MERGE, dict(WRITTEN), Write("b", 9.0, error="no answer in time"))

    assert (found.written, found.left, found.unacknowledged_left) == (2, 2, 1)


def test_times_are_of_acknowledged_writes_of_all_rounds() -> None:
    rounds = [Round(tuple(Write("a", float(number)) for number in range(1, 101)), frozenset("a"))]

    found = summarize(Strategy.MERGE, rounds)

    assert (found.p50, found.p99, found.maximum) == (50.0, 99.0, 100.0)


def test_without_an_acknowledged_write_there_are_no_times() -> None:
    found = summarize(Strategy.MERGE, [Round(tuple(writes("a", error="refused")), frozenset())])

    assert (found.p50, found.p99, found.maximum) == (None, None, None)


def test_the_sentence_names_losses_and_the_remedy() -> None:
    tried = [
        outcome(Strategy.SET, {OLDER: {"n": 0}, "b": {"n": 2}}),
        outcome(Strategy.BLIND_SET, {"c": {"n": 3}}),
        outcome(Strategy.MERGE, dict(WRITTEN)),
        outcome(Strategy.UPDATE, dict(WRITTEN)),
        outcome(Strategy.TRANSACTION, dict(WRITTEN)),
    ]

    assert conclusion(tried) == (
        "`set` lost 2 of 3 entries; `blind-set` lost 2 of 3 entries and 1 of 1 that were there before;"
        " `merge`, `update` and `transaction` lost none:"
        " write one's own entry alone, or the whole document inside the transaction that read it."
    )


def test_the_sentence_advises_nothing_where_nothing_was_lost() -> None:
    assert conclusion([outcome(Strategy.MERGE, dict(WRITTEN))]) == "`merge` lost none."


def test_the_sentence_reports_a_loss_of_a_safe_strategy() -> None:
    sentence = conclusion([outcome(Strategy.TRANSACTION, {OLDER: {"n": 0}})])

    assert sentence.startswith("`transaction` lost 3 of 3 entries: a way to write that must not lose has lost")


def test_the_sentence_names_damage_and_what_was_given_up() -> None:
    damaged = outcome(Strategy.MERGE, {**WRITTEN, "a": None}, Write("b", 1.0, error="too slow"))

    sentence = conclusion([damaged])

    assert sentence.startswith("`merge` left 1 damaged; 1 of 3 writes by `merge` were given up: a way to write")


def test_the_sentence_says_if_nothing_was_measured() -> None:
    assert conclusion([]) == "Nothing was measured."
    assert table([]).endswith("\n\nNothing was measured.")


def test_the_table_has_a_line_a_strategy_and_says_why_writes_were_given_up() -> None:
    given_up = Write("b", 9.0, conflicts=5, retries=4, error="no answer in time")

    lines = table([outcome(Strategy.MERGE, dict(WRITTEN), given_up)]).splitlines()

    assert lines[0].split() == [
        *("strategy", "rounds", "written", "left", "lost", "older", "lost", "damaged"),
        *("p50", "p99", "max", "conflicts", "retries", "errors"),
    ]
    assert lines[1].split() == ["merge", "1", "2", "2", "0", "0", "0", "10.0", "20.0", "20.0", "5", "4", "1"]
    assert lines[2:4] == [
        "merge: 1 given up: no answer in time",
        "merge: 1 of those are there all the same",
    ]


def test_the_table_has_no_times_where_there_are_none() -> None:
    lines = table([summarize(Strategy.MERGE, [Round(tuple(writes("a", error="refused")), frozenset())])]).splitlines()

    assert lines[1].split()[7:10] == ["-", "-", "-"]


def test_json_carries_the_same_numbers() -> None:
    read = json.loads(to_json([outcome(Strategy.MERGE, dict(WRITTEN))], {"project": "p"}))

    assert (read["project"], read["conclusion"]) == ("p", "`merge` lost none.")
    times = {"p50": 0, "p99": 0, "maximum": 0}
    counts = {"rounds": 1, "written": 3, "left": 3}
    zeros = dict.fromkeys(["lost", "older_lost", "damaged", "unacknowledged_left", "conflicts", "retries"], 0)
    assert read["strategies"][0] | times == {"strategy": "merge", "errors": {}, **counts, **zeros, **times}

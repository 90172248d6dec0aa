"""docs/probe-writes.md has every strategy, and its examples are what the command prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exporter.cli.probe_writes import PREFIX, STRATEGIES
from exporter.probe.outcome import Outcome
from exporter.probe.printing import table
from exporter.probe.strategies import Strategy

TEXT = Path(__file__).parents[2].joinpath("docs", "probe-writes.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```\n(strategy .+?)^```$", TEXT, re.MULTILINE | re.DOTALL)
GIVEN_UP = re.compile(r"^([\w-]+): (\d+) given up: (.+)$", re.MULTILINE)


def outcomes(example: str) -> list[Outcome]:
    """The outcomes that an example shows."""
    errors = {name: {why: int(number)} for name, number, why in GIVEN_UP.findall(example)}
    found = []
    for line in example.splitlines()[1:]:
        name, *cells = line.split() or [""]
        if name not in STRATEGIES:
            break
        rounds, written, left, lost, older_lost, damaged = map(int, cells[:6])
        p50, p99, maximum = (float(cell) / 1000 for cell in cells[6:9])
        conflicts, retries, _ = map(int, cells[9:])
        counts = (rounds, written, left, lost, older_lost, damaged, 0)
        found.append(Outcome(Strategy(name), *counts, p50, p99, maximum, conflicts, retries, errors.get(name, {})))
    return found


def test_every_strategy_is_explained_in_order() -> None:
    assert tuple(re.findall(r"^\| `(\w[\w-]+)` \|", TEXT, re.MULTILINE)) == STRATEGIES


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_what_the_command_prints(example: str) -> None:
    printed = table(outcomes(example))

    assert printed.startswith(example.rstrip())
    assert [outcome.strategy for outcome in outcomes(example)] == list(STRATEGIES)


def test_there_is_an_example_for_each_server_and_the_first_has_its_conclusion() -> None:
    assert len(EXAMPLES) == 2
    assert EXAMPLES[0].rstrip() == table(outcomes(EXAMPLES[0]))


def test_the_scratch_collection_is_named() -> None:
    assert f"`{PREFIX}`" in TEXT

"""Which exporter of several has which pipeline."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.errors import ConfigError
from exporter.config.expected import shard_lines
from exporter.config.load import load
from exporter.config.shards import MOST_SHARDS, SHARD_PATTERN, Shard, parse_shard, shard_of

if TYPE_CHECKING:
    from exporter.config.resolved import Config

NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
SHARDS = st.integers(min_value=1, max_value=MOST_SHARDS).flatmap(
    lambda of: st.integers(min_value=0, max_value=of - 1).map(lambda number: Shard(number, of))
)
MANY = [f"pipeline-{number}" for number in range(2_000)]


def config_of(shard: str | None, *presets: str) -> Config:
    return load(preset=presets or ("nba", "mlb"), overlay={"shard": shard} if shard else None, environ={}).config


@given(SHARDS)
def test_a_shard_that_is_written_is_read_the_same(shard: Shard) -> None:
    assert parse_shard(str(shard)) == shard
    assert re.fullmatch(SHARD_PATTERN, str(shard))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("3/3", "counted from 0, the last of 3 is 2/3"),
        ("0/0", "is no shard: write 0/3 for the first of three"),
        ("1/1001", "at most 1000"),
        ("01/3", "is no shard"),
        ("-1/3", "is no shard"),
        ("1", "is no shard"),
        ("1/3\n", "is no shard"),
        ("\u0661/3", "is no shard"),
        (1, "1 is no shard"),
        (None, "nothing is no shard"),
    ],
)
def test_what_is_no_shard_is_refused_with_what_to_write(value: object, words: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        parse_shard(value)

    assert words in str(caught.value)


@given(NAMES, st.integers(min_value=1, max_value=50))
def test_a_pipeline_belongs_to_exactly_one_shard(name: str, of: int) -> None:
    assert [Shard(number, of).has(name) for number in range(of)].count(True) == 1


@given(NAMES, st.integers(min_value=1, max_value=50))
def test_with_one_more_shard_a_pipeline_stays_or_moves_to_the_new_one(name: str, of: int) -> None:
    before, after = shard_of(name, of), shard_of(name, of + 1)

    assert after.number in {before.number, of}


def test_one_more_shard_gets_its_part_of_the_pipelines_and_all_have_about_as_many() -> None:
    owners = [[shard_of(name, of).number for name in MANY] for of in range(1, 21)]

    for of, (before, after) in enumerate(pairwise(owners), start=1):
        moved = sum(was != now for was, now in zip(before, after, strict=True))
        fair = len(MANY) / (of + 1)
        assert 0.7 * fair <= moved <= 1.3 * fair
        assert all(0.6 * fair <= number <= 1.4 * fair for number in Counter(after).values())


def test_where_a_pipeline_is_does_not_change_from_version_to_version() -> None:
    assert [str(shard_of(name, of)) for name in ("nba", "mlb") for of in (1, 2, 3, 4)] == [
        *("0/1", "1/2", "1/3", "1/4"),
        *("0/1", "0/2", "2/3", "2/4"),
    ]


def test_a_shard_has_its_own_pipelines_and_knows_the_others() -> None:
    whole, first, second = config_of(None), config_of("0/2"), config_of("1/2")

    assert list(whole.pipelines) == ["nba", "mlb"]
    assert (list(first.pipelines), list(first.elsewhere)) == (["mlb"], ["nba"])
    assert (list(second.pipelines), list(second.elsewhere)) == (["nba"], ["mlb"])
    assert first.of_all_shards == second.of_all_shards == whole.of_all_shards == whole.pipelines


def test_the_variable_says_which_shard_and_is_told_in_an_error() -> None:
    variable = "ORCHESTRATION_EXPORTER_SHARD"

    assert load(preset="nba", environ={variable: "1/2"}).config.shard == Shard(1, 2)
    with pytest.raises(ConfigError) as caught:
        load(preset="nba", environ={variable: "2/2"})
    assert [(fault.source, fault.path) for fault in caught.value.faults] == [(variable, "shard")]


def test_all_shards_are_named_with_their_pipelines() -> None:
    assert list(shard_lines(config_of("1/3"))) == [
        "shard 0/3: no pipeline, so it exports nothing",
        "shard 1/3, this one: nba",
        "shard 2/3: mlb",
    ]
    assert list(shard_lines(config_of(None))) == []

"""Splits pipelines over several exporters: `shard: 1/3` is the second of three.

Each pipeline belongs to exactly one shard, which follows from its name and the number of shards alone (rendezvous
hashing: of all shards the one whose hash with the name is highest). So where one shard is added, a pipeline stays where
it is or moves to the new shard; on average one of `of` moves.

The pipeline is the unit because all of it may decide about each of its phases: a row or entry of any phase shows that a
calendar has ended, and the verdicts of all phases are then unknown; silent heartbeats, coverage and the phase log are
about the pipeline as a whole (docs/scaling.md).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from exporter.config.wording import describe

if TYPE_CHECKING:
    from exporter.config.resolved import Config, PipelineConfig

MOST_SHARDS: Final = 1_000
SHARD_PATTERN: Final = r"^(0|[1-9][0-9]{0,2})/([1-9][0-9]{0,2}|1000)$"


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `of` exporters that share the pipelines; `number` counts from 0."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def has(self, pipeline: str) -> bool:
        """Whether this shard exports the pipeline of this name."""
        return shard_of(pipeline, self.of) == self


def shard_of(pipeline: str, of: int) -> Shard:
    """The one of `of` shards that exports the pipeline of this name."""

    def weight(number: int) -> bytes:
        return hashlib.sha256(f"{number}:{pipeline}".encode()).digest()

    return Shard(max(range(of), key=weight), of)


def part_of(config: Config, shard: Shard) -> Config:
    """The configuration of one shard: its own pipelines, and the others as those that are exported elsewhere."""
    own: dict[bool, dict[str, PipelineConfig]] = {True: {}, False: {}}
    for name, pipeline in config.of_all_shards.items():
        own[shard.has(name)][name] = pipeline
    return replace(config, shard=shard, pipelines=own[True], elsewhere=own[False])


def parse_shard(value: object) -> Shard:
    """The shard that a text such as `0/3` names. Raises ValueError with what to write."""
    if not isinstance(value, str) or not re.fullmatch(SHARD_PATTERN, value):
        raise ValueError(f"{describe(value)} is no shard: write 0/3 for the first of three; at most {MOST_SHARDS}")
    number, of = map(int, value.split("/"))
    if number >= of:
        raise ValueError(f"{describe(value)} is no shard: counted from 0, the last of {of} is {of - 1}/{of}")
    return Shard(number, of)

"""The shipped rules and intervals with all times divided by one factor, so that an hour takes a minute or less.

The factor divides the rules' `for`, `keep_firing_for`, ranges and offsets, Prometheus's scrape, evaluation and resend
intervals, and the exporter's `collect.*.every`. Times in the data (deadlines, the age of a stale heartbeat) stay.
"""

from __future__ import annotations

import re
from math import ceil
from typing import TYPE_CHECKING, Any

import yaml

from exporter.config.load import load
from tools.alerting.reference import PRESET, shipped_times
from tools.alerting.rulefiles import RULES, read_yaml, seconds

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

    from exporter.config.resolved import CollectorConfig

_DURATIONS = ("for", "keep_firing_for")
_RANGE = re.compile(r"(\[|\boffset )([0-9][0-9smhd]*)")
RESEND = "1m"
"""Prometheus's default interval for sending a firing alert again."""
SHORTEST_EVERY = 2
"""Seconds. The exporter counts in whole ones, and a run must end before the next."""


def shorter(duration: str | int, faster: int) -> str:
    """A duration divided, in the whole milliseconds that Prometheus reads."""
    length = seconds(duration) if isinstance(duration, str) else duration
    return f"{max(length * 1000 // faster, 1)}ms"


def compressed_rules(folder: Path, faster: int, rules: Path = RULES) -> list[str]:
    """The shipped rule files, written into the folder with their times divided; their paths."""
    written = []
    for path in sorted(rules.glob("*.yml")):
        content = read_yaml(path)
        for group in content["groups"]:
            group["interval"] = shorter(group.get("interval", shipped_times().evaluation), faster)
            group["rules"] = [compressed(rule, faster) for rule in group["rules"]]
        target = folder / path.name
        target.write_text(yaml.safe_dump(content), encoding="utf-8")
        written.append(str(target))
    return written


def compressed_prometheus(faster: int) -> dict[str, Any]:
    """The part `global` of Prometheus's configuration, divided."""
    times = shipped_times()
    return {
        "scrape_interval": shorter(times.scrape, faster),
        "scrape_timeout": shorter(times.scrape, faster),
        "evaluation_interval": shorter(times.evaluation, faster),
    }


def compressed_collect(faster: int, shortest: int = SHORTEST_EVERY) -> dict[str, dict[str, str]]:
    """The preset's collectors, divided, with no interval below so many seconds. Use them at a fixed pace.

    A run may last nearly until the next, since reading gets no quicker.
    """
    collect = load(preset=PRESET).config.collect
    return {
        name: _collector(getattr(collect, name), faster, shortest)
        for name in ("completion", "heartbeats", "heartbeat_count", "warehouse")
    }


def _collector(collector: CollectorConfig, faster: int, shortest: int) -> dict[str, str]:
    every = max(_whole(collector.every, faster), shortest)
    # A value must count beyond the next run, which begins a little late and takes some time.
    max_staleness = max(_whole(collector.max_staleness, faster), every + 1)
    return {"every": f"{every}s", "timeout": f"{every - 1}s", "max_staleness": f"{max_staleness}s"}


def _whole(duration: timedelta, faster: int) -> int:
    return ceil(duration.total_seconds() / faster)


def compressed(rule: dict[str, Any], faster: int) -> dict[str, Any]:
    """A rule with its times divided."""
    divided = {name: shorter(rule[name], faster) for name in _DURATIONS if name in rule}
    expression = _RANGE.sub(lambda found: f"{found[1]}{shorter(found[2], faster)}", rule["expr"])
    return {**rule, **divided, "expr": expression}

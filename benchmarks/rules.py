"""The rules' own cost: what Prometheus takes to evaluate them while all processors of a day are missing at once.

The rules as they are shipped and as they were (`rules_before.yml`) stand side by side in one Prometheus, in groups of
their own. Both make the same alerts with the same words, or nothing is measured.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.client import until
from benchmarks.figures import Row, at_most, seconds, spread
from benchmarks.world import config_of, missing, world_of
from exporter.emulators.bigquery.loopback import Answer, LoopbackServer
from exporter.metrics.catalogue import report_samples
from exporter.metrics.exposition import render
from testing.compressed import compressed
from testing.prometheus import JOB, Prometheus
from tools.alerting.rulefiles import RULES, load_rules, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Group = Mapping[str, Any]
    Alerts = Mapping[frozenset[tuple[str, str]], Mapping[str, str]]

PROCESSORS = 2_000
INTERVAL = "15s"
FASTER = 20
"""What the time is divided by that an alert waits."""
MOST = 0.2
READY_SECONDS = 400.0
BEFORE = Path(__file__).with_name("rules_before.yml")
NOW = RULES / "processors.yml"


def measure(*, smallest: bool = False) -> list[Row]:
    """With the Prometheus on the path, and with that of each folder of VERSIONS, which are separated as in PATH."""
    return [_compared(program, smallest=smallest) for program in _programs()]


def _programs() -> Iterator[str]:
    for folder in ("", *filter(None, os.environ.get("VERSIONS", "").split(os.pathsep))):
        program = shutil.which("prometheus", path=folder or None)
        if program is None:
            raise RuntimeError(f"no program prometheus in {folder or 'PATH'}")
        yield program


def _compared(program: str, *, smallest: bool) -> Row:
    processors, evaluations, interval, faster = (8, 1, "1s", 300) if smallest else (PROCESSORS, 3, INTERVAL, FASTER)
    body = render(report_samples(missing(world_of(config_of(processors))).report())).plain
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as folder,
        LoopbackServer(lambda _: Answer(200, body, "text/plain; version=0.0.4")) as server,
    ):
        target = server.address.removeprefix("http://")
        config = {
            "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
            "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": [target]}]}],
            "rule_files": [_rules(Path(folder), file, faster) for file in (BEFORE, NOW)],
        }
        with Prometheus(Path(folder), target, config, program=program) as running:
            return _measured(running, processors, evaluations)


def _rules(folder: Path, file: Path, faster: int) -> str:
    content = read_yaml(file)
    texts = {(rule.name, rule.labels["severity"]): rule.annotations for rule in load_rules() if rule.alert}
    for group in content["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                rule.setdefault("annotations", texts[rule["alert"], rule["labels"]["severity"]])
        group["rules"] = [compressed(rule, faster) for rule in group["rules"]]
    written = folder / file.with_suffix(".json").name
    written.write_text(json.dumps(content), encoding="utf-8")
    return str(written)


def _measured(prometheus: Prometheus, processors: int, evaluations: int) -> Row:
    """Both groups' evaluations once both have the same alerts, all of which fire."""
    seen: set[tuple[str, str]] = set()

    def enough() -> bool:
        before, now = (_group(prometheus.rule_groups(), file) for file in (BEFORE, NOW))
        if not _alerts(before) or _alerts(before).keys() != _alerts(now).keys():
            return False
        for times, group in zip(pair, (before, now), strict=True):
            if (group["name"], group["lastEvaluation"]) not in seen:
                seen.add((group["name"], group["lastEvaluation"]))
                times.append(group["evaluationTime"])
        return all(len(times) > evaluations for times in pair)

    pair: tuple[list[float], list[float]] = ([], [])
    until(enough, READY_SECONDS, "the same alerts from both versions of the rules")
    groups = prometheus.rule_groups()
    alerts = _alerts(_group(groups, NOW))
    if alerts != _alerts(_group(groups, BEFORE)):
        raise RuntimeError("the two versions of the rules do not say the same")
    # The first evaluations still had to see the alerts begin.
    before, now = (times[1:] for times in pair)
    return at_most(
        f"rules of processors, {processors:,} missing at once, Prometheus {prometheus.version()}",
        f"{seconds(spread(now).middle)} an evaluation, {len(alerts):,} alerts",
        f"with `for` and unfiltered conditions: {seconds(spread(before).middle)}",
        [one / other for one, other in zip(now, before, strict=False)],
        MOST,
    )


def _group(groups: Sequence[Group], file: Path) -> Group:
    return next(group for group in groups if Path(group["file"]).stem == file.stem)


def _alerts(group: Group) -> Alerts:
    """The alerts that fire, by their labels, with their texts."""
    return {
        frozenset(alert["labels"].items()): alert["annotations"]
        for rule in group["rules"]
        for alert in rule.get("alerts", ())
        if alert["state"] == "firing"
    }

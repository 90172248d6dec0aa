"""The rules' own cost: what Prometheus takes to evaluate them while all processors of a day are missing at once.

The rules as they are shipped and as they were (`rules_before.yml`) stand side by side in one Prometheus, in groups of
their own. Both make the same alerts with the same words, or nothing is measured. A third group says how little any form
of the rules can take: its alerts are as many and have as many annotations, but each is one letter, and its conditions
ask for one label.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.client import until
from benchmarks.figures import Row, at_most, seconds, short, spread
from benchmarks.world import config_of, missing, world_of
from exporter.emulators.bigquery.loopback import Answer, LoopbackServer
from exporter.metrics.catalogue import report_samples
from exporter.metrics.exposition import render
from exporter.model import Verdict
from exporter.shipped.alerts import alert_of
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
LEAST_OF = Path("least.yml")
LEAST = (Verdict.MISSING, Verdict.UNREGISTERED)
"""The verdicts whose alerts fire while all processors are missing."""


def measure(*, smallest: bool = False) -> list[Row]:
    """With the Prometheus on the path, and with that of each folder of VERSIONS, which are separated as in PATH."""
    return [row for program in _programs() for row in _compared(program, smallest=smallest)]


def _programs() -> Iterator[str]:
    for folder in ("", *filter(None, os.environ.get("VERSIONS", "").split(os.pathsep))):
        program = shutil.which("prometheus", path=folder or None)
        if program is None:
            raise RuntimeError(f"no program prometheus in {folder or 'PATH'}")
        yield program


def _compared(program: str, *, smallest: bool) -> list[Row]:
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
            "rule_files": [*(_rules(Path(folder), file, faster) for file in (BEFORE, NOW)), _least(Path(folder))],
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


def _least(folder: Path) -> str:
    """The rule file of the alerts that cost least: as many, with letters as annotations and one label as condition."""
    texts = {rule.name: rule.annotations for rule in load_rules() if rule.alert}
    rules = [
        {
            "alert": alert_of(verdict).name,
            "expr": f'orchestration_processor_verdict{{verdict="{verdict}"}} == 1',
            "labels": {"severity": "warning"},
            "annotations": dict.fromkeys(texts[alert_of(verdict).name], "x"),
        }
        for verdict in LEAST
    ]
    written = folder / f"{LEAST_OF.stem}.json"
    written.write_text(json.dumps({"groups": [{"name": LEAST_OF.stem, "rules": rules}]}), encoding="utf-8")
    return str(written)


def _measured(prometheus: Prometheus, processors: int, evaluations: int) -> list[Row]:
    """All groups' evaluations once two have the same alerts, all of which fire, and the third as many."""
    seen: set[tuple[str, str]] = set()

    def enough() -> bool:
        groups = [_group(prometheus.rule_groups(), file) for file in (BEFORE, NOW, LEAST_OF)]
        before, now, least = map(_alerts, groups)
        if not before or before.keys() != now.keys() or len(least) != len(now):
            return False
        for times, group in zip(each, groups, strict=True):
            if (group["name"], group["lastEvaluation"]) not in seen:
                seen.add((group["name"], group["lastEvaluation"]))
                times.append(group["evaluationTime"])
        return all(len(times) > evaluations for times in each)

    each: tuple[list[float], ...] = ([], [], [])
    until(enough, READY_SECONDS, "the same alerts from both versions of the rules")
    groups = prometheus.rule_groups()
    alerts = _alerts(_group(groups, NOW))
    if alerts != _alerts(_group(groups, BEFORE)):
        raise RuntimeError("the two versions of the rules do not say the same")
    # The first evaluations still had to see the alerts begin.
    before, now, least = (times[1:] for times in each)
    what = f"{processors:,} missing at once, Prometheus {prometheus.version()}"
    against = f"with `for` and unfiltered conditions: {seconds(spread(before).middle)}"
    found = spread([one / other for one, other in zip(least, before, strict=False)])
    return [
        at_most(
            f"rules of processors, {what}",
            f"{seconds(spread(now).middle)} an evaluation, {len(alerts):,} alerts",
            against,
            [one / other for one, other in zip(now, before, strict=False)],
            MOST,
        ),
        Row(
            f"as many alerts with annotations of one letter, {what}",
            f"{seconds(spread(least).middle)} an evaluation",
            against,
            f"{short(found.middle)} x",
            str(found),
        ),
    ]


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

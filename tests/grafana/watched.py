"""Several days of incidents as one Prometheus sees them, which scraped an exporter for each."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from exporter.shipped.alerts import alert_of
from testing.days import SEED, a_past_day, moved, settings
from testing.prometheus import JOB, Prometheus
from testing.running import RunningExporter
from testing.waiting import until
from tools.alerting.rulefiles import load_rules, rule_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from exporter.incidents.incident import Incident
    from exporter.incidents.local import LocalSources, SimulatedClock

HEALTHY, STUCK, COVERAGE, LOST = "healthy-day", "2026-01-23-stuck-running", "low-coverage", "lost-update"
OUTAGE = "2026-01-24-firestore-permission-outage"
EXPORTERS = ((SEED,), (STUCK,), (OUTAGE,), (HEALTHY, COVERAGE, LOST))
"""Which incidents each exporter watches; together they give every panel something to show. The last one of all goes on
while it is watched."""

INCIDENTS = tuple(name for names in EXPORTERS for name in names)
# Two days apart, so that no incident's day is the data date of another's.
DAYS = {name: a_past_day() - timedelta(days=2 * place) for place, name in enumerate(INCIDENTS)}
AHEAD = a_past_day() + timedelta(days=3)
"""A run date whose deadlines are still to come; every exporter exposes it as well."""

_ONCE = {"every": "1h", "timeout": "20s"}
_OFTEN = {"every": "2s", "timeout": "1s"}
_SPAN = 20.0


class History(Prometheus):
    """A Prometheus that can be asked about the last seconds, and for the values of a label."""

    def over_time(self, expression: str) -> list[Mapping[str, str]]:
        """The series that an expression gave at some time of them."""
        now = time.time()
        span = {"start": str(now - _SPAN), "end": str(now), "step": "1"}
        return [item["metric"] for item in self._get("query_range", query=expression, **span)["result"]]

    def label_values(self, label: str, selector: str) -> set[str]:
        """The values that the label has in what is selected."""
        return set(self._get(f"label/{label}/values", **{"match[]": selector}))


@dataclass(frozen=True)
class Watched:
    """The incidents, each with the address of the exporter that watches it, and the Prometheus that scraped them."""

    prometheus: History
    instances: Mapping[str, str]
    replica: str
    """Where the seed's exporter is scraped a second time, as a replica would be."""

    def selection(self, incident: str) -> dict[str, tuple[str, ...]]:
        """A value for every variable but the processor: this incident's exporter and its day."""
        return {
            "job": (JOB,),
            "instance": (self.instances[incident],),
            "pipeline": ("nba",),
            "phase": ("phase3",),
            "run_date": (DAYS[incident].isoformat(),),
        }


@contextlib.contextmanager
def watched(local: LocalSources, clock: SimulatedClock, folder: Path) -> Iterator[Watched]:
    """Start the exporters, one after another, and a Prometheus with the shipped rules over all of them."""
    with contextlib.ExitStack() as stack:
        instances: dict[str, str] = {}
        for names in EXPORTERS:
            incident = _together([moved(name, DAYS[name]) for name in names])
            clock.now = datetime.now(UTC)
            local.load(incident, "nba-props-platform")
            here = folder / names[0]
            here.mkdir()
            exporter = stack.enter_context(_exporter(local, here, incident, names))
            exporter.wait_until_ready()
            instances |= dict.fromkeys(names, exporter.client.base_url.netloc.decode())
        replica = instances[SEED].replace("127.0.0.1", "localhost")
        targets = sorted({*instances.values(), replica})
        prometheus = stack.enter_context(_prometheus(folder, targets))
        until(lambda: prometheus.value("count(up == 1)") == len(targets), "the first scrapes")
        for step in moved(LOST, DAYS[LOST]).then:
            local.apply(step)
        until(lambda: prometheus.query(f'ALERTS{{alertname="{alert_of("lost_update").name}"}}'), "the lost update")
        until(lambda: prometheus.query(f'ALERTS{{alertname="{alert_of("blocked").name}"}}'), "the seed's alert")
        yield Watched(prometheus, instances, replica)


def _together(incidents: Sequence[Incident]) -> Incident:
    """Several days as one."""
    tables = sorted({table for incident in incidents for table in incident.bigquery})
    documents = {path: fields for incident in incidents for path, fields in incident.firestore.items()}
    rows = {table: [row for incident in incidents for row in incident.bigquery.get(table, [])] for table in tables}
    return incidents[0].model_copy(update={"firestore": documents, "bigquery": rows})


def _exporter(local: LocalSources, folder: Path, incident: Incident, names: Sequence[str]) -> RunningExporter:
    days, goes_on = [DAYS[name] for name in names], LOST in names
    collect: dict[str, Any] = dict.fromkeys(("completion", "heartbeats", "heartbeat_count", "warehouse"), _ONCE)
    # They share one Firestore, so those that have read their incident must not see the next one come.
    collect["completion"] = _OFTEN if goes_on else _ONCE
    more = {
        "documents": {"only": [day.isoformat() for day in (*days, AHEAD)], "follow": goes_on},
        "collect": collect,
        "ledger": {"path": str(folder / "ledger.sqlite")},
    }
    file = folder / "exporter.yaml"
    file.write_text(settings(incident, days[0], **more), encoding="utf-8")
    return RunningExporter(folder, ["--config.file", file], local)


def _prometheus(folder: Path, targets: Sequence[str]) -> History:
    # What waits for ten minutes fires at once here: which alerts are shown is asked, not when.
    rules = rule_file(load_rules())
    for group in rules["groups"]:
        group["interval"] = "1s"
        for rule in group["rules"]:
            rule.pop("for", None)
    file = folder / "rules.json"
    file.write_text(json.dumps(rules), encoding="utf-8")
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(file)],
        "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": [*targets]}]}],
    }
    return History(folder, "", config)

"""Targets with labels called as the exporter's, which a real Prometheus renames or leaves alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.emulators.bigquery.loopback import Answer, LoopbackServer
from exporter.shipped.alerts import alert_of
from testing.prometheus import JOB, Prometheus
from testing.waiting import until
from tools.alerting.rulefiles import RULES

if TYPE_CHECKING:
    from pathlib import Path

SERIES = b"""\
orchestration_processor_critical{pipeline="nba",phase="phase3",run_date="2026-02-01",processor="one"} 1
orchestration_exporter_source_up{source="firestore"} 1
"""
NOTICED = f'{{__name__=~".+:orchestration_alerts:condition",alertname="{alert_of("labels_replaced").name}"}}'
EVALUATED = "max(count_over_time(pipeline:orchestration_reports:lost[1m])) > 1"
"""A pipeline without a report is lost at once, so this says that all rules were evaluated once over a scrape."""


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize(
    ("labels", "honor", "noticed"),
    [
        ({"pipeline": "etl"}, False, True),
        ({"source": "pubsub"}, False, True),
        ({"pipeline": "etl"}, True, False),
        ({"team": "data"}, False, False),
    ],
    ids=["pipeline", "source", "honoured", "another name"],
)
def test_a_label_of_the_target_that_is_called_as_ours_is_noticed(
    labels: dict[str, str],
    honor: bool,  # noqa: FBT001 - a parameter of the test
    noticed: bool,  # noqa: FBT001 - a parameter of the test
    tmp_path: Path,
) -> None:
    answer = Answer(200, SERIES, "text/plain; version=0.0.4")
    with LoopbackServer(lambda _: answer) as server:
        target = server.address.removeprefix("http://")
        job = {
            "job_name": JOB,
            "honor_labels": honor,
            "static_configs": [{"targets": [target], "labels": labels}],
        }
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "scrape_configs": [job],
            "rule_files": [str(RULES / "exporter.yml")],
        }
        with Prometheus(tmp_path, target, config=config) as prometheus:
            until(lambda: prometheus.value(EVALUATED), "the rules to be evaluated over a scrape")
            if noticed:
                until(lambda: prometheus.query(NOTICED), "the renamed label to be noticed")

            assert bool(prometheus.query(NOTICED)) == noticed

"""The page about notifications: current, and complete. And the compressed time that its numbers come from."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

import pytest
import yaml

from exporter.config.load import load
from testing.compressed import compressed_collect, compressed_prometheus, compressed_rules
from tools.alerting.detection import FASTER, MEASURED, NOT_PROVOKED, PAGE, page
from tools.alerting.faulty_days import OF_A_DAY, OF_A_PIPELINE, SCHEDULE, faulty_days, together
from tools.alerting.provoke import LOST, OF_THE_EXPORTER
from tools.alerting.reference import PRESET, shipped_times
from tools.alerting.rulefiles import RULES, SOURCE, load_rules, read_yaml, seconds

if TYPE_CHECKING:
    from pathlib import Path

    from tools.alerting.rulefiles import Rule

ALERTING = {rule.key for rule in load_rules() if rule.alert}


def test_the_page_is_what_was_measured_and_what_the_rules_say_now() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


@pytest.mark.parametrize(("table", "left_out"), [(0, set()), (1, set(NOT_PROVOKED))])
def test_each_table_of_the_page_has_a_row_for_every_rule_that_alerts(table: int, left_out: set[str]) -> None:
    text = page().split("## From the repair to the end")[table]

    rows = re.findall(r"^\| \[(\w+)\]\(alerts\.md#orchestration\w+\).*? \| (\w+) \|", text, re.MULTILINE)
    assert sorted(rows) == sorted(
        (str(rule.alert).removeprefix("Orchestration"), rule.labels["severity"])
        for rule in load_rules()
        if rule.alert and rule.key not in left_out
    )


def test_every_rule_that_alerts_is_provoked_and_was_measured_unless_there_is_a_reason() -> None:
    provoked = [*OF_A_DAY, *OF_A_PIPELINE, *OF_THE_EXPORTER, *LOST]

    assert sorted([*provoked, *NOT_PROVOKED]) == sorted(ALERTING)
    assert set(read_yaml(MEASURED)["seconds"]) == set(provoked)


def test_the_measurement_divides_all_shipped_intervals_without_a_rest() -> None:
    shipped = load(preset=PRESET).config.collect

    for name, collector in compressed_collect(FASTER).items():
        assert seconds(collector["every"]) * FASTER == getattr(shipped, name).every.total_seconds()


def test_compressed_by_one_the_rules_are_the_shipped_ones(tmp_path: Path) -> None:
    compressed_rules(tmp_path, 1)

    for shipped, written in zip(load_rules(RULES), load_rules(tmp_path), strict=True):
        assert {**written.fields, "expr": _in_seconds(written)} == {**shipped.fields, "expr": _in_seconds(shipped)}


@pytest.mark.parametrize("rules", [RULES, SOURCE], ids=["shipped", "source"])
def test_compression_divides_every_duration_of_a_rule(tmp_path: Path, rules: Path) -> None:
    compressed_rules(tmp_path, 60, rules)

    for shipped, written in zip(load_rules(rules), load_rules(tmp_path), strict=True):
        for name in ("for", "keep_firing_for"):
            assert written.fields.get(name) == (
                f"{seconds(shipped.fields[name]) * 1000 // 60}ms" if name in shipped.fields else None
            )
        assert not re.search(r"(\[|offset )\d+[smhd]\b", written.fields["expr"])
    times = shipped_times()
    assert yaml.safe_load(next(tmp_path.glob("*.yml")).read_text())["groups"][0]["interval"] == "1000ms"
    assert compressed_prometheus(60)["scrape_interval"] == f"{times.scrape * 1000 // 60}ms"


def _in_seconds(rule: Rule) -> str:
    """A rule's expression with its durations in seconds, however they are written."""
    return re.sub(r"(\[|offset )([0-9smhd]+)", lambda found: f"{found[1]}{_seconds(found[2])}", rule.fields["expr"])


def _seconds(duration: str) -> float:
    return int(duration[:-2]) / 1000 if duration.endswith("ms") else float(seconds(duration))


def test_no_game_stands_on_two_of_the_faulty_days() -> None:
    incident, step = together(faulty_days(date(2026, 2, 1)))
    dates: dict[str, set[date]] = {}
    for rows in (incident.bigquery.get(SCHEDULE, []), step.bigquery.get(SCHEDULE, [])):
        for row in rows:
            dates.setdefault(row["game_id"], set()).add(row["game_date"])

    assert len(dates) >= len(OF_A_DAY)
    assert {len(found) for found in dates.values()} == {1}

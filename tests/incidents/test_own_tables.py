"""Days of other pipelines: incident files with configurations and tables of their own, and captures of them."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from exporter.config.errors import ConfigError
from exporter.config.load import load
from exporter.config.parsing import parse_yaml
from exporter.incidents import rows
from exporter.incidents.capture import CaptureError, capture
from exporter.incidents.derived import derived_definitions
from exporter.incidents.incident import IncidentError, parse_incident
from exporter.incidents.replay import Replayed, replay
from exporter.incidents.tables import TableDataError, expand_rows

if TYPE_CHECKING:
    from exporter.incidents.local import LocalSources, SimulatedClock

FILE = Path(__file__).with_name("a-shop-with-tables-of-its-own.yaml")
DAY = date(2026, 3, 28)
STOCK = """\
title: A warehouse counts its stock
preset: null
config:
  project: stock
  timezone: Asia/Kolkata
  documents: {only: ['2026-03-28']}
  calendar: {table: stock.halls, date_column: day, units: SUM(open_halls), where: region LIKE 'north%%', noun: hall}
  pipelines:
    stock:
      run_history: {table: stock.runs, date_column: of_day, written_column: ended}
      phases:
        count:
          processors:
            halls:
              due: +0d 20:00
              run_history_names: [Counter]
              table: {name: stock.counts, date_column: counted, written_column: written, rows_per_unit: [1, 2]}
clock: 2026-03-28T16:00:00Z
bigquery:
  stock.halls:
    - {day: 2026-03-28, open_halls: 2, region: north-east}
    - {day: 2026-03-28, open_halls: 5, region: south}
  stock.runs: [{processor_name: Counter, run_id: c1, status: success, of_day: 2026-03-28, ended: 2026-03-28T14:00:00Z}]
  stock.counts: [{repeat: 3, counted: %(counted)s, written: %(written)s}]
expect:
  verdicts: {count/2026-03-28/halls: ok}
"""
COUNTED = {
    "DATE": "2026-03-28",
    "DATETIME": "2026-03-28T23:59:59.999999",
    # Half past four in the morning of that day, in Kolkata.
    "TIMESTAMP": "2026-03-27T23:00:00Z",
}
WRITTEN = {
    "TIMESTAMP": "2026-03-28T14:00:00Z",
    "DATETIME": "2026-03-28T19:30:00",
    "STRING": "'2026-03-28T19:30:00'",
    "DATE": "2026-03-28",
    "JSON": "{at: noon}",
}


def _captured(replayed: Replayed, local: LocalSources, day: date = DAY) -> str:
    """What was replayed, captured from the sources as they still are."""
    return capture(
        replayed.loaded,
        lambda found, telemetry: local.open(found.config, telemetry),
        day,
        replayed.incident.clock,
    )


def _without(text: str, *keys: str, **more: object) -> str:
    """An incident file without some keys of its top, and with others."""
    kept = {key: value for key, value in parse_yaml(text).items() if key not in keys}
    return yaml.safe_dump({**kept, **more}, sort_keys=False)


@pytest.mark.parametrize(
    ("counted", "written"),
    [*((kind, "TIMESTAMP") for kind in COUNTED), *(("DATE", kind) for kind in WRITTEN if kind != "TIMESTAMP")],
)
def test_a_day_of_another_pipeline_is_captured_and_replays_to_the_same_verdicts(
    counted: str, written: str, local: LocalSources, clock: SimulatedClock
) -> None:
    text = STOCK % {"counted": COUNTED[counted], "written": WRITTEN[written]}
    tables = {
        "stock.halls": {"columns": {"day": "DATE", "open_halls": "NUMERIC", "region": "STRING", "boss": "STRING"}},
        "stock.counts": {"partition": "counted", "columns": {"counted": counted, "written": written, "note": "STRING"}},
    }
    first = replay(parse_incident(_without(text, "expect", tables=tables), "stock"), local, clock)

    captured = parse_incident(_captured(first, local), "captured")
    again = replay(captured, local, clock)

    assert captured.preset is None
    assert captured.tables["stock.counts"]["columns"] == {"counted": counted, "written": written}
    assert captured.tables["stock.halls"]["columns"] == {"day": "DATE", "open_halls": "NUMERIC", "region": "STRING"}
    assert again.failures == ()
    (before,), (after,) = first.report.processors, again.report.processors
    assert before == after


def test_a_captured_file_has_neither_the_operators_names_nor_columns_that_nothing_is_concluded_from(
    local: LocalSources, clock: SimulatedClock
) -> None:
    text = FILE.read_text(encoding="utf-8")
    first = replay(parse_incident(text, "shop"), local, clock)

    captured = _captured(first, local)

    assert "shop-prod" in text
    assert "other-shop" in text
    assert "shop-prod" not in captured
    assert "other-shop" not in captured
    assert parse_incident(captured, "captured").title == "Captured: shop, run date 2026-03-28"
    for name in ("manager", "Ada", "customer", "c9", "reason", "amount"):
        assert not re.search(rf"\b{name}\b", captured)


def test_a_day_of_records_with_names_of_their_own_is_captured_and_replays_to_the_same_verdicts(
    local: LocalSources, clock: SimulatedClock
) -> None:
    text = FILE.with_name("a-shop-with-names-of-its-own.yaml").read_text(encoding="utf-8")
    first = replay(parse_incident(text, "shop"), local, clock)

    captured = parse_incident(_captured(first, local, date(2026, 11, 23)), "captured")
    second = replay(captured, local, clock)

    assert first.failures == second.failures == ()
    assert captured.expect.verdicts == {
        f"shop/{key}": verdict for key, verdict in first.incident.expect.verdicts.items()
    }


def test_a_table_with_too_many_different_rows_is_an_error_that_names_its_columns(
    local: LocalSources, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = replay(parse_incident(FILE.read_text(encoding="utf-8"), "shop"), local, clock)
    monkeypatch.setattr(rows, "MOST_GROUPS", 2)

    with pytest.raises(
        CaptureError, match=r"table sales\.orders: more than 2 different rows .*\(ordered_at, loaded_at, "
    ):
        _captured(first, local)


def test_tables_that_nobody_defines_are_derived_from_the_configuration_and_the_rows(
    local: LocalSources, clock: SimulatedClock
) -> None:
    text = STOCK % {"counted": "2026-03-28", "written": "2026-03-28T14:00:00Z"}

    replayed = replay(parse_incident(text, "stock"), local, clock)

    assert replayed.failures == ()
    assert {name: local.definitions[name].columns for name in ("stock.halls", "stock.counts")} == {
        "stock.halls": {"day": "DATE", "open_halls": "INT64", "region": "STRING"},
        "stock.counts": {"counted": "DATE", "written": "TIMESTAMP"},
    }
    assert local.definitions["stock.runs"].columns.items() >= {"of_day": "DATE", "backfill_mode": "BOOL"}.items()


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("counted: 2026-03-28,", "counted: '2026-03-28',", '"stock.counts": is not defined, and counted holds STRING'),
        (
            "written: 2026-03-28T14:00:00Z",
            "written: 2026-03-28T14:00:00",
            '"stock.counts": is not defined, and written holds a time without zone',
        ),
        ("open_halls: 5", "open_halls: many", '"stock.halls": is not defined, and open_halls holds INT64, STRING'),
        ("region: south", "region: [south]", '"stock.halls": is not defined, and region holds a list'),
        (
            "region LIKE",
            "kind LIKE",
            '"stock.halls": is not defined, and no row has what the configuration\'s SQL names (kind)',
        ),
        (", region: north-east", ", region: null, x: null", '"stock.halls": is not defined, and no row says what x'),
        ("name: stock.counts", "name: stock.zählung", "config: the local BigQuery has no tables with such a name as"),
        ("stock.runs: [", "stock.run: [", 'bigquery: there is no table "stock.run" (did you mean stock.runs?)'),
    ],
)
def test_what_cannot_be_derived_asks_for_a_definition(before: str, after: str, message: str) -> None:
    text = STOCK % {"counted": "2026-03-28", "written": "2026-03-28T14:00:00Z"}
    incident = parse_incident(text.replace(before, after), "stock")
    config = load(preset=incident.preset, overlay=incident.config, environ={}).config

    with pytest.raises(TableDataError) as refused:
        expand_rows(derived_definitions(config, incident, ()), incident.bigquery)

    assert message in str(refused.value)


def test_a_table_that_is_absent_needs_no_definition(local: LocalSources, clock: SimulatedClock) -> None:
    text = STOCK % {"counted": "2026-03-28", "written": "2026-03-28T14:00:00Z"}
    more = {
        "absent": ["stock.counts", "stock.runs"],
        "bigquery": {"stock.halls": parse_yaml(text)["bigquery"]["stock.halls"]},
    }

    replayed = replay(parse_incident(_without(text, "expect", **more), "stock"), local, clock)

    assert [str(processor.verdict) for processor in replayed.report.processors] == ["unknown"]


def test_one_table_under_two_names_is_refused(local: LocalSources, clock: SimulatedClock) -> None:
    text = STOCK % {"counted": "2026-03-28", "written": "2026-03-28T14:00:00Z"}
    table = {"columns": {"counted": "DATE"}}

    with pytest.raises(IncidentError, match=r'tables\."stock\.stock\.counts": is the same table as stock\.counts'):
        replay(
            parse_incident(_without(text, tables={"stock.counts": table, "stock.stock.counts": table}), "x"),
            local,
            clock,
        )


def test_a_configuration_without_preset_that_is_not_whole_says_what_is_missing(
    local: LocalSources, clock: SimulatedClock
) -> None:
    with pytest.raises(ConfigError, match=r"config of 't': project: is missing"):
        replay(
            parse_incident("title: t\nclock: 2026-03-28T16:00:00Z\npreset: null\nconfig: {timezone: UTC}\n", "x"),
            local,
            clock,
        )


def test_the_projects_of_one_day_are_gone_on_the_next(local: LocalSources, clock: SimulatedClock) -> None:
    incident = parse_incident(FILE.read_text(encoding="utf-8"), "shop")

    first, second = replay(incident, local, clock), replay(incident, local, clock)

    assert first.failures == second.failures == ()
    rows = {processor.processor: processor.table_rows for processor in second.report.processors}
    assert rows == {"orders": 5, "returns": 1, "revenue": 0}

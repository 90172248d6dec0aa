"""Data of one's own: tables and documents in a folder, and the example that ships with the documentation."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from exporter.cli import main
from exporter.collect.once import collect_once
from exporter.config.load import load
from exporter.incidents.folder import read_data
from exporter.incidents.incident import IncidentError
from exporter.model import Condition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.config.load import Loaded
    from exporter.incidents.local import LocalSources, SimulatedClock

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "shop"
NOW = datetime(2026, 11, 24, 7, 30, tzinfo=UTC)


def shop() -> Loaded:
    return load(file=EXAMPLE / "pipeline.yaml", environ={})


def folder(path: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (path / name).write_text(text, encoding="utf-8")
    return path


def test_the_example_gives_the_verdicts_that_its_page_promises(local: LocalSources, clock: SimulatedClock) -> None:
    clock.now = NOW
    loaded = shop()
    local.load(read_data(EXAMPLE / "data", loaded, NOW), loaded.config)

    report = collect_once(loaded, lambda found, telemetry: local.open(found.config, telemetry), clock).report

    found = {(one.run_date.day, one.processor): str(one.verdict) for one in report.processors}
    assert {name: verdict for (day, name), verdict in found.items() if day == 23} == {
        "orders": "ok",
        "customers": "unregistered",
        "events": "failed",
        "revenue": "ok",
        "retention": "ok",
    }
    assert {name: verdict for (day, name), verdict in found.items() if day == 22} == {
        "orders": "ok",
        "customers": "ok",
        "events": "ok",
        "revenue": "not_expected",
        "retention": "not_expected",
    }


def test_a_coverage_check_is_of_weeks_and_expected_on_its_own_days(local: LocalSources, clock: SimulatedClock) -> None:
    clock.now = NOW
    weekly = {"table": "shop.retention", "date_column": "week", "dated_by": "week", "data_date_offset": -1}
    check = {**weekly, "every": "week", "days": ["mon-fri"], "eligible": "TRUE", "covered": "share > 0.5"}
    loaded = load(
        file=EXAMPLE / "pipeline.yaml", overlay={"pipelines": {"shop": {"coverage": {"shares": check}}}}, environ={}
    )
    local.load(read_data(EXAMPLE / "data", loaded, NOW), loaded.config)

    report = collect_once(loaded, lambda found, telemetry: local.open(found.config, telemetry), clock).report

    found = {one.run_date.day: one for pipeline in report.pipelines for one in pipeline.coverage}
    assert {day: one.expected for day, one in found.items() if day in {22, 23, 24}} == {22: False, 23: True, 24: False}
    assert found[23].data_date == date(2026, 11, 16)
    assert found[23].counts is not None
    assert (found[23].counts.eligible, found[23].counts.covered) == (1, 0)
    assert [
        one.labels["check"] for one in report.conditions if one.condition is Condition.COVERAGE_LOW and one.holds
    ] == ["shares"]


def test_the_readme_shows_the_example_whole_and_it_has_at_most_forty_lines() -> None:
    text = (EXAMPLE / "pipeline.yaml").read_text(encoding="utf-8").partition("\n")[2]

    assert text in (EXAMPLE.parents[2] / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 40


def test_the_texts_of_a_csv_are_read_as_the_first_type_that_fits_a_whole_column(tmp_path: Path) -> None:
    data = folder(
        tmp_path,
        {
            "shop.orders.csv": "order_date,order_id,n,price,paid,loaded_at,mixed\n"
            "2026-11-23,007,1,1.5,true,2026-11-24 02:30:00 UTC,1\n"
            "2026-11-24,A8,,2.0,FALSE,2026-11-24T02:30,x\n"
        },
    )

    first, second = read_data(data, shop(), NOW).bigquery["shop.orders"]

    assert first == {
        "order_date": date(2026, 11, 23),
        "order_id": "007",
        "n": 1,
        "price": 1.5,
        "paid": True,
        "loaded_at": datetime(2026, 11, 24, 2, 30, tzinfo=UTC),
        "mixed": "1",
    }
    assert second["n"] is None
    assert second["loaded_at"] == first["loaded_at"]
    assert second["mixed"] == "x"


def test_a_value_can_hold_any_kind_of_line_break(tmp_path: Path) -> None:
    files = {"shop.orders.csv": 'note\n"one\ntwo"\n', "shop.events.jsonl": '{"note": "one\u2028two"}\r\n'}

    found = read_data(folder(tmp_path, files), shop(), NOW).bigquery

    assert list(found["shop.orders"]) == [{"note": "one\ntwo"}]
    assert list(found["shop.events"]) == [{"note": "one\u2028two"}]


def test_values_of_json_stay_as_they_are_and_its_dates_are_read(tmp_path: Path) -> None:
    lines = '{"day": "2026-11-23", "n": 3, "ok": true, "none": null}\n\n{"day": "2026-11-24", "n": 4}\n'

    rows = read_data(folder(tmp_path, {"shop.revenue.jsonl": lines}), shop(), NOW).bigquery["shop.revenue"]

    assert rows == [{"day": date(2026, 11, 23), "n": 3, "ok": True, "none": None}, {"day": date(2026, 11, 24), "n": 4}]


def test_a_column_that_is_text_by_its_role_stays_text(tmp_path: Path) -> None:
    data = folder(tmp_path, {"ops.job_runs.csv": "job,outcome,for_day\n17,ok,2026-11-23\n"})

    assert read_data(data, shop(), NOW).bigquery["ops.job_runs"] == [
        {"job": "17", "outcome": "ok", "for_day": date(2026, 11, 23)}
    ]


def test_definitions_beside_the_tables_decide_their_types(tmp_path: Path) -> None:
    data = folder(
        tmp_path,
        {
            "tables.yaml": "shop.orders: {columns: {order_date: DATE, order_id: STRING}}",
            "shop.orders.csv": "order_date,order_id\n2026-11-23,7\n",
            "notes.txt": "not read",
        },
    )

    incident = read_data(data, shop(), NOW)

    assert incident.bigquery["shop.orders"] == [{"order_date": date(2026, 11, 23), "order_id": "7"}]
    assert set(incident.tables) == {"shop.orders"}


def test_an_incident_file_is_read_as_one(tmp_path: Path) -> None:
    folder(tmp_path, {"day.yaml": "title: A day\nclock: 2026-11-24T07:30:00Z\n"})

    assert read_data(tmp_path / "day.yaml", shop(), NOW).title == "A day"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "holds neither tables (dataset.table.csv, dataset.table.jsonl) nor firestore.jsonl"),
        ({"orders.csv": "a\n1\n"}, "orders.csv: is no table: call it dataset.table.csv, or firestore.jsonl"),
        ({"shop.orders.csv": "a,b\n1\n"}, "shop.orders.csv:2: does not have a value for each of a, b"),
        ({"shop.orders.csv": "a\n1,2\n"}, "shop.orders.csv:2: does not have a value for each of a"),
        ({"shop.orders.csv": 'a\n"1"2\n'}, "shop.orders.csv: no CSV after line 1: "),
        ({"shop.orders.jsonl": "{]"}, "shop.orders.jsonl:1: no JSON: "),
        ({"shop.orders.jsonl": "[1]"}, "shop.orders.jsonl:1: must be an object in braces, not a list"),
        (
            {"shop.orders.csv": "day\n2026-01-01\n2026-02-30\n"},
            'shop.orders.csv: row 2: day: "2026-02-30" is no DATE: day is out of range for month',
        ),
        ({"shop.orders.jsonl": '{"at": "2026-99-01 10:00:00"}'}, 'row 1: at: "2026-99-01 10:00:00" is no TIMESTAMP: '),
        ({"firestore.jsonl": '{"path": "a"}'}, 'the document 1 must look like {"path": "collection/document"'),
        ({"firestore.jsonl": '{"path": "a", "fields": {}}'}, "the document 1 must look like"),
        ({"tables.yaml": "shop.orders: 5"}, "tables.yaml: "),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(tmp_path: Path, files: Mapping[str, str], said: str) -> None:
    with pytest.raises(IncidentError) as caught:
        read_data(folder(tmp_path, files), shop(), NOW)

    assert said in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "shop.orders.csv").write_bytes(b"\xff\xfe")

    with pytest.raises(IncidentError, match=r"shop\.orders\.csv: cannot be read"):
        read_data(tmp_path, shop(), NOW)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--config.file", "x.yaml"], "--data is needed"),
        (["--data", "."], "--config.file is needed"),
        (["--data", ".", "--preset", "nba", "--at", "noon"], "'noon' is no time: write it as 2026-02-01T18:00"),
    ],
)
def test_options_of_the_demo_that_need_each_other_say_so(arguments: list[str], said: str) -> None:
    result = CliRunner(env={"ORCHESTRATION_EXPORTER_CONFIG_FILE": None}).invoke(main, ["demo", *arguments])

    assert result.exit_code == 64
    assert said in result.stderr

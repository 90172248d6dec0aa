"""`config init --connect`: a first configuration from what is there, each guess with its evidence."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from exporter.cli import main
from exporter.cli.columns import dated_column, is_run_history, written_column
from exporter.cli.init import look_around
from exporter.cli.proposal import Found, proposal
from exporter.config.load import load
from exporter.config.text import read_text
from exporter.incidents.folder import read_data
from exporter.model import RowCount
from exporter.sources.datasets import FoundTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.incidents.local import LocalSources

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "shop"
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 24, 7, 30, tzinfo=UTC)
DAY = date(2026, 11, 23)
COLUMNS = {"day": "DATE", "loaded_at": "TIMESTAMP"}
ORDERS = FoundTable("shop.orders", COLUMNS)


def rows(table: FoundTable, *, last: date = DAY, days: int = 3, at: str = "02:30") -> dict[str, dict[date, RowCount]]:
    """Rows of the table on some days, written in the night after each."""
    found = {}
    for ago in range(days):
        day = last - timedelta(days=ago)
        written = datetime.fromisoformat(f"{day + timedelta(days=1)}T{at}:00+00:00")
        found[day] = RowCount(4, written)
    return {table.name: found}


def made(
    collections: Mapping[str, Mapping[str, Mapping[str, object]]] | None = None,
    tables: tuple[FoundTable, ...] = (ORDERS,),
    counted: Mapping[str, Mapping[date, RowCount]] | None = None,
) -> str:
    found = Found(collections or {}, tables, rows(ORDERS) if counted is None else counted)
    text = proposal(found, project="my-shop", database="(default)", zone=BERLIN, now=NOW)
    assert text is not None
    return text


def documents(days: int = 3, **entry: object) -> dict[str, dict[str, object]]:
    return {f"{DAY - timedelta(days=ago)}": {"orders": entry or {"status": "ok"}} for ago in range(days)}


def test_the_example_s_project_gives_a_configuration_like_the_example(
    local: LocalSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load(file=EXAMPLE / "pipeline.yaml", environ={})
    local.load(read_data(EXAMPLE / "data", loaded, NOW), loaded.config)
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", local.firestore.address)
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", local.bigquery.address)

    found = look_around(loaded.config, ["shop", "ops"], (), NOW)
    text = proposal(found, project="my-shop", database="(default)", zone=BERLIN, now=NOW)

    assert text is not None
    tree, faults = read_text(text, "proposal")
    written, own = tree.root["pipelines"]["my-shop"], loaded.raw["pipelines"]["shop"]  # type: ignore[index]  # as the text has it
    assert faults == []
    assert written["completion"]["entries"] == "steps"
    assert written["completion"]["fields"] == {
        "status": "state",
        "completed_at": "finished",
        "record_count": "rows_written",
    }
    assert written["heartbeats"]["collection"] == own["heartbeats"]["collection"]
    assert written["heartbeats"]["fields"] == {"last_heartbeat": "seen", "status": [], "data_date": []}
    assert written["run_history"]["table"] == "ops.job_runs"
    assert written["run_history"]["columns"]["processor_name"] == "job"
    phase = written["phases"]["ingest"]
    assert phase["collection"] == "ops/prod/ingest_done"
    assert {name: one["due"] for name, one in phase["processors"].items()} == {
        "orders": "+1d 04:00",
        "customers": "+1d 04:30",
        "events": "+1d 04:30",
    }
    assert phase["processors"]["orders"]["heartbeats"] == ["orders"]
    assert {name: one.get("run_history_names") for name, one in phase["processors"].items()} == {
        "orders": ["load_orders"],
        "customers": ["load_customers"],
        "events": ["load_events"],
    }
    assert phase["processors"]["orders"]["table"]["date_column"] == "order_date"
    assert "revenue" in written["phases"]["tables"]["processors"]


def test_what_is_written_passes_the_check() -> None:
    text = made({"done": documents(status="ok", completed_at=NOW), "beats": {"orders": {"seen": NOW}}})

    tree, faults = read_text(text, "proposal")

    assert faults == []
    assert load(overlay=tree.root, environ={}).config.pipelines["my-shop"].phases["done"].collection == "done"


def test_each_guess_stands_beside_its_evidence() -> None:
    text = made({"load_done": documents(state="ok", finished=datetime(2026, 11, 24, 2, 30, tzinfo=UTC))})

    assert "status: state   # 3 of 3 have state: ok (3)" in text
    assert "# 3 documents named after a date, the last 2026-11-23" in text
    assert "# 4 rows a day on 3 dates, the last 2026-11-23" in text
    assert "      load:\n" in text


def test_the_latest_time_of_completion_and_half_an_hour_is_the_deadline() -> None:
    text = made(counted=rows(ORDERS, at="02:05"))

    assert "due: +1d 04:00   # done at +1d 03:05 on 3 dates" in text


def test_rows_of_another_date_than_the_document_s_give_the_offset() -> None:
    held = {f"{DAY}": {"orders": {"status": "ok", "completed_at": datetime(2026, 11, 23, 2, 40, tzinfo=UTC)}}}

    text = made({"done": held}, counted=rows(ORDERS))

    assert "data_date_offset: -1" in text
    assert "its rows of date -1 were written within 30 minutes of its entry" in text


@pytest.mark.parametrize(("last", "offset"), [(DAY, None), (DAY - timedelta(days=1), "data_date_offset: -1")])
def test_rows_without_times_are_of_the_day_before_if_the_newest_entry_has_none_of_its_own(
    last: date, offset: str | None
) -> None:
    untimed = {name: {day: RowCount(4) for day in found} for name, found in rows(ORDERS, last=last, days=5).items()}
    table = FoundTable("shop.orders", {"day": "DATE"})

    text = made({"load_done": documents(finished=datetime(2026, 11, 24, 2, 30, tzinfo=UTC))}, (table,), untimed)

    assert ("data_date_offset" in text) is (offset is not None)
    assert offset is None or offset in text


def test_what_has_the_same_short_name_has_its_whole_one(tmp_path: Path) -> None:
    tables = (ORDERS, *(FoundTable(f"{dataset}.sums", COLUMNS) for dataset in ("raw", "marts")))
    counted = {name: days for table in tables for name, days in rows(table).items()}
    collections = {name: documents() for name in ("load_done", "ops/prod/load_complete", "2026: a # b")}

    file = tmp_path / "pipeline.yaml"
    file.write_text(made(collections, tables, counted))

    phases = load(file=file, environ={}).config.pipelines["my-shop"].phases
    assert {name: one.collection for name, one in phases.items() if one.collection} == {
        "load": "load_done",
        "ops-prod-load": "ops/prod/load_complete",
        "2026--a---b": "2026: a # b",
    }
    assert list(phases["tables"].processors) == ["raw-sums", "marts-sums"]


def test_an_entry_without_a_table_is_said_to_have_none() -> None:
    held = {f"{DAY}": {"orders": {"status": "ok"}, "billing": {"status": "ok"}}}

    assert 'no table of nearly the same name was found for: "billing"' in made({"done": held})


def test_words_that_mean_nothing_are_left_to_the_reader() -> None:
    text = made({"done": documents(status="fertig")})

    assert '# Say which of these words mean what: "fertig"' in text


def test_a_pipeline_that_never_works_at_the_weekend_works_from_monday_to_friday() -> None:
    weekdays = {day: RowCount(1) for ago in range(21) if (day := DAY - timedelta(days=ago)).weekday() < 5}

    assert "days: [mon-fri]   # none of 15 dates is a Saturday or Sunday" in made(counted={ORDERS.name: weekdays})
    assert "days:" not in made(counted=rows(ORDERS, days=20))


def test_rows_without_a_time_have_a_deadline_to_correct() -> None:
    assert "due: +1d 12:00   # no time of its work was found" in made(counted={ORDERS.name: {DAY: RowCount(3)}})


def test_the_heartbeats_are_the_fresh_documents_that_are_no_dates() -> None:
    old = {"a": {"seen": NOW - timedelta(days=30)}}
    text = made({"config": old, "live": {"OrdersLoader": {"seen": NOW, "state": "running", "day": "2026-11-23"}}})

    assert "collection: live   # 1 documents with a time within three days" in text
    assert "heartbeats: [OrdersLoader]   # the nearest name" in text
    assert "config" not in text.partition("pipelines:")[2]


def test_a_table_is_dated_by_its_partition_and_written_at_the_time_whose_name_says_so() -> None:
    table = FoundTable("d.t", {"other": "DATE", "ts": "TIMESTAMP", "seen": "TIMESTAMP", "loaded_at": "TIMESTAMP"}, "ts")

    assert dated_column(table) == "ts"
    assert written_column(table) == "loaded_at"
    assert dated_column(FoundTable("d.t", {"name": "STRING"})) is None
    assert written_column(ORDERS) == "loaded_at"


@pytest.mark.parametrize(
    ("columns", "is_one"),
    [
        ({"day": "DATE", "job": "STRING", "status": "STRING"}, True),
        ({"day": "DATE", "job": "STRING"}, False),
        ({"job": "STRING", "status": "STRING"}, False),
    ],
)
def test_a_run_history_says_of_which_job_and_how_it_ended(columns: dict[str, str], is_one: bool) -> None:  # noqa: FBT001 - the answer
    assert is_run_history(FoundTable("ops.runs", columns)) is is_one


def test_a_run_history_without_a_time_of_its_end_is_not_proposed() -> None:
    runs = FoundTable("ops.runs", {"day": "DATE", "job": "STRING", "status": "STRING"})

    assert "run_history:" not in made(tables=(ORDERS, runs), counted={**rows(ORDERS), **rows(runs)})


def test_a_name_that_yaml_reads_as_something_else_is_quoted() -> None:
    held = {f"{DAY}": {"orders": {"true": "ok"}}}

    assert 'status: "true"' in made({"done": held})


def test_nothing_that_looks_like_a_pipeline_is_nothing_to_write() -> None:
    found = Found({"done": documents()}, (), {})

    assert proposal(found, project="p", database="other", zone=BERLIN, now=NOW) is None


def test_a_project_without_rows_says_what_was_looked_at(local: LocalSources, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load(file=EXAMPLE / "pipeline.yaml", environ={})
    local.load(read_data(EXAMPLE / "data", loaded, NOW), loaded.config)
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", local.firestore.address)
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", local.bigquery.address)
    arguments = ["config", "init", "--connect", "--project", "another-project"]

    result = CliRunner().invoke(main, arguments)

    assert result.exit_code == 2
    assert (
        "none of 0 collections and 0 tables has rows of the last 21 days: name --dataset and --collection"
        in result.stderr
    )


def test_a_project_that_cannot_be_reached_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "127.0.0.1:1")
    monkeypatch.setattr("exporter.cli.init.SECONDS", 1.0)

    result = CliRunner().invoke(main, ["config", "init", "--connect", "--project", "my-shop"])

    assert result.exit_code == 2
    assert "Error: unreachable: Firestore collections below the root" in result.stderr

"""Capture: what the sources hold for a run date, as an incident file that replays to the same verdicts.

It reads raw documents and grouped rows through Google's clients, beside the exporter's own reading, which supplies the
verdicts to expect. Of the tables only the columns are taken that the configuration uses, so no player is named in the
file, and equal rows become one group.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.api_core.retry import Retry, if_transient_error
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery, firestore

from exporter.config.load import load, preset_names
from exporter.expectations import reading_plan
from exporter.once import collect_once
from exporter.scenario.bigquery.emulator import local_client
from exporter.scenario.bigquery.tables import shipped_definitions
from exporter.scenario.incident import dump_incident, one_line
from exporter.sources.endpoints import bigquery_endpoint
from exporter.status import phase_key, processor_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date

    from exporter.config.load import Loaded
    from exporter.config.resolved import Config
    from exporter.expectations import ReadingPlan
    from exporter.model import Report
    from exporter.sources.ports import Sources
    from exporter.telemetry import Telemetry

SECONDS = 60.0
MOST_GROUPS = 10_000
IDENTITIES = frozenset({"player_lookup", "team_abbr"})
"""Columns that name someone and that nothing is concluded from."""

Fields = dict[str, Any]


class CaptureError(Exception):
    """The day cannot be captured; the message names the source, what it said and what to do."""


def capture(
    loaded: Loaded,
    open_sources: Callable[[Loaded, Telemetry], Sources],
    run_date: date,
    now: datetime,
    title: str = "",
) -> str:
    """The incident file of that run date, as of `now`. Raises CaptureError if a source cannot be read."""
    config = loaded.config
    plan = reading_plan(config, now)
    report = collect_once(loaded, open_sources, lambda: now).report
    try:
        documents = _documents(config, plan)
        rows, absent = _tables(config, plan)
    except (GoogleAPICallError, GoogleAuthError, OSError) as error:
        said = " ".join(str(error).split())
        raise CaptureError(f"{run_date}: a source cannot be read: {said}; see docs/permissions.md") from error
    preset = _preset(loaded)
    return dump_incident(
        {
            "title": title or f"Captured: {config.project}, run date {run_date}",
            "source": f"captured from project {config.project} at {now:%Y-%m-%dT%H:%M:%SZ}",
            "preset": preset,
            "config": _overlay(loaded, preset, run_date),
            "clock": now.replace(microsecond=0),
            "firestore": documents,
            "bigquery": rows,
            "absent": absent,
            "expect": _expectations(report),
        }
    )


def _preset(loaded: Loaded) -> str:
    return next((name for name in preset_names() if f"preset {name}" in loaded.source), preset_names()[0])


def _overlay(loaded: Loaded, preset: str, run_date: date) -> Fields:
    """What must be merged over the preset to get this configuration, with nothing but the captured date exposed."""
    base = load(preset=preset, environ={}).raw
    return difference(base, loaded.raw) | {"documents": {"only": [run_date.isoformat()]}}


def difference(base: Mapping[str, Any], wanted: Mapping[str, Any]) -> Fields:
    """The mapping that, merged deeply over `base`, gives `wanted`; what is to go is None."""
    out: Fields = {key: None for key in base if key not in wanted}
    for key, value in wanted.items():
        if key in base and isinstance(value, dict) and isinstance(base[key], dict):
            if below := difference(base[key], value):
                out[key] = below
        elif key not in base or base[key] != value:
            out[key] = value
    return out


def _retry() -> Retry:
    return Retry(predicate=if_transient_error, timeout=SECONDS)


def _documents(config: Config, plan: ReadingPlan) -> dict[str, Fields]:
    client = firestore.Client(project=config.project, database=config.firestore_database)
    paths = [f"{key.collection}/{key.run_date}" for key in plan.documents]
    for pipeline, names in plan.heartbeats.items():
        heartbeats = config.pipelines[pipeline].heartbeats
        paths += [f"{heartbeats.collection}/{name}" for name in names] if heartbeats else []
    try:
        found = client.get_all(
            [client.document(path) for path in dict.fromkeys(paths)], retry=_retry(), timeout=SECONDS
        )
        documents = {f"{item.reference.path}": item.to_dict() for item in found if item.exists}
    finally:
        client.close()
    return {path: one_line(_plain(fields)) for path, fields in sorted(documents.items())}


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a document holds
    """A Firestore value as YAML can say it: timestamps as plain datetimes, references and the like as text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    if isinstance(value, datetime):
        # Firestore's own kind of datetime, with nanoseconds, made a plain one.
        return datetime.fromisoformat(value.isoformat())
    return str(value)


def _tables(config: Config, plan: ReadingPlan) -> tuple[dict[str, list[Fields]], list[str]]:
    endpoint = bigquery_endpoint()
    project = config.job_project or config.project
    client = (
        local_client(endpoint, project)
        if endpoint
        else bigquery.Client(project=project, location=config.bigquery_location)
    )
    rows: dict[str, list[Fields]] = {}
    absent: list[str] = []
    try:
        for table, (day, columns) in _columns(config).items():
            try:
                groups = list(_groups(client, config, plan, table, day, columns))
            except NotFound:
                absent.append(table)
            else:
                if groups:
                    rows[table] = groups
    finally:
        client.close()
    return rows, absent


def _columns(config: Config) -> dict[str, tuple[str, list[str]]]:
    """For every table that is read: its date column, and the columns that something is concluded from."""
    wanted: dict[str, tuple[str, set[str]]] = {}
    definitions = shipped_definitions()

    def use(table: str, day: str, *texts: str | None) -> None:
        known = set(definitions[table].columns) if table in definitions else set()
        words = {word for text in texts if text for word in re.findall(r"[A-Za-z_]\w*", text)}
        wanted.setdefault(table, (day, set()))[1].update({day} | (words & known if known else set()))

    for pipeline in config.pipelines.values():
        for phase in pipeline.phases.values():
            for processor in phase.processors.values():
                ref = processor.table
                use(ref.name, ref.date_column, ref.written_column)
        calendar = pipeline.calendar
        use(calendar.table.name, calendar.table.date_column, calendar.units, calendar.where)
        for check in (pipeline.coverage or {}).values():
            use(check.table.name, check.table.date_column, check.eligible, check.covered, *check.excluded.values())
        for log in (pipeline.run_history, pipeline.phase_log):
            if log is not None:
                every = definitions[log.table.name].columns if log.table.name in definitions else ()
                use(log.table.name, log.table.date_column, " ".join(every))
    return {table: (day, sorted(columns - IDENTITIES)) for table, (day, columns) in wanted.items()}


def _groups(
    client: bigquery.Client, config: Config, plan: ReadingPlan, table: str, day: str, columns: list[str]
) -> Iterator[Fields]:
    name = table if table.count(".") > 1 else f"{config.project}.{table}"
    listed = ", ".join(f"`{column}`" for column in columns)
    query = (
        f"SELECT {listed}, COUNT(*) AS captured_rows FROM `{name}`"  # noqa: S608 - identifiers the configuration validated
        f" WHERE `{day}` BETWEEN @first AND @last GROUP BY {listed} ORDER BY {listed} LIMIT {MOST_GROUPS + 1}"
    )
    job_config = bigquery.QueryJobConfig(
        query_parameters=[
            bigquery.ScalarQueryParameter("first", "DATE", plan.first),
            bigquery.ScalarQueryParameter("last", "DATE", plan.last),
        ],
        maximum_bytes_billed=config.collect.warehouse_limits.maximum_bytes_billed,
        labels={"app": "orchestration-exporter", "collector": "capture"},
    )
    job = client.query(query, job_config=job_config, retry=_retry(), job_retry=None, timeout=SECONDS)
    found = list(job.result(timeout=SECONDS, retry=_retry(), job_retry=None))
    if len(found) > MOST_GROUPS:
        raise CaptureError(
            f"table {table}: more than {MOST_GROUPS} different rows between {plan.first} and {plan.last}"
        )
    for row in found:
        repeat = row["captured_rows"]
        fields = {column: _cell(row[column]) for column in columns}
        yield one_line(({"repeat": repeat} if repeat > 1 else {}) | fields)


def _cell(value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _expectations(report: Report) -> Fields:
    processors = {processor_key(processor): processor for processor in report.processors}
    return {
        "verdicts": {key: str(processor.verdict) for key, processor in processors.items()},
        "phases": {
            phase_key(phase): one_line(
                {
                    name: str(value) if name == "trigger_state" else value
                    for name in ("expected", "registered", "trigger_state")
                    if (value := getattr(phase, name)) is not None
                }
            )
            for phase in report.phases
        },
        "deltas": {
            key: processor.record_count_delta
            for key, processor in processors.items()
            if processor.record_count_delta is not None
        },
    }

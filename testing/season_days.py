"""Many days of a configured pipeline as its sources hold them, with a fault here and there."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from exporter.incidents.incident import Incident
from exporter.incidents.tables import shipped_definitions
from exporter.model import LIFETIME
from exporter.reconcile.expectations import due_at, today

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from exporter.config.resolved import Config, PhaseConfig, PipelineConfig, ProcessorConfig

    Rows = dict[str, list[dict[str, Any]]]

ONE_DAY: Final = timedelta(days=1)
GAMES: Final = 2
EARLY: Final = timedelta(minutes=40)
"""So long before its deadline everything is written."""
FREE: Final = (11, 12, 40)
"""Days ago on which there were no games."""
OUTAGE: Final = (*range(45, 51), 4)
"""Days ago on which the last processor of the last phase wrote nothing."""
SHORT: Final = (33, 18)
"""Days ago on which the first processor wrote the rows of one game alone."""
TWICE: Final = (25,)
"""Days ago on which the second processor wrote every row twice."""
NOT_REGISTERED: Final = (36, 15, 2)
"""Days ago on which the third processor never registered."""
FAILED: Final = (20, 7)
"""Days ago on which the fourth processor failed."""


def season_days(config: Config, now: datetime, past: int) -> Incident:
    """The days before `now`, and today, of every pipeline. Documents that are old enough are deleted."""
    current = today(now, config.timezone)
    rows: Rows = {}
    firestore: dict[str, Any] = {}
    for pipeline in config.pipelines.values():
        for ago in range(-1, past + 3):
            day = current - ago * ONE_DAY
            if ago not in FREE:
                _schedule(rows, pipeline, day)
            for phase in pipeline.phases.values():
                entries = dict(_phase(rows, config, pipeline, phase, ago, now))
                if entries and phase.collection and ago * ONE_DAY < LIFETIME:
                    at = max(entry["completed_at"] for entry in entries.values())
                    trigger = {"_triggered": True, "_triggered_at": at} if phase.trigger else {}
                    firestore[f"{phase.collection}/{day}"] = {**entries, **trigger}
        firestore |= dict(_heartbeats(pipeline, current - ONE_DAY, now))
    return Incident(title="A season", clock=now, firestore=firestore, bigquery=rows)


def _heartbeats(pipeline: PipelineConfig, day: date, now: datetime) -> Iterator[tuple[str, dict[str, Any]]]:
    """The heartbeats that the last runs, those of that day, left behind."""
    processors = [processor for phase in pipeline.phases.values() for processor in phase.processors.values()]
    for processor in processors:
        if pipeline.heartbeats and processor.heartbeats:
            beat = {"status": "completed", "last_heartbeat": now - ONE_DAY / 2, "data_date": str(day)}
            yield f"{pipeline.heartbeats.collection}/{processor.heartbeats[0]}", beat


def _schedule(rows: Rows, pipeline: PipelineConfig, day: date) -> None:
    if pipeline.calendar is None:
        return
    calendar = pipeline.calendar.table
    rows.setdefault(calendar.name, []).extend(
        {"game_id": f"002{day:%y%m%d}{number}", calendar.day_column: day, "game_status": 3} for number in range(GAMES)
    )


def _phase(
    rows: Rows, config: Config, pipeline: PipelineConfig, phase: PhaseConfig, ago: int, now: datetime
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Writes the rows and runs of a phase's day, and gives its entries."""
    day = today(now, config.timezone) - ago * ONE_DAY
    last = list(pipeline.phases.values())[-1]
    for number, processor in enumerate(phase.processors.values()):
        at = due_at(processor.due, day, config.timezone) - EARLY
        data_date = day + processor.data_date_offset * ONE_DAY
        if at > now or ago + -processor.data_date_offset in FREE:
            continue
        failed = number == 3 and ago in FAILED
        _run(rows, pipeline, phase, processor, data_date, at, "failed" if failed else "success")
        if failed or (phase is last and number == len(phase.processors) - 1 and ago in OUTAGE):
            continue
        games = 1 if number == 0 and ago in SHORT else GAMES
        times = 2 if number == 1 and ago in TWICE else 1
        written = sum(_write(rows, processor, data_date, at, game) for _ in range(times) for game in range(games))
        if number != 2 or ago not in NOT_REGISTERED:
            yield processor.name, {"status": "success", "completed_at": at + ONE_DAY / 1440, "record_count": written}


def _write(rows: Rows, processor: ProcessorConfig, data_date: date, at: datetime, game: int) -> int:
    table = processor.table
    number = round(processor.rows_per_unit.minimum) + 1 if processor.rows_per_unit else 3
    most = processor.rows_per_unit.maximum if processor.rows_per_unit else None
    number = number if most is None else min(number, round(most))
    row: dict[str, Any] = {"repeat": number, table.day_column: data_date, "created_at": at}
    if table.write_time_column:
        row[table.write_time_column] = at
    more: dict[str, Any] = {
        "game_id": f"0022500{game}",
        "player_lookup": f"g{game}p{{n}}",
        "team_abbr": f"G{game}T{{n}}",
    }
    more |= {"team_abbr": f"G{game}T{{n}}", "is_dnp": False, "minutes_played": 24}
    columns = shipped_definitions()[table.name].columns
    everything = {**row, **more}
    rows.setdefault(table.name, []).append(
        {name: value for name, value in everything.items() if name == "repeat" or name in columns}
    )
    return number


def _run(
    rows: Rows,
    pipeline: PipelineConfig,
    phase: PhaseConfig,
    processor: ProcessorConfig,
    data_date: date,
    at: datetime,
    status: str,
) -> None:
    if pipeline.run_history and processor.runs_as:
        table, name = pipeline.run_history.table, processor.runs_as[0]
        rows.setdefault(table.name, []).append(
            {
                "processor_name": name,
                "run_id": f"{name}-{data_date}",
                "status": status,
                "phase": phase.run_history_phase,
                table.day_column: data_date,
                "started_at": at - EARLY / 4,
                "processed_at": at,
                "backfill_mode": False,
            }
        )

"""Silence: days on which everything is right fire nothing but the watchdog.

Three of them here, one of each kind: after a day with games, without any, after a day without any. `make long` watches
all seven.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from exporter.config.load import load
from exporter.incidents.incident import Incident
from exporter.incidents.promtool import Rules
from exporter.incidents.replay import Replayer
from exporter.incidents.watch import fired, watched_series
from exporter.model import TriggerState, Verdict
from exporter.shipped.alerts import alert_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.config.resolved import PhaseConfig, ProcessorConfig
    from exporter.incidents.local import LocalSources, SimulatedClock
    from exporter.model import Report

RULES = Path(__file__).parents[2] / "alerts" / "rules"
NEW_YORK = ZoneInfo("America/New_York")
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
FIRST = date(2026, 1, 19)
GAMES = (8, 7, 6, 0, 9, 11, 5) if "LONG_FORMS" in os.environ else (8, 0, 9)
"""The games of each day in turn: one day has none."""
PAST = 4
"""Days before the watch, so that all that is exposed has its past."""
BY_GAME_DATE = "nba-game-date"

QUIET = timedelta(hours=1)
READING = {"collect": {"completion": {"every": "2m"}, "heartbeats": {"every": "2m"}}}
"""Half as often as the presets have it: time for the tests after this one. The rules are evaluated every minute."""

SCHEDULE = {
    "player_game_summary": (time(9, 50), 12),
    "team_offense_game_summary": (time(9, 58), 2),
    "team_defense_game_summary": (time(9, 58), 2),
    "upcoming_player_game_context": (time(10, 2), 2),
    "upcoming_team_game_context": (time(10, 2), 2),
    "player_prop_predictions": (time(10, 20), 4),
    "prediction_accuracy": (time(10, 25), 4),
}
"""When a processor begins, in New York, and for how many minutes it runs; the others are phase 4's."""
PHASE4 = (time(10, 10), 4)
TRIGGER, EVENING = time(10, 5), time(17, 2)
TRANSITIONS = {"phase3_to_phase4": TRIGGER, "phase4_to_phase5": time(10, 15)}
AHEAD = (
    *("upcoming_player_game_context", "upcoming_team_game_context"),
    *("ml_feature_store", "player_prop_predictions"),
)
"""What works on the games of the same day; the others work on those of the night before."""

ROWS = {
    "player_game_summary": 35,
    "upcoming_player_game_context": 34,
    "player_prop_predictions": 9,
    "prediction_accuracy": 9,
}
"""Rows a game, where it is not two."""


@dataclass
class Week:
    """What the stores hold when the watch begins, and what the pipeline does to them from then on, minute by minute."""

    preset: str
    start: datetime
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    entries: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    later: dict[datetime, dict[str, Any]] = field(default_factory=dict)

    def _step(self, when: datetime) -> dict[str, Any]:
        return self.later.setdefault(when, {"at": when, "firestore": {}, "bigquery": {}})

    def merge(self, when: datetime, path: str, fields: Mapping[str, Any]) -> None:
        """A document is written to."""
        if when < self.start:
            self.documents.setdefault(path, {}).update(fields)
        else:
            self._step(when)["firestore"].setdefault(path, {"merge": {}})["merge"].update(fields)

    def insert(self, when: datetime, table: str, **columns: object) -> None:
        """Rows are written."""
        rows = self.rows[table] if when < self.start else self._step(when)["bigquery"].setdefault(table, [])
        rows.append(columns)

    def register(self, when: datetime, path: str, name: str, entry: Mapping[str, Any]) -> None:
        """A processor gets its entry in a completion document."""
        self.entries[path].add(name)
        self.merge(when, path, {name: {**entry, "completed_at": when}, "_completed_count": len(self.entries[path])})

    def trigger(self, when: datetime, path: str) -> None:
        """The next phase is started, if there is a document to say so."""
        if path in self.entries:
            self.merge(when, path, {"_triggered": True, "_triggered_at": when, "_trigger_reason": "all_complete"})

    def incident(self) -> Incident:
        """The week as an incident."""
        return Incident.model_validate(
            {
                "title": f"A healthy week, {self.preset}",
                "preset": self.preset,
                "config": READING,
                "clock": self.start,
                "until": self.start + len(GAMES) * DAY,
                "firestore": self.documents,
                "bigquery": self.rows,
                "then": [self.later[when] for when in sorted(self.later)],
            }
        )


def games_of(day: date) -> int:
    """How many games there are."""
    return GAMES[(day - FIRST).days % len(GAMES)]


def local_time(day: date, at: time) -> datetime:
    """This time of that day in New York."""
    return datetime.combine(day, at, NEW_YORK).astimezone(UTC)


def run(week: Week, phase: PhaseConfig, processor: ProcessorConfig, games_day: date, begin: datetime) -> None:
    """One processor works on one day's games: it beats, writes, gets into run history, ends, and is registered.

    A second run over the same day counts nothing new, as an incremental run does.
    """
    _, minutes = SCHEDULE.get(processor.name, PHASE4)
    end = begin + minutes * MINUTE
    path = f"{phase.collection}/{games_day - processor.data_date_offset * DAY}"
    again = processor.name in week.entries[path]
    rows = 0 if again else games_of(games_day) * ROWS.get(processor.name, 2)
    for heartbeat in processor.heartbeats[:1]:
        beat = {"processor_name": heartbeat, "run_id": f"{begin}", "data_date": f"{games_day}", "started_at": begin}
        for minute in range(0, minutes, 2):
            now = begin + minute * MINUTE
            week.merge(now, f"processor_heartbeats/{heartbeat}", {**beat, "status": "running", "last_heartbeat": now})
        week.merge(end, f"processor_heartbeats/{heartbeat}", {**beat, "status": "completed", "last_heartbeat": end})
    if rows:
        write(week, processor, games_day, end, rows)
    for name in processor.runs_as[:1]:
        week.insert(
            end,
            "nba_reference.processor_run_history",
            processor_name=name,
            run_id=f"{begin}",
            status="success",
            phase="phase_3" if name.startswith(("Player", "Team")) else "phase_3_analytics",
            data_date=games_day,
            started_at=begin,
            processed_at=end,
            backfill_mode=False,
            records_processed=rows,
        )
    if phase.collection:
        week.register(end, path, processor.name, {"status": "success", "record_count": rows, "is_incremental": again})


def write(week: Week, processor: ProcessorConfig, games_day: date, when: datetime, rows: int) -> None:
    """The processor's rows; of the players, four of seven played."""
    table = processor.table
    columns = {table.day_column: games_day, str(table.write_time_column): when}
    if processor.name == "player_game_summary":
        played = rows * 4 // 7
        week.insert(when, table.name, repeat=played, is_dnp=False, minutes_played=24, **columns)
        week.insert(when, table.name, repeat=rows - played, is_dnp=True, **columns)
    else:
        week.insert(when, table.name, repeat=rows, **columns)


def ended(processor: ProcessorConfig) -> int:
    """The minute of the day at which its run is over."""
    begin, minutes = SCHEDULE.get(processor.name, PHASE4)
    return begin.hour * 60 + begin.minute + minutes


def healthy_week(preset: str) -> Week:
    """Every morning the games of the night and of the day, and by game date every evening those of the next day."""
    pipeline = load(preset=preset).config.pipelines["nba"]
    phase3 = pipeline.phases["phase3"]
    week = Week(preset, local_time(FIRST, time(0)))
    for number in range(-PAST, len(GAMES)):
        today = FIRST + number * DAY
        night, tomorrow = today - DAY, today + DAY
        work = [(phase, processor) for phase in pipeline.phases.values() for processor in phase.processors.values()]
        for phase, processor in sorted(work, key=lambda item: ended(item[1])):
            day = today if processor.name in AHEAD else night
            if games_of(day):
                run(week, phase, processor, day, local_time(today, SCHEDULE.get(processor.name, PHASE4)[0]))
        week.trigger(
            local_time(today, TRIGGER),
            f"phase3_completion/{night - phase3.processors['player_game_summary'].data_date_offset * DAY}",
        )
        if games_of(night):
            for name, at in TRANSITIONS.items():
                when = local_time(today, at)
                log = {"phase_name": name, "game_date": night, "duration_seconds": 1.0, "status": "complete"}
                week.insert(when, "nba_orchestration.phase_execution_log", execution_timestamp=when, **log)
        if games_of(today):
            when = local_time(today, time(10, 25))
            log = {"phase_name": "phase5_to_phase6", "game_date": today, "duration_seconds": 1.0, "status": "complete"}
            week.insert(when, "nba_orchestration.phase_execution_log", execution_timestamp=when, **log)
        if preset == BY_GAME_DATE and games_of(tomorrow):
            run(week, phase3, phase3.processors[AHEAD[0]], tomorrow, local_time(today, EVENING))
            week.trigger(local_time(today, EVENING) + 3 * MINUTE, f"phase3_completion/{tomorrow}")
    for number in range(-PAST - 1, len(GAMES) + 1):
        day = FIRST + number * DAY
        if games_of(day):
            game = {"repeat": games_of(day), "game_id": f"0022{day:%m%d}{{n}}", "game_date": day, "game_status": 3}
            week.rows["nba_reference.nba_schedule"].append(game)
    return week


def windows(preset: str, day: date) -> Iterator[tuple[datetime, datetime]]:
    """The times at which something happens or falls due on that day, each with what may still come of it."""
    yield local_time(day, time(9, 49)), local_time(day, time(10, 41))
    for hour, minute in ((11, 29), (11, 59), (12, 29), (13, 59)):
        begin = local_time(day, time(hour, minute))
        yield begin, begin + 13 * MINUTE
    if preset == BY_GAME_DATE:
        yield local_time(day, time(17, 1)), local_time(day, time(17, 37))
    yield local_time(day, time(23, 59)), local_time(day + DAY, time(0, 16))


def settled(report: Report) -> bool:
    """Nothing is wrong, and nothing is under way."""
    return {processor.verdict for processor in report.processors} <= {
        Verdict.OK,
        Verdict.NOT_EXPECTED,
        Verdict.NOT_DUE,
    } and {phase.trigger_state for phase in report.phases}.isdisjoint(
        {TriggerState.STUCK, TriggerState.BLOCKED, TriggerState.UNKNOWN}
    )


@pytest.mark.usefixtures("_programs")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("preset", ["nba", BY_GAME_DATE])
def test_healthy_days_in_a_row_fire_nothing_but_the_watchdog(
    preset: str, local: LocalSources, clock: SimulatedClock
) -> None:
    """One exporter on all days, its rules evaluated every minute while something happens or falls due.

    In the quiet hours between, it reads every hour, and what it concludes is looked at instead.
    """
    incident = healthy_week(preset).incident()
    replayer = Replayer(incident, local, clock)
    rules, seen, quiet = Rules(RULES), [], []

    try:
        now = incident.clock
        replayer.collect()
        for number in range(len(GAMES)):
            for begin, end in windows(preset, FIRST + number * DAY):
                for when in range(int((begin - now) / QUIET)):
                    replayer.at(now + when * QUIET)
                    replayer.collect()
                    quiet.append(replayer.report)
                steps = [step for step in incident.then if begin <= step.at <= end]
                replayer.incident = incident.model_copy(update={"clock": begin, "until": end, "then": steps})
                alerts = fired(watched_series(replayer), rules)
                seen.append(tuple((alert.name, alert.firing_at) for alert in alerts))
                assert seen[-1] == ((alert_of("watchdog").name, (begin,)),)
                now = end
    finally:
        replayer.close()

    assert len(seen) >= 6 * len(GAMES)
    assert [report for report in quiet if not settled(report)] == []
    assert len(quiet) > 17 * len(GAMES)

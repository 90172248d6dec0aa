"""The faults of the data: one healthy day for each alert, on its own date, with the fault that provokes it.

Each date (or pipeline) has one fault, so that none mutes or delays another. All of them come in one step.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from exporter.incidents.incident import Change, Incident, Step
from testing.days import HEALTHY, moved
from tools.alerting.rulefiles import by_rule, rule_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PLAYER, OFFENSE, DEFENSE = "player_game_summary", "team_offense_game_summary", "team_defense_game_summary"
UPCOMING_TEAM = "upcoming_team_game_context"
ONE_DAY = timedelta(days=1)
HEARTBEATS = {
    PLAYER: ("PlayerGameSummaryProcessor", -ONE_DAY),
    OFFENSE: ("TeamOffenseGameSummaryProcessor", -ONE_DAY),
    DEFENSE: ("TeamDefenseGameSummaryProcessor", -ONE_DAY),
    UPCOMING_TEAM: ("UpcomingTeamGameContextProcessor", timedelta()),
}
"""A processor's heartbeat, and its rows' date against the document's. One alert each, since the last run wins."""
SCHEDULE, HISTORY = "nba_reference.nba_schedule", "nba_reference.processor_run_history"
ENDED, PREDICTIONS = "other_reference.schedule", "nba_predictions.player_prop_predictions"
PHASE_LOG = "nba_orchestration.phase_execution_log"

DAYS_APART = timedelta(days=3)

Rows = list[dict[str, Any]]


@dataclass
class Day:
    """A healthy day on its own date: its content from the start, and the changes of its fault.

    `whole` and `whole_rows`: the document and the rows as they should be.
    """

    date: date
    document: dict[str, Any]
    rows: dict[str, Rows]
    others: dict[str, dict[str, Any]] = field(default_factory=dict)
    later: dict[str, Change] = field(default_factory=dict)
    later_rows: dict[str, Rows] = field(default_factory=dict)
    whole: dict[str, Any] = field(init=False)
    whole_rows: dict[str, Rows] = field(init=False)

    def __post_init__(self) -> None:
        self.whole, self.whole_rows = deepcopy(self.document), deepcopy(self.rows)

    @property
    def path(self) -> str:
        """Its completion document."""
        return f"phase3_completion/{self.date}"

    def rows_of(self, processor: str) -> Rows:
        """The rows of a processor's table."""
        return self.rows[f"nba_analytics.{processor}"]

    def unregister(self, processor: str) -> dict[str, Any]:
        """Remove its entry from the document, which then counts one less. Returns the entry."""
        self.document["_completed_count"] -= 1
        entry: dict[str, Any] = self.document.pop(processor)
        return entry

    def delay(self, table: str) -> None:
        """Add this table's rows with the fault."""
        self.later_rows[table] = self.rows.pop(table)

    def delay_games(self) -> None:
        """Add the calendar's games with the fault: until then nothing is expected of the day."""
        self.delay(SCHEDULE)

    def set_later(self, **fields: object) -> None:
        """Replace the document with the fault."""
        self.later[self.path] = Change(set={**self.document, **fields})

    def beat(self, processor: str, age: timedelta) -> None:
        """With the fault, this processor is running for this day, and its last beat was this long ago."""
        name, offset = HEARTBEATS[processor]
        at = datetime.now(UTC) - age
        self.later[f"processor_heartbeats/{name}"] = Change(
            set={
                "processor_name": name,
                "run_id": "r2",
                "status": "running",
                "data_date": str(self.date + offset),
                "started_at": at,
                "last_heartbeat": at,
            }
        )


def _healthy(day: date) -> Day:
    incident = moved(HEALTHY, day)
    rows = {table: [dict(group) for group in groups] for table, groups in incident.bigquery.items()}
    return Day(day, dict(incident.firestore[f"phase3_completion/{day}"]), rows)


def _without_data(day: Day, processor: str) -> None:
    day.rows_of(processor).clear()
    day.delay_games()


def _missing(processor: str) -> Callable[[Day], None]:
    def change(day: Day) -> None:
        day.unregister(processor)
        _without_data(day, processor)

    return change


def _phantom(processor: str) -> Callable[[Day], None]:
    return lambda day: _without_data(day, processor)


def _failed(processor: str) -> Callable[[Day], None]:
    def change(day: Day) -> None:
        _missing(processor)(day)
        (run,) = day.rows[HISTORY]
        day.rows[HISTORY] = [
            {**run, "processor_name": HEARTBEATS[processor][0], "run_id": f"failed-{day.date}", "status": "failed"}
        ]

    return change


def _unregistered(*processors: str, triggered: bool = True) -> Callable[[Day], None]:
    def change(day: Day) -> None:
        for processor in processors:
            day.unregister(processor)
        day.document["_triggered"] = triggered
        day.delay_games()

    return change


def _wrong_date(day: Day) -> None:
    entry = day.unregister(OFFENSE)
    day.others[f"phase3_completion/{day.date + ONE_DAY}"] = {OFFENSE: entry}
    day.delay_games()


def _counted(processor: str, *, rows: int, recorded: int) -> Callable[[Day], None]:
    def change(day: Day) -> None:
        day.rows_of(processor)[0]["repeat"] = rows
        day.document[processor] = {**day.document[processor], "record_count": recorded}
        day.delay_games()

    return change


def _covered(**groups: int) -> Callable[[Day], None]:
    """A change of 280 rows: how many played, were left out or were not marked."""

    def change(day: Day) -> None:
        played, _ = day.rows_of(PLAYER)
        kinds = {"played": (24, False), "left_out": (0, False), "unmarked": (None, None)}
        day.rows[f"nba_analytics.{PLAYER}"] = [
            {**played, "repeat": number, "player_lookup": f"{name}{{n}}", "minutes_played": minutes, "is_dnp": dnp}
            for name, number in groups.items()
            for minutes, dnp in [kinds[name]]
        ]
        day.delay(f"nba_analytics.{PLAYER}")
        day.delay_games()

    return change


def _log_empty(day: Day) -> None:
    del day.rows[PHASE_LOG]
    day.delay_games()


def _lost(day: Day) -> None:
    complete = dict(day.document)
    day.unregister(OFFENSE)
    day.later[day.path] = Change(set=day.document)
    day.document = complete


def _beating(processor: str, minutes: int) -> Callable[[Day], None]:
    return lambda day: day.beat(processor, timedelta(minutes=minutes))


OF_A_DAY: Mapping[str, Callable[[Day], None]] = by_rule(
    {
        "stuck[critical]": lambda day: day.set_later(_triggered=False),
        "blocked[critical]": _unregistered(PLAYER, UPCOMING_TEAM, triggered=False),
        "count_inconsistent[warning]": lambda day: day.set_later(_completed_count=9),
        "phase_log_empty[info]": _log_empty,
        "missing[critical]": _missing(PLAYER),
        "missing[warning]": _missing(OFFENSE),
        "phantom[critical]": _phantom(PLAYER),
        "phantom[warning]": _phantom(OFFENSE),
        "stalled[critical]": _beating(PLAYER, 20),
        "stalled[warning]": _beating(OFFENSE, 20),
        # Stale now, and not dead before it was told.
        "heartbeat_stale[warning]": _beating(DEFENSE, 6),
        "running_past_due[warning]": _beating(UPCOMING_TEAM, 0),
        "failed[critical]": _failed(PLAYER),
        "failed[warning]": _failed(OFFENSE),
        "lost_update[critical]": _lost,
        "unregistered[warning]": _unregistered(OFFENSE),
        "wrong_date[info]": _wrong_date,
        "count_mismatch[warning]": _counted(OFFENSE, rows=16, recorded=0),
        "partial[warning]": _counted(OFFENSE, rows=8, recorded=8),
        "duplicated[warning]": _counted(OFFENSE, rows=32, recorded=32),
        "coverage_low[critical]": _covered(played=140, left_out=140),
        "coverage_low[warning]": _covered(played=240, left_out=40),
        "coverage_unclassified[info]": _covered(played=240, unmarked=40),
    }
)

OF_A_PIPELINE: Mapping[str, str] = by_rule(
    {
        "collection_bloated[critical,warning]": "nba",
        "collection_bloated[warn,warning]": "many",
        "heartbeats_silent[warning]": "silent",
        "calendar_doubtful[warning]": "ended",
    }
)
"""A pipeline each, since nothing but the pipeline groups them."""


def _small_pipeline(name: str, schedule: str = SCHEDULE) -> dict[str, Any]:
    """A pipeline with one processor and no games: nothing is expected of it."""
    return {
        "calendar": {
            "table": schedule,
            "date_column": "game_date",
            "units": "COUNT(DISTINCT game_id)",
            "where": f"game_id LIKE '{name}%'",
        },
        "heartbeats": {"collection": f"{name}_heartbeats", "documents": {"warn": 20, "critical": 500}},
        "run_history": {"table": HISTORY, "date_column": "data_date", "written_column": "processed_at"},
        "phases": {
            "phase5": {
                "modes": {"daily": {"when": ["past", "today", "ahead"], "expected": "all"}},
                "processors": {
                    "predictions": {
                        "heartbeats": [f"{name}_predictions"],
                        "due": "+0d 13:30",
                        "table": {
                            "name": PREDICTIONS,
                            "date_column": "game_date",
                            "written_column": "created_at",
                            "data_date_offset": -1,
                        },
                    }
                },
            }
        },
    }


PIPELINES: Mapping[str, Any] = {
    "nba": {
        "heartbeats": {"documents": {"warn": 20, "critical": 50}},
        "phases": {"phase3": {"next": None}, "phase4": None, "phase5": None},
    },
    "many": _small_pipeline("many"),
    "silent": _small_pipeline("silent"),
    "ended": _small_pipeline("ended", ENDED),
}
"""The configuration of the pipelines."""


def _documents(collection: str, count: int) -> dict[str, Change]:
    return {f"{collection}/old-{number}": Change(set={"status": "completed"}) for number in range(count)}


def faulty_days(latest: date) -> dict[str, Day]:
    """A day for each alert about a day, the newest first; none is another one's neighbour."""
    days: dict[str, Day] = {}
    for number, (key, change) in enumerate(OF_A_DAY.items()):
        days[key] = _healthy(latest - number * DAYS_APART)
        change(days[key])
    return days


def together(days: Mapping[str, Day]) -> tuple[Incident, Step]:
    """All days as one incident, and all faults as one step."""
    rows: dict[str, Rows] = {}
    later_rows: dict[str, Rows] = {}
    firestore: dict[str, dict[str, Any]] = {}
    later: dict[str, Change] = {}
    for day in days.values():
        firestore |= {day.path: day.document, **day.others}
        later |= day.later
        for source, target in ((day.rows, rows), (day.later_rows, later_rows)):
            for table, groups in source.items():
                target.setdefault(table, []).extend(groups)
    now = datetime.now(UTC)
    last = max(day.date for day in days.values())
    later |= _documents("processor_heartbeats", 60) | _documents("many_heartbeats", 30)
    firestore["silent_heartbeats/silent_predictions"] = {
        "processor_name": "silent_predictions",
        "run_id": "r1",
        "status": "completed",
        "data_date": str(last),
        "last_heartbeat": now - 3 * ONE_DAY,
    }
    later_rows[HISTORY] = [
        {
            "processor_name": "silent_predictions",
            "run_id": "r9",
            "status": "success",
            "data_date": last,
            "phase": "phase_5_predictions",
            "backfill_mode": False,
            "records_processed": 1,
            "started_at": now,
            "processed_at": now,
        }
    ]
    rows[ENDED] = [{"game_id": "ended-1", "game_date": last - 90 * ONE_DAY}]
    later_rows.setdefault(PREDICTIONS, []).append({"game_date": last - ONE_DAY, "created_at": now})
    tables = {ENDED: {"partition": "game_date", "columns": {"game_id": "STRING", "game_date": "DATE"}}}
    incident = Incident(title="Every fault of the data", tables=tables, clock=now, firestore=firestore, bigquery=rows)
    return incident, Step(at=now, firestore=later, bigquery=later_rows)


def mended(days: Mapping[str, Day]) -> Step:
    """The repair of all faults as one step: documents, rows and heartbeats as they should be."""
    now = datetime.now(UTC)
    rows: dict[str, Rows] = {}
    for key, day in days.items():
        for table, groups in day.whole_rows.items():
            if table.startswith("nba_analytics.") or (table == PHASE_LOG and key == rule_key("phase_log_empty[info]")):
                rows.setdefault(table, []).extend(groups)
    emptied = [table for table in rows if table != PHASE_LOG]
    last = max(day.date for day in days.values())
    changes = {day.path: Change(set=day.whole) for day in days.values()}
    changes |= {
        path: Change(merge={"status": "completed", "last_heartbeat": now})
        for day in days.values()
        for path in day.later
        if path.startswith("processor_heartbeats/")
    }
    changes |= {path: Change(delete=True) for path in _documents("processor_heartbeats", 60)}
    changes |= {path: Change(delete=True) for path in _documents("many_heartbeats", 30)}
    changes["silent_heartbeats/silent_predictions"] = Change(merge={"last_heartbeat": now})
    rows[ENDED] = [{"game_id": "ended-2", "game_date": last + 9 * ONE_DAY}]
    return Step(at=now, firestore=changes, emptied=emptied, bigquery=rows)

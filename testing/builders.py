"""Small builders of configurations and of sources' content, for tests of the decisions.

Times are short: `15:00:44` is UTC on the day of the tests, `-1 22:00` the day before it, `+1 05:00` the day after.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from exporter.config.resolved import (
    CalendarConfig,
    CollectConfig,
    CollectorConfig,
    Config,
    CoverageConfig,
    DocumentsConfig,
    Due,
    HeartbeatsConfig,
    LedgerConfig,
    Mode,
    PhaseConfig,
    PhaseLogConfig,
    PipelineConfig,
    ProcessorConfig,
    Relation,
    RowsPerUnit,
    RunHistoryConfig,
    TableRef,
    Trigger,
    WarehouseLimits,
)
from exporter.model import (
    Entry,
    Heartbeat,
    Removal,
    RemovalKind,
    Run,
    Sighting,
    UnusableField,
    Watched,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DAY = date(2026, 2, 1)
ONE_DAY = timedelta(days=1)
NEW_YORK = ZoneInfo("America/New_York")
EVERY_RELATION = frozenset(Relation)

PLAYER = "player_game_summary"
OFFENSE = "team_offense_game_summary"
DEFENSE = "team_defense_game_summary"
UPCOMING_PLAYER = "upcoming_player_game_context"
UPCOMING_TEAM = "upcoming_team_game_context"
PHASE3 = (PLAYER, OFFENSE, DEFENSE, UPCOMING_PLAYER, UPCOMING_TEAM)
PHASE4 = ("zone_analysis", "daily_cache", "feature_store")


def on(text: str) -> datetime:
    """A time in UTC: `15:00:44`, `-1 22:00`, or a whole ISO time."""
    if "T" in text:
        return datetime.fromisoformat(text).astimezone(UTC)
    days, _, clock = text.rpartition(" ")
    return datetime.combine(DAY + int(days or 0) * ONE_DAY, time.fromisoformat(clock), tzinfo=UTC)


def at(text: str | None) -> datetime | None:
    return None if text is None else on(text)


def heartbeat_name(processor: str) -> str:
    return f"{''.join(word.title() for word in processor.split('_'))}Processor"


# --- configuration ----------------------------------------------------------------------------------------------


def processor(
    name: str,
    *,
    offset: int = 0,
    due: str = "0 11:30",
    critical: bool = False,
    bounds: tuple[float, float] | None = None,
    written_column: str | None = "processed_at",
) -> ProcessorConfig:
    days, clock = due.split()
    beat = heartbeat_name(name)
    return ProcessorConfig(
        name=name,
        table=TableRef(f"nba.{name}", "game_date", written_column),
        data_date_offset=offset,
        due=Due(int(days), time.fromisoformat(clock)),
        critical=critical,
        heartbeats=(beat, f"Async{beat}"),
        runs_as=(beat, f"Async{beat}"),
        rows_per_unit=RowsPerUnit(*bounds) if bounds else None,
    )


def phase(
    name: str,
    processors: Iterable[ProcessorConfig],
    *,
    modes: Iterable[Mode] | None = None,
    collection: str | None = "",
    following: str | None = None,
    trigger: Trigger | None = None,
) -> PhaseConfig:
    """`collection` is the phase's own unless given; None: no completion documents."""
    by_name = {item.name: item for item in processors}
    return PhaseConfig(
        name=name,
        processors=by_name,
        modes=tuple(modes or (Mode("daily", EVERY_RELATION, frozenset(by_name)),)),
        collection=f"{name}_completion" if collection == "" else collection,
        run_history_phase=f"{name}_work",
        next=following,
        trigger=trigger,
    )


def pipeline(
    phases: Iterable[PhaseConfig], *, name: str = "nba", log_offset: int = 0, bare: bool = False
) -> PipelineConfig:
    """`bare`: only completion documents, rows and calendar."""
    named = PipelineConfig(
        name=name,
        calendar=CalendarConfig(TableRef(f"{name}.schedule", "game_date"), "COUNT(*)", noun="game"),
        phases={item.name: item for item in phases},
    )
    if bare:
        return named
    return replace(
        named,
        heartbeats=HeartbeatsConfig(
            collection=f"{name}_heartbeats",
            stale_after=timedelta(minutes=5),
            dead_after=timedelta(minutes=15),
            silent_after=ONE_DAY,
            documents_warn=100,
            documents_critical=500,
        ),
        run_history=RunHistoryConfig(TableRef(f"{name}.runs", "data_date", "processed_at"), "processed_at"),
        phase_log=PhaseLogConfig(
            TableRef(f"{name}.log", "game_date", "execution_timestamp"),
            ("phase2_to_phase3", "phase3_to_phase4"),
            log_offset,
        ),
        coverage={
            "minutes_played": CoverageConfig(
                name="minutes_played",
                table=TableRef(f"nba.{PLAYER}", "game_date"),
                data_date_offset=log_offset,
                eligible="is_dnp = FALSE",
                covered="minutes_played > 0",
                excluded={"dnp": "is_dnp = TRUE", "unmarked": "is_dnp IS NULL"},
                target=0.95,
                warn=0.9,
                critical=0.8,
            )
        },
    )


def config(
    *pipelines: PipelineConfig, past: int = 0, future: int = 0, only: tuple[date, ...] = (), zone: ZoneInfo = NEW_YORK
) -> Config:
    def collector(seconds: int) -> CollectorConfig:
        every = timedelta(seconds=seconds)
        return CollectorConfig(every, every / 3, every * 3)

    return Config(
        project="test-project",
        timezone=zone,
        documents=DocumentsConfig(past, future, only),
        collect=CollectConfig(
            completion=collector(60),
            heartbeats=collector(60),
            heartbeat_count=collector(900),
            warehouse=collector(600),
            warehouse_limits=WarehouseLimits(2**30, 20 * 2**30),
            adapts=False,
        ),
        pipelines={item.name: item for item in pipelines},
        ledger=LedgerConfig(":memory:", timedelta(days=35)),
    )


def one_phase(*processors: ProcessorConfig) -> Config:
    """A single phase that starts nothing."""
    return config(pipeline([phase("phase3", processors)]))


RULE = Trigger(ratio=0.6, grace=timedelta(minutes=30))
AFTER_THE_GAMES = (
    Mode("overnight", frozenset({Relation.PAST}), frozenset(PHASE4)),
    Mode("same_day", frozenset({Relation.TODAY}), frozenset()),
    Mode("tomorrow", frozenset({Relation.AHEAD}), frozenset()),
)
BY_RELATION = (
    Mode("overnight", frozenset({Relation.PAST}), frozenset(PHASE3)),
    Mode("same_day", frozenset({Relation.TODAY}), frozenset({UPCOMING_PLAYER})),
    Mode("tomorrow", frozenset({Relation.AHEAD}), frozenset({UPCOMING_PLAYER})),
)


def _phase3(offset: int, due: str, modes: Iterable[Mode] | None) -> PhaseConfig:
    return phase(
        "phase3",
        (
            processor(PLAYER, offset=offset, due=due, critical=True, bounds=(28, 56)),
            processor(OFFENSE, offset=offset, due=due, bounds=(2, 2)),
            processor(DEFENSE, offset=offset, due=due, bounds=(2, 2)),
            processor(UPCOMING_PLAYER, critical=True, bounds=(20, 56)),
            processor(UPCOMING_TEAM, bounds=(2, 2)),
        ),
        modes=modes,
        following="phase4",
        trigger=RULE,
    )


def by_processing_date(*, past: int = 0, future: int = 0) -> Config:
    """The seed's reading: document D is what ran on day D; historical processors have rows of D-1."""
    return config(
        pipeline(
            (
                _phase3(-1, "0 11:30", None),
                phase("phase4", [processor(name, offset=-1, due="0 12:30") for name in PHASE4]),
                phase("phase5", [processor("predictions", offset=-1, due="0 13:30")], collection=None),
            ),
            log_offset=-1,
        ),
        past=past,
        future=future,
    )


def by_game_date(*, past: int = 0, future: int = 0) -> Config:
    """The code's reading: document D is about the games of D, from the evening before until the morning after."""
    after = (
        replace(AFTER_THE_GAMES[0], expected=frozenset({"predictions"})),
        *AFTER_THE_GAMES[1:],
    )
    return config(
        pipeline(
            (
                _phase3(0, "1 11:30", BY_RELATION),
                phase("phase4", [processor(name, due="1 12:30") for name in PHASE4], modes=AFTER_THE_GAMES),
                phase("phase5", [processor("predictions", due="1 13:30")], modes=after, collection=None),
            )
        ),
        past=past,
        future=future,
    )


# --- observations -----------------------------------------------------------------------------------------------


def entry(
    when: str | None = "15:00:50",
    count: int | None = 12,
    status: str | None = "success",
    *,
    incremental: bool = False,
    manual: bool = False,
    malformed: tuple[str, ...] = (),
) -> Entry:
    return Entry(status, at(when), count, incremental, manual, None, unusable(*malformed))


def unusable(*names: str, said: str = "map") -> tuple[UnusableField, ...]:
    """Fields that were there and could not be used."""
    return tuple(UnusableField(name, said) for name in names)


def beat(
    status: str | None,
    when: str | None,
    data: date | None = DAY - ONE_DAY,
    *,
    document: str = heartbeat_name(OFFENSE),
    error: str | None = None,
) -> Heartbeat:
    return Heartbeat(document, status, at(when), data, error_message=error)


def run(
    status: str,
    when: str | None,
    *,
    ended: str | None = None,
    data: date = DAY - ONE_DAY,
    name: str = heartbeat_name(OFFENSE),
    backfill: bool = False,
    phase_name: str | None = "phase3_work",
) -> Run:
    """`when` it started; it ended then too unless `ended` says otherwise."""
    return Run(name, f"{name}-{when}", status, data, phase_name, at(when), at(ended or when), backfill)


def loss(when: str | None = "15:00:50", count: int | None = 12) -> Removal:
    """An entry that was seen at 15:01 and missed at 15:05."""
    seen = Sighting(entry(when, count), b"", on("15:01"), None)
    return Removal("", RemovalKind.STALE_WRITE, seen, on("15:01"), on("15:05"))


def without(losses: Mapping[str, Removal]) -> Watched:
    """A document that lost these entries."""
    removals = tuple(replace(removal, name=name) for name, removal in losses.items())
    return Watched(
        exists=True,
        create_time=None,
        update_time=None,
        read_time=None,
        first_seen_at=on("06:00"),
        seen_at=on("15:05"),
        removals=removals,
    )

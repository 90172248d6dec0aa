"""Every incident file, replayed through the real clients: its expectations hold, and the scorecard says what fired."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.config.errors import ConfigError
from exporter.incidents.incident import IncidentError, load_incident, parse_incident
from exporter.incidents.replay import Replayer, by_key, go_through, removal_failures, replay
from exporter.present.table import report_text
from exporter.shipped.alerts import alert_of
from testing.reports import overwritten, reported
from tests.incidents.agreement import Noting, differences, falsely_well, led_apart, undelayed
from tests.incidents.one_truth import disagreements, signature
from tests.incidents.together import RulesTogether
from tests.incidents.told import differences as told_otherwise
from tools.alerting.scorecard import PAGE, outcomes, read_days

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from exporter.incidents.local import LocalSources, SimulatedClock
    from exporter.incidents.replay import Replayed

FILES = sorted((Path(__file__).parents[1] / "incidents").glob("*.yaml"))
RULES = Path(__file__).parents[2] / "alerts" / "rules"
SOURCE = Path(__file__).parents[2] / "alerts" / "source"
SEED = Path(__file__).parents[1] / "incidents" / "2026-02-01-seed.yaml"
BY_NAME = {file.stem: file for file in FILES}
SCORECARD = read_days(PAGE.read_text(encoding="utf-8"))


BATCH = 9
"""Incidents whose rules are evaluated in one run of promtool: those that are watched about as long."""


@dataclass(frozen=True)
class Day:
    """An incident file that was replayed.

    `differences`: where sentence and alerts say something else; `disagreements`: page, terminal, API and metrics;
    `told`: by alert, where its message and these do; empty where all agree.
    """

    replayed: Replayed
    differences: tuple[str, ...]
    disagreements: tuple[str, ...]
    told: Mapping[str, str]


class Batches:
    """Replays the files in batches, each when a test asks for the first of its files."""

    def __init__(self, files: Iterable[Path], local: LocalSources, clock: SimulatedClock, folder: Path) -> None:
        shipped, conditions = folder / "shipped", folder / "conditions"
        shipped.mkdir()
        conditions.mkdir()
        self._local, self._clock, self._folder = local, clock, folder
        self._shipped = RulesTogether(RULES, shipped)
        self._conditions = RulesTogether(SOURCE, conditions, undelayed)
        by_length = sorted(files, key=_watched_for)
        self._waiting = [by_length[first : first + BATCH] for first in range(0, len(by_length), BATCH)]
        self._days: dict[Path, Day] = {}

    def day(self, file: Path) -> Day:
        """The replay of one file."""
        for batch in [batch for batch in self._waiting if file in batch]:
            self._waiting.remove(batch)
            self._days |= dict(zip(batch, self._replayed(batch), strict=True))
        return self._days[file]

    def _replayed(self, files: Sequence[Path]) -> Iterator[Day]:
        replayers, passed = [], []
        for file in files:
            replayer = Noting(load_incident(file), self._local, self._clock)
            passed.append(go_through(replayer, watched=True))
            replayers.append(replayer)
        watches = [one.watched for one in passed if one.watched]
        fired, held = self._shipped.firing(watches), self._conditions.firing(watches)
        for one, watch, alerts, conditions, replayer in zip(passed, watches, fired, held, replayers, strict=True):
            minutes = replayer.reports
            different = {signature(report): report for report in minutes}
            yield Day(
                one.judged(watch.alerts(alerts)),
                (
                    *differences(minutes[1:], conditions),
                    *falsely_well(minutes[1:], replayer.unread[1:], alerts),
                    *led_apart(minutes[1:], alerts),
                ),
                tuple(text for report in different.values() for text in disagreements(report)),
                dict(told_otherwise(minutes[1:], alerts, self._folder)),
            )


def _watched_for(file: Path) -> timedelta:
    incident = load_incident(file)
    return incident.end - incident.clock


@pytest.fixture(scope="module", name="batches")
def _batches(
    _programs: None,
    _running: LocalSources,
    clock: SimulatedClock,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Batches:
    """The files that this run of the tests asks for, and no others."""
    asked = [
        item.callspec.params.get("file") or BY_NAME.get(str(item.callspec.params.get("name")))
        for item in request.session.items
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
    ]
    return Batches({file for file in asked if file in FILES}, _running, clock, tmp_path_factory.mktemp("rules"))


@pytest.mark.usefixtures("_programs", "local")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_incident_s_expectations_hold_and_message_page_terminal_and_api_agree(file: Path, batches: Batches) -> None:
    day = batches.day(file)

    assert day.replayed.failures == ()
    assert outcomes(file.stem, day.replayed) == tuple(known for known in SCORECARD if known.day == file.stem), (
        "make scorecard ARGS=--write"
    )
    assert day.differences == ()
    assert day.disagreements == ()
    assert {alert: wrong for alert, wrong in day.told.items() if wrong} == {}


@pytest.mark.usefixtures("_programs", "local")
@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("2026-01-23-stuck-running", "stalled"),
        ("lost-update", "lost_update"),
        ("low-coverage", "coverage_low"),
        ("2026-02-01-seed", "blocked"),
        ("2026-02-01-seed", "unregistered"),
        ("nothing-done-on-a-game-day", "missing"),
    ],
)
def test_the_message_about_a_day_s_fault_is_compared(name: str, key: str, batches: Batches) -> None:
    told = batches.day(BY_NAME[name]).told

    assert any(alert.startswith(f"{alert_of(key).name} ") for alert in told)


@pytest.mark.usefixtures("_programs", "local")
@pytest.mark.parametrize(
    "file",
    [
        file
        for file in FILES
        if file.stem in {"2026-02-01-seed", "2026-01-24-firestore-permission-outage", "lost-update"}
    ],
    ids=lambda file: file.stem,
)
def test_in_a_batch_an_incident_fires_what_it_fires_alone(
    file: Path, batches: Batches, local: LocalSources, clock: SimulatedClock
) -> None:
    together, alone = batches.day(file).replayed, replay(load_incident(file), local, clock, rules=RULES)

    assert alone.alerts
    assert together.alerts == alone.alerts


def test_a_failed_expectation_is_reported_with_the_actual_value(local: LocalSources, clock: SimulatedClock) -> None:
    text = SEED.read_text().partition("expect:")[0] + (
        "expect:\n"
        "  verdicts: {phase3/2026-02-01/player_game_summary: ok, phase3/2026-01-01/x: ok}\n"
        "  phases: {phase3/2026-02-01: {registered: 5, trigger_state: stuck}, phase9/2026-02-01: {expected: 1}}\n"
        "  deltas: {phase3/2026-02-01/team_offense_game_summary: 0, phase3/2026-01-01/x: 1}\n"
    )

    failures = replay(parse_incident(text, "seed"), local, clock).failures

    assert [failure.partition(" (")[0] for failure in failures] == [
        "verdicts: phase3/2026-02-01/player_game_summary is unregistered, expected ok",
        "verdicts: phase3/2026-01-01/x is not exposed",
        "phases: phase3/2026-02-01: registered is 3, expected 5",
        "phases: phase3/2026-02-01: trigger_state is blocked, expected stuck",
        "phases: phase9/2026-02-01 is not exposed",
        "deltas: phase3/2026-02-01/team_offense_game_summary is 24, expected 0",
        "deltas: phase3/2026-01-01/x is not exposed",
    ]


def test_failed_expectations_on_removals_and_restorations_are_reported() -> None:
    text = SEED.read_text().partition("expect:")[0] + (
        "expect:\n"
        "  removals: {phase3/2026-02-01: {reset: [x]}, phase9/2026-02-01: {}}\n"
        "  overwritten: {phase3/2026-02-01: [], phase4/2026-02-01: [], phase9/2026-02-01: []}\n"
    )

    assert list(removal_failures(parse_incident(text, "seed"), reported(overwritten()))) == [
        "removals: phase3/2026-02-01: {'stale_write': ['player_game_summary']} went, expected {'reset': ['x']}",
        "removals: phase9/2026-02-01 is not exposed",
        "overwritten: phase3/2026-02-01: ['player_game_summary'] are restored, expected []",
        "overwritten: phase9/2026-02-01 is not exposed",
    ]


def test_the_json_has_what_scripts_rely_on(local: LocalSources, clock: SimulatedClock) -> None:
    said = replay(load_incident(SEED), local, clock).json()

    phase = said["phases"]["nba/phase3/2026-02-01"]
    processor = said["processors"]["nba/phase3/2026-02-01/player_game_summary"]
    assert said["clock"] == "2026-02-01T18:00:00Z"
    assert {key: phase[key] for key in ("expected", "registered", "unexpected", "mode", "trigger_state")} == {
        "expected": 5,
        "registered": 3,
        "unexpected": 0,
        "mode": "daily",
        "trigger_state": "blocked",
    }
    assert processor["verdict"] == "unregistered"
    assert processor["registered"] is False
    assert processor["record_count"] is None
    assert processor["table_rows"] == 212
    assert processor["record_count_delta"] is None
    assert processor["heartbeat"] == "completed"
    assert said["failures"] == []


@pytest.mark.parametrize(("columns", "most"), [(80, 29), (100, 25), (120, 24)])
def test_check_of_the_incident_report_s_day_fits_on_a_screen(
    columns: int, most: int, local: LocalSources, clock: SimulatedClock
) -> None:
    report = replay(load_incident(SEED), local, clock).report

    texts = [
        report_text(report, width=columns),
        report_text(report, width=columns, exporter="http://localhost:9189"),
        report_text(replace(report, remembers=False), width=columns),
    ]

    assert [text for text in texts if len(text.splitlines()) > most] == []
    wide = [line for text in texts for line in text.splitlines() if len(line) > columns]
    # An address is copied, so it stays on one line.
    assert [line for line in wide if "http://" not in line] == []


def test_a_step_changes_what_the_next_collection_sees(local: LocalSources, clock: SimulatedClock) -> None:
    incident = load_incident(SEED.with_name("lost-update.yaml"))
    replayer = Replayer(incident, local, clock)
    replayer.collect()

    (step,) = incident.then
    replayer.at(step.at - timedelta(minutes=1))
    replayer.collect()
    replayer.step(step)
    replayer.collect()
    replayer.close()

    verdicts = {processor.processor: str(processor.verdict) for processor in replayer.report.processors}
    assert verdicts["player_game_summary"] == "lost_update"
    assert verdicts["upcoming_team_game_context"] == "lost_update"
    assert verdicts["upcoming_player_game_context"] == "ok"


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ("{delete: true}", None),
        ("{set: {a: 1}}", {"a": 1}),
        ("{merge: {a: {c: 2}}}", {"a": {"b": 1, "c": 2}}),
    ],
)
def test_a_step_s_change_of_a_document(
    change: str, left: dict[str, object] | None, local: LocalSources, clock: SimulatedClock
) -> None:
    incident = parse_incident(
        "title: t\nclock: 2026-02-01T18:00:00Z\nfirestore: {c/d: {a: {b: 1}}}\n"
        f"then: [{{at: 2026-02-01T19:00:00Z, firestore: {{c/d: {change}}}, faults: {{}}}}]\n",
        "x",
    )
    Replayer(incident, local, clock).close()

    local.apply(incident.then[0])

    assert local.firestore.get("c/d", project="nba-props-platform") == left


def test_rows_for_an_unknown_table_are_an_error(local: LocalSources, clock: SimulatedClock) -> None:
    text = "title: odd\nclock: 2026-02-01T18:00:00Z\nbigquery: {nba_analytics.none: [{a: 1}]}\n"

    with pytest.raises(IncidentError, match=r"nba_analytics\.none"):
        replay(parse_incident(text, "x"), local, clock)


def test_rows_that_do_not_fit_in_a_later_step_are_an_error(local: LocalSources, clock: SimulatedClock) -> None:
    incident = parse_incident(
        "title: t\nclock: 2026-02-01T18:00:00Z\n"
        "then: [{at: 2026-02-01T19:00:00Z, bigquery: {nba_analytics.none: [{a: 1}]}}]\n",
        "x",
    )
    Replayer(incident, local, clock).close()

    with pytest.raises(IncidentError, match="step at 2026-02-01 19:00"):
        local.apply(incident.then[0])


def test_a_configuration_that_cannot_be_is_an_error(local: LocalSources, clock: SimulatedClock) -> None:
    text = "title: t\nclock: 2026-02-01T18:00:00Z\nconfig: {colour: red}\n"

    with pytest.raises(ConfigError, match="colour"):
        replay(parse_incident(text, "x"), local, clock)


@pytest.mark.parametrize("fault", ["unreachable", "permission_denied", "timeout", "quota"])
@pytest.mark.parametrize("source", ["firestore", "bigquery"])
def test_a_source_with_a_fault_leaves_the_verdict_unknown(
    source: str, fault: str, local: LocalSources, clock: SimulatedClock
) -> None:
    text = SEED.read_text().partition("expect:")[0] + f"faults: {{{source}: {fault}}}\n"

    replayed = replay(parse_incident(text, "seed"), local, clock)

    assert {str(processor.verdict) for processor in replayed.report.processors} == {"unknown"}
    assert str(replayed.telemetry.sources()[source]) == fault


def test_of_two_pipelines_the_first_has_the_short_key() -> None:
    assert by_key({"nba/phase3/2026-02-01": 1, "mlb/phase3/2026-02-01": 2}) == {
        "nba/phase3/2026-02-01": 1,
        "mlb/phase3/2026-02-01": 2,
        "phase3/2026-02-01": 1,
    }

"""The commands as a user types them: what they print, where, and the code that they end with."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from click.testing import CliRunner

from exporter.cli import main
from exporter.present.words import NO_MEMORY
from testing.days import HEALTHY, INCIDENTS, SEED, a_past_day, moved, settings
from testing.exposition import parse_text
from testing.processes import Process
from testing.prometheus import promtool
from testing.running import COMMAND, Ended, RunningExporter, command, environment
from testing.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exporter.incidents.local import LocalSources, SimulatedClock

DAY = a_past_day()
HEALTHY_DAY = DAY - timedelta(days=7)
SEED_FILE = INCIDENTS / f"{SEED}.yaml"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(name="config", scope="module")
def _config(_running: LocalSources, clock: SimulatedClock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A configuration that shows yesterday: in the sources it is the incident report's day; a week ago all was well."""
    seed, healthy = moved(SEED, DAY), moved(HEALTHY, HEALTHY_DAY)
    rows = {
        table: [*seed.bigquery.get(table, []), *healthy.bigquery.get(table, [])]
        for table in {**seed.bigquery, **healthy.bigquery}
    }
    both = seed.model_copy(update={"firestore": {**healthy.firestore, **seed.firestore}, "bigquery": rows})
    clock.now = datetime.now(UTC)
    _running.load(both, "nba-props-platform")
    file = tmp_path_factory.mktemp("commands") / "exporter.yaml"
    file.write_text(settings(seed, DAY), encoding="utf-8")
    yield file
    _running.fault({})


@pytest.fixture(name="sources")
def _sources(config: Path, local: LocalSources) -> LocalSources:
    assert config.exists()
    local.fault({})
    return local


def invoke(*arguments: str | Path) -> Ended:
    """Run a command in this process, whose environment names the sources; a process of its own takes a second more."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Ended(result.exit_code, result.stdout, result.stderr)


def without_notice(out: str) -> str:
    """What `check` without a ledger prints after its first sentence, which says that it has no memory; in one line."""
    notice, text = NO_MEMORY, " ".join(out.split())
    assert text.startswith(notice)
    return text.removeprefix(notice).strip()


# --- explain and repair -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("sources")
def test_explain_points_out_what_the_incident_report_missed(config: Path) -> None:
    ended = invoke("explain", "--config.file", config, "--processor", "player_game_summary")

    text = " ".join(ended.out.split())
    assert (ended.code, ended.err) == (1, "")
    assert f"left the entries of {DAY} 15:00:12Z and {DAY} 15:00:13Z standing" in text
    assert f"its heartbeat carries {DAY - timedelta(days=1)}, the neighbouring date, not {DAY}" in text
    assert "upcoming_team_game_context" not in text


@pytest.mark.usefixtures("sources")
def test_explain_says_the_same_as_json(config: Path) -> None:
    ended = invoke("explain", "--config.file", config, "--run-date", DAY.isoformat(), "--format", "json")

    assert {key.rpartition("/")[2] for key in json.loads(ended.out)} == {
        "player_game_summary",
        "upcoming_team_game_context",
    }


@pytest.mark.usefixtures("sources")
def test_repair_prints_the_merge_writes_and_writes_nothing(config: Path, local: LocalSources) -> None:
    before = local.firestore.get(f"phase3_completion/{DAY}", project="nba-props-platform")

    ended = invoke("repair", "--config.file", config, "--run-date", DAY.isoformat(), "--dry-run")
    body = invoke("repair", "--config.file", config, "--run-date", DAY.isoformat(), "--dry-run", "--format", "json")

    assert ended.code == 1
    assert f"phase3_completion/{DAY}: restore player_game_summary" in ended.out
    assert json.loads(body.out)["writes"][0]["updateMask"] == {"fieldPaths": ["player_game_summary"]}
    assert local.firestore.get(f"phase3_completion/{DAY}", project="nba-props-platform") == before


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--run-date", "2026-02-01"], "Missing option '--dry-run'"),
        (["--dry-run"], "name the document with --run-date"),
    ],
)
def test_repair_only_prints_and_needs_a_run_date(config: Path, arguments: list[str], fault: str) -> None:
    ended = invoke("repair", "--config.file", config, *arguments)

    assert ended.code == 64
    assert fault in ended.err


# --- check ------------------------------------------------------------------------------------------------------


def test_the_day_of_the_incident_report_is_printed_as_its_table_and_ends_with_one(
    sources: LocalSources, config: Path
) -> None:
    ended = command("check", "--config.file", config, local=sources)

    rows = [line.split() for line in ended.out.splitlines()]
    assert ended.code == 1
    assert ended.err == ""
    assert without_notice(ended.out).startswith(
        f"nba phase3 of {DAY} is blocked: 2 of 5 processors finished and never registered"
    )
    assert ["player_game_summary", "not", "registered", "completed", "212", "rows", "unregistered"] in rows
    assert ["team_offense_game_summary", "registered", "0", "completed", "24", "rows", "duplicated"] in rows
    assert "\x1b" not in ended.out


@pytest.mark.usefixtures("sources")
def test_a_healthy_day_ends_with_zero(config: Path) -> None:
    ended = invoke("check", "--config.file", config, "--run-date", HEALTHY_DAY.isoformat())

    assert ended.code == 0
    assert without_notice(ended.out).startswith("All well: 5 processors checked, no discrepancy.")


def test_a_source_that_is_unknown_while_nothing_is_wrong_ends_with_two_and_is_named(
    sources: LocalSources, config: Path
) -> None:
    sources.firestore.faults.fail("PERMISSION_DENIED", method="RunAggregationQuery")

    ended = invoke("check", "--config.file", config, "--run-date", HEALTHY_DAY.isoformat())

    assert ended.code == 2
    assert without_notice(ended.out).startswith("Cannot tell: not all of Firestore could be read (permission_denied).")


def test_sources_that_are_dead_end_with_two_and_no_trace(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "127.0.0.1:1")
    for name in ("COMPLETION", "HEARTBEATS", "HEARTBEAT_COUNT", "WAREHOUSE"):
        monkeypatch.setenv(f"ORCHESTRATION_EXPORTER_COLLECT__{name}__TIMEOUT", "2s")

    ended = invoke("check", "--config.file", config)

    assert (ended.code, ended.err) == (2, "")
    assert without_notice(ended.out).startswith("Cannot tell: not all of Firestore could be read (")


@pytest.mark.usefixtures("sources")
def test_the_json_is_the_report(config: Path) -> None:
    ended = invoke("check", "--config.file", config, "--format", "json")

    report = json.loads(ended.out)
    assert ended.code == 1
    assert report["processors"][f"nba/phase3/{DAY}/team_offense_game_summary"]["record_count_delta"] == 24


@pytest.mark.usefixtures("sources", "_programs")
def test_the_textfile_is_whole_and_promtool_reads_it(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "orchestration.prom"
    file.write_text("old 1\n")

    ended = invoke("check", "--config.file", config, "--format", "metrics", "--output", file)

    families = {family.name for family in parse_text(file.read_text())}
    code, _ = promtool("check", "metrics", text=file.read_bytes())
    assert (ended.code, ended.out) == (1, "")
    assert {"orchestration_processor_verdict", "orchestration_exporter_collector_runs"} <= families
    assert "old" not in families
    # 3 is a remark on a name; 1 would be an exposition that cannot be parsed.
    assert code in {0, 3}
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.usefixtures("sources")
def test_a_table_can_be_written_to_a_file(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.txt"

    ended = invoke("check", "--config.file", config, "--output", file)

    assert (ended.code, ended.out) == (1, "")
    assert without_notice(file.read_text()).startswith(f"nba phase3 of {DAY} is blocked: ")


@pytest.mark.usefixtures("sources")
def test_an_output_that_cannot_be_written_is_named(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "x.prom"

    ended = invoke("check", "--config.file", config, "--format", "metrics", "--output", file)

    assert ended.code == 64
    assert ended.err == f"Error: --output {file}: cannot be written: No such file or directory\n"


def in_a_terminal(sources: LocalSources, config: Path, columns: int) -> tuple[int, str]:
    """The exit code of `check` and what it shows in a terminal so wide."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with Process(
        [COMMAND, "check", "--config.file", config],
        env=environment(sources, {"TERM": "xterm"}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # what Linux says when nobody has the other end any more
                break
            if not piece:
                break
            shown += piece
        code = process.wait(60)
    os.close(ours)
    return code, shown.decode().replace("\r\n", "\n")


def test_a_terminal_gets_colours_within_its_width(sources: LocalSources, config: Path) -> None:
    code, shown = in_a_terminal(sources, config, 80)

    assert code == 1
    assert COLOUR.search(shown)
    assert max(len(COLOUR.sub("", line)) for line in shown.splitlines()) <= 80
    assert "upcoming_player_game_context" in shown


def test_a_check_of_sources_that_hang_ends_with_ctrl_c(sources: LocalSources, config: Path) -> None:
    sources.firestore.faults.hang()
    sources.gate.fault = "timeout"
    asked = sources.gate.calls["jobs.insert"]
    with Process(
        [COMMAND, "check", "--config.file", config],
        env=environment(sources),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until(lambda: sources.gate.calls["jobs.insert"] > asked, "a query under way")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Traceback" not in err


# --- replay -----------------------------------------------------------------------------------------------------


def test_a_replay_prints_the_table_and_whether_every_expectation_held() -> None:
    ended = command("replay", SEED_FILE)

    assert (ended.code, ended.err) == (0, "")
    assert "(as of 2026-02-01 18:00 UTC)" in ended.out
    assert ended.out.endswith("\nEvery expectation of the file held.\n")


def test_a_replay_whose_expectations_fail_says_which_beside_its_metrics_and_ends_with_one(tmp_path: Path) -> None:
    file = tmp_path / "seed.yaml"
    held = "upcoming_player_game_context: ok"
    file.write_text(SEED_FILE.read_text().replace(held, "upcoming_player_game_context: missing"))

    ended = invoke("replay", file, "--format", "metrics")

    values = {sample.name: sample.value for family in parse_text(ended.out) for sample in family.samples}
    assert ended.code == 1
    assert ended.err == (
        "expectation failed: verdicts: phase3/2026-02-01/upcoming_player_game_context is ok, expected missing ()\n"
    )
    assert values["orchestration_phase_processors_registered"] == 3
    assert values["orchestration_exporter_report_timestamp_seconds"] == datetime(2026, 2, 1, 18, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "cannot be read"),
        ("title: x\nclock: 2026-02-01T18:00:00Z\nbigqery: {}\n", "bigqery: Extra inputs are not permitted"),
    ],
)
def test_a_replay_of_what_is_no_incident_is_refused_with_the_place(
    tmp_path: Path, content: str | None, fault: str
) -> None:
    file = tmp_path / "x.yaml"
    if content is not None:
        file.write_text(content)

    ended = invoke("replay", file)

    assert ended.code == 64
    assert fault in ended.err
    assert "Traceback" not in ended.err


# --- demo -------------------------------------------------------------------------------------------------------


def test_the_demo_shows_the_incident_and_leaves_nothing_behind(tmp_path: Path) -> None:
    home = tmp_path / "tmp"
    home.mkdir()
    of_another = {"ORCHESTRATION_EXPORTER_CONFIG_FILE": str(tmp_path / "of-the-exporter-that-runs.yaml")}
    with RunningExporter(tmp_path, [], verb="demo", more={"TMPDIR": str(home), **of_another}) as demo:
        demo.wait_until_ready()
        registered = next(
            sample.value
            for family in parse_text(demo.get("/metrics").text)
            for sample in family.samples
            if sample.name == "orchestration_phase_processors_registered"
        )
        hint = re.search(r"  (\S+ -m exporter check --from (\S+))", demo.out)
        assert hint, demo.out
        # As it is printed, in a terminal that knows nothing of the virtual environment.
        checked = subprocess.run(
            ["/bin/sh", "-c", hint[1]],
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        demo.signal(signal.SIGINT)
        code = demo.wait()

    assert registered == 3
    assert checked.returncode == 1
    assert checked.stdout.startswith("nba phase3 of 2026-02-01 is blocked: 2 of 5 processors finished")
    assert code == 0
    assert demo.out.endswith("Ended, with everything that was started.\n")
    assert list(home.iterdir()) == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(hint[2], timeout=10)


def test_demo_and_replay_without_the_local_servers_say_where_they_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "exporter.emulators", None)

    for arguments in (("demo", "--web.listen-address", "127.0.0.1:0"), ("replay", SEED_FILE)):
        ended = invoke(*arguments)

        assert ended.code == 69
        assert "the local Firestore and BigQuery are not part of this installation" in ended.err


def test_a_demo_without_its_packages_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bqemulator", None)

    for arguments in (("demo", "--web.listen-address", "127.0.0.1:0"), ("replay", SEED_FILE)):
        ended = invoke(*arguments)

        assert ended.code == 69
        assert "needs bqemulator, which is not installed: pip install '.[demo]' in a checkout" in ended.err

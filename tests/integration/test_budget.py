"""The day's budget over everything that queries: reloads, restarts, commands from cron, and more than one at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from exporter.cli import main
from exporter.collect.once import collect_once
from exporter.config.load import Loaded, load
from exporter.emulators.firestore import FirestoreServer
from exporter.run.service import Service
from exporter.sources.account import Account
from exporter.sources.factory import opener
from exporter.sources.queries import CONTEXT, ROW_COUNTS
from testing.bigquery_rest import BigQueryRest, Rows
from testing.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from testing.bigquery_wire import Query

MIB = 2**20


@pytest.fixture(name="server")
def _server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BigQueryRest]:
    with FirestoreServer(project="p") as firestore, BigQueryRest() as server:
        server.answer(Rows(CONTEXT, bytes_billed=60 * MIB), when="AS counts")
        server.answer(Rows(ROW_COUNTS, bytes_billed=110 * MIB), when="AS counted")
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore.address)
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.address)
        yield server


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text(
        f"preset: nba\nproject: p\nledger: {{path: {tmp_path / 'ledger.sqlite'}}}\n"
        f"collect: {{warehouse: {{maximum_bytes_billed: 200MiB, daily_budget: 1GiB}}}}\n"
        "documents: {follow: false}\n"
    )
    return file


def in_memory(file: Path) -> Loaded:
    return load(file=file, overlay={"ledger": {"path": ":memory:"}}, environ={})


def billed(server: BigQueryRest) -> int:
    """MiB of all jobs so far."""
    return sum(60 if "AS counts" in query.sql else 110 for query in jobs(server))


def jobs(server: BigQueryRest) -> list[Query]:
    return [query for query in server.queries if not query.dry_run]


def _has_run(service: Service, times: int = 1) -> bool:
    return service.telemetry.collectors()["warehouse"].runs >= times


def now() -> datetime:
    return datetime.now(UTC)


def test_ten_checks_from_cron_bill_one_budget(server: BigQueryRest, file: Path) -> None:
    loaded = load(file=file, environ={})
    unread = [collect_once(loaded, opener(now), now).unread for _ in range(10)]

    assert billed(server) <= 1024
    assert len(jobs(server)) >= 10
    assert unread[0] == {}
    assert unread[-1] == {"warehouse": "budget"}


def test_checks_at_the_same_time_bill_one_budget(server: BigQueryRest, file: Path) -> None:
    loaded = load(file=file, environ={})
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: collect_once(loaded, opener(now), now), range(12)))

    assert 0 < billed(server) <= 1024


@pytest.mark.parametrize("ledger", ["a file", ":memory:"])
def test_ten_reloads_bill_one_budget(server: BigQueryRest, file: Path, ledger: str) -> None:
    loaded = in_memory(file) if ledger == ":memory:" else load(file=file, environ={})
    service = Service(lambda: loaded, opener(now), now)
    service.start()
    try:
        for times in range(1, 11):
            until(partial(_has_run, service, times), "a collection")
            service.reload()
    finally:
        service.stop()

    assert 0 < billed(server) <= 1024
    assert service.telemetry.collectors()["warehouse"].failures["budget"] >= 1


def test_a_restart_goes_on_with_what_is_left(server: BigQueryRest, file: Path) -> None:
    for _ in range(10):
        service = Service(lambda: load(file=file, environ={}), opener(now), now)
        service.start()
        until(partial(_has_run, service), "a collection")
        service.stop()

    assert 0 < billed(server) <= 1024


# --- every command that queries -----------------------------------------------------------------------------------

COMMANDS = {
    "check": ["check"],
    "explain": ["explain"],
    "capture": ["capture", "--run-date", "2026-02-01"],
    "repair": ["repair", "--run-date", "2026-02-01", "--dry-run"],
    "season": ["season", "--from", "2026-01-31", "--to", "2026-02-01"],
}


OTHERS = {
    "run": "above",
    "demo": "local sources alone",
    "config check": "dry runs",
    "config show": "nothing",
    "dump": "nothing",
    "history": "nothing",
    "probe-writes": "Firestore alone",
}
"""Commands with a configuration that are not in the table: what they ask."""


def test_every_command_with_a_configuration_has_its_place_here() -> None:
    named = {
        " ".join(path)
        for path, command in _commands(main)
        if any("--config.file" in parameter.opts for parameter in command.params)
    }

    assert named == {*COMMANDS, *OTHERS}


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_shares_the_budget_of_the_exporter_on_its_ledger(
    server: BigQueryRest, file: Path, tmp_path: Path, command: str
) -> None:
    account = Account(str(tmp_path / "ledger.sqlite"))
    before = CliRunner().invoke(main, [*COMMANDS[command], "--config.file", str(file)])
    asked = len(jobs(server))
    account.change("p", now().date(), lambda used: 1024 * MIB - used)

    after = CliRunner().invoke(main, [*COMMANDS[command], "--config.file", str(file)])

    assert asked >= 2, before.output
    assert len(jobs(server)) == asked, after.output


def test_dry_runs_need_no_budget_and_make_no_account(server: BigQueryRest, file: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["config", "check", "--connect", "--config.file", str(file)])

    assert jobs(server) == []
    assert "rows of table nba_analytics.player_game_summary" in result.output
    assert not (tmp_path / "ledger.sqlite.budget").exists()

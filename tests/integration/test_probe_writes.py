"""The command as a user types it, on the local Firestore and on Google's emulator where it is there.

Google's lets a writer wait for the locks of the others, seconds at a time, so the numbers are small.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from exporter.cli import main
from exporter.emulators.firestore import FirestoreServer
from exporter.probe.connection import connect
from testing.processes import Process
from testing.running import COMMAND
from testing.waiting import until
from tests import _records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROJECT = "nba-props-platform"
COLLECTION = "orchestration_exporter_probe"
WRITERS, ROUNDS = 2, 2
LEFT = ("written", "left", "lost", "older_lost", "damaged", "errors")


@pytest.fixture(name="local_server", scope="module")
def _local_server() -> Iterator[FirestoreServer]:
    with FirestoreServer(project=PROJECT) as server:
        yield server


@pytest.fixture(name="address", params=_records.servers(), scope="module")
def _address(request: pytest.FixtureRequest) -> str:
    if request.param == "local":
        server: FirestoreServer = request.getfixturevalue("local_server")
        return server.address
    reference: str = request.getfixturevalue("reference_address")
    return reference


@pytest.fixture(name="outcomes", scope="module")
def _outcomes(address: str) -> dict[str, dict[str, Any]]:
    """What every strategy did on this server: one run of the command, looked at by many tests."""
    arguments = ["--writers", str(WRITERS), "--rounds", str(ROUNDS), "--attempts", "20", "--format", "json"]
    environment = {"FIRESTORE_EMULATOR_HOST": address}
    result = CliRunner(env=environment).invoke(main, ["probe-writes", "--preset", "nba", *arguments])
    assert result.exit_code == 0, result.stderr
    printed = json.loads(result.stdout)
    assert (printed["server"], printed["collection"], printed["writers"]) == (address, COLLECTION, WRITERS)
    return {outcome["strategy"]: outcome for outcome in printed["strategies"]}


@pytest.mark.parametrize(("strategy", "older_lost"), [("set", 0), ("blind-set", ROUNDS)])
def test_replacing_the_whole_document_leaves_one_entry_a_round(
    outcomes: dict[str, dict[str, Any]], strategy: str, older_lost: int
) -> None:
    outcome = outcomes[strategy]

    assert (outcome["written"], outcome["left"]) == (WRITERS * ROUNDS, ROUNDS)
    assert outcome["lost"] == (WRITERS - 1) * ROUNDS
    # What was there before only the blind one loses: the other has read it.
    assert outcome["older_lost"] == older_lost


@pytest.mark.parametrize("strategy", ["merge", "update", "transaction", "document-per-processor"])
def test_every_other_way_to_write_loses_nothing(outcomes: dict[str, dict[str, Any]], strategy: str) -> None:
    outcome = outcomes[strategy]

    assert (outcome["written"], outcome["left"]) == (WRITERS * ROUNDS, WRITERS * ROUNDS)
    assert (outcome["lost"], outcome["older_lost"], outcome["errors"]) == (0, 0, {})


def test_no_entry_is_damaged_whatever_the_way(outcomes: dict[str, dict[str, Any]]) -> None:
    assert {strategy: outcome["damaged"] for strategy, outcome in outcomes.items()} == dict.fromkeys(outcomes, 0)
    assert len(outcomes) == 6


def test_transactions_conflict_and_are_tried_again(outcomes: dict[str, dict[str, Any]]) -> None:
    transaction = outcomes["transaction"]

    assert transaction["conflicts"] >= ROUNDS
    assert transaction["retries"] == transaction["conflicts"]


def test_what_every_way_to_write_leaves_is_what_it_leaves_on_googles_emulator(
    outcomes: dict[str, dict[str, Any]], told: Callable[[str, object], None]
) -> None:
    for strategy, outcome in outcomes.items():
        told(strategy, {name: outcome[name] for name in LEFT})
    # How often transactions conflict is for the server to decide; that they do is not.
    told("transactions conflict", outcomes["transaction"]["conflicts"] > 0)


@pytest.mark.usefixtures("outcomes")
def test_no_document_is_left_behind(address: str) -> None:
    with closing(connect(PROJECT, "(default)", address, 30)) as connection:
        assert list(connection.client.collection(COLLECTION).stream()) == []


# --- the local one alone: nothing here depends on how conflicts are settled --------------------------------------


def test_a_table_and_a_sentence_are_printed(local_server: FirestoreServer) -> None:
    environment = {"FIRESTORE_EMULATOR_HOST": local_server.address}
    asked = ["--strategy", "merge", "--strategy", "set", "--strategy", "merge", "--rounds", "2", "--writers", "3"]

    result = CliRunner(env=environment).invoke(main, ["probe-writes", "--preset", "nba", *asked])

    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert [line.split()[:5] for line in lines[1:3]] == [["merge", "2", "6", "6", "0"], ["set", "2", "6", "2", "4"]]
    assert lines[4] == (
        "`set` lost 4 of 6 entries; `merge` lost none:"
        " write one's own entry alone, or the whole document inside the transaction that read it."
    )
    assert result.stderr.splitlines() == ["merge: 2 x 3 writers ...", "set: 2 x 3 writers ..."]


def test_no_document_but_its_own_is_touched(local_server: FirestoreServer) -> None:
    paths = ["phase3_completion/2026-02-01", "processor_heartbeats/One", f"{COLLECTION}/2026-02-01", "x/y"]
    for path in paths:
        local_server.put(path, {"processor_1": {"status": "success"}})
    before = local_server.documents()
    environment = {"FIRESTORE_EMULATOR_HOST": local_server.address}

    result = CliRunner(env=environment).invoke(main, ["probe-writes", "--preset", "nba", "--rounds", "1"])

    assert result.exit_code == 0
    assert local_server.documents() == before
    local_server.reset()


def test_a_firestore_that_hangs_cannot_be_probed(local_server: FirestoreServer) -> None:
    environment = {"FIRESTORE_EMULATOR_HOST": local_server.address}
    local_server.faults.hang(method="Commit")

    result = CliRunner(env=environment).invoke(main, ["probe-writes", "--preset", "nba", "--timeout", "0.3"])

    local_server.faults.clear()
    assert result.exit_code == 69
    assert "delete those whose id begins with 20" in result.stderr


def test_writes_that_were_given_up_end_it_with_two(local_server: FirestoreServer) -> None:
    environment = {"FIRESTORE_EMULATOR_HOST": local_server.address}
    asked = ["--strategy", "transaction", "--rounds", "1", "--writers", "3", "--attempts", "1"]

    result = CliRunner(env=environment).invoke(main, ["probe-writes", "--preset", "nba", *asked])

    assert result.exit_code == 2
    assert "transaction: 2 given up: ABORTED at its last attempt" in result.stdout


def test_an_error_ends_it_and_what_was_measured_before_is_printed(local_server: FirestoreServer) -> None:
    environment = {"FIRESTORE_EMULATOR_HOST": local_server.address}
    asked = ["--strategy", "merge", "--strategy", "set", "--rounds", "20"]

    def fail_once_it_is_at_the_second() -> None:
        until(lambda: any("-set-" in path for path in local_server.documents()), "the second strategy")
        local_server.faults.fail("PERMISSION_DENIED", method="BatchGetDocuments", message="not yours")

    fault = threading.Thread(target=fail_once_it_is_at_the_second)
    fault.start()
    result = CliRunner(env=environment).invoke(main, ["probe-writes", "--preset", "nba", *asked])
    fault.join()
    local_server.faults.clear()

    assert result.exit_code == 69
    assert [line.split()[:1] for line in result.stdout.splitlines()[:3]] == [["strategy"], ["merge"], []]
    assert f"collection {COLLECTION}: not yours; the probe needs roles/datastore.user there" in result.stderr
    assert local_server.documents() == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_leaves_nothing_behind(local_server: FirestoreServer, number: signal.Signals) -> None:
    local_server.reset()
    with Process(
        [COMMAND, "probe-writes", "--preset", "nba", "--strategy", "merge", "--strategy", "set", "--rounds", "100"],
        env={**os.environ, "FIRESTORE_EMULATOR_HOST": local_server.address},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            until(lambda: len(local_server.documents()) > 2, "rounds to be under way")
            # The next one hangs until the signal is there, so that it arrives in the middle of a round.
            local_server.faults.hang(method="Commit")
            until(lambda: local_server.faults.holding, "a write to be under way")
            process.send_signal(number)
            process.send_signal(number)
            assert process.stderr
            said = ""
            while "Stopping" not in said:
                said += process.stderr.readline()
            local_server.faults.clear()
            out, _ = process.communicate(timeout=60)
        finally:
            local_server.faults.clear()
            process.kill()

    assert process.returncode == 128 + number
    assert local_server.documents() == {}
    assert out.splitlines()[1].split()[0] == "merge"

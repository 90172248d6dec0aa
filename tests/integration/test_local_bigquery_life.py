"""How the local BigQuery's process comes and goes."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import requests
from google.api_core.exceptions import InternalServerError
from google.cloud.bigquery.retry import DEFAULT_RETRY

from exporter.emulators.bigquery import serve
from exporter.emulators.bigquery.emulator import BigQueryEmulator
from testing.processes import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.cloud import bigquery

PROJECT = "nba-props-platform"
ONCE = DEFAULT_RETRY.with_predicate(lambda _: False)


def test_a_stopped_emulator_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    emulator = BigQueryEmulator()
    with emulator:
        address = emulator.address
        assert requests.get(f"{address}/healthz", timeout=10).status_code == 200
    emulator.stop()

    assert list(tmp_path.iterdir()) == []
    assert refuses_connections(address)


def test_settings_for_somebody_elses_emulator_do_not_reach_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BQEMU_MAX_CONCURRENT_JOBS", "no number")

    with BigQueryEmulator() as emulator:
        assert answers(emulator.address)


def test_the_process_says_its_port_and_ends_on_sigterm(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with started(home) as (process, link):
        address = f"http://127.0.0.1:{read_line(link)}"
        assert answers(address)

        process.terminate()

        assert process.wait(30) == 0
    assert refuses_connections(address)


def test_the_process_ends_and_clears_up_when_its_starter_is_gone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with started(home) as (process, link):
        read_line(link)

        link.close()

        assert process.wait(30) == 0
    assert not home.exists()


@contextlib.contextmanager
def started(home: Path) -> Iterator[tuple[Process[str], socket.socket]]:
    """The process alone, as the emulator starts it."""
    ours, theirs = socket.socketpair()
    with ours, theirs, (home.parent / "log").open("wb") as log:
        command = [sys.executable, "-P", serve.__file__, str(home)]
        environment = os.environ | {"HOME": str(home), "TMPDIR": str(home)}
        with Process(command, stdin=theirs.fileno(), stdout=log, stderr=log, env=environment) as process:
            theirs.close()
            ours.settimeout(60)
            yield process, ours


def read_line(link: socket.socket) -> str:
    with link.makefile("rb") as file:
        return file.readline().decode().strip()


def test_an_emulator_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    script = (
        "import time\n"
        "from exporter.emulators.bigquery.emulator import BigQueryEmulator\n"
        "with BigQueryEmulator() as emulator:\n"
        "    print(emulator.address, flush=True)\n"
        "    time.sleep(60)\n"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    with Process([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment, text=True) as starter:
        assert starter.stdout is not None
        address = starter.stdout.readline().strip()
        assert not refuses_connections(address)

        starter.send_signal(signal.SIGKILL)

    wait_until(lambda: refuses_connections(address))
    wait_until(lambda: list(tmp_path.iterdir()) == [])


def test_an_emulator_that_is_busy_is_ended_all_the_same() -> None:
    endless = "SELECT COUNT(*) FROM " + ", ".join(f"UNNEST(GENERATE_ARRAY(1, 20000)) AS a{n}" for n in range(4))
    failures: list[Exception] = []

    def run_for_ever(client: bigquery.Client) -> None:
        try:
            client.query(endless, timeout=60, retry=ONCE, job_retry=None)
        except (requests.exceptions.ConnectionError, InternalServerError) as failure:
            # It answers 500 if its end comes before the query is under way, as it can on a machine under load.
            failures.append(failure)

    with BigQueryEmulator() as emulator:
        address = emulator.address
        thread = threading.Thread(target=run_for_ever, args=(emulator.client(PROJECT),))
        thread.start()
        wait_until(lambda: not answers(address))

    thread.join(30)
    assert len(failures) == 1
    assert refuses_connections(address)


def answers(address: str) -> bool:
    """Whether it has time for us."""
    try:
        return requests.get(f"{address}/healthz", timeout=0.5).ok
    except (requests.exceptions.ReadTimeout, requests.exceptions.ConnectionError):
        return False


def refuses_connections(address: str) -> bool:
    url = urlsplit(address)
    try:
        socket.create_connection((url.hostname or "", url.port or 0), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def wait_until(happened: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(500):
        if happened():
            return
        pause.wait(0.02)
    pytest.fail("it did not happen within ten seconds")

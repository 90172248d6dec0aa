"""Signals reach a command at any moment, and nothing depends on where its work is then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from exporter.emulators.firestore.server import FirestoreServer
from testing.interrupts import catches, interrupted
from testing.processes import Process
from testing.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND = [sys.executable, "-m", "exporter"]

SCRIPT = """
import contextlib, os, signal, subprocess, sys, tempfile, threading, time
from exporter.run.signals import abort, answering, supervise

def work():
{work}

supervise(work)
"""


def script(work: str) -> list[str]:
    return [sys.executable, "-c", SCRIPT.format(work="\n".join(f"    {line}" for line in work.splitlines()))]


AS_IN_A_TERMINAL = (
    *(sys.executable, "-c"),
    "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])",
)
"""What starts a program so that it hears the end of the terminal, also where the tests run under nohup."""


def ignoring(*numbers: signal.Signals) -> tuple[str, ...]:
    """What starts a program with signals ignored, as a container's first process has them until it has handlers."""
    given = " ".join(str(int(number)) for number in numbers)
    return ("sh", "-c", f'trap "" {given}; exec "$@"', "sh")


def started(command: list[str], way: tuple[str, ...] = AS_IN_A_TERMINAL, folder: Path | None = None) -> Process[str]:
    """`folder`: where it makes temporary ones."""
    return Process(
        [*way, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **({"TMPDIR": str(folder)} if folder else {})},
    )


@pytest.fixture
def hanging() -> Iterator[str]:
    """The address of a Firestore that never answers."""
    with FirestoreServer() as server:
        server.faults.hang()
        yield server.address


@pytest.mark.parametrize(
    "work",
    {
        "it sleeps": "print('ready', flush=True)\ntime.sleep(600)",
        "it holds a lock that it waits for": """\
lock = threading.Lock()
lock.acquire()
print('ready', flush=True)
lock.acquire()""",
        "it waits for a program": "print('ready', flush=True)\nsubprocess.run(['sleep', '5'])",
        "it catches everything": """\
while True:
    with contextlib.suppress(BaseException):
        print('ready', flush=True)
        time.sleep(600)""",
    }.values(),
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_command_whatever_it_does(work: str, number: signal.Signals) -> None:
    with started(script(work)) as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(number)
        _, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (128 + number, "")


def test_a_signal_removes_temporary_folders(tmp_path: Path) -> None:
    work = "with tempfile.TemporaryDirectory(prefix='ours-'):\n    print('ready', flush=True)\n    time.sleep(600)"
    with started(script(work), folder=tmp_path) as process:
        assert process.stdout
        process.stdout.readline()
        before = list(tmp_path.iterdir())
        process.terminate()
        process.wait(60)

    assert len(before) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_signal_is_answered_while_the_command_goes_on() -> None:
    work = """\
heard = threading.Semaphore(0)
with answering({signal.SIGTERM: lambda number: heard.release()}):
    print('ready', flush=True)
    for _ in range(3):
        heard.acquire()
        print('heard', flush=True)
print('ended', flush=True)"""
    with started(script(work)) as process:
        assert process.stdout
        for _ in range(3):
            process.stdout.readline()
            process.terminate()
        out, _ = process.communicate(timeout=60)

    assert (process.returncode, out) == (0, "heard\nended\n")


def test_with_nohup_a_closed_terminal_does_not_end_the_command() -> None:
    work = "print('ready', flush=True)\nos.kill(os.getpid(), signal.SIGHUP)\ntime.sleep(0.2)\nprint('ended')"
    with started(script(work), way=ignoring(signal.SIGHUP)) as process:
        out, _ = process.communicate(timeout=60)

    assert (process.returncode, out) == (0, "ready\nended\n")


@pytest.mark.parametrize(
    ("work", "code", "said"), [("sys.exit(7)", 7, ""), ("1 // 0", 1, "ZeroDivisionError"), ("", 0, "")]
)
def test_the_command_s_own_end_is_the_process_s(work: str, code: int, said: str) -> None:
    with started(script(work or "pass")) as process:
        _, err = process.communicate(timeout=60)

    assert process.returncode == code
    assert said in err


def test_the_process_ends_after_the_last_instruction_of_the_command_s_thread() -> None:
    work = """\
class Left:
    def __del__(self):
        time.sleep(0.2)
        print('last', flush=True)
globals()['of_the_thread'] = threading.local()
of_the_thread.left = Left()"""
    with started(script(work)) as process:
        out, _ = process.communicate(timeout=60)

    assert (process.returncode, out) == (0, "last\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_process_of_a_container_hears_a_signal_from_its_first_instruction_on(number: signal.Signals) -> None:
    with started([*COMMAND, "run", "--preset", "nba"], way=ignoring(number)) as process:
        until(lambda: catches(process.pid, number), "the program's first instruction")
        process.send_signal(number)
        process.wait(60)

    assert process.returncode == 128 + number


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.2, 0.4, 0.8, 1.6])
@pytest.mark.parametrize(("command", "graceful"), [("run", 0), ("check", None)])
def test_a_signal_ends_the_program_at_any_moment_while_its_sources_hang(
    command: str, graceful: int | None, seconds: float, hanging: str
) -> None:
    """`make interrupts` tries 1,000 moments."""
    code, _ = interrupted(command, signal.SIGTERM, seconds, {"FIRESTORE_EMULATOR_HOST": hanging})

    assert code in {128 + signal.SIGTERM, graceful}


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_a_standard_stream_that_is_closed_leads_nowhere_instead_of_into_the_next_file(closed: tuple[int, ...]) -> None:
    places = "[os.readlink(f'/proc/self/fd/{number}') for number in range(3)]"
    work = f"import os, sys; from exporter import __main__; print(1); sys.exit({places}.count('/dev/null'))"

    process = subprocess.run(
        ["sh", "-c", 'exec "$@" ' + " ".join(f"{number}>&-" for number in closed), "sh", sys.executable, "-c", work],
        stdin=subprocess.PIPE,
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert process.returncode == len(closed)

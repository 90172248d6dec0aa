"""A port that is taken: every program that serves says so in one line, with what to do, and ends with 69."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from testing.running import COMMAND, ROOT, environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMPOSE = ROOT / "compose" / "demo.py"
# By the file that serves: how it is started with an address behind it, and how its user gives another one.
SERVING: dict[str, tuple[list[str | Path], str]] = {
    "exporter/cli/run.py": ([COMMAND, "run", "--preset", "nba", "--web.listen-address"], "--web.listen-address"),
    "exporter/cli/demo.py": ([COMMAND, "demo", "--web.listen-address"], "--web.listen-address"),
    "compose/demo.py": ([sys.executable, COMPOSE], "the argument ADDRESS"),
}


@pytest.fixture(name="taken", scope="module")
def _taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def ended(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("program", SERVING)
def test_a_port_in_use_is_one_line_and_exit_code_69(program: str, taken: int) -> None:
    command, option = SERVING[program]

    done = ended(*command, f"127.0.0.1:{taken}")

    assert done.stderr == (
        f"Error: cannot listen on 127.0.0.1:{taken}: the port is in use; stop the process that has it "
        f"(ss -ltnp 'sport = :{taken}' names it) or choose another with {option}\n"
    )
    assert done.returncode == 69


@pytest.mark.parametrize("program", SERVING)
def test_an_address_that_is_none_is_one_line_and_exit_code_69(program: str) -> None:
    done = ended(*SERVING[program][0], "127.0.0.1")

    assert re.fullmatch(r"Error: bad listen address '127.0.0.1': no port; expected host:port, .*\n", done.stderr)
    assert done.returncode == 69


def test_the_demo_beside_prometheus_without_an_address_says_how_it_is_used() -> None:
    done = ended(sys.executable, COMPOSE)

    assert "Error: Missing argument 'ADDRESS'." in done.stderr
    assert done.returncode == 64


def test_every_program_that_serves_is_tried_here() -> None:
    folders = ("alerts", "benchmarks", "compose", "exporter", "grafana", "tools")
    serving = re.compile(r"\bfrom exporter\.run import .*\bprocess\b|\bfrom exporter\.run\.process import .*\brun\b")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]

    assert {file.relative_to(ROOT).as_posix() for file in files if serving.search(file.read_text("utf-8"))} == {
        *SERVING
    }

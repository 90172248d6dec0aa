"""Open files: how many connections there may be with few of them, so that health is answered all the same."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx

from exporter.web import connections, handles
from testing.processes import Process
from testing.running import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

GET = b"GET /healthz HTTP/1.1\r\nHost: test\r\n"
FEW_HANDLES = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
from exporter.messages import logs
from tests.web.example import ExampleState, serving
logs.configure("error", "logfmt")
with serving(ExampleState()) as server:
    print(server.port, *resource.getrlimit(resource.RLIMIT_NOFILE), flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def with_few_handles(soft: int, hard: int) -> Iterator[tuple[int, int]]:
    """A server in a process of its own that may have so many open files: its port, and its limit once it serves."""
    with Process(
        [sys.executable, "-c", FEW_HANDLES.format(soft=soft, hard=hard)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        port, limit, _ = map(int, process.stdout.readline().split())
        yield port, limit


def test_connections_leave_handles_for_health_and_everything_else() -> None:
    with with_few_handles(100, 100) as (port, _), contextlib.ExitStack() as stack:
        for number in range(150):
            source = (f"127.0.0.{2 + number % 8}", 0)
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), 30, source))
            connection.sendall(GET + b"\r\n")
        answers = {httpx.get(f"http://127.0.0.1:{port}/{path}").status_code for path in ("healthz", "metrics") * 5}

    assert answers == {200}


def test_a_limit_of_open_files_that_can_be_raised_is_raised() -> None:
    with with_few_handles(100, 4096) as (_, limit):
        assert limit == handles.WANTED


def test_the_documented_limits_are_those_of_the_server() -> None:
    page = (ROOT / "docs/web.md").read_text(encoding="utf-8")

    assert f"| connections in all | {connections.MOST} |" in page
    assert f"| connections in all, each being answered | {connections.MOST} |" in page
    assert f"which have {connections.RESERVE} more" in page
    assert f"| connections from one address | {connections.MOST_OF_A_CLIENT} |" in page
    assert f"fewer than {handles.WANTED} open files" in page

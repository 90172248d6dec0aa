"""Processes of the benchmarks' own: started, asked, bounded in time, ended."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from benchmarks.child import status_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
ANSWER_SECONDS = 120.0
END_SECONDS = 5.0


class Child:
    """`python -m MODULE ARGUMENTS`, which speaks as `child.py` does; a context manager.

    `cpu`: the only processor that it may use. `ready` is what it said when it was.
    """

    def __init__(self, module: str, *arguments: object, cpu: int | None = None) -> None:
        self._module = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        if cpu is not None:
            os.sched_setaffinity(self._process.pid, {cpu})
        try:
            self.ready: Any = self._answer()
        except BaseException:
            self.close()
            raise

    def ask(self, command: str) -> Any:  # noqa: ANN401 - JSON has no narrower type
        """Its answer to a command. Raises RuntimeError if it ended, or took too long."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        return self._answer()

    def memory(self, field: str = "VmRSS") -> int:
        """Bytes that it holds now (VmRSS), or held at most (VmHWM)."""
        return status_bytes(Path(f"/proc/{self._process.pid}/status"), field)

    def close(self) -> None:
        """Let it go, and see to it that it goes."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        for end in (self._process.terminate, self._process.kill):
            try:
                self._process.wait(END_SECONDS)
                break
            except subprocess.TimeoutExpired:
                end()
        self._process.wait(END_SECONDS)
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answer(self) -> Any:  # noqa: ANN401 - as above
        output = self._process.stdout
        assert output is not None
        line, end = b"", time.monotonic() + ANSWER_SECONDS
        while not line.endswith(b"\n"):
            if not select.select([output], [], [], max(0.0, end - time.monotonic()))[0]:
                raise RuntimeError(f"no answer from {self._module} within {ANSWER_SECONDS:.0f} s")
            piece = output.read(65536)
            if not piece:
                raise RuntimeError(f"{self._module} ended before it answered; see above")
            line += piece
        return json.loads(line)


def processors() -> tuple[int | None, int | None]:
    """A processor for the servers and another for whoever asks them; None where there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


@contextlib.contextmanager
def only_on(cpu: int | None) -> Iterator[None]:
    """Keep this thread on one processor."""
    before = os.sched_getaffinity(0)
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)

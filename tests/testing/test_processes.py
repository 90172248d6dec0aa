"""No program outlives the test that started it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from testing.processes import Process

SLEEPS = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]


def test_a_program_ends_with_the_test_that_fails_while_it_runs() -> None:
    process = Process(SLEEPS, stdout=subprocess.PIPE, text=True)

    with pytest.raises(subprocess.TimeoutExpired), process:
        process.communicate(timeout=0.01)

    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_a_program_that_has_ended_keeps_its_exit_code() -> None:
    with Process([sys.executable, "-c", "raise SystemExit(3)"]) as process:
        process.wait(60)

    assert process.returncode == 3

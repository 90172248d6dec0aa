"""What a command prints where it cannot be printed, and what of it reaches a terminal."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import click
import pytest

from exporter.cli.command import Command
from exporter.messages.errors import RefusedError
from testing.running import COMMAND, environment

FULL = Path("/dev/full")


def ended(*arguments: str | Path, out: int | None = None, err: int | None = None) -> tuple[int, str]:
    """The exit code and standard error of a command whose streams lead there."""
    with FULL.open("w") as full:
        done = subprocess.run(
            [COMMAND, *arguments],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=full if out is None else out,
            stderr=err or subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    return done.returncode, done.stderr or ""


@pytest.mark.parametrize("arguments", [("config", "schema"), ("config", "check", "--preset", "nba")])
def test_a_command_that_cannot_print_says_so_and_not_that_there_are_discrepancies(arguments: tuple[str, ...]) -> None:
    code, said = ended(*arguments)

    assert (code, said) == (69, "Error: standard output cannot be written: No space left on device\n")


def test_a_command_whose_reader_has_left_ends_without_a_word() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        code, said = ended("config", "schema", out=writing)
    finally:
        os.close(writing)

    assert (code, said) == (69, "")


def test_an_error_that_cannot_be_printed_keeps_its_exit_code(tmp_path: Path) -> None:
    with FULL.open("w") as full:
        code, _ = ended("config", "check", "--config.file", tmp_path / "none", err=full.fileno())

    assert code == 64


def test_a_fault_of_the_program_is_no_discrepancy(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command(cls=Command)
    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(SystemExit) as end:
        broken.main([])

    assert end.value.code == 70
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_no_message_reaches_the_terminal_with_what_it_acts_on(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command(cls=Command)
    def refusing() -> None:
        raise RefusedError("first \x1b[31mred\u202e\nsecond")

    with pytest.raises(SystemExit):
        refusing.main([])

    assert capsys.readouterr().err == "Error: first \\u001b[31mred\\u202e\nsecond\n"

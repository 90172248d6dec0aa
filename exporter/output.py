"""What commands print and write: the only way to standard output, standard error and the file of `--output`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from exporter.files import write_atomically
from exporter.secrets import masked

if TYPE_CHECKING:
    from pathlib import Path


def say(text: str, *, err: bool = False) -> None:
    """Print the text without its secrets, on a line of its own."""
    click.echo(masked(text), err=err, nl=not text.endswith("\n"))


def say_from_signal(text: bytes) -> None:
    """Print a constant to standard error from a signal handler, which may have interrupted `say`."""
    os.write(2, text)


def write_output(text: str, output: Path | None) -> None:
    """Print the text, or write it to the file that `--output` names; without its secrets either way."""
    if output is None:
        say(text)
        return
    try:
        write_atomically(output, masked(text))
    except OSError as error:
        raise click.ClickException(f"--output {output}: cannot be written: {error.strerror or error}") from error

"""The only way for commands to write to standard output, standard error and the file of `--output`."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import click

from exporter.cli.exits import UNAVAILABLE
from exporter.cli.files import write_atomically
from exporter.messages.errors import UnavailableError
from exporter.messages.secrets import Masked, masked
from exporter.present.words import shown

if TYPE_CHECKING:
    from exporter.collect.once import Outcome


COLUMNS: Final = 80
"""The width of a terminal that everybody has."""


def say(text: str, *, err: bool = False) -> None:
    """Print the text without its secrets, followed by a line break.

    What a terminal would act on is spelled out on standard error, whose messages quote anything. If standard output
    cannot be written, the command ends with a message, or without one if its reader has left.
    """
    try:
        click.echo(_spelled_out(text) if err else masked(text), err=err, nl=not text.endswith("\n"))
    except OSError as error:
        _lead_nowhere(sys.stderr if err else sys.stdout)
        if err:
            return  # Nobody can be told.
        if error.errno == errno.EPIPE:
            raise SystemExit(UNAVAILABLE) from None
        raise UnavailableError(f"standard output cannot be written: {error.strerror or error}") from error


def _spelled_out(text: str) -> str:
    return "\n".join(map(shown, masked(text).split("\n")))


def _lead_nowhere(stream: TextIO) -> None:
    """Discard what the stream still holds: the process would try once more to write it at its end."""
    with contextlib.suppress(OSError), Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


def write_output(text: str, output: Path | None) -> None:
    """Print the text, or write it to the file of `--output`, in both cases without its secrets."""
    if output is None:
        say(text)
        return
    try:
        write_atomically(output, masked(text))
    except OSError as error:
        raise click.ClickException(f"--output {output}: cannot be written: {error.strerror or error}") from error


def wrapped(text: str, indent: int) -> Masked:
    """The text in lines of at most 80 columns; the rest of a longer line is below it, indented. Words stay whole."""
    # Masked before it is broken: a secret in two lines is not recognised.
    return Masked(
        "\n".join(
            textwrap.fill(line, COLUMNS, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)
            for line in masked(text).splitlines()
        )
    )


def warn_without_memory(outcome: Outcome) -> None:
    """Say on standard error that the report was made without memory, if it was."""
    from exporter.present.words import without_memory

    if warning := without_memory(outcome.report):
        say(warning, err=True)


def printed(outcome: Outcome, form: str) -> Masked:
    """The outcome as `json`, `metrics` or a `table` without colour."""
    from exporter.metrics.catalogue import report_samples
    from exporter.metrics.exposition import render, render_live
    from exporter.present.status import status_json
    from exporter.present.table import report_text

    if form == "json":
        return Masked(status_json(outcome.report, outcome.unread).decode())
    if form == "metrics":
        body = render(report_samples(outcome.report)).plain + render_live(outcome.live, openmetrics=False)
        return Masked(body.decode())
    return report_text(outcome.report, outcome.unread)

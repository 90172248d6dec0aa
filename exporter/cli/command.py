"""The base class of commands: errors become a message and an exit code."""

from __future__ import annotations

import io
import sys
from typing import Any, cast

import click

from exporter.cli import exits
from exporter.cli.output import say
from exporter.messages.errors import RefusedError, UnavailableError


class Command(click.Command):
    """Turns every error that has a message for the user into that message and its exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - click's own signature
        """Run a command and exit with its code."""
        kwargs["standalone_mode"] = False
        try:
            sys.exit(super().main(*args, **kwargs))
        except click.exceptions.Abort:
            sys.exit(130)
        except click.ClickException as error:
            shown = io.StringIO()
            error.show(shown)
            say(shown.getvalue(), err=True)
            sys.exit(exits.USAGE)
        except RefusedError as error:
            say(f"Error: {error}", err=True)
            sys.exit(exits.USAGE)
        except UnavailableError as error:
            say(f"Error: {error}", err=True)
            sys.exit(exits.UNAVAILABLE)
        except Exception:  # noqa: BLE001 - it is logged
            # Python's own exit code for it would say that there are discrepancies.
            sys.excepthook(*cast("Any", sys.exc_info()))
            sys.exit(exits.FAULT)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run the command. An unexpected error becomes a line of the log, without secrets."""
        if not isinstance(self, click.Group):
            from exporter.messages import logs

            logs.configure("error", "logfmt")
        return super().invoke(ctx)


class Commands(Command, click.Group):
    """A group of such commands."""

    command_class = Command
    group_class = type

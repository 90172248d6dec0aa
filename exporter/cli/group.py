"""The command line as a whole: the group and its commands."""

from __future__ import annotations

import click

from exporter import __version__
from exporter.cli.capture import capture
from exporter.cli.check import check
from exporter.cli.command import Commands
from exporter.cli.config import config
from exporter.cli.demo import demo
from exporter.cli.dump import dump_command
from exporter.cli.exits import EXIT_CODES
from exporter.cli.explain import explain_missing
from exporter.cli.history import history
from exporter.cli.probe_writes import probe_writes
from exporter.cli.repair import repair
from exporter.cli.replay import replay
from exporter.cli.run import run
from exporter.cli.season import season


@click.group(
    cls=Commands,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="orchestration-exporter")
def main() -> None:
    """Reconcile what a data pipeline recorded of its work, and serve the verdicts to Prometheus."""


for command in (
    capture,
    check,
    config,
    demo,
    dump_command,
    explain_missing,
    history,
    probe_writes,
    repair,
    replay,
    run,
    season,
):
    main.add_command(command)

"""The command `probe-writes`: its options, what it refuses, its signals and its exit codes."""

from __future__ import annotations

import re
import threading
import uuid
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from exporter.cli import exits
from exporter.cli.clock import now
from exporter.cli.command import Command
from exporter.cli.options import config_options, load_config
from exporter.cli.output import say
from exporter.run.signals import HEARD, answering
from exporter.sources.endpoints import FIRESTORE as EMULATOR
from exporter.sources.endpoints import firestore_endpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from exporter.config.resolved import Config
    from exporter.probe.outcome import Outcome

F = TypeVar("F", bound="Callable[..., Any]")

EPILOG: Final = (
    "Exit codes: 0 it ran, whatever was lost; 2 some writes were given up, or documents could not be deleted;"
    " 64 refused or usage; 69 Firestore cannot be used; 130 or 143 stopped by Ctrl-C or SIGTERM."
)
PREFIX: Final = "orchestration_exporter_probe"
STRATEGIES: Final = ("set", "blind-set", "merge", "update", "transaction", "document-per-processor")
"""The names of the strategies, repeated here because `--help` must not import Google's client."""

_COLLECTION: Final = re.compile(re.escape(PREFIX) + r"[A-Za-z0-9_-]{0,60}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """The options. `timeout` is the time limit of one call in seconds."""

    strategy: tuple[str, ...]
    writers: int
    rounds: int
    attempts: int
    timeout: float
    collection: str
    yes: bool
    form: str


def probe_options(command: F) -> F:
    """The options of `probe-writes`, besides those that name a configuration."""
    number = click.IntRange
    for option in (
        click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True),
        click.option("--yes", is_flag=True, help=f"Write to a real project: needed unless {EMULATOR} is set."),
        click.option("--collection", default=PREFIX, show_default=True, help=f"Begins with {PREFIX}."),
        click.option(
            "--timeout",
            type=click.FloatRange(0.1, 300),
            default=30.0,
            show_default=True,
            help="Seconds for one call; no new attempt at it begins after as many.",
        ),
        click.option(
            "--attempts", type=number(1, 100), default=5, show_default=True, help="How often a transaction is tried."
        ),
        click.option("--rounds", type=number(1, 100), default=5, show_default=True),
        click.option(
            "--writers", type=number(2, 50), default=5, show_default=True, help="How many complete at the same moment."
        ),
        click.option(
            "--strategy",
            type=click.Choice(STRATEGIES),
            multiple=True,
            help="Can be repeated; all of them if not given.",
        ),
    ):
        command = option(command)
    return command


def run_probe(config: Config, asked: Asked) -> int:
    """Probe, print and return the exit code. Raises click.ClickException for a request that is refused."""
    endpoint = firestore_endpoint()
    refuse(config, asked, endpoint)
    place = _place(config, asked)

    from exporter.probe.connection import connect
    from exporter.probe.measure import Plan, Remains, Scratch, measure
    from exporter.probe.printing import table, to_json
    from exporter.probe.strategies import Strategy
    from exporter.sources.errors import fault_of

    began = now()
    plan = Plan(
        run=f"{began:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}",
        strategies=tuple(map(Strategy, dict.fromkeys(asked.strategy or STRATEGIES))),
        writers=asked.writers,
        rounds=asked.rounds,
        attempts=asked.attempts,
        seconds=asked.timeout,
        now=began,
    )
    outcomes: list[Outcome] = []
    remains = Remains()
    failure = ""
    signals = _Signals()
    with answering(dict.fromkeys(HEARD, signals.arrived)):
        try:
            connection = connect(config.project, config.database, endpoint, asked.timeout)
            with closing(connection), Scratch(connection.client, asked.collection, remains) as scratch:
                for outcome in measure(plan, connection, scratch, signals.stopping, _say):
                    outcomes.append(outcome)  # noqa: PERF402 - what was measured before an error is printed as well
        except Exception as error:  # noqa: BLE001 - the libraries' errors have no common type; each has its message
            fault = fault_of(error)
            failure = f"{fault.message}; {fault.remedy or 'the probe needs roles/datastore.user there'}"

    about = {
        "project": config.project,
        "database": config.database,
        "collection": asked.collection,
        "server": endpoint or "firestore.googleapis.com",
        "writers": asked.writers,
    }
    if outcomes or not failure:
        say(to_json(outcomes, about) if asked.form == "json" else table(outcomes))
    if failure:
        say(f"Error: {place}: {failure}", err=True)
    if remains.documents:
        say(
            f"Error: {place}: {len(remains.documents)} documents could not be deleted ({remains.documents[0]} is one):"
            f" {remains.why}; delete those whose id begins with {plan.run}",
            err=True,
        )
    if signals.number:
        return 128 + signals.number
    if failure:
        return exits.UNAVAILABLE
    return exits.UNKNOWN if remains.documents or any(outcome.errors for outcome in outcomes) else exits.OK


def refuse(config: Config, asked: Asked, endpoint: str | None) -> None:
    """Raise click.UsageError unless the collection is a scratch one, and the server is local or was confirmed."""
    if not _COLLECTION.fullmatch(asked.collection):
        raise click.UsageError(
            f"--collection {asked.collection}: the probe writes only to collections whose name is {PREFIX}, or that"
            " and up to 60 letters, digits, `_` and `-`"
        )
    if asked.collection in _collections(config):
        raise click.UsageError(f"--collection {asked.collection}: the configuration reads it; name another")
    if endpoint is None and not asked.yes:
        raise click.UsageError(
            f"this would write to {_place(config, asked)} of Google's Firestore, and delete there what it wrote;"
            f" add --yes if that is meant, or set {EMULATOR}"
        )


def _place(config: Config, asked: Asked) -> str:
    return f"project {config.project}, database {config.database}, collection {asked.collection}"


def _collections(config: Config) -> set[str]:
    """Every collection that the exporter reads."""
    pipelines = config.pipelines.values()
    return {
        *(phase.collection for pipeline in pipelines for phase in pipeline.phases.values() if phase.collection),
        *(pipeline.heartbeats.collection for pipeline in pipelines if pipeline.heartbeats),
    }


def _say(text: str) -> None:
    say(text, err=True)


class _Signals:
    """Turns Ctrl-C, SIGTERM and the end of the terminal into a flag that is checked between two rounds."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.number = 0

    def arrived(self, number: int) -> None:
        """Remember the signal. A second one changes nothing, so that the documents are deleted in any case."""
        self.number = number
        self.stopping.set()
        _say("Stopping: the round under way ends first, then the documents are deleted.")


@click.command(cls=Command, epilog=EPILOG)
@config_options
@probe_options
def probe_writes(config_file: Path | None, preset: str | None, **asked: Any) -> int:  # noqa: ANN401 - click's own
    """Let writers complete at the same moment in a scratch collection, and count the entries that are left."""
    return run_probe(load_config(config_file, preset).config, Asked(**asked))

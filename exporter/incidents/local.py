"""Both local servers, filled from an incident file, for demo, replay and the integration tests."""

from __future__ import annotations

import contextlib
import importlib.util
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from exporter.incidents.derived import derived_definitions
from exporter.incidents.incident import IncidentError
from exporter.incidents.loading import add_rows, drop_table, empty_tables, load_tables, reset
from exporter.incidents.tables import TableDataError, full_name, read_definitions, shipped_definitions
from exporter.messages.errors import UnavailableError
from exporter.sources.factory import sources_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from google.cloud import bigquery

    from exporter.config.resolved import Config
    from exporter.emulators.bigquery.gate import BigQueryGate
    from exporter.incidents.incident import Incident, Step
    from exporter.incidents.tables import TableDefinition
    from exporter.metrics.telemetry import Telemetry
    from exporter.sources.ports import Sources

DATABASE = "(default)"
FIRESTORE_CODES = {
    "permission_denied": "PERMISSION_DENIED",
    "timeout": "DEADLINE_EXCEEDED",
    "quota": "RESOURCE_EXHAUSTED",
}


class LocalSourcesError(UnavailableError):
    """The installation has no local servers."""

    def __init__(self) -> None:
        super().__init__(
            "the local Firestore and BigQuery are not part of this installation (the container image leaves them out);"
            " run this from a checkout, with the extra `demo`"
        )


class SimulatedClock:
    """A clock that shows the time that was set."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or datetime.now(UTC)

    def __call__(self) -> datetime:
        """The time that was set."""
        return self.now


class LocalSources:
    """A local Firestore and a local BigQuery behind a gate, for one incident after another; a context manager.

    Raises LocalSourcesError if the servers are not installed, as in the container image, and EmulatorError on entering
    if the demo extra is not installed.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        if importlib.util.find_spec("exporter.emulators") is None:
            raise LocalSourcesError
        from exporter.emulators.bigquery.emulator import BigQueryEmulator
        from exporter.emulators.firestore.server import FirestoreServer

        self.clock = clock
        self.firestore = FirestoreServer(clock=clock)
        self.bigquery = BigQueryEmulator()
        self.definitions: Mapping[str, TableDefinition] = shipped_definitions()
        self.gate: BigQueryGate
        self._stack = contextlib.ExitStack()
        self._project = ""
        self._projects: set[str] = set()
        self._client: bigquery.Client | None = None
        self._empty: set[str] = set()
        self._filled: set[str] = set()
        self._changes: int | None = None

    def __enter__(self) -> Self:
        from exporter.emulators.bigquery.gate import BigQueryGate

        with contextlib.ExitStack() as stack:
            self.bigquery.start()
            stack.callback(self.bigquery.stop)
            stack.enter_context(self.firestore)
            self.bigquery.wait()
            self.gate = stack.enter_context(BigQueryGate(self.bigquery.address))
            self._client = None
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def load(self, incident: Incident, config: Config | str) -> None:
        """Empty both and fill them with the incident's day. Raises IncidentError for rows that fit no table.

        `config`: the incident's configuration, or its project where the file defines every table that is read.
        """
        self.fault({})
        self.firestore.reset()
        project = config if isinstance(config, str) else config.project
        try:
            definitions = {**shipped_definitions(), **read_definitions(incident.tables)}
            if not isinstance(config, str):
                definitions |= derived_definitions(config, incident, definitions)
            client = self._emptied(project, definitions)
            self._empty = load_tables(client, definitions, incident.bigquery, incident.absent, self._empty)
            self._filled = set(definitions) - self._empty - set(incident.absent)
            self._changes = self.bigquery.changes
            self.firestore.put_all(incident.firestore, project=project)
        except (TableDataError, TypeError, ValueError) as error:
            raise IncidentError(f"{incident.title}: {error}") from error
        self.fault(incident.faults)

    def _emptied(self, project: str, definitions: Mapping[str, TableDefinition]) -> bigquery.Client:
        """A client of the project, whose tables are empty. Tables untouched since the last incident are kept."""
        if self._client is None or self._project != project:
            self._client, self._project, self._changes = self.bigquery.client(project), project, None
        if self._changes == self.bigquery.changes and definitions == self.definitions:
            for name in self._filled:
                drop_table(self._client, name)
        else:
            reset(self._client, self._projects)
            self._empty = set()
        self._changes, self.definitions = None, definitions
        self._projects = {full_name(name, project).partition(".")[0] for name in definitions}
        return self._client

    def apply(self, step: Step) -> None:
        """Carry out a later step. Raises IncidentError."""
        try:
            for path, change in step.firestore.items():
                if change.delete:
                    self.firestore.delete(path, project=self._project)
                if change.set is not None:
                    self.firestore.put(path, change.set, project=self._project)
                if change.merge is not None:
                    self.firestore.merge(path, change.merge, project=self._project)
            if step.emptied or step.bigquery:
                self._change_tables(step)
        except (TableDataError, TypeError, ValueError) as error:
            raise IncidentError(f"step at {step.at}: {error}") from error
        if step.faults is not None:
            self.fault(step.faults)

    def _change_tables(self, step: Step) -> None:
        client = self._client or self.bigquery.client(self._project)
        ours = self._changes == self.bigquery.changes
        self._changes = None
        empty_tables(client, self.definitions, step.emptied)
        add_rows(client, self.definitions, step.bigquery)
        self._filled |= {*step.emptied, *step.bigquery}
        self._empty -= self._filled
        self._changes = self.bigquery.changes if ours else None

    def fault(self, faults: Mapping[str, str]) -> None:
        """Set the faults with which the sources answer every call from now on; other sources have none."""
        self.firestore.faults.clear()
        ordered = faults.get("firestore")
        if ordered == "unreachable":
            self.firestore.faults.unreachable()
        elif ordered:
            self.firestore.faults.fail(FIRESTORE_CODES[ordered])
            self.firestore.faults.break_streams(FIRESTORE_CODES[ordered])
        self.gate.fault = faults.get("bigquery")

    def open(self, config: Config, telemetry: Telemetry) -> Sources:
        """The real adapters, connected to these servers, which have one Firestore database."""
        here = replace(config, database=DATABASE)
        return sources_of(here, telemetry, self.clock, firestore=self.firestore.address, bigquery=self.gate.address)

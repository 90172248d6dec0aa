"""What the web side asks of the rest of the exporter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from exporter.present.history import History

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.metrics.exposition import Rendered
    from exporter.metrics.samples import Samples
    from exporter.model import Report
    from exporter.reconcile.season import Season


class ReloadError(Exception):
    """The configuration could not be read again; the old one stays. The message lists every fault, without secrets."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What the status page shows: a report, what came before it, and which collectors could not read all, and why.

    `season`: many run dates as they were last read, None while they are not; `season_unread`: `unread` of that reading.
    """

    report: Report
    history: History = field(default_factory=History)
    unread: Mapping[str, str] = field(default_factory=dict)
    season: Season | None = None
    season_unread: Mapping[str, str] = field(default_factory=dict)


class ServerState(Protocol):
    """The running exporter, as its HTTP side sees it.

    `rendered`, `live`, `view` and `ready` are called on the event loop for every request, so they only look up what is
    there; `status_json`, `config_yaml` and `reload` are called on a thread of their own and may take their time.
    """

    def rendered(self) -> Rendered:
        """The report as it was last rendered."""

    def live(self) -> Samples:
        """What the exporter says of itself now: a few dozen samples, rendered at each scrape."""

    def view(self) -> View:
        """What the status page shows; the same object until a new report is there."""

    def ready(self) -> tuple[str, ...]:
        """Why the exporter is not ready yet, one reason an item; empty when it is."""

    def status_json(self) -> bytes:
        """The report as JSON."""

    def config_yaml(self) -> str:
        """The configuration in force as YAML, secrets masked."""

    def reload(self) -> None:
        """Read the configuration again. Raises ReloadError, and then the old one stays in force."""

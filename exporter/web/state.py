"""The interface of the exporter that the web server uses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from exporter.present.history import History

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.config.resolved import Config
    from exporter.metrics.exposition import Rendered
    from exporter.metrics.samples import Samples
    from exporter.model import Report
    from exporter.reconcile.season import Season


class ReloadError(Exception):
    """The configuration could not be reloaded; the old one stays. The message lists every fault, without secrets."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The content of the status page: a report, its history, and the collectors that could not read everything.

    `season`: the last reading of many run dates, None if there is none; `season_unread`: `unread` of that reading.
    """

    report: Report
    history: History = field(default_factory=History)
    unread: Mapping[str, str] = field(default_factory=dict)
    season: Season | None = None
    season_unread: Mapping[str, str] = field(default_factory=dict)


class ServerState(Protocol):
    """The running exporter, as the web server sees it.

    `rendered`, `live`, `view` and `ready` are called on the event loop for every request, so they must be fast, as
    `configuration` is.
    `status_json`, `report_json`, `config_yaml`, `config_json` and `reload` are called on a thread of their own and may
    take longer.
    """

    def rendered(self) -> Rendered:
        """The bytes of the last report."""

    def live(self) -> Samples:
        """The exporter's own samples, a few dozen, rendered at each scrape."""

    def view(self) -> View:
        """The content of the status page; the same object until there is a new report."""

    def ready(self) -> tuple[str, ...]:
        """The reasons why the exporter is not ready yet; empty if it is ready."""

    def status_json(self) -> bytes:
        """The report as JSON."""

    def report_json(self) -> bytes:
        """The whole report as `present.transfer` writes it, for commands with `--from`."""

    def configuration(self) -> Config:
        """The configuration in force."""

    def config_yaml(self) -> str:
        """The configuration in force as YAML, secrets masked."""

    def config_json(self) -> str:
        """The same as JSON."""

    def reload(self) -> None:
        """Read the configuration again. Raises ReloadError, and then the old one stays in force."""

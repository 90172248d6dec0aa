"""Who looks after a processor, and what runs it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CloudRun:
    """A Cloud Run service or job (`kind`). `scheduler`: the Cloud Scheduler job that starts it."""

    kind: str
    name: str
    region: str
    scheduler: str | None = None

    def __str__(self) -> str:
        """In words."""
        return f"Cloud Run {self.kind} {self.name} in {self.region}"


@dataclass(frozen=True, slots=True)
class Care:
    """Who looks after a processor, what runs it, and where its logs are; None: the configuration does not say.

    `log_link`: a link in which only the placeholders of the time window (`links.WINDOW`) are left.
    """

    owner: str | None = None
    runs_in: CloudRun | None = None
    log_link: str | None = None


NOBODY = Care()
"""Of a processor of which the configuration says nothing of the kind."""

"""Keeps file handles for everything but connections: without one, no source is read and no probe is answered."""

from __future__ import annotations

import resource
from typing import Final

import structlog

from exporter.web.connections import MOST, RESERVE

_log = structlog.get_logger(__name__)

OWN: Final = 64
"""Handles for sources, ledger, log and the loop, which need about 30 (docs/reports/robustness.md)."""

BACKLOG: Final = 100
"""Connections that the system holds ready. The server takes all of them at once, before it cuts any to make room."""

_FEWEST: Final = 16

WANTED: Final = OWN + MOST + RESERVE + BACKLOG
"""The limit of open files that allows the documented number of connections."""


def share_of_connections() -> float:
    """How much of its connections the server may have, from 0 to 1: all, or what the limit of open files allows.

    The limit is raised where the system allows that.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _number(soft)
    if limit < WANTED:
        limit = min(WANTED, _number(hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (int(limit), hard))
    if limit >= WANTED:
        return 1.0
    share = max(limit - OWN, _FEWEST) / (WANTED - OWN)
    _log.warning(
        "few open files are allowed, so fewer connections are",
        limit=int(limit),
        connections=int(share * MOST),
        remedy=f"allow {WANTED} (ulimit -n, LimitNOFILE= of systemd)",
    )
    return share


def _number(limit: int) -> float:
    return float("inf") if limit == resource.RLIM_INFINITY else limit

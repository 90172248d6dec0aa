"""Exit codes, as every command's help gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.present.summary import Health, summarize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.model import Report

EXIT_CODES = (
    "Exit codes: 0 all well, 1 discrepancies, 2 unknown, 64 usage or configuration, 69 cannot be done here,"
    " 70 a fault of this program."
)

OK = 0
DISCREPANCIES = 1
UNKNOWN = 2
USAGE = 64
UNAVAILABLE = 69
FAULT = 70


_OF_HEALTH = {Health.WRONG: DISCREPANCIES, Health.UNKNOWN: UNKNOWN, Health.WELL: OK}


def exit_code(report: Report, unread: Mapping[str, str] | None = None) -> int:
    """The exit code for the sentence above the report. `unread`: what could not be read in full, and why."""
    return _OF_HEALTH[summarize(report, unread).health]

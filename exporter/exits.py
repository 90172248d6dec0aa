"""Exit codes, as every command's help gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.model import Verdict
from exporter.status import discrepancies

if TYPE_CHECKING:
    from collections.abc import Collection

    from exporter.model import Report

OK = 0
DISCREPANCIES = 1
UNKNOWN = 2
USAGE = 64
UNAVAILABLE = 69


def exit_code(report: Report, unread: Collection[str] = ()) -> int:
    """1 if anything is wrong, else 2 if anything is unknown or was not read in full (`unread`), else 0."""
    if discrepancies(report):
        return DISCREPANCIES
    unknown = any(processor.verdict is Verdict.UNKNOWN for processor in report.processors)
    return UNKNOWN if unknown or unread else OK

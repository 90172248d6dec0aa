"""Turns the exporter's own counts into samples: health, cost, build."""

from __future__ import annotations

import platform
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from exporter import __version__
from exporter.metrics.catalogue import (
    BUDGET,
    BUILD,
    BYTES_BILLED,
    BYTES_PROCESSED,
    CONFIG,
    DURATION,
    EXPORTER_SINCE,
    FAILING,
    FAILURES,
    INTERVAL,
    JOBS,
    LAST_SUCCESS,
    LEDGER_DURABLE,
    LEDGER_FAILURES,
    LISTENER_CONNECTED,
    LISTENER_EVENTS,
    LISTENER_GAPS,
    LISTENER_LAST,
    LIVE_FAMILIES,
    PACE,
    READS,
    REFUSED,
    RELOAD_AT,
    RELOAD_OK,
    REPORT_AT,
    RUNS,
    SERIES,
    SKIPPED,
    SOURCE_ERROR,
    SOURCE_UP,
    UTC_OFFSET,
    put,
)
from exporter.metrics.clock import since
from exporter.metrics.samples import label_text
from exporter.metrics.telemetry import Refusal
from exporter.model import ErrorKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from exporter.metrics.samples import Family, Sample, Samples
    from exporter.metrics.telemetry import Telemetry
    from exporter.model import Since

SKIP_REASONS = ("missed", "max_instances", "busy", "error")

UNREACHED = frozenset({ErrorKind.UNREACHABLE, ErrorKind.PERMISSION_DENIED, ErrorKind.TIMEOUT, ErrorKind.QUOTA})
"""Errors of the last attempt that say the source itself was not reached."""


def live_samples(  # noqa: PLR0913 - one argument a thing the exporter knows of itself
    telemetry: Telemetry,
    *,
    intervals: Mapping[str, float],
    report_at: datetime | None,
    series: int,
    config_source: str,
    config_hash: str,
    reload_ok: bool,
    reloaded_at: datetime,
    began: Iterable[tuple[Mapping[str, str], Since]],
    zone: str,
) -> Samples:
    """The exporter's own series: health, cost, build. Every reason has its counter from the start.

    `began`: since when each fault of its own has been there, by its labels; `zone`: that of local times.
    """
    out: dict[Family, list[Sample]] = {family: [] for family in LIVE_FAMILIES}
    put(
        out,
        "",
        (
            (REPORT_AT, report_at),
            (SERIES, series),
            (JOBS, telemetry.total("jobs")),
            (BYTES_PROCESSED, telemetry.total("bytes_processed")),
            (BYTES_BILLED, telemetry.total("bytes_billed")),
            (READS, telemetry.total("document_reads")),
            (BUDGET, telemetry.value("budget_remaining")),
            (LEDGER_DURABLE, telemetry.value("ledger_durable")),
            (LEDGER_FAILURES, telemetry.total("ledger_failures")),
            (RELOAD_OK, reload_ok),
            (RELOAD_AT, reloaded_at),
        ),
    )
    connected = telemetry.value("listener_connected")
    if connected is not None:
        put(
            out,
            "",
            (
                (LISTENER_CONNECTED, connected),
                (LISTENER_LAST, telemetry.value("listener_last_event")),
                (LISTENER_EVENTS, telemetry.total("listener_events")),
                (LISTENER_GAPS, telemetry.total("listener_gaps")),
            ),
        )
    out[EXPORTER_SINCE].extend([since(label_text(**labels), at, zone) for labels, at in began])
    if report_at is not None:
        here = report_at.astimezone(ZoneInfo(zone))
        ahead = (here.utcoffset() or timedelta()).total_seconds()
        out[UTC_OFFSET].append((label_text(zone=here.tzname() or zone), ahead))
    out[BUILD].append((label_text(version=__version__, python=platform.python_version()), 1))
    out[CONFIG].append((label_text(source=config_source, hash=config_hash), 1))
    for refusal in Refusal:
        out[REFUSED].append((f'reason="{refusal}"', telemetry.total(f"refused_{refusal}")))
    for source, error in telemetry.sources().items():
        labels = label_text(source=source)
        out[SOURCE_UP].append((labels, int(error not in UNREACHED)))
        out[SOURCE_ERROR].extend([(f'{labels},reason="{kind}"', int(error is kind)) for kind in ErrorKind])
    for name, state in telemetry.collectors().items():
        labels = label_text(collector=name)
        put(
            out,
            labels,
            (
                (RUNS, state.runs),
                (DURATION, state.duration),
                (LAST_SUCCESS, state.last_success),
                (INTERVAL, intervals.get(name)),
                (PACE, intervals.get(name) if state.pace is None else state.pace),
            ),
        )
        for kind in ErrorKind:
            out[FAILURES].append((f'{labels},reason="{kind}"', state.failures.get(kind, 0)))
            out[FAILING].append((f'{labels},reason="{kind}"', int(kind in state.failing)))
        for reason in SKIP_REASONS:
            out[SKIPPED].append((f'{labels},reason="{reason}"', state.skipped.get(reason, 0)))
    return out

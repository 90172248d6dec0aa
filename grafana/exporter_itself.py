"""Exporter: does it reach its sources, does it go on collecting, what does that cost, and what runs there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.metrics import catalogue as metrics
from grafana import words
from grafana.following import following
from grafana.frame import TITLES, Board
from grafana.overview import age_of_report, sources
from grafana.panels import BYTES, COUNT, DATE, SECONDS, Ask, Card, Column, bands, grid, lines, numbers, ref, states
from grafana.queries import TARGET, age, applies, best, milliseconds, numbered, per_day, rate, select

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

UID = "orchestration-exporter"


def exporter_itself() -> Board:
    """For whoever doubts the other three."""
    return Board(
        uid=UID,
        title=TITLES[UID],
        description="The exporter itself: its sources, collectors, cost and configuration. Times are UTC.",
        rows=[
            [_up(), sources(5), _report(), _reload(), _budget()],
            [_collectors()],
            [_durations(), _success(), _failures()],
            [_errors(), _skipped()],
            [_billed(), _left(), _reads()],
            [_series(), _scrape(), _jobs()],
            following(),
            [_build(), _configuration()],
        ],
        unused=("pipeline", "phase", "processor", "run_date"),
    )


def _up() -> Panel:
    return states(
        Card(
            "Instances",
            "Whether Prometheus's last scrape of each instance succeeded. Several instances may watch the same "
            "pipelines.",
            "Not fine: Prometheus has no such target",
            5,
            5,
        ),
        [Ask(f"up{{{TARGET}}}", "{{instance}}")],
        words.UP,
    )


def _report() -> Panel:
    return numbers(
        Card(
            "Report",
            "How old the newest report is, and how many series it has.",
            "Not fine: no exporter of this selection has made a report",
            5,
            5,
        ),
        [Ask(age_of_report(), "old"), Ask(f"max({select(metrics.SERIES)})", "series")],
        seconds=[ref(0)],
    )


def _reload() -> Panel:
    return states(
        Card(
            "Configuration",
            "Whether the last reload of the configuration was accepted. After a refused one, the configuration "
            "before it stays in force.",
            "Not fine: no exporter of this selection is up",
            5,
            5,
        ),
        [Ask(f"min({select(metrics.RELOAD_OK)})", "last reload")],
        words.ACCEPTED,
    )


def _budget() -> Panel:
    return numbers(
        Card(
            "BigQuery budget left today",
            "What is left of the UTC day's budget of billed bytes; at nothing, collections from BigQuery are skipped "
            "until midnight UTC and rows become unknown.",
            "Fine if no budget is configured",
            4,
            5,
        ),
        [Ask(f"min({select(metrics.BUDGET)})", "left")],
        BYTES,
    )


def _collectors() -> Panel:
    every = best(metrics.INTERVAL)
    return grid(
        Card(
            "Collectors",
            "How often each collector runs, when it last succeeded, how many intervals ago that was, how long its "
            "last run took, and why that run failed if it did. More than 3 intervals are too old to conclude from.",
            "Not fine: no exporter of this selection is up",
            24,
            8,
        ),
        [
            Ask(every),
            Ask(milliseconds(metrics.LAST_SUCCESS)),
            Ask(f"({age(metrics.LAST_SUCCESS)}) / {every}"),
            Ask(best(metrics.DURATION)),
            Ask(applies(metrics.FAILING)),
        ],
        [
            Column("collector", "Collector"),
            Column("Value #A", "Every", SECONDS, empty="unknown"),
            Column("Value #B", "Last success (UTC)", DATE, empty="never"),
            Column("Value #C", "Intervals ago", COUNT, empty="never"),
            Column("Value #D", "Took", SECONDS, empty="has not run"),
            Column("reason", "Failed for", shades=words.ERRORS, empty="did not fail"),
        ],
        by=[("Intervals ago", True)],
    )


def _durations() -> Panel:
    return lines(
        Card(
            "Duration of collections",
            "How long each collector's last run took.",
            "Not fine: no exporter of this selection was up",
            8,
            9,
        ),
        [Ask(best(metrics.DURATION), "{{collector}}")],
        SECONDS,
    )


def _success() -> Panel:
    return lines(
        Card(
            "Age of each collector's last success",
            "Seconds since each collector last succeeded; dashed is two of its intervals beyond the pause until its "
            "next run, after which what it read is too old to conclude from.",
            "Not fine: no collector has succeeded",
            8,
            9,
        ),
        [
            Ask(age(metrics.LAST_SUCCESS), "{{collector}}"),
            Ask(f"2 * {best(metrics.INTERVAL)} + {best(metrics.PACE)}", "{{collector}} too old"),
        ],
        SECONDS,
        dashed=[ref(1)],
    )


def _failures() -> Panel:
    return lines(
        Card(
            "Failed collections a day",
            "Runs in which something failed, by collector and reason, as many as it would be in a day at the present "
            "rate.",
            "Fine: nothing has run yet",
            8,
            9,
        ),
        [Ask(per_day(metrics.FAILURES, "collector", "reason"), "{{collector}} {{reason}}")],
    )


def _errors() -> Panel:
    shades = words.ERRORS
    failing = numbered(metrics.SOURCE_ERROR, [code for code in words.codes(shades) if code[0] != "none"])
    return bands(
        Card(
            "Why a source did not answer",
            "One band a source: whether its last attempt was answered, and if not, why.",
            "Not fine: no exporter of this selection was up",
            12,
            9,
        ),
        [Ask(f"{failing}\nor\nmax by (source) ({select(metrics.SOURCE_UP)} == 1)", "{{source}}")],
        words.coded(shades),
    )


def _skipped() -> Panel:
    return lines(
        Card(
            "Skipped collections a day",
            "Runs that did not take place, by collector and reason: the one before was still running, or the "
            "exporter had no time. As many as it would be in a day at the present rate.",
            "Fine: nothing has run yet",
            12,
            9,
        ),
        [Ask(per_day(metrics.SKIPPED, "collector", "reason"), "{{collector}} {{reason}}")],
    )


def _billed() -> Panel:
    return lines(
        Card(
            "BigQuery bytes a day",
            "Bytes that query jobs are billed and process, as many as it would be in a day at the present rate, all "
            "instances together. BigQuery bills 10 MiB a table and job at least.",
            "Fine: no query has run yet",
            8,
            9,
        ),
        [Ask(per_day(metrics.BYTES_BILLED), "billed"), Ask(per_day(metrics.BYTES_PROCESSED), "processed")],
        BYTES,
    )


def _left() -> Panel:
    return lines(
        Card(
            "BigQuery budget left",
            "What is left of the day's budget, by instance; it begins again at midnight UTC.",
            "Fine if no budget is configured",
            8,
            9,
        ),
        [Ask(select(metrics.BUDGET), "{{instance}}")],
        BYTES,
    )


def _reads() -> Panel:
    return lines(
        Card(
            "Firestore document reads a day",
            "Document reads that Firestore bills, as many as it would be in a day at the present rate, all instances "
            "together.",
            "Fine: no read has taken place yet",
            8,
            9,
        ),
        [Ask(per_day(metrics.READS), "reads")],
    )


def _series() -> Panel:
    return lines(
        Card(
            "Series",
            "Series of the served report, by instance; it grows with pipelines, processors and exposed run dates.",
            "Not fine: no exporter of this selection was up",
            8,
            8,
        ),
        [Ask(select(metrics.SERIES), "{{instance}}")],
    )


def _scrape() -> Panel:
    return lines(
        Card(
            "Scrape duration",
            "How long Prometheus took to scrape each instance. A scrape copies bytes that are there already: a few "
            "milliseconds.",
            "Not fine: Prometheus has no such target",
            8,
            8,
        ),
        [Ask(f"scrape_duration_seconds{{{TARGET}}}", "{{instance}}")],
        SECONDS,
    )


def _jobs() -> Panel:
    return lines(
        Card(
            "BigQuery jobs a second",
            "Query jobs started, all instances together.",
            "Fine: no query has run yet",
            8,
            8,
        ),
        [Ask(rate(metrics.JOBS), "jobs")],
        "ops",
    )


def _build() -> Panel:
    return grid(
        Card(
            "Build",
            "Which version of the exporter runs, on which Python.",
            "Not fine: no exporter of this selection is up",
            12,
            7,
        ),
        [Ask(select(metrics.BUILD))],
        [Column("instance", "Instance"), Column("version", "Version"), Column("python", "Python")],
        by=[("Instance", False)],
    )


def _configuration() -> Panel:
    return grid(
        Card(
            "Configuration in force",
            "Where each instance's configuration came from, the hash of what is in force, and since when. Replicas "
            "with different hashes judge by different rules.",
            "Not fine: no exporter of this selection is up",
            12,
            7,
        ),
        [
            Ask(f"max by (job, instance, source, hash) ({select(metrics.CONFIG)})"),
            Ask(f"1000 * max by (job, instance) ({select(metrics.RELOAD_AT)})"),
        ],
        [
            Column("instance", "Instance"),
            Column("source", "From"),
            Column("hash", "Hash"),
            Column("Value #B", "Loaded (UTC)", DATE, empty="unknown"),
        ],
        by=[("Instance", False)],
    )

"""A runbook with the values of an alert in place of its `{{placeholders}}` (alerts/runbooks/README.md).

Who follows a link copies commands from the page. So nothing that the link says goes into a page as it is: names have to
be those of the configuration, and a date has to be a date.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from exporter.config.shards import shard_of
from exporter.config.wording import with_noun
from exporter.messages.secrets import Masked, masked
from exporter.present.care import care_text, instant, logs, window, window_of
from exporter.present.runbook_blocks import Known, filled
from exporter.present.runbook_records import phases_run, records_of, runs
from exporter.present.runbook_tables import tables_of
from exporter.present.summary import worst_first
from exporter.present.words import BAD_TRIGGERS, Moments
from exporter.reconcile.expectations import phase_after
from exporter.reconcile.units import noun_of
from exporter.shipped.alerts import alert_of, alerts
from exporter.shipped.assets import assets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exporter.config.care import CloudRun
    from exporter.config.resolved import (
        Config,
        CoverageConfig,
        PhaseConfig,
        PipelineConfig,
        ProcessorConfig,
    )
    from exporter.model import PhaseReport, ProcessorReport, Report, Since

OVERVIEW: Final = "README"
"""The name of the page that lists the others."""
_UNWRITTEN: Final = re.compile(r"<!--.*?-->\n*", re.DOTALL)


class AskedError(Exception):
    """The link asks for something that there is not. The message says what there is."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a runbook is wanted for, as the alert's labels say; None: the alert has no such label."""

    pipeline: str | None = None
    phase: str | None = None
    run_date: str | None = None
    processor: str | None = None
    check: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What a runbook is about, found in configuration and report."""

    config: Config
    pipeline: PipelineConfig
    phase: PhaseConfig
    processor: ProcessorConfig
    run_date: date
    check: CoverageConfig | None
    report: Report
    phase_report: PhaseReport | None
    processor_report: ProcessorReport | None


LABELS: Final = tuple(one.name for one in fields(Asked))


def link(labels: Mapping[str, str]) -> str:
    """The query of a link to a runbook, for an alert with these labels."""
    # A document's keys can hold what UTF-8 cannot.
    return urlencode({name: labels[name] for name in LABELS if labels.get(name)}, errors="replace")


def names() -> tuple[str, ...]:
    """Every page, the overview first. Raises AssetsError."""
    found = sorted(path.stem for path in assets("alerts/runbooks").glob("*.md"))
    return (OVERVIEW, *(name for name in found if name != OVERVIEW))


def source(name: str) -> str:
    """The text of a page, with placeholders. Raises AskedError for an unknown name."""
    if name not in names():
        raise AskedError(f"There is no runbook of this name. There are: {', '.join(names())}.")
    return _UNWRITTEN.sub("", (assets("alerts/runbooks") / f"{name}.md").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Page:
    """The Markdown of a page, what it was filled in for, and the link to that processor's logs, if there is one."""

    text: Masked
    about: str
    logs: str | None


def rendered(name: str, asked: Asked, config: Config, report: Report) -> Page:
    """A page with the values of an alert. Raises AskedError."""
    text = source(name)
    subject = _subject(asked, config, report, coverage=about_coverage(name))
    if name == OVERVIEW:
        return Page(Masked(text), "", None)
    care = subject.processor.care
    known = Known(subject.processor.name, values(subject))
    said = with_noun(filled(text, [known], MISSING), noun_of(subject.pipeline, subject.processor))
    return Page(Masked(said), masked(_about(name, subject, Moments.of(report))), logs(care, _window(subject)))


def about_coverage(name: str) -> bool:
    """Whether a page is about an alert of coverage checks."""
    return any(alert.name == name and alert.key.startswith("coverage") for alert in alerts())


def _about(name: str, subject: Subject, moments: Moments) -> str:
    """What a page was filled in for, in words: what its alert is about, the state of that, and since when."""
    what, state, since = _state(name, subject)
    now = f", now {state}{f' since {moments.began(since)}' if since else ''}" if state else ""
    processor = subject.processor.name
    about = f"{subject.pipeline.name} {subject.phase.name} of {subject.run_date}, {what or processor}{now}."
    commands = f"Its commands are for {processor}." if what else ""
    return " ".join(filter(None, [about, commands, care_text(subject.processor.care)]))


def _state(name: str, subject: Subject) -> tuple[str, str | None, Since | None]:
    """What an alert is about, its state, and since when: a trigger, a coverage check, or (empty) the processor."""
    found, phase, check = subject.processor_report, subject.phase_report, subject.check
    if phase and name in {alert_of(state).name for state in BAD_TRIGGERS}:
        return "its trigger", phase.trigger_state, phase.since
    if check and about_coverage(name):
        labels = {"pipeline": subject.pipeline.name, "run_date": subject.run_date.isoformat(), "check": check.name}
        low = next(
            (one for one in subject.report.conditions if one.holds and labels.items() <= one.labels.items()), None
        )
        return (check.name, low.condition, low.since) if low else (check.name, None, None)
    return ("", found.verdict, found.since) if found else ("", None, None)


def _no(key: str) -> str:
    return f"no {key} in the configuration"


PLACES: Final[Mapping[str, tuple[str, str]]] = {
    "pipeline": ("the alert's pipeline", ""),
    "processor": ("its processor; without one, the phase's worst", ""),
    "run_date": ("the run date, which names the completion document; `{{run_date-1}}` is the day before", ""),
    "data_date": ("the data date, which selects the rows; likewise", ""),
    "from": ("the beginning of the time window of the fault, for logs", ""),
    "to": ("its end", ""),
    "project": ("the Google Cloud project", ""),
    "owner": ("who looks after the processor", _no("owner")),
    "job": ("the Cloud Run service or job that runs it", _no("job")),
    "log_filter": ("the filter of its logs in Cloud Logging", _no("job")),
    "region": ("its region", _no("job")),
    "restart": (
        "the command that ends its runs: a new revision of a service, a cancelled execution of a job",
        _no("job"),
    ),
    "scheduler": ("the Cloud Scheduler job that starts it", _no("job.scheduler")),
    "neighbours": ("what else runs in the same service", _no("job")),
    "next_scheduler": ("the Cloud Scheduler job that starts the next phase", _no("job.scheduler of the next phase")),
    "orchestrator": ("the Cloud Run service of the orchestrator", _no("trigger.job")),
    "class": ("its heartbeat's document", _no("heartbeats")),
    "runs": ("a query of its runs for the data date, from the run history", _no("run_history_names")),
    "next_runs": ("a query of the runs of the next phase's processors", _no("run_history_names of a next phase")),
    "running": ("a query of the runs that have begun and not ended", _no("run_history")),
    "phases_run": ("a query of what succeeded, by phase, from the run history", _no("run_history")),
    "completion": ("the collection of the completion documents", _no("collection")),
    "heartbeats": ("the collection of the heartbeats", _no("heartbeats.collection")),
    "table": ("the table that the processor writes, or that the coverage check reads", _no("table")),
    "date_column": ("its column of the date", _no("table")),
    "written_column": ("its column of the time at which a row was written; NULL if it has none", ""),
    "key": ("the columns that identify a row", _no("table.key")),
    "completed_count": (
        "the field of a document's count of its entries",
        _no("completion.document_fields.completed_count"),
    ),
    "entry_names": ("Python for the names of a document's entries", ""),
    "set_triggered": (
        "the fields that say that the next phase was started",
        _no("completion.document_fields.triggered"),
    ),
    "set_count": (
        "the field of the processor's count, with the rows as last read",
        "the rows were not read, or there is no completion.fields.record_count; the exporter's own page has them",
    ),
    "beat_time": ("the field of a heartbeat's time", _no("heartbeats")),
    "phase_rows": ("a query of the rows of every table of the phase", _no("table")),
    "run_history": ("the table of runs", _no("run_history")),
    "phase_log": ("the phase log", _no("phase_log")),
    "phase_log_date": ("its column of the date", _no("phase_log")),
    "phase_log_name": ("its column of the transition", _no("phase_log")),
    "calendar": ("the table of units", _no("calendar table")),
    "calendar_date": ("its column of the date", _no("calendar table")),
    "calendar_where": ("the condition on its rows", _no("calendar table")),
    "units": ("the aggregate that counts its units", _no("calendar table")),
    "halts": ("the table of halts", _no("halts")),
    "halts_date": ("its column of the date", _no("halts")),
    "check": ("the coverage check", _no("coverage")),
    "eligible": ("the condition of the rows that count for it", _no("coverage")),
    "covered": ("the condition of those that are as they should be", _no("coverage")),
}
"""Every placeholder: what stands for it, and what the text says where there is nothing to fill in."""
MISSING: Final[Mapping[str, str]] = {name: said for name, (_, said) in PLACES.items()}


def _subject(asked: Asked, config: Config, report: Report, *, coverage: bool) -> Subject:
    """What is asked for, with a fitting choice where nothing is said. Raises AskedError for what there is not."""
    pipeline = config.pipelines[_pipeline_of(asked.pipeline, config)]
    run_date = _run_date(asked.run_date, report)
    check = None
    if coverage or asked.check is not None:
        check = pipeline.coverage[_one_of("check", asked.check, pipeline.coverage)] if pipeline.coverage else None
    reported = [
        one
        for phase in report.phases
        for one in phase.processors
        if (one.pipeline, one.run_date) == (pipeline.name, run_date) and asked.phase in (None, one.phase)
    ]
    of_check = [one for one in reported if check is not None and one.table == check.table.name]
    worst = next(iter(of_check or worst_first(reported)), None)
    phase = pipeline.phases[_one_of("phase", asked.phase or (worst.phase if worst else None), pipeline.phases)]
    wanted = asked.processor or (worst.processor if worst else None)
    processor = phase.processors[_one_of("processor", wanted, phase.processors)]
    return Subject(
        config,
        pipeline,
        phase,
        processor,
        run_date,
        check,
        report,
        next((one for one in report.phases if _key(one) == (pipeline.name, phase.name, run_date)), None),
        next((one for one in reported if (one.phase, one.processor) == (phase.name, processor.name)), None),
    )


def _key(phase: PhaseReport) -> tuple[str, str, date]:
    return phase.pipeline, phase.phase, phase.run_date


def _pipeline_of(asked: str | None, config: Config) -> str:
    shard, own = config.shard, config.pipelines
    if shard and asked and asked in config.elsewhere:
        raise AskedError(f"Pipeline {asked} is exported by shard {shard_of(asked, shard.of)}; this is shard {shard}.")
    if not own:
        raise AskedError(f"This is shard {shard}, which exports no pipeline.")
    return _one_of("pipeline", asked, own)


def _one_of(what: str, asked: str | None, there: Iterable[str]) -> str:
    known = list(there)
    if asked is None:
        return known[0]
    if asked not in known:
        raise AskedError(f"There is no {what} of this name. There are: {', '.join(known)}.")
    return asked


def _run_date(asked: str | None, report: Report) -> date:
    if asked is None:
        return max((phase.run_date for phase in report.phases), default=report.at.date())
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", asked):
        raise AskedError("The run date has to be a date such as 2026-01-23.")
    try:
        found = date.fromisoformat(asked)
    except ValueError:
        raise AskedError("The run date is no date of the calendar.") from None
    if not date(2000, 1, 1) < found < date(9000, 1, 1):
        raise AskedError("The run date is out of range.")
    return found


def values(subject: Subject) -> dict[str, str | None]:
    """What stands for each placeholder; None: the configuration does not say."""
    return {**_names(subject), **_job(subject), **tables_of(subject), **records_of(subject), **_runs(subject)}


def _runs(subject: Subject) -> dict[str, str | None]:
    history, day = subject.pipeline.run_history, subject.processor.data_date(subject.run_date).isoformat()
    following = phase_after(subject.config, subject.pipeline, subject.phase)
    after = [name for one in (following.processors.values() if following else ()) for name in one.runs_as]
    return {
        "runs": runs(history, day, subject.processor.runs_as),
        "next_runs": runs(history, day, after),
        "running": runs(history, day, (), running=True),
        "phases_run": phases_run(history, day),
    }


def _names(subject: Subject) -> dict[str, str | None]:
    processor, check = subject.processor, subject.check
    begin, end = _window(subject)
    heartbeats = subject.pipeline.heartbeats
    names_there = [*processor.heartbeats, *processor.runs_as]
    beating = subject.processor_report.heartbeat.document if subject.processor_report else None
    dated = check or processor
    return {
        "pipeline": subject.pipeline.name,
        "processor": processor.name,
        "run_date": subject.run_date.isoformat(),
        "data_date": dated.data_date(subject.run_date).isoformat(),
        "from": instant(begin),
        "to": instant(end),
        "project": subject.config.project,
        "class": beating or next(iter(names_there), None),
        "completion": subject.phase.collection,
        "heartbeats": heartbeats.collection if heartbeats else None,
        "check": check.name if check else None,
        "eligible": check.eligible if check else None,
        "covered": check.covered if check else None,
    }


def _window(subject: Subject) -> tuple[datetime, datetime]:
    """The time window for logs: of the processor's fault, else of the phase's, else the whole run date."""
    processor, phase, now = subject.processor_report, subject.phase_report, subject.report.at
    if processor and (processor.since or not phase):
        return window_of(processor, now)
    if phase and phase.since:
        return window(phase.since, now)
    begin = datetime.combine(subject.run_date, time.min, tzinfo=subject.config.timezone)
    return begin, begin + timedelta(days=1)


def _job(subject: Subject) -> dict[str, str | None]:
    care = subject.processor.care
    runs_in = care.runs_in
    trigger = subject.phase.trigger
    following = phase_after(subject.config, subject.pipeline, subject.phase)
    next_jobs = [one.care.runs_in for one in following.processors.values()] if following else []
    every = [
        one.care.runs_in
        for pipeline in (subject.pipeline, *subject.config.pipelines.values())
        for phase in pipeline.phases.values()
        for one in phase.processors.values()
    ]
    region = next((job.region for job in (runs_in, *every) if job), None)
    return {
        "owner": care.owner,
        "job": runs_in.name if runs_in else None,
        "log_filter": _log_filter(runs_in) if runs_in else None,
        "region": region,
        "restart": _restart(runs_in, subject.config.project) if runs_in else None,
        "scheduler": runs_in.scheduler if runs_in else None,
        "neighbours": _neighbours(subject, runs_in) if runs_in else None,
        "next_scheduler": next((job.scheduler for job in next_jobs if job and job.scheduler), None),
        "orchestrator": trigger.orchestrator.name if trigger and trigger.orchestrator else None,
    }


def _log_filter(job: CloudRun) -> str:
    resource, label = ("cloud_run_revision", "service_name") if job.kind == "service" else ("cloud_run_job", "job_name")
    return f'resource.type="{resource}" AND resource.labels.{label}="{job.name}"'


def _restart(job: CloudRun, project: str) -> str:
    where = f"--project {project} --region {job.region}"
    if job.kind == "service":
        return f'gcloud run services update {job.name} {where} --update-labels "restarted=$(date -u +%Y%m%d-%H%M%S)"'
    newest = f"gcloud run jobs executions list --job {job.name} {where} --limit 1 --format 'value(metadata.name)'"
    return f'gcloud run jobs executions cancel "$({newest})" {where}'


def _neighbours(subject: Subject, job: CloudRun) -> str:
    """The other processors that the same service or job runs, with their verdicts of this run date."""
    verdicts = {
        (one.pipeline, one.phase, one.processor): one.verdict
        for one in subject.report.processors
        if one.run_date == subject.run_date
    }
    others = [
        f"`{name}` ({verdicts.get((pipeline.name, phase.name, name), 'verdict unknown')})"
        for pipeline in subject.config.pipelines.values()
        for phase in pipeline.phases.values()
        for name, one in phase.processors.items()
        if one.care.runs_in and one.care.runs_in.name == job.name and one is not subject.processor
    ]
    return f"{job} also runs {', '.join(others)}." if others else f"{job} runs no other processor that is watched."

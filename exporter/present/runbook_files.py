"""The runbooks as files, filled in from a configuration without reading anything: `dump runbooks --config.file`.

A page about an alert of processors has each of its blocks for every processor, one about coverage for every check.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from exporter.config.wording import with_noun
from exporter.model import Report
from exporter.present.runbook_blocks import Known, filled
from exporter.present.runbooks import MISSING, OVERVIEW, Subject, about_coverage, names, source, values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from exporter.config.resolved import Config

_HEAD: Final = (
    "Filled in from the configuration, for the run date {run_date}: `dump runbooks --run-date` writes it for another."
)


def runbook_files(config: Config, run_date: date, now: datetime, noun: str) -> dict[str, str]:
    """Every page by its file's name. `noun`: what a unit is called. Raises AssetsError."""
    return {f"{name}.md": with_noun(_page(name, config, run_date, now), noun) for name in names()}


def _page(name: str, config: Config, run_date: date, now: datetime) -> str:
    text = source(name)
    if name == OVERVIEW:
        return text
    title, _, rest = text.partition("\n")
    known = [
        Known(called, values(subject))
        for called, subject in _subjects(config, run_date, now, coverage=about_coverage(name))
    ]
    return "\n".join([title, "", _HEAD.format(run_date=run_date), filled(rest, known, MISSING)])


def _subjects(config: Config, run_date: date, now: datetime, *, coverage: bool) -> Iterator[tuple[str, Subject]]:
    """Every processor, and each of its tables, with its name; of a page about coverage every check."""
    report = Report(now, config.timezone.key, ())
    several = len(config.pipelines) > 1
    for pipeline in config.pipelines.values():
        of_phases = [(phase, one) for phase in pipeline.phases.values() for one in phase.processors.values()]
        every = [(phase, one, None) for phase, of in of_phases for one in of.of_each_table]
        checks = [
            (*next((found[:2] for found in every if found[1].table.name == check.table.name), every[0][:2]), check)
            for check in (pipeline.coverage.values() if coverage else ())
        ]
        for phase, one, check in checks or every:
            name = one.name if check is None else check.name
            called = f"`{pipeline.name}` `{name}`" if several else f"`{name}`"
            processor = replace(one, more=())
            yield called, Subject(config, pipeline, phase, processor, run_date, check, report, None, None)

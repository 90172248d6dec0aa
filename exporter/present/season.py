"""A season as a grid of processors by run dates, for a terminal and as JSON. A block is a month, a column a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rich.table import Table
from rich.text import Text

from exporter.model import LIFETIME, Verdict
from exporter.present.status import discrepancies, stamp
from exporter.present.summary import summarize, tally
from exporter.present.table import STYLES, in_text, sentence
from exporter.present.words import plural, shown
from exporter.reconcile import DISCREPANCIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from rich.console import Console, RenderableType

    from exporter.messages.secrets import Masked
    from exporter.model import PhaseReport, ProcessorReport
    from exporter.reconcile.season import Season

WIDTH: Final = 80
"""The width of output that goes to no terminal."""
LONGEST_MONTH: Final = 31
LEAST_NAME: Final = 20
LEGEND_GAP: Final = "   "
GONE: Final = "~"
"""Marks a run date whose document was deleted."""
_CHOSEN: Final = {Verdict.OK: ".", Verdict.NOT_EXPECTED: "-", Verdict.UNKNOWN: "?", Verdict.PARTIAL: "P"}


def marks() -> dict[Verdict, str]:
    """One character for every verdict: a capital letter says that something is wrong."""
    found: dict[Verdict, str] = dict(_CHOSEN)
    for verdict in (*DISCREPANCIES, *Verdict):
        if verdict not in found:
            letters = f"{verdict}abcdefghijklmnopqrstuvwxyz".replace("_", "")
            if verdict in DISCREPANCIES:
                letters = letters.upper()
            found[verdict] = next(letter for letter in letters if letter not in found.values())
    return found


MARKS: Final[Mapping[Verdict, str]] = marks()


class Line(NamedTuple):
    """One processor in a month: a verdict for each day of it, None for a day outside the season."""

    name: str
    verdicts: Sequence[Verdict | None]


class Group(NamedTuple):
    """The processors of a phase in a month. `gone`: for each day, whether its document was deleted."""

    name: str
    gone: Sequence[bool]
    lines: Sequence[Line]


class Month(NamedTuple):
    """A month of the season, up to the season's last day in it."""

    name: str
    days: int
    groups: Sequence[Group]


class Total(NamedTuple):
    """How often a processor has each verdict, worst first."""

    group: str
    name: str
    counts: Mapping[Verdict, int]


def run_dates(season: Season) -> tuple[date, ...]:
    """The season's run dates, oldest first."""
    return tuple(sorted({phase.run_date for phase in season.report.phases}))


def months(season: Season) -> Iterator[Month]:
    """The grid, month by month."""
    by_phase, dates = _by_phase(season), run_dates(season)
    for year, month in dict.fromkeys((day.year, day.month) for day in dates):
        days = max(day.day for day in dates if (day.year, day.month) == (year, month))
        groups = []
        for name, phases in by_phase.items():
            of_month = {
                phase.run_date.day: phase
                for phase in phases
                if (phase.run_date.year, phase.run_date.month) == (year, month)
            }
            in_order = [of_month.get(day) for day in range(1, days + 1)]
            gone = [phase is not None and season.without_document(phase) for phase in in_order]
            groups.append(Group(name, gone, list(_lines(phases[0], in_order))))
        yield Month(f"{year:04}-{month:02}", days, groups)


def _by_phase(season: Season) -> dict[str, list[PhaseReport]]:
    found: dict[str, list[PhaseReport]] = {}
    for phase in season.report.phases:
        found.setdefault(f"{phase.pipeline} {phase.phase}", []).append(phase)
    return found


def _lines(any_day: PhaseReport, days: Sequence[PhaseReport | None]) -> Iterator[Line]:
    verdicts = [{one.processor: one.verdict for one in phase.processors} if phase else {} for phase in days]
    for processor in any_day.processors:
        yield Line(processor.processor, [of_day.get(processor.processor) for of_day in verdicts])


def totals(season: Season) -> Iterator[Total]:
    """Every processor's verdicts over the whole season."""
    for group, phases in _by_phase(season).items():
        of_name: dict[str, list[ProcessorReport]] = {}
        for phase in phases:
            for processor in phase.processors:
                of_name.setdefault(processor.processor, []).append(processor)
        for name, processors in of_name.items():
            yield Total(group, name, tally(processors))


def legend(season: Season) -> tuple[tuple[str, Verdict], ...]:
    """The marks that occur, worst first."""
    return tuple((MARKS[verdict], verdict) for verdict in tally(season.report.processors))


def about_gone(season: Season) -> str:
    """The sentence about documents that were deleted; empty if none was."""
    if not season.gone:
        return ""
    dates = [run_date for _, _, run_date in season.gone]
    return (
        f"the completion document is gone ({min(dates)} to {max(dates)}; the pipeline deletes them after"
        f" {plural(LIFETIME.days, 'day')}): rows and run history are judged alone; who registered is not known"
    )


def season_text(
    season: Season, unread: Mapping[str, str], *, terminal: bool = False, width: int | None = None
) -> Masked:
    """The grid. `terminal`: as wide as the terminal unless `width` is given, and in colour unless NO_COLOR is set."""
    return in_text(
        lambda console: render_season(season, console, unread),
        terminal=terminal,
        width=width or (None if terminal else WIDTH),
    )


def render_season(season: Season, console: Console, unread: Mapping[str, str] | None = None) -> None:
    """Print the grid on a console."""
    console.print(sentence(summarize(season.report, unread)))
    names = [name for total in totals(season) for name in (total.group, f"  {total.name}")]
    room = max(LEAST_NAME, console.width - LONGEST_MONTH - 1)
    wide = min(room, max(len(shown(name)) for name in names))
    for month in months(season):
        console.print()
        for line in _block(month, wide):
            console.print(line, no_wrap=True, overflow="crop", crop=False)
    console.print()
    for part in _totals(season, wide):
        console.print(part)
    console.print()
    for line in _legend(season, console.width):
        console.print(line)
    if gone := about_gone(season):
        console.print(Text(f"{GONE} {gone}"))


def _legend(season: Season, wide: int) -> Iterator[Text]:
    """The legend: each mark that occurs and its verdict."""
    line = Text()
    for mark, verdict in legend(season):
        sign = Text.assemble((mark, STYLES[verdict]), f" {verdict}")
        if line and len(line) + len(LEGEND_GAP) + len(sign) > wide:
            yield line
            line = Text()
        line = Text.assemble(line, LEGEND_GAP, sign) if line else sign
    yield line


def _block(month: Month, wide: int) -> Iterator[Text]:
    numbers = range(1, month.days + 1)
    tens = "".join(str(day // 10) if day % 10 == 0 else " " for day in numbers)
    yield Text.assemble((_cut(month.name, wide), "bold"), " ", (tens, "dim"))
    yield Text.assemble(" " * (wide + 1), ("".join(str(day % 10) for day in numbers), "dim"))
    for group in month.groups:
        gone = "".join(GONE if day else " " for day in group.gone).rstrip()
        yield Text.assemble((_cut(group.name, wide), "bold"), " ", (gone, "dim")) if gone else Text(group.name, "bold")
        for line in group.lines:
            cells = [(MARKS[verdict], STYLES[verdict]) if verdict else (" ", "") for verdict in line.verdicts]
            yield Text.assemble(_cut(f"  {line.name}", wide), " ", *cells)


def _cut(name: str, wide: int) -> str:
    """The name, padded or cut to this width."""
    name = shown(name)
    return f"{name:<{wide}}" if len(name) <= wide else f"{name[: wide - 1]}…"


def _totals(season: Season, wide: int) -> Iterator[RenderableType]:
    number = len(run_dates(season))
    yield Text(f"Totals of {plural(number, 'run date')}", "bold")
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=wide, no_wrap=True)
    table.add_column(overflow="fold")
    group = ""
    for total in totals(season):
        if total.group != group:
            group = total.group
            table.add_row(Text(_cut(group, wide), "bold"), "")
        counts = (Text(f"{count:,} {verdict}", STYLES[verdict]) for verdict, count in total.counts.items())
        table.add_row(Text(_cut(f"  {total.name}", wide)), Text(", ").join(counts))
    yield table


def season_data(season: Season, unread: Mapping[str, str]) -> dict[str, Any]:
    """The season as `season --format json` prints it, without its cost."""
    dates = run_dates(season)
    return {
        "summary": str(summarize(season.report, unread)),
        "unread": dict(unread),
        "at": stamp(season.report.at),
        "timezone": season.report.timezone,
        "from": dates[0].isoformat(),
        "to": dates[-1].isoformat(),
        "discrepancies": discrepancies(season.report),
        "unknown": sum(processor.verdict is Verdict.UNKNOWN for processor in season.report.processors),
        "phases": {
            name.replace(" ", "/"): {
                "document_gone": [one.run_date.isoformat() for one in phases if season.without_document(one)],
                "trigger_states": {one.run_date.isoformat(): one.trigger_state for one in phases},
            }
            for name, phases in _by_phase(season).items()
        },
        "processors": dict(_processors(season)),
    }


def _processors(season: Season) -> Iterator[tuple[str, dict[str, Any]]]:
    counts = {(total.group, total.name): total.counts for total in totals(season)}
    for group, phases in _by_phase(season).items():
        for processor in phases[0].processors:
            name = processor.processor
            yield (
                f"{group.replace(' ', '/')}/{name}",
                {"totals": dict(counts[group, name]), "verdicts": dict(_verdicts(name, phases))},
            )


def _verdicts(name: str, phases: Iterable[PhaseReport]) -> Iterator[tuple[str, Verdict]]:
    for phase in phases:
        for processor in phase.processors:
            if processor.processor == name:
                yield phase.run_date.isoformat(), processor.verdict

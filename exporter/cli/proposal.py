"""Makes a first configuration of what is found in a project, each guess with its evidence as a comment. Pure."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from exporter.cli.columns import BEGUN, ENDED, JOB, RESULT, dated_column, is_run_history, named, written_column
from exporter.config.fields import ENTRIES, HEARTBEATS, STATUS, WORDS, meaning_of, names_of, words_of
from exporter.config.identifiers import PROCESSOR_PATTERN
from exporter.config.likeness import SUFFIXES, alike, bare
from exporter.config.quantities import format_due
from exporter.config.resolved import Due
from exporter.config.wording import quote
from exporter.sources.fields import moment
from exporter.sources.samples import guesses

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from exporter.model import RowCount
    from exporter.sources.datasets import FoundTable

    Record = Mapping[str, object]

_SAME_RUN: Final = timedelta(minutes=30)
_FRESH: Final = timedelta(days=3)
_STEP: Final = timedelta(minutes=30)
_LEAST_DAYS: Final = 7
_NEWEST: Final = 3
"""Dates of entries that are compared with the dates of rows."""
_WEEKEND: Final = 5


@dataclass(frozen=True, slots=True)
class Found:
    """What a project holds: documents of each collection by id, tables, their rows of the last days, names of runs."""

    collections: Mapping[str, Mapping[str, Record]]
    tables: Sequence[FoundTable]
    rows: Mapping[str, Mapping[date, RowCount]] = field(default_factory=dict)
    runs: Sequence[str] = ()


@dataclass(slots=True)
class _Work:
    """One processor as it was found."""

    name: str
    table: FoundTable
    times: list[timedelta] = field(default_factory=list)
    offset: int = 0
    heartbeats: list[str] = field(default_factory=list)
    why: list[str] = field(default_factory=list)


def proposal(found: Found, *, project: str, database: str, zone: ZoneInfo, now: datetime) -> str | None:
    """The text of a configuration; None if nothing in the project looks like a pipeline's table."""
    tables = [table for table in found.tables if any(rows.rows for rows in found.rows.get(table.name, {}).values())]
    histories = [table for table in tables if is_run_history(table)]
    outputs = [table for table in tables if table not in histories]
    beats = _heartbeats(found, now)
    dated = {name: _dated(documents) for name, documents in found.collections.items()}
    phases: list[tuple[str, str | None, list[str], list[_Work]]] = []
    taken: set[str] = set()
    for collection, documents in dated.items():
        if not documents:
            continue
        work, lines = _of_documents(documents, outputs, found, zone)
        taken |= {one.table.name for one in work}
        if work:
            why = [f"{len(documents)} documents named after a date, the last {max(documents)}", *lines]
            short, whole = _short(collection.rpartition("/")[2]), _short(collection)
            phases.append((whole if short in {phase[0] for phase in phases} else short, collection, why, work))
    left = [table for table in outputs if table.name not in taken]
    names = Counter(table.name.rpartition(".")[2] for table in left)
    alone = [_alone(table, found, zone, alone=names[table.name.rpartition(".")[2]] == 1) for table in left]
    if alone:
        phases.append(("tables" if phases else "load", None, ["tables without a completion document"], alone))
    if not phases:
        return None
    holder = next((_holder(documents) for documents in dated.values() if documents), None)
    entries = [entry for documents in dated.values() for one in documents.values() for entry in _entries(one).values()]
    days = {day for documents in dated.values() for day in documents} or {
        day for table in outputs for day, rows in found.rows[table.name].items() if rows.rows
    }
    lines = [
        "# A first configuration, made by `config init` of what it found: read every line, and correct the guesses.",
        "# Docs: docs/configuration.md has every key, docs/records.md every field that is read.",
        f"project: {project}",
        *([f"firestore_database: {database}"] if database != "(default)" else []),
        f"timezone: {zone.key}",
        "",
        "calendar: daily",
        *_weekdays(days),
        "",
        "pipelines:",
        f"  {project.rpartition(':')[2].replace('.', '-')}:",
        *_completion(entries, holder),
        *(_beats_section(*beats) if beats else ()),
        *(_history_section(histories[0]) if histories else ()),
        "    phases:",
    ]
    for name, place, why, work in phases:
        lines += [f"      {_plain(name)}:", *(f"        # {reason}" for reason in why)]
        lines += [f"        collection: {_plain(place)}"] if place else []
        lines.append("        processors:")
        for one in work:
            one.heartbeats = alike(one.name, list(beats[1]), 1) if beats else []
            lines += _processor(one, found)
    return "\n".join([*lines, ""])


def _dated(documents: Mapping[str, Record]) -> dict[date, Record]:
    """The documents whose id is a date, and that hold entries."""
    return {
        date.fromisoformat(name): fields
        for name, fields in documents.items()
        if re.fullmatch(r"\d{4}-\d\d-\d\d", name) and _is_date(name) and _entries(fields)
    }


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _entries(document: Record) -> Mapping[str, Record]:
    """The entries of a document: its maps, or those of the one map that holds nothing but maps."""
    maps = {name: value for name, value in document.items() if isinstance(value, dict) and not name.startswith("_")}
    if len(maps) == 1:
        ((_, inner),) = maps.items()
        if inner and all(isinstance(value, dict) for value in inner.values()):
            return inner
    return maps


def _holder(documents: Mapping[date, Record]) -> str | None:
    """The field that holds the entries, if they are not the document's own fields."""
    for document in documents.values():
        entries = _entries(document)
        if entries and not entries.keys() <= document.keys():
            return next(name for name, value in document.items() if value == entries)
    return None


def _of_documents(
    documents: Mapping[date, Record], tables: Sequence[FoundTable], found: Found, zone: ZoneInfo
) -> tuple[list[_Work], list[str]]:
    """The processors that have entries and a table of nearly the same name, and words about the others."""
    names = dict.fromkeys(name for document in documents.values() for name in _entries(document))
    held = [entry for document in documents.values() for entry in _entries(document).values()]
    own = names_of(ENTRIES)
    guessed = {guess.key: guess.name for guess in guesses(ENTRIES, held, own)}
    finished = (*own["completed_at"], *([guessed["completed_at"]] if "completed_at" in guessed else []))
    work, without = [], []
    for name in sorted(names):
        close = alike(name, [table.name.rpartition(".")[2] for table in tables], 1)
        table = next((one for one in tables if close and one.name.rpartition(".")[2] == close[0]), None)
        if table is None or not re.fullmatch(PROCESSOR_PATTERN, name):
            without.append(name)
            continue
        ends = {
            day: at
            for day, document in documents.items()
            if (entry := _entries(document).get(name)) and (at := _first_moment(entry, finished))
        }
        rows = found.rows.get(table.name, {})
        offsets = [off for day, at in ends.items() if (off := _offset(day, at, rows)) is not None]
        one = _Work(name, table, [_since(day, at, zone) for day, at in ends.items()])
        one.why.append(f"{sum(name in _entries(document) for document in documents.values())} entries")
        if offsets and len(set(offsets)) == 1:
            one.offset = offsets[0]
            one.why.append(f"its rows of date {one.offset:+d} were written within 30 minutes of its entry")
        elif not offsets and _of_the_day_before(sorted(ends)[-_NEWEST:], rows):
            one.offset = -1
            one.why.append("the newest entries have rows of the day before, and not all of them of their own date")
        work.append(one)
    words = [f"no table of nearly the same name was found for: {', '.join(map(quote, without))}"] if without else []
    return work, words


def _first_moment(entry: Record, names: Sequence[str]) -> datetime | None:
    return next((at for name in names if (at := moment(entry.get(name)))), None)


def _offset(day: date, at: datetime, rows: Mapping[date, RowCount]) -> int | None:
    """How many days the date of the rows is after the document's that were written when its entry was."""
    close = {
        abs(counted.written_at - at): of
        for of, counted in rows.items()
        if counted.written_at and abs(counted.written_at - at) <= _SAME_RUN
    }
    return (close[min(close)] - day).days if close else None


def _of_the_day_before(days: Sequence[date], rows: Mapping[date, RowCount]) -> bool:
    """Whether rows, whose times nobody knows, fit these dates of entries only if they are of the day before."""
    before = (day - timedelta(days=1) for day in days)
    return not all(day in rows for day in days) and all(day in rows for day in before)


def _since(day: date, at: datetime, zone: ZoneInfo) -> timedelta:
    """The local time since the beginning of a date."""
    return at.astimezone(zone).replace(tzinfo=None) - datetime.combine(day, time())


def _alone(table: FoundTable, found: Found, zone: ZoneInfo, *, alone: bool) -> _Work:
    """A table without an entry: it is due when its rows usually are there. `alone`: no other has its name."""
    rows = found.rows[table.name]
    times = [_since(day, at, zone) for day, counted in rows.items() if counted.rows and (at := counted.written_at)]
    name = re.sub(r"[^A-Za-z0-9_-]", "-", table.name.rpartition(".")[2] if alone else table.name).lstrip("_") or "table"
    return _Work(name, table, times)


def _short(name: str) -> str:
    return SUFFIXES.sub("", re.sub(r"[^A-Za-z0-9_-]", "-", name)) or name


def _runs_as(name: str, runs: Sequence[str]) -> str | None:
    """The name in the run history that has a processor's name in it, or is nearly the same."""
    holding = sorted((run for run in runs if bare(name) in bare(run)), key=lambda run: (len(run), run))
    return next(iter([*holding, *alike(name, runs, 1)]), None)


def _heartbeats(found: Found, now: datetime) -> tuple[str, Mapping[str, Record]] | None:
    """The collection whose documents are no dates and have a recent time: that of heartbeats."""
    rated = []
    for collection, documents in found.collections.items():
        others = {name: fields for name, fields in documents.items() if not _is_date(name)}
        fresh = {
            name: fields
            for name, fields in others.items()
            if any(now - at <= _FRESH for value in fields.values() if (at := _time(value)))
        }
        if fresh:
            rated.append(("beat" not in collection.lower(), -len(fresh), collection, fresh))
    return min(rated)[2:] if rated else None


def _time(value: object) -> datetime | None:
    """A time that is written as one; a number may be anything."""
    return moment(value) if isinstance(value, datetime | str) else None


def _weekdays(days: set[date]) -> Iterator[str]:
    if len(days) >= _LEAST_DAYS and all(day.weekday() < _WEEKEND for day in days):
        yield f"days: [mon-fri]   # none of {len(days)} dates is a Saturday or Sunday"


def _completion(entries: Sequence[Record], holder: str | None) -> Iterator[str]:
    own = names_of(ENTRIES)
    found = list(guesses(ENTRIES, entries, own))
    names = (*own[STATUS], *(guess.name for guess in found if guess.key == STATUS))
    said = {str(entry[name]).lower() for entry in entries for name in names if isinstance(entry.get(name), str)}
    unknown = sorted(word for word in said if meaning_of(word, words_of(ENTRIES)) is None)
    if not (holder or found or unknown):
        return
    yield "    completion:"
    if holder:
        yield f"      entries: {_plain(holder)}   # a map of maps in each document"
    if found:
        yield "      fields:"
        yield from (f"        {guess.key}: {_plain(guess.name)}   # {guess.evidence}" for guess in found)
    if unknown:
        yield f"      # Say which of these words mean what: {', '.join(map(quote, unknown))}"
        yield f"      # statuses: {{{', '.join(f'{meaning}: []' for of, meaning in WORDS if of == ENTRIES)}}}"


def _beats_section(collection: str, beats: Mapping[str, Record]) -> Iterator[str]:
    own = names_of(HEARTBEATS)
    sample = list(beats.values())
    found = {guess.key: guess for guess in guesses(HEARTBEATS, sample, own)}
    yield "    heartbeats:"
    yield f"      collection: {_plain(collection)}   # {len(beats)} documents with a time within three days"
    lines = []
    for key in ("last_heartbeat", STATUS, "data_date"):
        if key in found:
            lines.append(f"        {key}: {_plain(found[key].name)}   # {found[key].evidence}")
        elif key != "last_heartbeat" and not any(one.get(name) is not None for one in sample for name in own[key]):
            lines.append(f"        {key}: []   # no field looks like one")
    if lines:
        yield "      fields:"
        yield from lines


def _history_section(table: FoundTable) -> Iterator[str]:
    ended = named(table, ENDED) or written_column(table)
    if ended is None:
        return
    optional = {"run_id": ("run_id",), "phase": ("phase",), "started_at": BEGUN, "backfill_mode": ("backfill_mode",)}
    yield "    run_history:"
    yield f"      table: {table.name}   # it says of which job, and how each run ended"
    yield f"      date_column: {dated_column(table)}"
    yield f"      written_column: {ended}"
    yield "      columns:"
    yield f"        processor_name: {named(table, JOB)}"
    yield f"        status: {named(table, RESULT)}"
    for key, names in optional.items():
        yield f"        {key}: {named(table, names) or '[]'}"


def _processor(one: _Work, found: Found) -> Iterator[str]:
    counted = {day: rows.rows for day, rows in sorted(found.rows[one.table.name].items()) if rows.rows}
    yield f"          {_plain(one.name)}:"
    yield from (f"            # {reason}" for reason in one.why)
    if one.times:
        first, last = (format_due(_due(at, timedelta())) for at in (min(one.times), max(one.times)))
        done = f"at {last}" if first == last else f"from {first} to {last}"
        due = format_due(_due(max(one.times), _STEP))
        yield f"            due: {due}   # done {done} on {len(one.times)} dates"
    else:
        yield "            due: +1d 12:00   # no time of its work was found"
    if one.heartbeats:
        yield f"            heartbeats: [{', '.join(map(_plain, one.heartbeats))}]   # the nearest name"
    run = _runs_as(one.name, found.runs)
    runs = f"run_history_names: [{_plain(run)}]   # the nearest of {len(found.runs)} in the run history" if run else ""
    yield f"            {runs or '# run_history_names: []   # its names in the run history, if not its heartbeats'}"
    yield "            table:"
    yield f"              name: {_plain(one.table.name)}"
    yield f"              date_column: {dated_column(one.table)}"
    if written := written_column(one.table):
        yield f"              written_column: {written}"
    if one.offset:
        yield f"              data_date_offset: {one.offset}"
    low, high = min(counted.values()), max(counted.values())
    many = f"{low}" if low == high else f"{low} to {high}"
    yield f"              # {many} rows a day on {len(counted)} dates, the last {max(counted)}"


def _plain(name: str) -> str:
    """A name as YAML takes it: in quotes only where it would be read as something else."""
    return name if re.fullmatch(r"(?!true$|false$|null$)[A-Za-z_][\w./-]*", name, re.IGNORECASE) else quote(name)


def _due(at: timedelta, more: timedelta) -> Due:
    """A time since the beginning of a date as a deadline; with `more`, that much later and rounded up to it."""
    minutes = (at + more) // timedelta(minutes=1)
    if more:
        step = more // timedelta(minutes=1)
        minutes = -(-minutes // step) * step
    days, rest = divmod(minutes, 24 * 60)
    return Due(days, time(rest // 60, rest % 60))

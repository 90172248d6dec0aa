"""Faults between keys: values that are valid alone, but not together.

These checks read the merged YAML itself and skip malformed values, so that a typing error in one place does not hide a
contradiction in another. A finding lists every key that could be changed, each with its message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from exporter.config.fields import ENTRIES, HEARTBEATS, RUN_HISTORY, words_of
from exporter.config.identifiers import parse_collection, parse_table
from exporter.config.keys import section_at, type_at
from exporter.config.links import OF_JOB, parse_link, places_of
from exporter.config.quantities import format_duration, parse_day, parse_duration
from exporter.config.resolved import Relation
from exporter.config.schedule_schema import DAILY, RUN_DATE
from exporter.config.schedules import LIMITS
from exporter.config.sql import parse_sql
from exporter.config.wording import Path, describe, did_you_mean, listed, named, path_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exporter.config.section import Section

T = TypeVar("T")
Finding = tuple[tuple[Path, str], ...]
_WEEKDAY = re.compile(r"\b(DAYOFWEEK|FORMAT_DATE\s*\(\s*['\"]%[aAuw])", re.IGNORECASE)
"""SQL that asks for the day of the week."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the merged YAML and its path; absent is None."""

    value: object
    path: Path = ()

    def at(self, *keys: str) -> Node:
        """The value below; absent if any step is."""
        node = self
        for key in keys:
            inner = node.value.get(key) if isinstance(node.value, dict) else None
            node = Node(inner, (*node.path, key))
        return node

    def each(self) -> Iterator[tuple[str, Node]]:
        """The entries of a mapping."""
        if isinstance(self.value, dict):
            for key in self.value:
                yield key, self.at(key)

    def read(self, parse: Callable[[object], T]) -> T | None:
        """The value read, None if it is absent or cannot be read."""
        try:
            return None if self.value is None else parse(self.value)
        except ValueError:
            return None


def contradictions(root: dict[str, object]) -> Iterator[Finding]:
    """Every contradiction between keys of the configuration."""
    top = Node(root)
    yield from _orders(top)
    yield from _limits(top)
    yield from _collections(top)
    for name, pipeline in top.at("pipelines").each():
        if isinstance(pipeline.value, dict):
            yield from _calendar(top, name, pipeline)
            yield from _phases(top.at("pipelines"), name, pipeline.at("phases"))
            for record, section in _records(pipeline):
                yield from _words(section.at("statuses"), record)


def _records(pipeline: Node) -> Iterator[tuple[str, Node]]:
    """The sections of a pipeline that say what its records look like, and of which record each is."""
    yield ENTRIES, pipeline.at("completion")
    yield from ((ENTRIES, phase.at("completion")) for _, phase in pipeline.at("phases").each())
    yield HEARTBEATS, pipeline.at("heartbeats")
    yield RUN_HISTORY, pipeline.at("run_history")


def _words(statuses: Node, record: str) -> Iterator[Finding]:
    """Words of a status with two meanings, of which one would be taken without a word: a failure for a success."""
    meant: dict[str, str] = {}
    for meaning, usual in words_of(record).items():
        given = statuses.at(meaning).value
        words = usual if given is None else [given] if isinstance(given, str) else given
        for word in words if isinstance(words, (list, tuple)) else ():
            first = meant.setdefault(str(word).lower(), meaning)
            if first != meaning:
                message = (
                    f"{describe(word)} means {first} and {meaning}: write both lists, with the word in one of them"
                )
                yield _either(message, statuses.at(first), statuses.at(meaning))


def _either(message: str, *nodes: Node) -> Finding:
    """A finding that can be mended at any of the keys. Keys that are not written have their defaults."""
    written = [node for node in nodes if node.value is not None]
    return tuple((node.path, message) for node in written or nodes[:1])


def _gone(node: Node, named_by: Path) -> tuple[Path, str]:
    """The message for a removed value that another key still names."""
    return node.path, f"is removed, but {path_text(named_by)} still names it: change that as well"


def _orders(node: Node) -> Iterator[Finding]:
    """Violations of the schema's `orders` and `needs`, in this section and below it."""
    if not isinstance(node.value, dict):
        return
    section = section_at(node.path)
    if section is None:
        for _, entry in node.each():
            yield from _orders(entry)
        return
    for need in section.needs:
        key = node.at(need.key)
        if key.value not in (None, {}) and node.at(need.other).value is None:
            missing = node.at(need.other).path
            yield ((key.path, need.message), (missing, f"is removed, but {path_text(key.path)} {need.message}"))
    for order in section.orders:
        key, other = node.at(order.key), node.at(order.other)
        value, against = _number(section, key), _number(section, other)
        if value is not None and against is not None and not order.holds(value, against):
            yield _either(order.message.format(key=_shown(value), other=_shown(against)), key, other)
    for name in section.model_fields:
        yield from _orders(node.at(name))


def _number(section: type[Section], key: Node) -> float | timedelta | None:
    """The number or duration of a key, or its default; None if it has none, or cannot be read."""
    default = section.model_fields[str(key.path[-1])].default
    parse: Callable[[object], float | timedelta] = parse_duration if type_at(key.path) is timedelta else _read_number
    return Node(default if key.value is None else key.value).read(parse)


def _read_number(value: object) -> float:
    match value:
        case int() | float() if not isinstance(value, bool):
            return value
        case _:
            raise ValueError(value)


def _shown(value: float | timedelta) -> str:
    return format_duration(value) if isinstance(value, timedelta) else str(value)


def _limits(node: Node, *above: Node) -> Iterator[Finding]:
    """Work that would end before it begins, by its own keys and those that it has from the sections above."""
    own = [node.at(key) for key in LIMITS]
    both = [mine if mine.value is not None else other for mine, other in zip(own, above or own, strict=True)]
    since, until = (one.read(parse_day) for one in both)
    if since and until and since > until and both != list(above):
        begin, end = (path_text(one.path) for one in both)
        message = f"`{begin}` ({since}) is after `{end}` ({until}), so nothing would ever be expected"
        yield _either(message, *sorted(both, key=above.__contains__))
    for key in ("pipelines", "coverage", "phases", "processors"):
        for _, below in node.at(key).each():
            yield from _limits(below, *both)


def _collections(top: Node) -> Iterator[Finding]:
    used: dict[object, Node] = {}
    for _, pipeline in top.at("pipelines").each():
        heartbeats = pipeline.at("heartbeats", "collection")
        used.setdefault(heartbeats.read(parse_collection), heartbeats)
    for _, pipeline in top.at("pipelines").each():
        for _, phase in pipeline.at("phases").each():
            collection = phase.at("collection")
            name = collection.read(parse_collection)
            other = used.setdefault(name, collection)
            if name is not None and other.path[:3] == collection.path[:3] and other.path[2] == "phases":
                yield from _sharing(pipeline, str(other.path[3]), phase)
            elif name is not None and other != collection:
                yield tuple(
                    (node.path, f"{describe(name)} is {path_text(same.path)} already: name another collection")
                    for node, same in ((collection, other), (other, collection))
                )


def _sharing(pipeline: Node, first: str, phase: Node) -> Iterator[Finding]:
    """What two phases that register in the same documents cannot have both."""
    other = pipeline.at("phases", first)
    if other == phase:
        return
    said, before = phase.at("completion"), other.at("completion")
    if said.value != before.value:
        message = (
            f"is not that of {named(first)}, whose documents are the same: write `completion` in the pipeline, for both"
        )
        yield _either(message, said, before)
    names = other.at("processors").value
    for name, processor in phase.at("processors").each():
        if isinstance(names, dict) and name in names:
            twin = f"{named(name)} of {named(first)}"
            yield ((processor.path, f"registers in the same documents as {twin}: give one another name"),)
    if phase.at("trigger").value is not None and other.at("trigger").value is not None:
        message = (
            f"is judged by the same document as that of {first}, which says once whether it started anything: write"
            " `trigger` in one of the two"
        )
        yield _either(message, phase.at("trigger"), other.at("trigger"))


def _calendar(top: Node, name: str, pipeline: Node) -> Iterator[Finding]:
    own = pipeline.at("calendar")
    calendar = top.at("calendar") if own.value is None else own
    if calendar.value is None:
        message = (
            "has no calendar: write `calendar: daily` if it works every day or on `days` of its own, or the table that"
            f" says on which dates there is work, at the top or in {named(name)}"
        )
        yield ((pipeline.path, message),)
        return
    project = top.at("project").value
    decides = calendar.at("table").read(parse_table)
    by_run_date = calendar.at("applies_to").value == RUN_DATE
    weekdays = calendar.at("where").read(parse_sql)
    for phase in (phase for _, phase in pipeline.at("phases").each()):
        for processor_name, processor in phase.at("processors").each():
            if DAILY in (phase.at("calendar").value, processor.at("calendar").value):
                continue
            table = processor.at("table", "name")
            watched = table.read(parse_table)
            if decides and watched and _full(decides, project) == _full(watched, project):
                message = (
                    f"is the table of {named(processor_name)}, which its own calendar cannot watch: without rows"
                    " nothing would be expected, so missing rows would be right. Name the table that says which dates"
                    " have work, or write `calendar: daily`"
                )
                yield _either(message, calendar.at("table"), table)
            offset = processor.at("table", "data_date_offset")
            if weekdays and _WEEKDAY.search(weekdays) and not by_run_date and offset.value not in (None, 0):
                message = (
                    "asks for the day of the week, and the table's dates are data dates:"
                    f" {named(processor_name)} works on them {offset.value:+} days away from its run date."
                    " Write `days`, such as [mon-fri], which are run dates, or `applies_to: run_date`"
                )
                yield _either(message, calendar.at("where"), offset)
                return


def _full(table: str, project: object) -> str:
    return table if table.count(".") > 1 else f"{project}.{table}"


def _phases(pipelines: Node, pipeline: str, phases: Node) -> Iterator[Finding]:
    names = [name for name, _ in phases.each()]
    for name, phase in phases.each():
        following, trigger = phase.at("next"), phase.at("trigger")
        place = _place(pipelines, pipeline, following.value)
        if place is not None and place.value is None:
            others = [f"{other}/{one}" for other, at in pipelines.each() for one, _ in at.at("phases").each()]
            known = [*names, *(one for one in others if not one.startswith(f"{pipeline}/"))]
            message = (
                f"names no phase{did_you_mean(str(following.value), known)}: write one of {listed(known)}, or null if"
                " nothing follows"
            )
            yield ((following.path, message), _gone(place, following.path))
        elif place is not None and _leads_back(pipelines, place.path, phase.path):
            yield _either(f"leads back to {named(name)}: phases follow each other in one direction", following)
        if phase.at("due").value is None:
            for processor_name, processor in phase.at("processors").each():
                if isinstance(processor.value, dict) and processor.at("due").value is None:
                    own = named(processor_name)
                    message = f"has no deadline: write `due` in {own}, or for its whole phase in {named(name)}"
                    yield ((processor.path, message),)
        if trigger.value is not None and phase.at("collection").value is None:
            message = "is judged by the completion documents: write `collection` in this phase, or remove `trigger`"
            yield _either(message, trigger)
        yield from _shown_by_nothing(name, phase)
        yield from _modes(phase)
        yield from _log_links(phase)


def _shown_by_nothing(name: str, phase: Node) -> Iterator[Finding]:
    """Processors that neither write a table nor register in a completion document."""
    if phase.at("collection").value is not None:
        return
    for processor_name, processor in phase.at("processors").each():
        if isinstance(processor.value, dict) and processor.at("table").value is None:
            message = (
                f"has nothing that shows its work: write `table` in {named(processor_name)}, or `collection` in"
                f" {named(name)}"
            )
            yield ((processor.path, message),)


def _log_links(phase: Node) -> Iterator[Finding]:
    """Links to logs with a placeholder that nothing fills."""
    for name, processor in phase.at("processors").each():
        job, template = (
            own if own.value is not None else phase.at(key)
            for key, own in ((k, processor.at(k)) for k in ("job", "logs"))
        )
        needed = [place for place in OF_JOB if place in places_of(template.read(parse_link) or "")]
        if needed and job.value is None:
            message = f"has {{{needed[0]}}}, but {named(name)} has no `job`: write `job` for it, or for its phase"
            yield _either(message, template)


def _place(pipelines: Node, pipeline: str, named: object) -> Node | None:
    """The phase that a `next` in this pipeline names; None if none is named."""
    if not isinstance(named, str):
        return None
    other, _, phase = named.rpartition("/")
    return pipelines.at(other or pipeline, "phases", phase)


def _leads_back(pipelines: Node, place: Path, start: Path) -> bool:
    seen: set[Path] = set()
    following: Node | None = Node(None, place)
    while following is not None and following.path not in seen:
        if following.path == start:
            return True
        seen.add(following.path)
        _, pipeline, _, phase = following.path
        following = _place(pipelines, str(pipeline), pipelines.at(str(pipeline), "phases", str(phase), "next").value)
    return False


def _modes(phase: Node) -> Iterator[Finding]:
    modes = phase.at("modes")
    claimed: dict[str, list[str]] = {relation.value: [] for relation in Relation}
    readable = isinstance(modes.value, dict)
    for name, mode in modes.each():
        when = mode.at("when").value
        entries = when if isinstance(when, list) else [when]
        for entry, names in claimed.items():
            if entry in entries:
                names.append(name)
        readable = readable and all(entry in list(claimed) for entry in entries)
        yield from _expected(mode.at("expected"), phase.at("processors"))
    for entry, names in claimed.items():
        if len(names) > 1:
            yield _either(f"`{entry}` is claimed by {listed(names)}: name it in the `when` of only one", modes)
        elif not names and readable:
            yield _either(f"`{entry}` belongs to no mode: name it in the `when` of one", modes)


def _expected(expected: Node, processors: Node) -> Iterator[Finding]:
    if not isinstance(expected.value, list) or not isinstance(processors.value, dict):
        return
    names = list(processors.value)
    for index, name in enumerate(expected.value):
        if isinstance(name, str) and name not in names:
            meant = did_you_mean(name, names)
            message = f"{describe(name)} is no processor of this phase{meant}: it has {listed(names)}"
            yield (((*expected.path, index), message), _gone(processors.at(name), expected.path))

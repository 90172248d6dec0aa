"""Faults between keys: what each key alone may say and both together may not.

These checks read the merged YAML itself and pass over what is malformed, so that a typing error in one place does not
hide a contradiction in another. A finding has every key that could be changed, with what to say there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from exporter.config import schema
from exporter.config.identifiers import parse_collection
from exporter.config.keys import section_at
from exporter.config.quantities import format_duration, parse_duration
from exporter.config.resolved import Relation
from exporter.config.wording import Path, describe, did_you_mean, listed, path_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic import BaseModel

T = TypeVar("T")
Finding = tuple[tuple[Path, str], ...]


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

    def read(self, parse: Callable[[object], T], default: T | None = None) -> T | None:
        """The value read, `default` if it is absent, None if it cannot be read."""
        if self.value is None:
            return default
        try:
            return parse(self.value)
        except ValueError:
            return None


def contradictions(root: dict[str, object]) -> Iterator[Finding]:
    """Everything that keys of the configuration say against each other."""
    top = Node(root)
    for name in schema.Collect.model_fields:
        yield from _collector(top.at("collect", name), section_at(("collect", name)) or schema.Collector)
    yield from _collections(top)
    for name, pipeline in top.at("pipelines").each():
        if isinstance(pipeline.value, dict):
            if top.at("calendar").value is None and pipeline.at("calendar").value is None:
                yield ((pipeline.path, f"has no calendar: write `calendar` at the top, or in {name}"),)
            yield from _heartbeats(pipeline.at("heartbeats"))
            yield from _phases(pipeline.at("phases"))
            for _, check in pipeline.at("coverage").each():
                yield from _coverage(check)


def _number(value: object) -> float:
    match value:
        case int() | float() if not isinstance(value, bool):
            return value
        case _:
            raise ValueError(value)


def _default(model: type[BaseModel], key: str, parse: Callable[[object], T]) -> T:
    return parse(model.model_fields[key].default)


def _either(message: str, *nodes: Node) -> Finding:
    """A finding that any of the keys can be changed for; those that are not written are defaults."""
    written = [node for node in nodes if node.value is not None]
    return tuple((node.path, message) for node in written or nodes[:1])


def _gone(node: Node, named_by: Path) -> tuple[Path, str]:
    """What to say where something was taken away that is still named elsewhere."""
    return node.path, f"is taken away, and {path_text(named_by)} still names it: change that as well"


def _collector(collector: Node, model: type[BaseModel]) -> Iterator[Finding]:
    interval, limit, age = (collector.at(key) for key in ("every", "timeout", "max_staleness"))
    every = interval.read(parse_duration, _default(model, "every", parse_duration))
    timeout = limit.read(parse_duration, _default(model, "timeout", parse_duration))
    staleness = age.read(parse_duration)
    if every and timeout and timeout >= every:
        message = (
            f"gives a run {format_duration(timeout)} and starts the next after {format_duration(every)}: "
            "`timeout` must be shorter than `every`"
        )
        yield _either(message, limit, interval)
    if every and staleness and staleness < every:
        message = (
            f"forgets after {format_duration(staleness)} what is read again after {format_duration(every)}: "
            "`max_staleness` must be at least `every`"
        )
        yield _either(message, age, interval)


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
            if name is not None and other != collection:
                yield tuple(
                    (node.path, f"{describe(name)} is {path_text(same.path)} already: name another collection")
                    for node, same in ((collection, other), (other, collection))
                )


def _heartbeats(heartbeats: Node) -> Iterator[Finding]:
    if heartbeats.value is None:
        return
    stale, dead = heartbeats.at("stale_after"), heartbeats.at("dead_after")
    stale_after = stale.read(parse_duration, _default(schema.Heartbeats, "stale_after", parse_duration))
    dead_after = dead.read(parse_duration, _default(schema.Heartbeats, "dead_after", parse_duration))
    if stale_after and dead_after and stale_after >= dead_after:
        message = (
            f"calls a heartbeat stalled after {format_duration(dead_after)} and stale after "
            f"{format_duration(stale_after)}: `stale_after` must be shorter than `dead_after`"
        )
        yield _either(message, dead, stale)
    yield from _ascending(heartbeats.at("documents"), schema.HeartbeatDocuments, "warn", "critical", equal=False)


def _coverage(check: Node) -> Iterator[Finding]:
    yield from _ascending(check, schema.Coverage, "warn", "target", equal=True)
    yield from _ascending(check, schema.Coverage, "critical", "warn", equal=True)


def _ascending(section: Node, model: type[BaseModel], low: str, high: str, *, equal: bool) -> Iterator[Finding]:
    lower = section.at(low).read(_number, _default(model, low, _number))
    upper = section.at(high).read(_number, _default(model, high, _number))
    if lower is None or upper is None or lower < upper or (equal and lower == upper):
        return
    rule = "must not be above" if equal else "must be below"
    yield _either(f"`{low}` ({lower}) {rule} `{high}` ({upper})", section.at(low), section.at(high))


def _phases(phases: Node) -> Iterator[Finding]:
    names = [name for name, _ in phases.each()]
    for name, phase in phases.each():
        following, trigger = phase.at("next"), phase.at("trigger")
        if isinstance(following.value, str) and following.value not in names:
            message = (
                f"names no phase of this pipeline{did_you_mean(following.value, names)}: write one of {listed(names)}, "
                "or null if nothing follows"
            )
            yield ((following.path, message), _gone(phases.at(following.value), following.path))
        elif isinstance(following.value, str) and _leads_back(phases, name):
            yield _either(f"leads back to {name}: phases follow each other in one direction", following)
        if trigger.value is not None and phase.at("collection").value is None:
            message = "is judged by the completion documents: write `collection` in this phase, or remove `trigger`"
            yield _either(message, trigger)
        yield from _modes(phase)


def _leads_back(phases: Node, start: str) -> bool:
    seen: set[str] = set()
    name: object = phases.at(start, "next").value
    while isinstance(name, str) and name not in seen:
        if name == start:
            return True
        seen.add(name)
        name = phases.at(name, "next").value
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

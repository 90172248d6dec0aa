"""Field paths, and how to read and change the values that they point to."""

import re
from collections.abc import Iterable
from typing import Final, TypeAlias

from exporter.emulators.firestore.errors import invalid
from exporter.emulators.firestore.messages import Document, Message

FieldPath: TypeAlias = tuple[str, ...]

NAME: Final[FieldPath] = ("__name__",)
"""The path that stands for the document's own name."""

_SEGMENT: Final = re.compile(r"(?P<plain>[A-Za-z_][A-Za-z_0-9]*)|`(?P<quoted>(?:[^`\\]|\\.)+)`", re.DOTALL)
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_SPECIAL: Final = re.compile(r"[`\\]")
_ESCAPE: Final = r"\\\g<0>"
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


def parse(path: str) -> FieldPath:
    r"""The segments of ``a.`b c`.d``; in backquotes, `\` escapes a backquote or itself."""
    segments = []
    position = 0
    while match := _SEGMENT.match(path, position):
        quoted = match["quoted"]
        segments.append(match["plain"] if quoted is None else _ESCAPED.sub(r"\1", quoted))
        position = match.end()
        if position == len(path):
            return tuple(segments)
        if path[position] != ".":
            break
        position += 1
    raise invalid(f"{path!r} is no field path: a segment that is not a plain name belongs in backquotes")


def render(path: FieldPath) -> str:
    """The text of a path, which `parse` reads back."""
    return ".".join(segment if _PLAIN.fullmatch(segment) else f"`{_SPECIAL.sub(_ESCAPE, segment)}`" for segment in path)


def parse_all(mask: Message) -> list[FieldPath]:
    """The paths of a DocumentMask, in its order."""
    return [parse(path) for path in mask.field_paths]


def lookup(fields: Message, path: FieldPath) -> Message | None:
    """The value at the path, or None where there is none."""
    for segment in path[:-1]:
        if segment not in fields:
            return None
        # For a value that is no map this is empty, so the next step finds nothing.
        fields = fields[segment].map_value.fields
    return fields.get(path[-1])


def assign(fields: Message, path: FieldPath, value: Message) -> None:
    """Set the value at the path. Missing values on the way, and those that are no maps, become maps."""
    for segment in path[:-1]:
        step = fields[segment]
        step.map_value.SetInParent()
        fields = step.map_value.fields
    fields[path[-1]].CopyFrom(value)


def remove(fields: Message, path: FieldPath) -> None:
    """Remove the value at the path, if there is one. An emptied map stays."""
    for segment in path[:-1]:
        if segment not in fields:
            return
        fields = fields[segment].map_value.fields
    if path[-1] in fields:
        del fields[path[-1]]


def project(document: Message, paths: Iterable[FieldPath]) -> Message:
    """The document with these fields alone, its name and times kept."""
    kept = Document(name=document.name, create_time=document.create_time, update_time=document.update_time)
    for path in paths:
        value = lookup(document.fields, path)
        if value is not None:
            assign(kept.fields, path, value)
    return kept

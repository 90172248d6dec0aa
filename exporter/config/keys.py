"""Which keys the wire form knows at a path: for suggestions, and to match environment variables."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Annotated, Union, get_args, get_origin

from exporter.config.schema import Wire
from exporter.config.section import Section

if TYPE_CHECKING:
    from exporter.config.wording import Path


def section_at(path: Path) -> type[Section] | None:
    """The section at a path; None for a value, a map of names, or no key."""
    found = type_at(path)
    return found if isinstance(found, type) and issubclass(found, Section) else None


def is_map(path: Path) -> bool:
    """Whether the path leads to a mapping whose keys the operator chooses."""
    return get_origin(type_at(path)) is dict


def type_at(path: Path) -> object:
    """The Python type of the value at a path; None if there is no such key."""
    annotation: object = Wire
    for part in path:
        annotation = _below(annotation, part)
    return annotation


def _below(annotation: object, part: str | int) -> object:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        field = annotation.model_fields.get(str(part))
        return _bare(field.annotation) if field else None
    return _bare(get_args(annotation)[1]) if get_origin(annotation) is dict else None


def _bare(annotation: object) -> object:
    """Without `| None` and without metadata. Of several forms it is the first, which is the section."""
    while True:
        if get_origin(annotation) in {Union, types.UnionType}:
            annotation = next(member for member in get_args(annotation) if member is not type(None))
        elif get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        else:
            return annotation

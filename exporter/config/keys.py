"""Which keys the wire form knows at a path: for suggestions, and to match environment variables."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Union, get_args, get_origin

from pydantic import BaseModel

from exporter.config.schema import Wire

if TYPE_CHECKING:
    from exporter.config.wording import Path


def section_at(path: Path) -> type[BaseModel] | None:
    """The section that a path leads to; None where it leads to a value, a map of names, or nowhere."""
    found = _at(path)
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def is_map(path: Path) -> bool:
    """Whether the path leads to a mapping whose keys the operator chooses."""
    return get_origin(_at(path)) is dict


def _at(path: Path) -> object:
    annotation: object = Wire
    for part in path:
        annotation = _below(annotation, part)
    return annotation


def _below(annotation: object, part: str | int) -> object:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(str(part))
        return _bare(field.annotation) if field else None
    return _bare(get_args(annotation)[1]) if get_origin(annotation) is dict else None


def _bare(annotation: object) -> object:
    """Without `| None` and without metadata."""
    if get_origin(annotation) in {Union, types.UnionType}:
        annotation = next(member for member in get_args(annotation) if member is not type(None))
    return annotation

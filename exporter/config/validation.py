"""Faults of single keys, in words that say what to write instead of how the check failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from exporter.config.keys import section_at
from exporter.config.schedule_schema import DAILY_FORM, TABLE_FORM
from exporter.config.schema import Wire
from exporter.config.text import Unreadable
from exporter.config.wording import Path, describe, did_you_mean, listed, named, path_text

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from exporter.config.errors import Fault
    from exporter.config.tree import Tree

_WRONG_TYPE = {
    "model_type": "a mapping (key: value)",
    "dict_type": "a mapping (key: value)",
    "list_type": "a list",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
}
_KEY_OF_A_MAP = "[key]"


def validate(tree: Tree) -> tuple[Wire | None, list[Fault]]:
    """The wire form of a merged configuration, or all faults of its keys and values."""
    try:
        return Wire.model_validate(tree.root), []
    except ValidationError as error:
        details = error.errors(include_url=False)
        return None, [_fault(tree, detail) for detail in details if not isinstance(detail["input"], Unreadable)]


def _fault(tree: Tree, detail: ErrorDetails) -> Fault:
    path: Path = tuple(part for part in detail["loc"] if part not in {DAILY_FORM, TABLE_FORM})
    at_key = detail["type"] == "extra_forbidden"
    if path[-1:] == (_KEY_OF_A_MAP,) and detail["type"] == "value_error":
        path, at_key = path[:-1], True
    return tree.fault(path, _message(detail, path), at_key=at_key)


def _has(path: Path, key: str) -> bool:
    section = section_at(path)
    return section is not None and key in section.model_fields


def _message(detail: ErrorDetails, path: Path) -> str:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    section = section_at(path[:-1]) if path else None
    fields = section.model_fields if section else {}
    match kind:
        case "value_error":
            message = str(context["error"])
        case "extra_forbidden":
            where = path_text(path[:-1]) or "the top"
            key = str(path[-1])
            below = next((name for name in fields if _has((*path[:-1], name), key)), None)
            meant = f" (it is a key of {named(below)})" if below else did_you_mean(key, fields)
            message = f"is not a key here{meant}: {where} has {listed(fields)}"
        case "missing":
            message = f"is missing: {fields[str(path[-1])].description}"
        case "too_short":
            message = "is empty: write at least one"
        case "literal_error":
            section_too = " or a mapping (key: value)" if section_at(path) else ""
            message = f"must be {context['expected'].replace(chr(39), '')}{section_too}, not {describe(value)}"
        case "greater_than_equal":
            message = f"must be at least {context['ge']}, not {describe(value)}"
        case "less_than_equal":
            message = f"must be at most {context['le']}, not {describe(value)}"
        case _:
            wanted = _WRONG_TYPE.get(kind, f"something else ({detail['msg']})")
            message = f"must be {wanted}, not {describe(value)}"
            if value is None:
                message = f"has no value: write {wanted}, or leave the key out"
    return message

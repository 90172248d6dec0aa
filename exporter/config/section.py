"""A section of the YAML as a strict pydantic model: how its keys are declared, and how they relate to each other."""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003 pydantic reads the annotations
from typing import Any, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

# Separates the meaning of an optional key from what holds without it, in its description.
ABSENT = " If not given: "


def declared(default: Any, meaning: str) -> Any:  # noqa: ANN401 - the YAML's value, read into any type
    """A key of the YAML: its default as the YAML would write it (`...`: there is none), and what it is for."""
    return Field(default, description=meaning)


def optional_key(meaning: str, *, absent: str) -> Any:  # noqa: ANN401 - of any type
    """A key that may be left out: what it is for, and what holds without it."""
    return declared(None, f"{meaning}{ABSENT}{absent}.")


def whole(unit: str, least: int, most: int | None = None) -> Any:  # noqa: ANN401 - pydantic says so
    """A whole number of something, between bounds."""
    bounds = f"at least {least}" if most is None else f"{least} to {most}"
    return Field(ge=least, le=most, json_schema_extra={"$comment": f"whole number of {unit}, {bounds}"})


class Order(NamedTuple):
    """A relation between the values of two keys of a section, and the message about `key` if it does not hold.

    `{key}` and `{other}` in the message are the two values.
    """

    key: str
    holds: Callable[[Any, Any], bool]
    other: str
    message: str


class Need(NamedTuple):
    """A key of a section that means nothing without another one, and the message if that one is missing."""

    key: str
    other: str
    message: str


class Section(BaseModel):
    """A mapping of the YAML: only known keys, each of exactly its type. `orders` and `needs` relate them."""

    orders: ClassVar[tuple[Order, ...]] = ()
    needs: ClassVar[tuple[Need, ...]] = ()

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True)

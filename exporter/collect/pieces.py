"""Cuts what one job would read into the pieces of several jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

T = TypeVar("T")


def in_pieces(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """The items in order, in `most` pieces or fewer that are equally long; one empty piece where there are no items."""
    size = max(1, -(-len(items) // most))
    yield from (items[start : start + size] for start in range(0, max(len(items), 1), size))

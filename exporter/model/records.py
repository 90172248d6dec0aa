"""Frozen, slotted dataclasses of which a report has tens of thousands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass as record
else:
    from dataclasses import dataclass

    def record(*, frozen: bool, slots: bool) -> Callable[[type], type]:
        """As `dataclass`; only type checks hold that a frozen one does not change.

        To forbid it at run time as well takes three times as long to make one, because each field is then set by a
        call of `object.__setattr__`. A report of 20,000 processors has millions of fields.
        """
        return dataclass(slots=slots, unsafe_hash=frozen)


__all__ = ["record"]

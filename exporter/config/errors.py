"""The faults of a configuration, each with its place."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.messages.errors import RefusedError


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: the path of its key in the YAML, a message that says what to do, and where it is written.

    `source` is a file, a preset, an overlay or an environment variable; `line` and `column` count from 1 and are None
    where the source has no lines.
    """

    path: str
    message: str
    source: str
    line: int | None = None
    column: int | None = None

    @property
    def place(self) -> str:
        """Source, line and column as editors and compilers write them."""
        return ":".join(str(part) for part in (self.source, self.line, self.column) if part is not None)

    def __str__(self) -> str:
        return ": ".join(part for part in (self.place, self.path, self.message) if part)


class ConfigError(RefusedError):
    """The configuration cannot be used. `faults`: everything that is wrong with it, in the order of the text."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(faults)
        self.faults = faults

    def __str__(self) -> str:
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        return "\n".join([f"{count} in the configuration:", *(f"  {fault}" for fault in self.faults)])

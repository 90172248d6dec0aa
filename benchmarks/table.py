"""The table, for a terminal and for a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import HORIZONTALS
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.figures import Row

COLUMNS = ("what", "measured", "against", "ratio", "lowest .. highest", "bound", "holds")
WIDTH = 190
"""Where the output is no terminal."""


def show(rows: Iterable[Row]) -> None:
    """Print the table, in colour where that is possible."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    table = Table(*COLUMNS, box=HORIZONTALS, show_lines=True)
    for row in rows:
        colour = {True: "green", False: "bold red", None: None}[row.holds]
        *cells, holds = _cells(row)
        table.add_row(*cells, f"[{colour}]{holds}[/]" if colour else holds)
    console.print(table)


def markdown(rows: Iterable[Row]) -> str:
    lines = [_line(COLUMNS), _line(["---"] * len(COLUMNS))]
    return "\n".join([*lines, *(_line(_cells(row)) for row in rows), ""])


def _cells(row: Row) -> Sequence[str]:
    holds = {True: "yes", False: "NO", None: ""}[row.holds]
    return (row.what, row.measured, row.against, row.ratio, row.noise, row.bound, holds)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"

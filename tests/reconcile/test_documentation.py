"""docs/verdicts.md has every verdict and state, in the order of the code, and the sections that the code cites."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.model import HeartbeatState, TriggerState, Verdict
from exporter.reconcile import DISCREPANCIES

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]
TEXT = ROOT.joinpath("docs", "verdicts.md").read_text(encoding="utf-8")
SECTIONS = dict(zip(*[iter(re.split(r"^## (.+)\n", TEXT, flags=re.MULTILINE)[1:])] * 2, strict=True))
ROW = re.compile(r"^\| (\*\*)?`(\w+)`(\*\*)? \|(.+)\|$", re.MULTILINE)


@pytest.mark.parametrize(
    ("section", "members"), [("Verdicts", Verdict), ("Trigger states", TriggerState), ("Heartbeats", HeartbeatState)]
)
def test_the_tables_have_every_member_in_order(section: str, members: Iterable[str]) -> None:
    rows = ROW.findall(SECTIONS[section])

    assert [name for _, name, _, _ in rows] == [str(member) for member in members]
    assert all(cell.strip() for *_, cells in rows for cell in cells.split("|"))


def test_bold_verdicts_in_the_documentation_are_the_discrepancies() -> None:
    bold = {name for mark, name, _, _ in ROW.findall(SECTIONS["Verdicts"]) if mark}

    assert bold == {str(verdict) for verdict in DISCREPANCIES}


def test_the_sections_that_the_code_cites_exist() -> None:
    sources = [path.read_text(encoding="utf-8") for path in ROOT.joinpath("exporter").rglob("*.py")]
    cited = {
        name
        for source in sources
        for line in source.splitlines()
        if "docs/verdicts.md" in line
        for name in re.findall(r'"([^"]+)"', line.replace('"""', ""))
    }

    assert {"Counts", "Heartbeats", "Two readings of a date", "What is expected, and when"} <= cited
    assert cited <= set(SECTIONS)
    assert "Unknown" in SECTIONS

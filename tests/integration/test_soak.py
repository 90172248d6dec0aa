"""The whole exporter over one simulated day of each kind; `make soak` has thirty."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from exporter.incidents.promtool import Rules
from testing import soak
from testing.soak_days import Fault

if TYPE_CHECKING:
    from pathlib import Path

SEED = 14
"""With it the three days have a failed processor, a restart, and a Firestore that denies access."""


@pytest.mark.usefixtures("_programs")
def test_dates_enter_and_leave_and_nothing_is_forgotten_over_changes_of_clock_and_year(tmp_path: Path) -> None:
    with soak.soaking(tmp_path, seed=SEED, every=timedelta(hours=1), rules=Rules(soak.RULES)) as soaked:
        soak.run(soaked, 1)

    assert len(soaked.usages) == 3
    assert {fault for fault, _ in soaked.days.faults.values()} > {Fault.FAILED, Fault.RESTART, Fault.FIRESTORE}

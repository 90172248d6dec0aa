"""The days that somebody lives through: where the answers are in what each place says."""

from __future__ import annotations

from exporter.shipped.alerts import alert_of
from testing.days import INCIDENTS
from tools.alerting.lived import DAYS, counted

TEXT = """stuck since 2026-01-31 15:10 UTC (10:10 EST)

First:\u00a0read the run's logs,
end it
After the repair: shown good within 5 min, alert closed within 1 h 42 min
Look: check
"""


def test_each_answer_is_found_with_what_one_reads_before_it_also_over_the_ends_of_lines() -> None:
    assert counted(TEXT) == {
        "since": ("since 2026-01-31 15:10 UTC (10:10 EST)", 7, 1),
        "first": ("read the run's logs, end it", 14, 4),
        "over": ("shown good within 5 min, alert closed within 1 h 42 min", 29, 5),
    }


def test_what_is_not_said_has_no_answer() -> None:
    assert counted("All well.") == {}


def test_each_day_has_its_file_and_a_page() -> None:
    for day in DAYS.values():
        assert (INCIDENTS / f"{day.file}.yaml").is_file()
        assert "critical" in alert_of(day.about).severities

"""Guesses of which field could be meant: each needs a sign in its values, and one in its name where many fit."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from exporter.config.fields import ENTRIES, HEARTBEATS, names_of
from exporter.sources.samples import guesses

EARLY, LATE = datetime(2026, 11, 24, 3, tzinfo=UTC), datetime(2026, 11, 24, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("record", "sample", "found"),
    [
        (ENTRIES, [{"state": "done"}], {"status": "state"}),
        (ENTRIES, [{"colour": "red"}, {"owner": "ada"}], {}),
        (ENTRIES, [{"anything": "failed"}], {"status": "anything"}),
        (ENTRIES, [{"started": EARLY, "ended": LATE}], {"completed_at": "ended"}),
        (ENTRIES, [{"ended": "yesterday"}], {}),
        (ENTRIES, [{"rows": 3, "attempt": 1}], {"record_count": "rows"}),
        (ENTRIES, [{"attempt": 1}], {}),
        (ENTRIES, [{"rows": True}], {}),
        (ENTRIES, [{"status": "success", "state": "done"}], {}),
        (HEARTBEATS, [{"begun": EARLY, "seen": LATE}], {"last_heartbeat": "seen"}),
        (HEARTBEATS, [{"ping": LATE, "for_day": "2026-11-24"}], {"last_heartbeat": "ping", "data_date": "for_day"}),
        (HEARTBEATS, [{"a": EARLY}], {}),
    ],
)
def test_a_field_is_guessed_by_its_values_and_its_name(
    record: str, sample: list[dict[str, object]], found: dict[str, str]
) -> None:
    assert {guess.key: guess.name for guess in guesses(record, sample, names_of(record))} == found


def test_a_field_that_the_configuration_says_is_not_there_is_not_guessed() -> None:
    names = {**names_of(ENTRIES), "status": ()}

    assert list(guesses(ENTRIES, [{"state": "done"}], names)) == []

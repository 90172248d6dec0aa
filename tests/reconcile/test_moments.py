"""Moments that notice until when an answer about them stays the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.reconcile.moments import Now, Stretch, whole

if TYPE_CHECKING:
    from collections.abc import Callable

AT = datetime(2026, 2, 1, 18, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NEW_YORK = ZoneInfo("America/New_York")

SPANS = st.timedeltas(timedelta(days=-3), timedelta(days=3)).map(lambda span: span // MINUTE * MINUTE)
MOMENTS = SPANS.map(lambda span: AT + span)

QUESTIONS: dict[str, Callable[[Any, datetime, timedelta], object]] = {
    "before": lambda now, moment, _: now < moment,
    "not after": lambda now, moment, _: now <= moment,
    "after": lambda now, moment, _: moment < now,
    "not before": lambda now, moment, _: moment <= now,
    "the same": lambda now, moment, _: now == moment,
    "another": lambda now, moment, _: moment != now,
    "long ago": lambda now, moment, span: now - moment > span,
    "not long ago": lambda now, moment, span: -span <= now - moment <= span,
    "far ahead": lambda now, moment, span: moment - now >= span,
    "before a shifted one": lambda now, moment, span: moment < now + span,
    "after a shifted one": lambda now, moment, span: now - span < moment,
    "whole minutes": lambda now, moment, span: whole(now - moment, abs(span) + MINUTE),
    "its date": lambda now, *_: now.date(),
    "its date elsewhere": lambda now, *_: now.astimezone(NEW_YORK).date(),
    "its text": lambda now, *_: f"{now:%H:%M:%S} {now} {now.isoformat()} {now.timestamp()}",
    "its age": lambda now, moment, _: ((now - moment).total_seconds(), abs(now - moment), (now - moment) // MINUTE),
    "the latest": lambda now, moment, span: max((moment, moment + span), key=lambda one: one <= now),
}


@pytest.mark.parametrize("question", QUESTIONS)
@given(moment=MOMENTS, span=SPANS, later=MOMENTS)
def test_an_answer_is_the_same_for_as_long_as_the_stretch_holds(
    question: str, moment: datetime, span: timedelta, later: datetime
) -> None:
    stretch, ask = Stretch(AT), QUESTIONS[question]

    answer = ask(Now.of(AT, stretch), moment, span)

    assert answer == ask(AT, moment, span)
    if stretch.holds(later):
        assert ask(later, moment, span) == answer


@pytest.mark.parametrize("question", sorted(QUESTIONS.keys() - {"its text", "its age"}))
def test_the_stretch_holds_for_moments_at_which_nothing_turns(question: str) -> None:
    stretch = Stretch(AT)

    QUESTIONS[question](Now.of(AT, stretch), AT - 30 * MINUTE, 10 * MINUTE)

    assert stretch.holds(AT + MINUTE / 2)
    assert stretch.holds(AT - MINUTE / 2)


def test_a_moment_beyond_all_dates_never_comes() -> None:
    stretch = Stretch(AT)

    assert Now.of(AT, stretch) - datetime.max.replace(tzinfo=UTC) < timedelta()
    assert Now.of(AT, stretch) + timedelta(days=1) < datetime.max.replace(tzinfo=UTC)
    assert stretch.holds(AT + timedelta(days=300_000))

"""Whatever bytes come from outside: an answer or a refusal in words, within bounds. `make fuzz` tries for longer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testing.fuzzing import CALLS, SEEDS, TooMuchWork, bounded, changed, checking

EDITS = st.lists(st.tuples(st.integers(0, 1 << 16), st.sampled_from([0, 0, 1, 9, 99]), st.integers(0, 255)), max_size=8)


@pytest.mark.parametrize("target", SEEDS)
def test_whatever_comes_from_outside_is_answered_or_refused_in_words(target: str) -> None:
    with checking(target) as check:

        @settings(max_examples=50, deadline=None)
        @given(st.one_of(st.binary(max_size=200), st.builds(changed, st.sampled_from(SEEDS[target]), EDITS)))
        def tried(content: bytes) -> None:
            check(content)

        tried()


def test_work_beyond_what_the_length_allows_is_noticed() -> None:
    def work() -> None:
        pass

    def too_much() -> None:
        with bounded(0):
            for _ in range(CALLS + 1):
                work()

    with pytest.raises(TooMuchWork):
        too_much()

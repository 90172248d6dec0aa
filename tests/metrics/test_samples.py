from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from exporter.metrics.samples import Family, label_text

WRITTEN = st.text(st.characters(codec="utf-8"))


def test_labels_keep_the_order_in_which_they_are_given() -> None:
    assert label_text(pipeline="nba", phase="phase3", run_date="2026-02-01") == (
        'pipeline="nba",phase="phase3",run_date="2026-02-01"'
    )


def test_no_labels_are_no_text() -> None:
    assert label_text() == ""


def test_what_ends_or_escapes_a_value_is_escaped() -> None:
    assert label_text(name='a"b\\c\nd') == r'name="a\"b\\c\nd"'


def test_other_characters_stay_as_they_are() -> None:
    assert label_text(name="é \t{},=#") == 'name="é \t{},=#"'


@given(WRITTEN, WRITTEN)
def test_prometheus_reads_back_what_was_written(first: str, second: str) -> None:
    line = f"metric{{{label_text(first=first, second=second)}}} 1\n"

    (family,) = text_string_to_metric_families(line)

    (sample,) = family.samples
    assert sample.labels == {"first": first, "second": second}


def test_a_family_is_itself_and_no_other() -> None:
    one, other = (Family("orchestration_x", "gauge", "X.", ()) for _ in range(2))

    assert one == one  # noqa: PLR0124 - that is the point
    assert one != other
    assert len({one, other}) == 2

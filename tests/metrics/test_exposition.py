"""The exposition, read back by the parsers of Prometheus's own client library."""

from __future__ import annotations

import gzip
import math
import tracemalloc
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.metrics.exposition import number, render, render_live
from exporter.metrics.samples import Family, Samples, label_text
from testing.exposition import parse_openmetrics, parse_text

ROWS = Family("orchestration_processor_table_rows", "gauge", "Rows counted.", ("processor",))
READY = Family("orchestration_ready", "gauge", "Whether it is.", ())
RUNS = Family("orchestration_exporter_collector_runs_total", "counter", "Runs.", ("collector",))

# All of Unicode, and halves of surrogate pairs, which no encoding expresses.
odd_text = st.text(st.characters(categories=None) | st.sampled_from('"\\\n\r\t\0\x85\u2028é\ud800 {}=,'), max_size=30)


def _labels_and_values(text: str, family: Family, *, openmetrics: bool) -> list[tuple[dict[str, str], float]]:
    name = family.name.removesuffix("_total")
    return [
        (sample.labels, sample.value)
        for metric in (parse_openmetrics(text) if openmetrics else parse_text(text))
        if metric.name == name
        for sample in metric.samples
    ]


def test_a_sample_without_labels_has_no_braces() -> None:
    rendered = render({READY: [("", 1.0)]})

    assert rendered.plain.splitlines()[-1] == b"orchestration_ready 1"


def test_samples_follow_their_family_in_the_order_given() -> None:
    rendered = render({ROWS: [('processor="b"', 2.0), ('processor="a"', 1.5)], READY: [("", 0.0)]})

    assert rendered.plain.decode() == (
        "# HELP orchestration_processor_table_rows Rows counted.\n"
        "# TYPE orchestration_processor_table_rows gauge\n"
        'orchestration_processor_table_rows{processor="b"} 2\n'
        'orchestration_processor_table_rows{processor="a"} 1.5\n'
        "# HELP orchestration_ready Whether it is.\n"
        "# TYPE orchestration_ready gauge\n"
        "orchestration_ready 0\n"
    )
    assert rendered.series == 3


def test_a_family_without_samples_still_has_its_header() -> None:
    assert render({READY: []}).plain == b"# HELP orchestration_ready Whether it is.\n# TYPE orchestration_ready gauge\n"


def test_nothing_to_say_is_an_empty_exposition_that_can_be_unpacked() -> None:
    rendered = render({})

    assert (rendered.plain, rendered.series) == (b"", 0)
    assert gzip.decompress(rendered.gzip_open + rendered.gzip_end()) == b""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1, "1"),
        (True, "1"),
        (1023.0, "1023"),
        (1024.0, "1024"),
        (-3.0, "-3"),
        (1_769_947_248.0, "1769947248"),
        (1_769_947_248.125, "1769947248.125"),
        (0.1 + 0.2, "0.30000000000000004"),
        (5e-324, "5e-324"),
        (2.0**53 - 1, "9007199254740991"),
        (2.0**60, "1.152921504606847e+18"),
        (2**60, "1.152921504606847e+18"),
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
    ],
)
def test_values_are_written_as_both_formats_read_them(value: float, text: str) -> None:
    assert render({READY: [("", value)]}).plain.splitlines()[-1].decode() == f"orchestration_ready {text}"


@given(st.floats(allow_nan=False))
def test_every_value_reads_back_exactly(value: float) -> None:
    assert float(number(value)) == value


@given(st.lists(odd_text, max_size=8))
@example(["\n", "\\n", '"', '\\"', "\\", "a\\\nb", "", "\ud800", "日本", "\r", "\0"])
def test_label_values_survive_both_formats(values: list[str]) -> None:
    samples: Samples = {ROWS: [(label_text(n=str(n), processor=value), n) for n, value in enumerate(values)]}
    expected = [
        ({"n": str(n), "processor": value.encode("utf-8", "replace").decode()}, float(n))
        for n, value in enumerate(values)
    ]

    text = render(samples).plain.decode()

    assert _labels_and_values(text, ROWS, openmetrics=False) == expected
    assert _labels_and_values(text + "# EOF\n", ROWS, openmetrics=True) == expected


@pytest.mark.parametrize("openmetrics", [False, True])
def test_help_texts_survive_both_formats(openmetrics: bool) -> None:  # noqa: FBT001 - a parameter of the test
    family = Family("orchestration_odd", "gauge", 'Back\\slash, new\nline, "quote".', ())

    text = render({family: [("", 1.0)]}).plain.decode()

    [metric] = parse_openmetrics(text + "# EOF\n") if openmetrics else parse_text(text)
    assert metric.documentation == "Back\\slash, new\nline, 'quote'."


def test_a_counter_is_refused_in_the_part_that_serves_both_formats() -> None:
    with pytest.raises(ValueError, match="orchestration_exporter_collector_runs_total is a counter"):
        render({RUNS: []})


def test_the_live_part_names_counters_as_each_format_does() -> None:
    samples: Samples = {RUNS: [('collector="completion"', 3.0)], READY: [("", 1.0)]}

    text = render_live(samples, openmetrics=False).decode()
    openmetrics = render_live(samples, openmetrics=True).decode()

    assert "# TYPE orchestration_exporter_collector_runs_total counter\n" in text
    assert "# TYPE orchestration_exporter_collector_runs counter\n" in openmetrics
    assert openmetrics.endswith("orchestration_ready 1\n# EOF\n")
    for body, is_openmetrics in ((text, False), (openmetrics, True)):
        assert _labels_and_values(body, RUNS, openmetrics=is_openmetrics) == [({"collector": "completion"}, 3.0)]


def test_openmetrics_ends_even_if_there_is_nothing_live() -> None:
    assert (render_live({}, openmetrics=True), render_live({}, openmetrics=False)) == (b"# EOF\n", b"")


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 200_000])
def test_the_compressed_form_is_one_member_with_whatever_follows(size: int) -> None:
    rendered = render({ROWS: [(f'processor="p{n}"', n) for n in range(5000)]})
    live = bytes(n % 251 for n in range(size))

    one_member = zlib.decompressobj(zlib.MAX_WBITS | 16)
    unpacked = one_member.decompress(rendered.gzip_open + rendered.gzip_end(live))

    assert unpacked == rendered.plain + live
    assert one_member.eof
    assert one_member.unused_data == b""


def test_the_same_report_gives_the_same_bytes() -> None:
    samples: Samples = {ROWS: [(f'processor="p{n}"', n / 7) for n in range(5000)]}

    first, second = render(samples), render(samples)

    assert (first.plain, first.gzip_open) == (second.plain, second.gzip_open)


def test_rendering_needs_little_memory_next_to_its_result() -> None:
    samples: Samples = {ROWS: [(f'processor="processor_{n}"', n) for n in range(100_000)]}

    tracemalloc.start()
    try:
        rendered = render(samples)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    kept = len(rendered.plain) + len(rendered.gzip_open)
    assert peak < 2 * kept + 2**21

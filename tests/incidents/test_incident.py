"""Incident files: what they may say, and every fault with its place."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import yaml

from exporter.incidents.incident import (
    Incident,
    IncidentError,
    dump_incident,
    load_incident,
    one_line,
    parse_incident,
)

FILES = sorted((Path(__file__).parents[1] / "incidents").glob("*.yaml"))
SMALLEST = "title: t\nclock: 2026-02-01T18:00:00Z\n"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_incident_file_loads(file: Path) -> None:
    assert load_incident(file).title


def test_the_smallest_file_has_the_defaults() -> None:
    incident = parse_incident(SMALLEST, "x.yaml")

    assert incident.preset == "nba"
    assert incident.end == datetime(2026, 2, 1, 20, tzinfo=UTC)


def test_the_demo_shows_the_incident_report_s_day() -> None:
    shipped = Path(__file__).parents[2] / "exporter" / "incidents" / "demo-day.yaml"

    assert shipped.read_text() == (FILES[0].parent / "2026-02-01-seed.yaml").read_text()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[1", "x.yaml: no valid YAML"),
        ("- 1\n", "x.yaml: must be a mapping"),
        ("title: t\n", "x.yaml: clock: Field required"),
        (SMALLEST + "colour: red\n", "x.yaml: colour: Extra inputs"),
        ("title: t\nclock: 2026-02-01T18:00:00\n", "x.yaml: clock: Input should have timezone"),
        (SMALLEST + "faults: {bigtable: quota}\n", "x.yaml: faults: no source 'bigtable'; there are firestore"),
        (SMALLEST + "faults: {firestore: slow}\n", "x.yaml: faults.firestore: no fault 'slow'; there are unreachable"),
        (SMALLEST + "firestore: {lonely: {a: 1}}\n", "x.yaml: firestore: 'lonely' is no `collection/document`"),
        (SMALLEST + "firestore: {a/b/c: {a: 1}}\n", "x.yaml: firestore: 'a/b/c' is no"),
        (SMALLEST + "bigquery: {a.b: [{repeat: 0}]}\n", "x.yaml: bigquery.a.b.0.repeat: must be a whole number"),
        (SMALLEST + "absent: [a.b]\nbigquery: {a.b: [{x: 1}]}\n", "x.yaml: bigquery.a.b: the table is also listed"),
        (SMALLEST + "then: [{at: 2026-02-01T17:00:00Z}]\n", "x.yaml: then: steps must be in order of time"),
        (
            SMALLEST + "then: [{at: 2026-02-01T19:00:00Z, faults: {firestore: odd}}]\n",
            "x.yaml: then.0.faults.firestore: no fault 'odd'",
        ),
        (SMALLEST + "expect: {verdicts: {a/b/c: fine}}\n", "x.yaml: expect.verdicts.a/b/c: Input should be"),
    ],
)
def test_a_fault_names_the_file_and_the_place(text: str, place: str) -> None:
    with pytest.raises(IncidentError) as raised:
        parse_incident(text, "x.yaml")

    assert place in str(raised.value)


def test_a_date_that_does_not_exist_is_a_fault_of_the_file() -> None:
    with pytest.raises(IncidentError, match=r"x\.yaml: no valid YAML: a value cannot be read: day is out of range"):
        parse_incident("title: t\nclock: 2026-02-30\n", "x.yaml")


def test_all_faults_are_said_at_once() -> None:
    with pytest.raises(IncidentError) as raised:
        parse_incident(SMALLEST + "faults: {a: quota, firestore: odd}\nfirestore: {b: {}}\n", "x.yaml")

    assert len(str(raised.value).splitlines()) == 3


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(IncidentError, match=r"none\.yaml: cannot be read"):
        load_incident(tmp_path / "none.yaml")


def test_bytes_that_are_no_text_are_a_clear_error(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(IncidentError, match=r"x\.yaml: cannot be read"):
        load_incident(file)


def test_what_is_dumped_loads_as_it_was() -> None:
    content = {
        "title": "quotes ' and \" and\nlines",
        "clock": datetime(2026, 2, 1, 18, tzinfo=UTC),
        "firestore": {"a/2026-02-01": one_line({"x y": {"completed_at": datetime(2026, 2, 1, 15, tzinfo=UTC)}})},
        "bigquery": {"a.b": [one_line({"game_date": date(2026, 1, 31), "game_id": "0022500001"})]},
    }

    text = dump_incident(content)

    assert yaml.safe_load(text) == content
    assert "completed_at: 2026-02-01T15:00:00Z" in text
    assert isinstance(parse_incident(text, "dumped"), Incident)

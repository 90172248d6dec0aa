from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.config import identifiers as ids

if TYPE_CHECKING:
    from collections.abc import Callable

ACCEPTED: list[tuple[Callable[[object], object], str]] = [
    (ids.parse_name, "phase3"),
    (ids.parse_name, "nba-game_date"),
    (ids.parse_name, "_any"),
    (ids.parse_processor_name, "player_game_summary"),
    (ids.parse_text, "phase 3 analytics"),
    (ids.parse_path, "/var/lib/a b\n.sqlite"),
    (ids.parse_project, "nba-props-platform"),
    (ids.parse_project, "demo"),
    (ids.parse_project, "example.com:my-project"),
    (ids.parse_column, "game_date"),
    (ids.parse_column, "_PARTITIONDATE"),
    (ids.parse_table, "nba_analytics.player_game_summary"),
    (ids.parse_table, "my-project.nba_analytics.player_game_summary"),
    (ids.parse_table, "example.com:my-project.nba_analytics.player-game summary"),
    (ids.parse_table, "d.tablé_1"),
    (ids.parse_collection, "phase3_completion"),
    (ids.parse_collection, "_almost_"),
    (ids.parse_collection, "ops/prod/ingest_done"),
    (ids.parse_document, "PlayerGameSummaryProcessor"),
    (ids.parse_document, "a.b"),
    (ids.parse_database, "(default)"),
    (ids.parse_database, "second-database"),
    (ids.parse_resource, "nba-phase3-analytics-processors"),
    (ids.parse_resource, "us-west2"),
    (ids.parse_location, "US"),
    (ids.parse_location, "europe-west1"),
]

REFUSED: list[tuple[Callable[[object], object], object, str]] = [
    (ids.parse_name, "phase 3", '"phase 3" cannot be a name: use letters, digits, _ and - only'),
    (ids.parse_name, "", "must be a name, not empty text"),
    (ids.parse_name, 'a"b\nc', r'"a\"b\nc" cannot be a name'),
    (ids.parse_name, 3, "must be a name, not 3"),
    (ids.parse_name, "phäse", "cannot be a name"),
    (ids.parse_processor_name, "_metadata", "keys that begin with _ are metadata"),
    (ids.parse_processor_name, None, "must be a name, not nothing"),
    (ids.parse_text, "", "must be text, not empty text"),
    (ids.parse_text, {}, "must be text, not a mapping"),
    (ids.parse_path, "a\0b", r'"a\u0000b" cannot be the path of a file: leave out the character U+0000'),
    (ids.parse_project, "NBA", "cannot be a project id: use lower-case letters"),
    (ids.parse_project, "my_project", "cannot be a project id"),
    (ids.parse_project, "1st", "cannot be a project id"),
    (ids.parse_resource, "Phase3", '"Phase3" cannot be a name in Cloud Run: use lower-case letters, digits and -'),
    (ids.parse_resource, "a;b", "cannot be a name in Cloud Run"),
    (ids.parse_column, "game date", "cannot be a column"),
    (ids.parse_column, "1st", "cannot be a column"),
    (ids.parse_column, "a`b", "cannot be a column"),
    (ids.parse_column, "a" * 301, "at most 300 characters"),
    (ids.parse_table, "player_game_summary", "write dataset.table or project.dataset.table, no backticks"),
    (ids.parse_table, ".table", "is not a table"),
    (ids.parse_table, "dataset.", "is not a table"),
    (ids.parse_table, "`d.t`", "cannot be a dataset"),
    (ids.parse_table, "d.t` WHERE TRUE --", "cannot be a table"),
    (ids.parse_table, "d.t\n", "cannot be a table"),
    (ids.parse_table, "d.t$20260201", "cannot be a table"),
    (ids.parse_table, "d.events_*", "stands for many tables: name a view"),
    (ids.parse_table, "My.d.t", "cannot be a project id"),
    (ids.parse_table, "p.d-x.t", "cannot be a dataset"),
    (ids.parse_table, "d." + "t" * 1025, "at most 1024 bytes"),
    (ids.parse_table, ["d.t"], "must be a table (dataset.table), not a list"),
    (ids.parse_collection, "a/b", "it names a document"),
    (ids.parse_collection, "a//b", "must be a collection, not empty text"),
    (ids.parse_document, "a/b", "must not contain /"),
    (ids.parse_fields, 5, "must be the name of a field, a list of names, or [] where there is none, not 5"),
    (ids.parse_fields, ["__name__"], "Firestore keeps __...__ for itself"),
    (ids.parse_columns, ["a", "b"], "must be a column, or [] where the table has none, not a list"),
    (ids.parse_words, 5, "must be a word, or a list of words, not 5"),
    (ids.parse_words, [" "], "must be a word of a status, not empty text"),
    (ids.parse_collection, "", "must be a collection, not empty text"),
    (ids.parse_collection, ".", "Firestore keeps"),
    (ids.parse_collection, "..", "Firestore keeps"),
    (ids.parse_collection, "__all__", "Firestore keeps"),
    (ids.parse_collection, "__a\nb__", "Firestore keeps"),
    (ids.parse_document, "é" * 751, "at most 1500 bytes"),
    (ids.parse_document, 5, "must be a document id, not 5"),
    (ids.parse_database, "Default", 'write "(default)"'),
    (ids.parse_location, "us central", "cannot be a location"),
    (ids.parse_zone, "America/New_Yrok", "(did you mean America/New_York?)"),
    (ids.parse_zone, "America", "is not a time zone"),
    (ids.parse_zone, "../../etc/passwd", "is not a time zone"),
    (ids.parse_zone, "/etc/localtime", "is not a time zone"),
    (ids.parse_zone, "Q", "is not a time zone"),
    (ids.parse_zone, -5, "must be a time zone such as America/New_York, not -5"),
    (ids.parse_expected, "some", 'must be `all` or a list of processors, not "some"'),
    (ids.parse_expected, None, "not nothing"),
    (ids.parse_expected, ["a b"], '"a b" cannot be a name'),
]


@pytest.mark.parametrize(("parse", "text"), ACCEPTED)
def test_a_good_name_is_kept_as_it_is(parse: Callable[[object], object], text: str) -> None:
    assert parse(text) == text


@pytest.mark.parametrize(("parse", "value", "words"), REFUSED)
def test_a_bad_name_is_refused_with_the_rule(parse: Callable[[object], object], value: object, words: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        parse(value)

    assert words in str(caught.value)


def test_a_zone_is_an_iana_name() -> None:
    assert ids.parse_zone("America/New_York").key == "America/New_York"


def test_a_mode_expects_all_or_a_list() -> None:
    assert ids.parse_expected("all") == "all"
    assert ids.parse_expected(["b", "a"]) == ("b", "a")
    assert ids.parse_expected([]) == ()

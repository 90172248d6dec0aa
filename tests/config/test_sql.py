from __future__ import annotations

import pytest

from exporter.config.sql import parse_sql


@pytest.mark.parametrize(
    "sql",
    [
        "COUNT(DISTINCT game_id)",
        "game_id LIKE '002%' OR game_id LIKE '004%'",
        "minutes_played > 0",
        "is_dnp IS NULL",
        "status IN ('a', 'b')",
        "COUNTIF(REGEXP_CONTAINS(x, r'^[(;]--#'))",
        "note != \"a; b\" AND note != 'it\\'s; --'",
        "x = '''three ' quotes; # in''' AND TRUE",
        'x = """a "quoted" part; /*"""',
        "`odd, column; --` = 1",
        "ARRAY[1, 2][OFFSET(0)] = 1",
        "x = ''",
        "a - -1 = b / 2 * 3",
        "x =\n  1",
    ],
)
def test_a_single_expression_is_kept_as_it_is(sql: str) -> None:
    assert parse_sql(sql) == sql


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "must be an SQL expression, not empty text"),
        ("  \n", "must be an SQL expression"),
        (None, "must be an SQL expression, not nothing"),
        (True, "must be an SQL expression, not true"),
        ("TRUE; DROP TABLE x", "; is not allowed in it"),
        ("TRUE -- rest", "comments (--) are not allowed"),
        ("TRUE # rest", "comments (#) are not allowed"),
        ("TRUE /* rest", "comments (/*) are not allowed"),
        ("COUNT(*", "( is never closed"),
        ("x) OR (TRUE", ") at character 2 closes nothing"),
        ("(x]", "] at character 3 closes nothing"),
        ("[x", "[ is never closed"),
        ("name = 'open", "the quote ' at character 8 is never closed"),
        ('name = "open', 'the quote " at character 8 is never closed'),
        ("name = `open", "the quote ` at character 8 is never closed"),
        ("x = '''open' AND TRUE", "is never closed"),
        ("x = 'two\nlines'", "is never closed"),
        ("x = 'escaped\\'", "is never closed"),
        ("COUNT(*), 1", "a comma outside parentheses would make it two expressions"),
    ],
)
def test_what_could_reach_beyond_the_expression_is_refused(value: object, words: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        parse_sql(value)

    assert words in str(caught.value)

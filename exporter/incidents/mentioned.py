"""Which columns of a table the exporter's queries name, read from their SQL: so no list of them has to be kept."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from exporter.collect.context import context_request
from exporter.sources.bigquery import parts_of
from exporter.sources.dates import day_of
from exporter.sources.queries import MOVED, quoted

if TYPE_CHECKING:
    from exporter.config.resolved import Config, TableRef
    from exporter.reconcile.plan import ReadingPlan
    from exporter.sources.queries import Part

_NO_COLUMNS: Final = re.compile(
    r"""
    '''(?:\\.|[^\\])*?''' | \"\"\"(?:\\.|[^\\])*?\"\"\" | '(?:\\.|[^\\'])*' | "(?:\\.|[^\\"])*"
    | (?P<quoted>`[^`]*`)       # a column, or a table: its name has a dot
    | @\w+                      # a parameter
    | \bAS\s+\w+(?:<\w+>)?     # the name of a result, the type of a CAST
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_QUOTED: Final = re.compile(r"`([^`]+)`")
_WORD: Final = re.compile(r"(?<!\w)[^\W\d]\w*(?!\w)(?!\s*\()")
_SUBQUERY: Final = re.compile(r"\(\s*SELECT\b", re.IGNORECASE)

_NO_COLUMN: Final = re.compile(
    r"""
    all|and|any|array|as|asc|at|between|by|case|cast|collate|contains|create|cross|cube|current|default|define|desc
    |distinct|else|end|enum|escape|except|exclude|exists|extract|false|fetch|following|for|from|full|group|grouping
    |groups|hash|having|if|ignore|in|inner|intersect|interval|into|is|join|lateral|left|like|limit|lookup|merge|natural
    |new|no|not|null|nulls|of|on|or|order|outer|over|partition|preceding|proto|qualify|range|recursive|respect|right
    |rollup|rows|select|set|some|struct|tablesample|then|to|treat|true|unbounded|union|unnest|using|when|where|window
    |with|within
    |microsecond|millisecond|second|minute|hour|day|dayofweek|dayofyear|week|isoweek|month|quarter|year|isoyear
    |date|time|datetime|timestamp
    """,
    re.VERBOSE,
)
"""GoogleSQL's own words, with the parts of dates and the types of literals, in small letters."""


def parts_by_table(config: Config, plan: ReadingPlan) -> dict[str, list[Part]]:
    """What the exporter asks of every table, by the table's name in the configuration."""
    found: dict[str, list[Part]] = {}
    for part in parts_of(plan.tables, context_request(config), config.project, plan.first, plan.last, config.timezone):
        found.setdefault(part.table.name, []).append(part)
    return found


def sql_of(part: Part) -> str:
    """Its SQL without what names no column."""
    sql = replace(part, moved_by=None).select(0, day_of(part.table), "TRUE")
    if part.moved_by:
        sql = f"{sql.replace(MOVED, 'TRUE')} {quoted(part.moved_by)}"
    return _NO_COLUMNS.sub(_column, sql)


def _column(found: re.Match[str]) -> str:
    name = found["quoted"] or "."
    return " " if "." in name else name


def quoted_columns(part: Part) -> frozenset[str]:
    """The columns that are named in quotes, as the exporter's own SQL names them."""
    return frozenset(_QUOTED.findall(sql_of(part)))


def words(part: Part) -> frozenset[str]:
    """Every word that may be a column, in small letters: BigQuery takes a column's name in any."""
    return _words(sql_of(part))


def _words(sql: str) -> frozenset[str]:
    free = _WORD.findall(_QUOTED.sub(" ", sql))
    return frozenset(word.casefold() for word in (*free, *_QUOTED.findall(sql)))


def date_words(table: TableRef) -> frozenset[str]:
    """The words of a date column, or of the expression in its place, that may be columns, in small letters."""
    return _words(_NO_COLUMNS.sub(_column, day_of(table)))


def certain_words(part: Part) -> frozenset[str]:
    """Those of them that GoogleSQL does not use itself."""
    return frozenset(word for word in words(part) if not _NO_COLUMN.fullmatch(word))


def reads_others(part: Part) -> bool:
    """Whether the operator's SQL reads a table in a subquery of its own."""
    return bool(_SUBQUERY.search(sql_of(part)))

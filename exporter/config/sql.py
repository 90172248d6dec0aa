"""Checks the operator's SQL in the configuration: it must stay a single expression wherever it is put.

A fragment is put into a query between other text. It may contain anything that BigQuery understands, but it must not
end early, swallow the text after it, or become two columns: no `;`, no comments, nothing left open, no comma outside
parentheses.
"""

from __future__ import annotations

import re

from exporter.config.wording import describe

_TOKEN = re.compile(
    r"""
    (?P<quoted> '''(?:\\.|[^\\])*?''' | \"\"\"(?:\\.|[^\\])*?\"\"\"
              | (?!''')'(?:\\.|[^\\'\n])*' | (?!\"\"\")"(?:\\.|[^\\"\n])*" | `(?:\\.|[^\\`\n])+` )
  | (?P<unclosed> ['"`] )
  | (?P<comment> --|\#|/\* )
  | (?P<end> ; )
  | (?P<open> [(\[] )
  | (?P<close> [)\]] )
  | (?P<comma> , )
    """,
    re.VERBOSE | re.DOTALL,
)
_CLOSES = {")": "(", "]": "["}

_RESERVED = re.compile(
    r"""
    all | and | any | array | as | asc | assert_rows_modified | at | between | by | case | cast |
    collate | contains | create | cross | cube | current | default | define | desc | distinct | else |
    end | enum | escape | except | exclude | exists | extract | false | fetch | following | for | from |
    full | group | grouping | groups | hash | having | if | ignore | in | inner | intersect | interval |
    into | is | join | lateral | left | like | limit | lookup | merge | natural | new | no | not | null |
    nulls | of | on | or | order | outer | over | partition | preceding | proto | qualify | range |
    recursive | respect | right | rollup | rows | select | set | some | struct | tablesample | then | to |
    treat | true | unbounded | union | unnest | using | when | where | window | with | within
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Words that are no column in BigQuery's SQL unless they are quoted (its lexical structure, "Reserved keywords")."""


def sql_name(name: str) -> str:
    """A column, or an expression, as it stands in a query that people run: quoted only where it has to be."""
    return f"`{name}`" if _RESERVED.fullmatch(name) else name


def parse_sql(value: object) -> str:
    """A single SQL expression. Raises ValueError, which says what could reach beyond it."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"must be an SQL expression, not {describe(value)}")
    fault = _fault(value)
    if fault:
        raise ValueError(f"{describe(value)} cannot be used as an SQL expression: {fault}")
    return value


def _fault(sql: str) -> str | None:
    opened: list[str] = []
    for token in _TOKEN.finditer(sql):
        match token.lastgroup:
            case "unclosed":
                return f"the quote {token[0]} at character {token.start() + 1} is never closed"
            case "comment":
                return f"comments ({token[0]}) are not allowed in it"
            case "end":
                return "; is not allowed in it"
            case "open":
                opened.append(token[0])
            case "close":
                if not opened or opened.pop() != _CLOSES[token[0]]:
                    return f"{token[0]} at character {token.start() + 1} closes nothing"
            case "comma" if not opened:
                return "a comma outside parentheses would make it two expressions"
            case _:
                continue
    return f"{opened[-1]} is never closed" if opened else None

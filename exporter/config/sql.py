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

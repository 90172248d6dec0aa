"""A runbook with values in place of its `{{placeholders}}`: every block of it can be run as it is printed.

A page can be filled in for one processor, or for several at once: a block that differs between them is then printed for
each. What needs a value that the configuration does not have is left out, and a sentence says which key it would take.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from exporter.messages.secrets import masked
from exporter.present.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Values = Mapping[str, str | None]
"""What stands for each placeholder; None: nothing is known."""

PLACEHOLDER: Final = re.compile(r"(^ +)?\{\{([a-z_]+)([+-]\d{1,2})?\}\}", re.MULTILINE)
"""`{{table}}`, and for dates `{{data_date-1}}`: the day before; with the indentation of its line before it."""
_BLOCK: Final = re.compile(r"^( *)```(\w+)\n(.*?)^\1```\n", re.MULTILINE | re.DOTALL)
_DATES: Final = {"run_date", "data_date"}


@dataclass(frozen=True, slots=True)
class Known:
    """The values of one processor, and how it is called where a page is about several."""

    name: str
    values: Values


def filled(text: str, known: Sequence[Known], missing: Mapping[str, str]) -> str:
    """The text with the values of these processors. `missing`: what to say of a value that is None."""
    parts, end = [], 0
    for found in _BLOCK.finditer(text):
        parts.append(_prose(text[end : found.start()], known, missing))
        parts.append("\n".join(_blocks(found[1], found[2], found[3], known, missing)))
        end = found.end()
    return "".join([*parts, _prose(text[end:], known, missing)])


def _blocks(indent: str, language: str, body: str, known: Sequence[Known], missing: Mapping[str, str]) -> Iterator[str]:
    """The block for each of them that it can be filled in for; those for whom it is the same share one."""
    for_whom: dict[str, list[str]] = {}
    for one in known:
        printed = _commands(body, one.values, missing) if language == "sh" else _whole(body, one.values)
        if printed is not None:
            for_whom.setdefault(printed, []).append(one.name)
    for printed, names in for_whom.items():
        title = f"{indent}For {listed(list(dict.fromkeys(names)), most=len(names))}:\n\n" if len(for_whom) > 1 else ""
        yield f"{title}{indent}```{language}\n{printed}{indent}```\n"
    if not for_whom:
        yield f"{indent}Nothing to run here: {'; '.join(_unknown(body, known[0].values, missing))}.\n"


def _whole(body: str, values: Values) -> str | None:
    return None if any(values[name] is None for name in _names(body)) else _with(body, values)


def _commands(body: str, values: Values, missing: Mapping[str, str]) -> str | None:
    """A shell script without the commands that cannot be filled in; None: nothing is left of it."""
    lines, left = [], False
    for command in _each(body):
        unknown = _unknown(command, values, missing)
        left = left or not unknown
        if unknown:
            indent = command[: len(command) - len(command.lstrip())]
            command = f"{indent}# Nothing to run here: {'; '.join(unknown)}.\n"  # noqa: PLW2901 - in its place
        if not unknown or command not in lines:
            lines.append(command if unknown else _with(command, values))
    return "".join(lines) if left else None


def _each(script: str) -> Iterator[str]:
    """Every command of a shell script, whole: a loop is one."""
    begun = ""
    for line in script.splitlines(keepends=True):
        begun += line
        if _ends(begun):
            yield begun
            begun = ""
    if begun:
        yield begun


def _ends(begun: str) -> bool:
    try:
        words = shlex.split(begun, comments=True)
    except ValueError:
        return False
    return words.count("for") == words.count("done") and not begun.rstrip("\n").endswith("\\")


def _prose(text: str, known: Sequence[Known], missing: Mapping[str, str]) -> str:
    """Sentences: of several values each is named, one after another."""

    def value(found: re.Match[str]) -> str:
        said = dict.fromkeys(one for one in (_value(found, each.values) for each in known) if one is not None) or (
            f"<{missing[found[2]]}>",
        )
        return (found[1] or "") + (" " if all(one.endswith(".") for one in said) else " or ").join(said)

    return PLACEHOLDER.sub(value, text)


def _with(text: str, values: Values) -> str:
    def value(found: re.Match[str]) -> str:
        indent = found[1] or ""
        return indent + (_value(found, values) or "").replace("\n", f"\n{indent}")

    return PLACEHOLDER.sub(value, text)


def _value(found: re.Match[str], values: Values) -> str | None:
    said = values[found[2]]
    if said is not None and found[3] and found[2] in _DATES:
        said = (date.fromisoformat(said) + timedelta(days=int(found[3]))).isoformat()
    return None if said is None else masked(said)


def _names(text: str) -> list[str]:
    return [found[2] for found in PLACEHOLDER.finditer(text)]


def _unknown(text: str, values: Values, missing: Mapping[str, str]) -> list[str]:
    return list(dict.fromkeys(missing[name] for name in _names(text) if values[name] is None))

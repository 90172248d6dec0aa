"""How messages name what was written: values, keys and paths, safe to print whatever they contain."""

from __future__ import annotations

import difflib
import json
import re
from typing import TYPE_CHECKING

from exporter.messages.secrets import masked

if TYPE_CHECKING:
    from collections.abc import Iterable

Path = tuple[str | int, ...]

_LONGEST_VALUE = 60
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")
UNIT = "unit"
"""What texts for every pipeline call that which a calendar counts (docs/glossary.md)."""
_UNIT = re.compile(r'^ *```\w.*?^ *```$|`[^`\n]*`|"unit":|\b(?P<first>[Uu])nit(?P<many>s?)\b', re.MULTILINE | re.DOTALL)


def quote(text: str) -> str:
    """The text in double quotes, without secrets, control characters escaped, cut where it gets long."""
    text = masked(text)
    shown = text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."
    return json.dumps(shown, ensure_ascii=not shown.isprintable())


def describe(value: object) -> str:
    """A value as a message names it."""
    match value:
        case None:
            text = "nothing"
        case bool():
            text = "true" if value else "false"
        case int() | float():
            text = str(value)
        case str():
            text = quote(value) if value else "empty text"
        case list() | tuple():
            text = "a list"
        case dict():
            text = "a mapping"
        case _:
            text = f"a {type(value).__name__}"
    return text


def path_text(path: Path) -> str:
    """A path as the messages write it: `pipelines.nba.phases.phase3.processors.x.heartbeats[1]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _PLAIN_KEY.fullmatch(part) else quote(part))
    return text


def named(name: str) -> str:
    """A name as it was written; one with control characters is quoted."""
    return name if name.isprintable() else quote(name)


def listed(names: Iterable[str]) -> str:
    """The names in one line, or `none`."""
    return ", ".join(map(named, names)) or "none"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` (did you mean x?)` where one of the known names is close enough, else nothing."""
    originals = {key.casefold(): key for key in known}
    close = difflib.get_close_matches(name.casefold(), originals, n=1)
    return f" (did you mean {named(originals[close[0]])}?)" if close else ""


def several(noun: str) -> str:
    """The plural of a noun, as English forms it regularly: `games`, `deliveries`, `boxes`."""
    if re.search(r"[^aeiou]y$", noun):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if re.search(r"(s|x|z|ch|sh)$", noun) else f"{noun}s"


def with_noun(text: str, noun: str) -> str:
    """A text for every pipeline with this word for a unit; code, and keys of JSON, stay as they are."""

    def word(found: re.Match[str]) -> str:
        if not found["first"]:
            return found[0]
        said = several(noun) if found["many"] else noun
        return said[:1].upper() + said[1:] if found["first"] == "U" else said

    return text if noun == UNIT else _UNIT.sub(word, text)

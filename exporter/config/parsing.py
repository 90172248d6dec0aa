"""YAML as plain types, read quickly and within bounds."""

from __future__ import annotations

from typing import Any, Final

import yaml

DEEPEST: Final = 100
"""Levels of nesting. The parser in C calls itself at each, until the process has no stack left and is killed."""

MOST_VALUES: Final = 2_000_000
"""Values, aliases counted each time: a text of a few lines can stand for any number of them."""

# The parser in C, if it is installed, takes a tenth of the time.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml(text: str) -> Any:  # noqa: ANN401 - YAML
    """The content of the text in plain types. Raises yaml.YAMLError, also for text beyond the bounds."""
    # The parser in C refuses every subclass of str.
    plain = str.__str__(text)
    try:
        _check_bounds(plain)
        return yaml.load(plain, _LOADER)  # noqa: S506 - a safe loader
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        # A value that does not exist, such as the date 2026-02-30, or is not what its tag says.
        raise yaml.YAMLError(f"a value cannot be read: {error}") from error


def _check_bounds(text: str) -> None:
    values = 0
    anchored: dict[str | None, int] = {}
    enclosing: list[tuple[str | None, int]] = []
    for event in yaml.parse(text, Loader=_LOADER):
        match event:
            case yaml.CollectionStartEvent():
                enclosing.append((event.anchor, values))
                values += 1
            case yaml.CollectionEndEvent():
                anchor, before = enclosing.pop()
                anchored[anchor] = values - before
            case yaml.AliasEvent():
                if event.anchor in dict(enclosing):
                    raise yaml.YAMLError(f"*{event.anchor} is an alias of what it stands in")
                values += anchored.get(event.anchor, 0)
            case yaml.ScalarEvent():
                anchored[event.anchor] = 1
                values += 1
            case _:
                continue
        if len(enclosing) > DEEPEST:
            raise yaml.YAMLError(f"something is nested more than {DEEPEST} levels deep")
        if values > MOST_VALUES:
            raise yaml.YAMLError(f"there are more than {MOST_VALUES} values, aliases counted each time")

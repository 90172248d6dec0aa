"""YAML as plain types, read quickly."""

from __future__ import annotations

from typing import Any, Final

import yaml

# The parser in C, if it is installed, takes a tenth of the time.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml(text: str) -> Any:  # noqa: ANN401 - YAML
    """The content of the text in plain types. Raises yaml.YAMLError."""
    # The parser in C refuses every subclass of str.
    return yaml.load(str.__str__(text), _LOADER)  # noqa: S506 - a safe loader

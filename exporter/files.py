"""Files that change all at once or not at all, and YAML."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Any, Final

import yaml

# Written in C, it takes a tenth of the time, where it is there.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml(text: str) -> Any:  # noqa: ANN401 - YAML
    """What the text says, in plain types. Raises yaml.YAMLError."""
    # The parser in C refuses every subclass of str.
    return yaml.load(str.__str__(text), _LOADER)  # noqa: S506 - a safe loader


def write_atomically(path: Path, text: str) -> None:
    """Write the text beside `path` and put it in its place; readers see the old content or the new. Raises OSError.

    A link stays and its target is replaced. What is no file (a pipe, a device) is written to: it has no old content.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise

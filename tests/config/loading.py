"""A small configuration, files of configurations, and the error of one that cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.config.errors import ConfigError
from exporter.config.load import load

if TYPE_CHECKING:
    from pathlib import Path

SMALL = """\
project: my-project
timezone: UTC
calendar: {table: d.schedule, date_column: day, units: COUNT(*)}
pipelines:
  mine:
    phases:
      load:
        processors:
          copy: {due: +0d 06:00, table: {name: d.copies, date_column: day}}
"""


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "exporter.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def error_of(
    *, file: Path | None = None, preset: str | None = None, overlay: dict[str, Any] | None = None
) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(file=file, preset=preset, overlay=overlay, environ={})
    return caught.value

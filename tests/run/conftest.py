"""The service that the tests of it start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.run.serving import Scene

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(name="scene")
def _scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path / "exporter.yaml")
    yield scene
    scene.memory.release()
    scene.service.stop()

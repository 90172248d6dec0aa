"""The wheel carries all that the command needs away from a checkout, and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from email.parser import Parser
from importlib.metadata import entry_points, packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.utils import canonicalize_name

import exporter

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
SHIPPED = {"exporter": "exporter", "alerts": "exporter/_assets/alerts", "grafana": "exporter/_assets/grafana"}
NOT_SHIPPED = ("alerts/tests/",)


@pytest.fixture(name="wheel", scope="module")
def _wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=100)
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        yield wheel


def _expected() -> set[str]:
    files = [path.relative_to(ROOT) for source in SHIPPED for path in (ROOT / source).rglob("*") if path.is_file()]
    return {
        f"{SHIPPED[path.parts[0]]}/{path.relative_to(path.parts[0]).as_posix()}"
        for path in files
        if "__pycache__" not in path.parts
        and not path.as_posix().startswith(NOT_SHIPPED)
        and not (path.parts[0] == "grafana" and path.suffix == ".py")
    }


def test_it_carries_every_module_preset_template_and_asset(wheel: zipfile.ZipFile) -> None:
    carried = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert carried == _expected()
    assert "exporter/py.typed" in carried


def test_it_names_its_version_licence_and_command(wheel: zipfile.ZipFile) -> None:
    info = f"orchestration_exporter-{exporter.__version__}.dist-info"

    metadata = Parser().parsestr(wheel.read(f"{info}/METADATA").decode())
    assert metadata["Version"] == exporter.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert set(metadata.get_all("Provides-Extra", [])) == {"demo", "dev"}
    assert "orchestration-exporter = exporter.cli:main" in wheel.read(f"{info}/entry_points.txt").decode()


def test_the_installed_command_can_be_loaded() -> None:
    (command,) = entry_points(group="console_scripts", name="orchestration-exporter")

    assert callable(command.load())
    assert (Path(sys.executable).parent / "orchestration-exporter").is_file()


def test_a_production_install_imports_every_module() -> None:
    locked = (ROOT / "requirements" / "prod.txt").read_text(encoding="utf-8")
    production = {canonicalize_name(name) for name in re.findall(r"^([a-z0-9-]+)==", locked, re.MULTILINE)}
    absent = [
        module
        for module, distributions in packages_distributions().items()
        if production.isdisjoint(map(canonicalize_name, distributions)) and module != "exporter"
    ]
    program = """
import importlib, pkgutil, sys
sys.modules.update(dict.fromkeys(sys.argv[1:]))
import exporter
for module in pkgutil.walk_packages(exporter.__path__, "exporter."):
    importlib.import_module(module.name)
"""

    done = subprocess.run(
        [sys.executable, "-c", program, *absent], check=False, capture_output=True, text=True, timeout=60
    )

    assert "numpy" in absent
    assert done.stderr == ""

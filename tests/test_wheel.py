"""The wheel carries all that the command needs away from a checkout, and nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from email.parser import Parser
from importlib.metadata import entry_points, packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from packaging.utils import canonicalize_name

import exporter
from exporter.cli import main
from exporter.cli.dump import KINDS
from exporter.shipped.alerts import alert_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
SHIPPED = {"exporter": "exporter", "alerts": "exporter/_assets/alerts", "grafana": "exporter/_assets/grafana"}
NOT_SHIPPED = ("alerts/kubernetes/", "alerts/tests/")


@pytest.fixture(name="wheel", scope="module")
def _wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=100)
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        yield wheel


@dataclass(frozen=True)
class Installed:
    """The wheel in an environment of its own, and an empty folder to run its command from."""

    program: Path
    folder: Path

    def run(self, *arguments: str) -> str:
        """What the command prints. Raises CalledProcessError."""
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            [self.program, *arguments],
            check=True,
            capture_output=True,
            text=True,
            timeout=100,
            cwd=self.folder,
            env=environment,
        )
        return done.stdout


@pytest.fixture(name="installed", scope="module")
def _installed(wheel: zipfile.ZipFile, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """What it depends on is looked up where the tests' own packages are; the exporter itself is the wheel's alone."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home / "venv", with_pip=False)
    python = home / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    subprocess.run(
        [*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel.filename)],
        check=True,
        capture_output=True,
        timeout=100,
    )
    (packages,) = (home / "venv" / "lib").glob("python*/site-packages")
    # Packages beside it are found by this line; it does not follow what they themselves say is to be found elsewhere.
    (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    folder = home / "empty"
    folder.mkdir()
    return Installed(python.with_name("orchestration-exporter"), folder)


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
    assert "orchestration-exporter = exporter.__main__:main" in wheel.read(f"{info}/entry_points.txt").decode()


def test_the_installed_command_can_be_loaded() -> None:
    (command,) = entry_points(group="console_scripts", name="orchestration-exporter")

    assert callable(command.load())
    assert (Path(sys.executable).parent / "orchestration-exporter").is_file()


def test_the_production_image_imports_every_module_that_it_has() -> None:
    locked = (ROOT / "requirements" / "prod.txt").read_text(encoding="utf-8")
    production = {canonicalize_name(name) for name in re.findall(r"^([a-z0-9-]+)==", locked, re.MULTILINE)}
    absent = [
        module
        for module, distributions in packages_distributions().items()
        if production.isdisjoint(map(canonicalize_name, distributions)) and module != "exporter"
    ]
    program = """
import importlib, pkgutil, sys
sys.modules.update(dict.fromkeys([*sys.argv[1:], "exporter.emulators"]))
import exporter
for module in pkgutil.walk_packages(exporter.__path__, "exporter."):
    if module.name != "exporter.emulators":
        importlib.import_module(module.name)
"""

    done = subprocess.run(
        [sys.executable, "-c", program, *absent], check=False, capture_output=True, text=True, timeout=60
    )

    assert "numpy" in absent
    assert done.stderr == ""


@pytest.mark.usefixtures("_programs")
def test_installed_it_replays_a_day_with_the_rules_it_carries(installed: Installed, tmp_path: Path) -> None:
    day = tmp_path / "day.yaml"
    day.write_text(
        (ROOT / "tests" / "incidents" / "2026-02-01-seed.yaml").read_text(encoding="utf-8"), encoding="utf-8"
    )

    said = json.loads(installed.run("replay", str(day), "--alerts", "--format", "json"))

    assert said["failures"] == []
    assert alert_of("blocked").name in {alert["alertname"] for alert in said["alerts"]}


GENERATED = {"prometheusrule", "google-rules"}
"""Kinds that are made of what the wheel carries."""


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - GENERATED))
def test_installed_it_writes_out_what_it_carries(kind: str, installed: Installed, tmp_path: Path) -> None:
    source, target = ROOT / KINDS[kind], tmp_path / kind

    installed.run("dump", kind, str(target))

    shipped = {
        path.relative_to(source): path.read_text(encoding="utf-8") for path in source.rglob("*") if path.is_file()
    }
    assert shipped == {path.relative_to(target): path.read_text(encoding="utf-8") for path in target.rglob("*.*")}
    assert shipped


@pytest.mark.parametrize("kind", sorted(GENERATED))
def test_installed_it_makes_of_what_it_carries_what_a_checkout_makes(
    kind: str, installed: Installed, tmp_path: Path
) -> None:
    installed.run("dump", kind, str(tmp_path / "installed"))
    checkout = CliRunner().invoke(main, ["dump", kind, str(tmp_path / "checkout")])

    assert checkout.exit_code == 0
    made = [
        {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / name).rglob("*.*")}
        for name in ("installed", "checkout")
    ]
    assert made[0] == made[1] != {}


def test_installed_it_is_the_wheel_that_runs(installed: Installed) -> None:
    python = installed.program.with_name("python")

    done = subprocess.run(
        [python, "-c", "import exporter; print(exporter.__file__)"],
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
        cwd=installed.folder,
    )

    assert Path(done.stdout.strip()).is_relative_to(python.parents[1])

"""The pinned requirements say the same as pyproject.toml, and each other."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
DECLARED = PROJECT["project"]["dependencies"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
BUILD = PROJECT["build-system"]["requires"]

# Each lock, the requirements it answers, and how it names their origin.
LOCKS = {
    "prod": (DECLARED, "orchestration-exporter (pyproject.toml)"),
    "demo": (DECLARED + EXTRAS["demo"], "orchestration-exporter (pyproject.toml)"),
    "dev": (DECLARED + EXTRAS["demo"] + EXTRAS["dev"], "orchestration-exporter (pyproject.toml)"),
    "build": (BUILD, "-r requirements/build.in"),
    "fuzz": (["atheris>=3,<3.1"], "-r requirements/fuzz.in"),
}


@dataclass(frozen=True, slots=True)
class Pin:
    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    via: tuple[str, ...]


def _pins(lock: str) -> list[Pin]:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    head = re.compile(r"^([a-z0-9-]+)==(\S+)(?: ; (.+?))? \\$", re.MULTILINE)
    starts = list(head.finditer(text))
    ends = [start.start() for start in starts[1:]] + [len(text)]
    return [
        Pin(
            name=start[1],
            version=start[2],
            marker=start[3] or "",
            hashes=tuple(re.findall(r"--hash=(\S+)", text[start.end() : end])),
            via=tuple(re.findall(r"^    # (?:via|  ) ?(\S.*)$", text[start.end() : end], re.MULTILINE)),
        )
        for start, end in zip(starts, ends, strict=True)
    ]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_declared_requirement_is_pinned_to_a_version_it_allows(lock: str) -> None:
    versions = {pin.name: pin.version for pin in _pins(lock)}

    for declared in map(Requirement, LOCKS[lock][0]):
        assert declared.specifier.contains(versions[canonicalize_name(declared.name)]), declared


@pytest.mark.parametrize("lock", LOCKS)
def test_nothing_is_pinned_that_is_no_longer_declared(lock: str) -> None:
    requirements, origin = LOCKS[lock]
    direct = {pin.name for pin in _pins(lock) if origin in pin.via}

    assert direct == {canonicalize_name(Requirement(requirement).name) for requirement in requirements}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes(lock: str) -> None:
    pins = _pins(lock)

    assert len(pins) == (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8").count("==") - sum(
        pin.marker.count("==") for pin in pins
    )
    assert all(pin.hashes and all(digest.startswith("sha256:") for digest in pin.hashes) for pin in pins)


@pytest.mark.parametrize(("small", "large"), [("prod", "demo"), ("demo", "dev"), ("build", "dev")])
def test_a_larger_lock_holds_every_pin_of_the_smaller(small: str, large: str) -> None:
    def pinned(lock: str) -> set[tuple[str, str]]:
        return {(pin.name, pin.version) for pin in _pins(lock)}

    assert pinned(small) < pinned(large)


def test_production_carries_no_emulator_and_no_tool_of_the_tests() -> None:
    more = {canonicalize_name(Requirement(requirement).name) for extra in EXTRAS.values() for requirement in extra}
    indirect = {"cryptography", "packaging"}  # google-auth and google-cloud-bigquery need them as well

    assert {pin.name for pin in _pins("prod")} & more <= indirect


def test_the_build_requirements_are_those_of_the_build_system() -> None:
    lines = (ROOT / "requirements" / "build.in").read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if not line.startswith("#")] == BUILD
    assert set(BUILD) <= set(EXTRAS["dev"])


def test_a_lock_is_installed_as_it_stands_and_lacks_nothing() -> None:
    recipes = [ROOT / name for name in ("Makefile", "Dockerfile", "compose/exporter.Dockerfile")]
    installs = [line for path in recipes for line in path.read_text("utf-8").splitlines() if "--require-hashes" in line]
    check = [sys.executable, "-m", "pip", "--disable-pip-version-check", "check"]
    checked = subprocess.run(check, check=False, capture_output=True, text=True, timeout=60)

    assert installs
    # Otherwise pip could look for a release newer than the pin, and refuse it for having no hash.
    assert [line for line in installs if "--no-deps" not in line] == []
    assert (checked.returncode, checked.stdout) == (0, "No broken requirements found.\n")

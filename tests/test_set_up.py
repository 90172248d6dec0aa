"""The scripts that set a bare machine up: which Python they take, and which Debian packages they install."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FIND_PYTHON = ROOT / "tools" / "find-python"
ENSURE = ROOT / "tools" / "ensure-system-packages"
UTILITIES = ("cat", "cp", "env", "grep", "sed", "sh", "sort", "tr")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
VERSIONS = re.findall(r"^Programming Language :: Python :: (3\.\d+)$", "\n".join(PROJECT["classifiers"]), re.MULTILINE)


class Machine:
    """A path that holds a few utilities and whatever a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in UTILITIES:
            program = shutil.which(name)
            assert program, name
            (folder / name).symlink_to(program)

    def has(self, name: str, script: str) -> Path:
        """Put a program there."""
        program = self.folder / name
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
        return program

    def has_python(self, name: str) -> Path:
        """Put a Python there, new enough whatever it is called."""
        return self.has(name, f'exec "{sys.executable}" "$@"')

    def run(self, *command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program that sees nothing but this."""
        environment = {"PATH": str(self.folder), **variables}
        return subprocess.run(
            command,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
            stdin=subprocess.DEVNULL,
        )


@pytest.fixture(name="machine")
def _machine(tmp_path: Path) -> Machine:
    folder = tmp_path / "bin"
    folder.mkdir()
    return Machine(folder)


# --- which Python -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_a_machine_that_has_only_one_python_uses_it(machine: Machine, version: str) -> None:
    only = machine.has_python(f"python{version}")

    assert machine.run(FIND_PYTHON).stdout == f"{only}\n"


def test_a_python_newer_than_those_it_was_tried_with_is_found_as_well(machine: Machine) -> None:
    newer = machine.has_python("python3.99")
    machine.has("python3.99-config", "exit 0")

    assert machine.run(FIND_PYTHON).stdout == f"{newer}\n"


def test_the_newest_tried_one_is_taken_where_the_usual_name_is_too_old(machine: Machine) -> None:
    machine.has("python3", "exit 1")
    machine.has_python("python3.99")
    machine.has_python(f"python{VERSIONS[0]}")
    newest = machine.has_python(f"python{VERSIONS[-1]}")

    assert machine.run(FIND_PYTHON).stdout == f"{newest}\n"


def test_a_machine_without_a_python_that_is_new_enough_is_told_what_to_install(machine: Machine) -> None:
    machine.has("python3", "echo Python 3.9.2; exit 1")

    done = machine.run(FIND_PYTHON)

    assert (done.returncode, done.stdout) == (1, "")
    assert "error: no Python 3.11 or newer found.\n  python3: Python 3.9.2\n" in done.stderr
    assert "apt-get install python3 python3-venv" in done.stderr


def test_the_python_that_was_asked_for_is_taken_or_nothing(machine: Machine) -> None:
    machine.has_python("python3")
    asked = machine.has_python("python3.12")

    assert machine.run(FIND_PYTHON, PYTHON="python3.12").stdout == f"{asked}\n"
    assert machine.run(FIND_PYTHON, PYTHON="python3.13").returncode == 1


def test_every_place_that_names_the_python_versions_names_the_same() -> None:
    oldest, newest = VERSIONS[0], VERSIONS[-1]
    tried = re.findall(r"\bpython(3\.\d+)\b", FIND_PYTHON.read_text("utf-8").split("\non_path")[0])

    assert [f"3.{minor}" for minor in range(11, int(newest.removeprefix("3.")) + 1)] == VERSIONS
    assert tried == VERSIONS[::-1]
    assert PROJECT["requires-python"] == f">={oldest}"
    for page in ("README.md", "CONTRIBUTING.md"):
        assert f"Python {oldest} to {newest}" in (ROOT / page).read_text("utf-8"), page
    for recipe in ("Dockerfile", "compose/exporter.Dockerfile"):
        (base,) = re.findall(r"\bpython:(3\.\d+)\.\d+-slim", (ROOT / recipe).read_text("utf-8"))
        assert base in VERSIONS, recipe


# --- which packages ---------------------------------------------------------------------------------------------

PROMETHEUS = ("prometheus:prometheus", "prometheus:promtool")

# Nothing else than apt-get gets through it. Without a terminal it must not ask for a password, as -n says.
SUDO = 'test "$1" = -n && shift && case "$1" in env) exec "$@" ;; *) cat >/dev/null ;; esac'


class Debian(Machine):
    """A machine whose user is not root, with an apt that knows Prometheus."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._asked = folder / "asked"
        self.has("id", "echo 1000")
        self.has("dpkg-query", "exit 0")
        self.has("program", "exit 0")
        self.has(
            "apt-get",
            f'echo "$@" >>{self._asked}\n'
            f'case "$*" in *install*prometheus) cd {folder} && cp program prometheus && cp program promtool ;; esac',
        )

    @property
    def asked(self) -> list[str]:
        """What apt-get was told to do, without its options."""
        lines = self._asked.read_text("utf-8").splitlines() if self._asked.exists() else []
        return [" ".join(re.findall(r"(?<= )[a-z]\S*", line.partition("Use-Pty=0")[2])) for line in lines]


@pytest.mark.parametrize("there", [[], ["promtool"], ["prometheus"]], ids=["neither", "promtool", "prometheus"])
def test_a_package_of_which_a_program_is_missing_is_installed_once(tmp_path: Path, there: list[str]) -> None:
    machine = Debian(tmp_path)
    machine.has("sudo", SUDO)
    for command in there:
        machine.has(command, "exit 0")

    done = machine.run(ENSURE, *PROMETHEUS)

    assert (done.returncode, done.stderr) == (0, "")
    assert machine.asked == ["update", "install prometheus"]
    assert machine.run("prometheus").returncode == machine.run("promtool").returncode == 0


def test_what_is_there_needs_neither_root_nor_a_package_manager(machine: Machine) -> None:
    for command in ("prometheus", "promtool"):
        machine.has(command, "exit 0")

    assert machine.run(ENSURE, *PROMETHEUS).returncode == 0


@pytest.mark.parametrize("sudo", [None, "echo 'sudo: a password is required' >&2; exit 1"], ids=["none", "refuses"])
def test_a_user_without_rights_is_told_what_root_has_to_run(tmp_path: Path, sudo: str | None) -> None:
    machine = Debian(tmp_path)
    if sudo:
        machine.has("sudo", sudo)

    done = machine.run(ENSURE, *PROMETHEUS)

    assert done.returncode == 1
    assert "error: missing: prometheus. " in done.stderr
    assert done.stderr.endswith("run 'apt-get install prometheus' as root.\n")
    assert machine.asked == []


def test_a_package_that_this_release_lacks_is_an_error(tmp_path: Path) -> None:
    machine = Debian(tmp_path)
    machine.has("sudo", SUDO)
    machine.has("apt-get", 'case "$*" in *install*) echo "E: Unable to locate package chromium" >&2; exit 100 ;; esac')

    done = machine.run(ENSURE, "chromium:chromium")

    assert done.returncode == 1
    assert "E: Unable to locate package chromium\nerror: 'apt-get install chromium' failed" in done.stderr


def test_the_programs_that_the_tests_run_are_all_asked_for() -> None:
    recipe = (ROOT / "Makefile").read_text("utf-8")
    (programs,) = re.findall(r"^PROGRAMS := ((?:.*\\\n)*.*)$", recipe, re.MULTILINE)

    assert set(re.findall(r":([\w-]+)", programs)) == {
        "amtool",
        "chromium",
        "curl",
        "prometheus",
        "prometheus-alertmanager",
        "promtool",
        "systemd-analyze",
    }


# --- the gate ---------------------------------------------------------------------------------------------------


def test_the_gate_tries_the_same_examples_each_time_and_waits_for_nobody(machine: Machine) -> None:
    for name in ("bash", "dirname"):
        (machine.folder / name).symlink_to(shutil.which(name) or "")
    machine.has("make", 'echo "$@: CI=$CI"; cat')

    done = machine.run(ROOT / ".ci" / "run")

    assert (done.returncode, done.stdout, done.stderr) == (0, "test: CI=true\n", "")

"""The repository's own rules, kept by tests."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

import exporter
from exporter.cli import main

ROOT = Path(__file__).parents[1]
LONGEST_FILE = 400


def _files() -> list[Path]:
    """Every file that is, or could be, committed. Git is told that the folder's owner does not matter."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=30).stdout
    return [path for name in listing.split("\0") if name and (path := ROOT / name).is_file()]


FILES = _files()
PYTHON = [path for path in FILES if path.suffix == ".py"]


def _found(pattern: str, files: list[Path]) -> list[str]:
    """Where the pattern stands, as `path:line: text`, in those of the files that are text."""
    wanted = re.compile(pattern)
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:200]}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        if wanted.search(line)
    ]


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?i)\bpypi\.org|\bpythonhosted\.org|\bnpmjs\.(?:org|com)|\byarnpkg\.com",
        r"(?i)\b(?:deb|security|ftp)\.debian\.org|\barchive\.ubuntu\.com",
        r"(?i)\bproxy\.golang\.org|\bcrates\.io",
        r"(?i)--(?:extra-)?index-url[= ]\S|--find-links[= ]\S|\bindex-url\s*=",
    ],
    ids=["package index", "distribution", "other registry", "index option"],
)
def test_no_file_names_a_package_registry(pattern: str) -> None:
    assert _found(pattern, FILES) == []


def test_no_file_names_a_path_of_one_machine() -> None:
    own = "|".join(re.escape(f"{folder}/") for folder in (ROOT, Path.home()) if len(folder.parts) > 1)

    assert _found(rf"(?:^|[\s\"'=:(`])(?:{own}|/home/\w+/|/Users/\w+/|/root/)", FILES) == []


def test_every_module_is_short_enough_to_read() -> None:
    modules = [path for path in PYTHON if path.is_relative_to(ROOT / "exporter")]
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text("utf-8").splitlines()) for path in modules}

    assert modules
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


@pytest.mark.parametrize(
    "pattern",
    [
        r"\bunittest[.]mock\b|\b(?:Magic|Async)Mock\b|\bpytest[-_]mock\b",
        r"\bpytest[.](?:skip|xfail|importorskip)\b|\bmark[.](?:skip|skipif|xfail)\b|\bunittest[.]skip",
        r"pragma:[ ]no[ ]?(?:cover|branch)",
        r"\b(?:TODO|FIXME|XXX)\b(?!\\b|\|)",
    ],
    ids=["mock", "skip", "uncounted line", "unfinished"],
)
def test_no_shortcut_is_taken(pattern: str) -> None:
    others = [path for path in PYTHON if path != Path(__file__)]

    assert _found(pattern, others) == []


def test_a_program_that_a_test_starts_ends_with_the_test() -> None:
    keep = {"testing/processes.py", "testing/served.py", "testing/running.py", "tests/_reference.py"}
    folders = (ROOT / "tests", ROOT / "testing")
    others = [path for path in PYTHON if any(map(path.is_relative_to, folders)) and path != Path(__file__)]

    found = _found(r"subprocess[.]Popen\(", [p for p in others if p.relative_to(ROOT).as_posix() not in keep])

    assert found == [], "use testing.processes.Process: a failed test would leave the program running"


def test_no_program_is_started_with_python_code_between_fork_and_exec() -> None:
    found = _found(r"preexec_fn", [path for path in PYTHON if path != Path(__file__)])

    assert found == [], (
        "gRPC's threads start again in the copy of the process, and abort it; start it through a program that does it"
    )


def test_every_exception_to_a_rule_names_it_and_gives_a_reason() -> None:
    bare = [
        place
        for place in _found(r"#\s*(?:noqa|type:\s*ignore|mypy:|ruff:)", [p for p in PYTHON if p != Path(__file__)])
        if not re.search(
            r"# (?:ruff: )?noqa: [A-Z]+\d+(?:, ?[A-Z]+\d+)* \S.*\w|# type: ignore\[[\w, -]+\] +# \S.*\w", place
        )
    ]

    assert bare == []


def test_the_import_contracts_hold_for_the_decisions() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    pure = next(contract for contract in settings["contracts"] if contract["name"].startswith("Decisions "))

    assert set(pure["source_modules"]) == {"exporter.config", "exporter.model", "exporter.reconcile"}


def _layers() -> list[list[str]]:
    """The packages of each layer, from the command line down."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (layers,) = (contract["layers"] for contract in settings["contracts"] if contract["type"] == "layers")
    return [layer.split(" | ") for layer in layers]


def test_every_package_stands_in_one_of_at_most_ten_layers() -> None:
    packages = [path.parent.name for path in (ROOT / "exporter").glob("*/__init__.py")]

    assert sorted(name for layer in _layers() for name in layer) == sorted(packages)
    assert len(_layers()) <= 10


def test_modules_stand_in_packages() -> None:
    assert {path.name for path in (ROOT / "exporter").glob("*.py")} == {"__init__.py", "__main__.py", "health.py"}


def test_every_package_names_its_modules() -> None:
    unnamed = {
        module.relative_to(ROOT).as_posix()
        for package in (ROOT / "exporter").rglob("*/__init__.py")
        for module in package.parent.glob("*.py")
        if module != package
        and not re.search(
            rf"(?<![\w.]){re.escape(module.name)}", ast.get_docstring(ast.parse(package.read_text("utf-8"))) or ""
        )
    }

    assert unnamed == set()


def test_the_architecture_page_has_the_layers_and_names_modules_that_exist() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:exporter/)?[a-z]+/[a-z_]+\.py)`", page)
    rows = re.findall(r"(?m)^\| (\d*) +\| `(\w+)` \|", page.replace("| |", "|  |"))
    layers: list[list[str]] = []
    for number, package in rows:
        layers.extend([[]] if number else [])
        layers[-1].append(package)

    assert [sorted(layer) for layer in layers] == [sorted(layer) for layer in _layers()]
    assert named
    assert [name for name in named if not (ROOT / "exporter" / name.removeprefix("exporter/")).is_file()] == []


def test_time_comes_in_from_the_command_line() -> None:
    clocks = {"cli/clock.py", "run/schedule.py", "incidents/local.py", "emulators/firestore/server.py"}
    modules = [path for path in PYTHON if path.is_relative_to(ROOT / "exporter")]

    found = _found(r"\bdatetime[.](?:now|today|utcnow)\(|\bdate[.]today\(", modules)

    assert {place.split(":")[0] for place in found} == {f"exporter/{name}" for name in clocks}


def test_the_version_stands_in_one_place() -> None:
    settings = [path for path in FILES if path.suffix in {".py", ".toml"} or path.name in {"Dockerfile", "Makefile"}]

    places = _found(rf"(?<![\w.]){re.escape(exporter.__version__)}(?![\w.])", settings)

    assert [place.split(":")[0] for place in places] == ["exporter/__init__.py"]


def test_the_changelog_has_the_version_with_its_date_below_what_is_unreleased() -> None:
    sections = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    unreleased, newest, *_ = sections

    assert unreleased == "Unreleased"
    assert re.fullmatch(rf"{re.escape(exporter.__version__)} - \d{{4}}-\d\d-\d\d", newest)


def test_every_commit_hook_is_a_make_target() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

    assert [hook["entry"] for hook in hooks if hook["entry"] not in {f"make {target}" for target in targets}] == []
    assert {"check", "unit", "site"} == {hook["id"] for hook in hooks}


def test_the_form_for_a_wrong_verdict_asks_for_a_capture() -> None:
    form = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/wrong-verdict.yml").read_text(encoding="utf-8"))
    (field,) = [item for item in form["body"] if item.get("id") == "capture"]
    (command,) = re.findall(r"`orchestration-exporter (capture .+?)`", field["attributes"]["description"])

    assert field["validations"] == {"required": True}
    # `--help` after them: click reads the options before it, and refuses one that there is not.
    assert CliRunner().invoke(main, [*shlex.split(command), "--help"]).exit_code == 0


def test_every_file_that_the_page_on_extending_names_is_there() -> None:
    page = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:exporter|tests|testing|alerts|grafana|docs)/[\w./*-]+)`", page))
    absent = {name for name in named if "NAME" not in name and not list(ROOT.glob(name))}

    assert named
    assert absent == set()

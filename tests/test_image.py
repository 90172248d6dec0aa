"""The container image's recipe, as far as it can be judged without a container engine."""

from __future__ import annotations

import json
import re
from itertools import takewhile
from pathlib import Path

import pytest

from exporter import health
from exporter.config.load import load
from exporter.config.parsing import parse_yaml

ROOT = Path(__file__).parents[1]


def _instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()]


INSTRUCTIONS = _instructions()
LAST_STAGE = list(reversed(list(takewhile(lambda instruction: instruction[0] != "FROM", reversed(INSTRUCTIONS)))))


def _of(keyword: str, instructions: list[tuple[str, str]] = INSTRUCTIONS) -> list[str]:
    return [argument for name, argument in instructions if name == keyword]


def test_the_base_image_is_pinned_to_a_patch_release() -> None:
    default = _of("ARG")[0]

    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.\d+\.\d+-slim-[a-z]+(@sha256:[0-9a-f]{64})?", default)
    assert {argument.split()[0] for argument in _of("FROM")} == {"${PYTHON_IMAGE}"}


def test_everything_copied_from_the_context_is_there_and_let_through() -> None:
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    copied = [word for argument in _of("COPY") if "--from=" not in argument for word in argument.split()[:-1]]
    named = [path for path in copied if path != "."]

    assert "*" in rules
    assert named
    for path in named:
        assert (ROOT / path).is_file(), path
        assert path.split("/")[0] in allowed, path
    assert {"LICENSE", "README.md", "exporter", "pyproject.toml"} <= allowed


def test_what_is_installed_is_checked_against_the_locks() -> None:
    installs = [command for run in _of("RUN") for command in run.split("&&") if " install " in command]

    assert len(installs) == 3
    for command in installs:
        assert "--no-deps --require-hashes" in command or "--no-deps --no-index" in command, command
    assert not any(name in run for run in _of("RUN") for name in ("demo", "dev.txt", "apt-get"))


def test_it_is_built_without_the_local_servers() -> None:
    steps = [argument for name, argument in INSTRUCTIONS if name in {"COPY", "RUN"}]
    copied, removed = steps.index(". ."), steps.index("rm -r exporter/emulators")
    built = next(number for number, step in enumerate(steps) if " wheel " in step)

    assert copied < removed < built
    assert (ROOT / "exporter" / "emulators").is_dir()


def test_it_runs_as_a_user_without_rights_named_by_number() -> None:
    (user,) = _of("USER", LAST_STAGE)

    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)


def test_nothing_runs_through_a_shell() -> None:
    (check,) = _of("HEALTHCHECK", LAST_STAGE)
    health_check = json.loads(check.split("CMD ", maxsplit=1)[1])
    (entry_point,) = _of("ENTRYPOINT", LAST_STAGE)
    (command,) = _of("CMD", LAST_STAGE)

    assert health_check == ["python", "-m", "exporter.health", health.DEFAULT_URL]
    assert json.loads(entry_point) == ["orchestration-exporter"]
    assert json.loads(command)[0] == "run"
    assert _of("RUN", LAST_STAGE) == []


def test_it_listens_where_it_says_and_stops_when_told() -> None:
    assert _of("EXPOSE", LAST_STAGE) == [health.DEFAULT_URL.split(":")[2].split("/")[0]]
    assert _of("STOPSIGNAL", LAST_STAGE) == ["SIGTERM"]


@pytest.mark.parametrize("name", ["title", "description", "licenses", "version", "revision", "base.name"])
def test_it_is_labelled(name: str) -> None:
    (labels,) = _of("LABEL", LAST_STAGE)

    assert f'org.opencontainers.image.{name}="' in labels


def test_it_keeps_the_ledger_in_a_volume_that_its_user_may_write() -> None:
    (environment,) = _of("ENV", LAST_STAGE)
    (volume,) = _of("VOLUME", LAST_STAGE)
    (user,) = _of("USER", LAST_STAGE)
    variables = dict(setting.split("=", 1) for setting in environment.split())
    config = load(preset="nba", environ={name: value for name, value in variables.items() if name != "PATH"}).config

    assert config.ledger.path == f"{volume}/ledger.sqlite"
    assert f"--from=build --chown={user} /state {volume}" in _of("COPY", LAST_STAGE)


def test_what_is_in_the_image_needs_no_capability_and_no_other_port() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")

    assert not re.search(r"setcap|chmod\s+[ug]?\+s|sudo|--privileged|--security=insecure", text)
    assert all(int(port) > 1023 for port in _of("EXPOSE"))
    assert not any(word in argument for argument in _of("ADD") for word in ("http", "git"))


def test_the_files_of_the_exporter_belong_to_root_and_its_user_may_write_the_volume_alone() -> None:
    (user,) = _of("USER", LAST_STAGE)
    (volume,) = _of("VOLUME", LAST_STAGE)
    owned = [argument.split()[-1] for argument in _of("COPY", LAST_STAGE) if "--chown" in argument]

    assert owned == [volume]
    assert user.split(":")[0] != "0"


def test_the_exporter_of_the_composition_has_no_rights_it_does_not_need() -> None:
    services = parse_yaml((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    exporter = services["exporter"]
    recipe = (ROOT / exporter["build"]["dockerfile"]).read_text(encoding="utf-8")

    assert (exporter["read_only"], exporter["cap_drop"], exporter["security_opt"], exporter["tmpfs"]) == (
        True,
        ["ALL"],
        ["no-new-privileges:true"],
        ["/tmp"],
    )
    assert re.search(r"^USER [1-9]\d{3,}:[1-9]\d{3,}$", recipe, re.MULTILINE)
    for service in services.values():
        assert not {"privileged", "cap_add", "devices", "network_mode", "pid", "ipc"} & set(service)
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
        assert all(mount.endswith(":ro") for mount in service.get("volumes", ()))

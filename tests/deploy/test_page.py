"""docs/deploy.md: what it tells the reader to write and run meets what is in deploy/."""

from __future__ import annotations

import re
import shlex
import textwrap
from pathlib import Path

import yaml

from testing.kustomizations import built

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PAGE = (ROOT / "docs" / "deploy.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """The blocks of code of this language, without the indentation of a list."""
    return [
        textwrap.dedent(text) for text in re.findall(rf"^ *```{language}\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL)
    ]


def test_the_kustomization_of_ones_own_changes_what_there_is() -> None:
    (own,) = (yaml.safe_load(block) for block in blocks("yaml"))
    ((resource,), (image,), (generated,), (patch,)) = (
        own[field] for field in ("resources", "images", "configMapGenerator", "patches")
    )
    folder = ROOT / resource.removeprefix("../orchestration-exporter/")
    there = {(each["kind"], each["metadata"]["name"]): each for each in built(folder)}
    patched = yaml.safe_load(patch["patch"])
    (container,) = there["StatefulSet", "orchestration-exporter"]["spec"]["template"]["spec"]["containers"]

    assert image["name"] == container["image"]
    assert generated["behavior"] == "replace"
    assert set(generated["files"]) == there["ConfigMap", generated["name"]]["data"].keys()
    account = there[patched["kind"], patched["metadata"]["name"]]
    assert patched["metadata"]["annotations"].keys() == account["metadata"]["annotations"].keys()


def test_the_secrets_that_it_makes_are_those_that_cloud_run_mounts() -> None:
    service = yaml.safe_load((DEPLOY / "cloud-run" / "service.yaml").read_text("utf-8"))
    mounted = {volume["secret"]["secretName"] for volume in service["spec"]["template"]["spec"]["volumes"]}

    assert set(re.findall(r"gcloud secrets create (\S+)", PAGE)) == mounted


def test_the_program_and_its_configuration_stand_where_the_unit_looks() -> None:
    unit = (DEPLOY / "systemd" / "orchestration-exporter.service").read_text("utf-8")
    (command,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    program, *arguments = shlex.split(command)
    (config,) = (each.removeprefix("--config.file=") for each in arguments if each.startswith("--config.file="))
    (steps,) = (block for block in blocks("sh") if "systemctl enable" in block)

    assert f"python3 -m venv {Path(program).parents[1]}\n" in steps
    assert f"{program} config check --config.file {config}\n" in steps


def test_every_file_that_the_steps_name_is_there() -> None:
    named = set(re.findall(r"\b(?:deploy|requirements)/[\w./-]*\w", PAGE))

    assert len(named) > 5
    assert [name for name in named if not (ROOT / name).exists()] == []

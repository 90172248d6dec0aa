"""deploy/cloud-run, as far as it can be judged without Google: schemas, and that every name meets its other half."""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePosixPath
from typing import Any

import kubernetes_validate
import pytest
from click.testing import CliRunner

from exporter.cli import main
from exporter.config.load import load
from exporter.web.auth import OPEN_PATHS
from testing.kustomizations import read

ROOT = Path(__file__).parents[2]
(SERVICE,) = read(ROOT / "deploy" / "cloud-run" / "service.yaml")
(MONITORING,) = read(ROOT / "deploy" / "cloud-run" / "run-monitoring.yaml")
TEMPLATE: dict[str, Any] = SERVICE["spec"]["template"]
ANNOTATIONS: dict[str, str] = TEMPLATE["metadata"]["annotations"]
SPEC: dict[str, Any] = TEMPLATE["spec"]
CONTAINERS: dict[str, dict[str, Any]] = {container["name"]: container for container in SPEC["containers"]}
EXPORTER = CONTAINERS["exporter"]
PORT = 9189


def test_its_containers_are_those_of_a_pod() -> None:
    own = {"containerConcurrency", "timeoutSeconds"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": SERVICE["metadata"]["name"]},
        "spec": {name: value for name, value in SPEC.items() if name not in own},
    }

    kubernetes_validate.validate(pod, "1.37", strict=True)
    assert own <= SPEC.keys()


def test_one_instance_is_always_on_and_keeps_its_cpu() -> None:
    assert ANNOTATIONS["autoscaling.knative.dev/minScale"] == ANNOTATIONS["autoscaling.knative.dev/maxScale"] == "1"
    assert ANNOTATIONS["run.googleapis.com/cpu-throttling"] == "false"


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_has_what_instance_based_billing_asks_for(name: str) -> None:
    assert CONTAINERS[name]["resources"]["limits"] == {"cpu": "1", "memory": "512Mi"}


def test_requests_go_to_the_exporter_and_the_collector_waits_for_it() -> None:
    assert [name for name, container in CONTAINERS.items() if "ports" in container] == ["exporter"]
    assert EXPORTER["ports"] == [{"name": "http1", "containerPort": PORT}]
    assert json.loads(ANNOTATIONS["run.googleapis.com/container-dependencies"]) == {"collector": ["exporter"]}
    assert "startupProbe" in EXPORTER


def test_the_probes_ask_a_path_that_is_there_while_the_sources_are_away() -> None:
    probes = [EXPORTER[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe")]

    assert probes == [{"path": "/-/healthy", "port": PORT}] * 2
    assert "/-/healthy" in OPEN_PATHS


def test_the_arguments_are_ones_that_the_command_takes() -> None:
    done = CliRunner().invoke(main, [*EXPORTER["args"], "--help"])

    assert done.exit_code == 0, done.output


def test_the_arguments_are_those_in_kubernetes() -> None:
    (stateful,) = read(ROOT / "deploy" / "kubernetes" / "base" / "statefulset.yaml")

    assert stateful["spec"]["template"]["spec"]["containers"][0]["args"] == EXPORTER["args"]


def test_every_secret_is_mounted_where_its_reader_looks() -> None:
    secrets = {volume["name"]: volume["secret"] for volume in SPEC["volumes"]}
    files = {
        name: [
            PurePosixPath(mount["mountPath"], item["path"])
            for mount in container["volumeMounts"]
            for item in secrets[mount["name"]]["items"]
        ]
        for name, container in CONTAINERS.items()
    }
    (config,) = [arg.removeprefix("--config.file=") for arg in EXPORTER["args"] if arg.startswith("--config.file=")]

    # The collector looks nowhere else.
    assert files == {"exporter": [PurePosixPath(config)], "collector": [PurePosixPath("/etc/rungmp/config.yaml")]}


def test_the_collector_scrapes_the_exporter_under_the_job_that_the_rules_ask_for() -> None:
    (endpoint,) = MONITORING["spec"]["endpoints"]
    rules = (ROOT / "alerts" / "rules" / "exporter.yml").read_text("utf-8")

    assert (MONITORING["apiVersion"], MONITORING["kind"]) == ("monitoring.googleapis.com/v1beta", "RunMonitoring")
    assert (endpoint["port"], endpoint["path"]) == (str(PORT), "/metrics")
    assert set(re.findall(r'job=\\*"([^"\\]+)', rules)) == {MONITORING["metadata"]["name"]}


def test_the_collector_is_pinned_to_a_release() -> None:
    assert re.fullmatch(r"\S+:\d+\.\d+\.\d+", CONTAINERS["collector"]["image"])


def test_the_account_is_the_one_in_kubernetes() -> None:
    (account,) = read(ROOT / "deploy" / "kubernetes" / "base" / "serviceaccount.yaml")
    project = load(preset="nba", environ={}).config.project

    assert SPEC["serviceAccountName"] == account["metadata"]["annotations"]["iam.gke.io/gcp-service-account"]
    assert f"@{project}." in SPEC["serviceAccountName"]

"""deploy/kubernetes, as far as it can be judged without a cluster: schemas, and every name meets its other half."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from click.testing import CliRunner

from exporter import health
from exporter.cli import main
from exporter.config.load import load
from exporter.config.shards import Shard
from exporter.web.auth import OPEN_PATHS
from testing.kustomizations import built, read

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy" / "kubernetes"
BASE = DEPLOY / "base"
OPERATOR = DEPLOY / "overlays" / "prometheus-operator"
GOOGLE = DEPLOY / "overlays" / "google-managed-prometheus"
SHARDS = DEPLOY / "overlays" / "shards"
FOLDERS = [BASE, OPERATOR, GOOGLE, SHARDS]
NAME = "orchestration-exporter"
# The oldest that has ReadWriteOncePod, one between, the newest that there is a schema for.
VERSIONS = ["1.29", "1.33", "1.37"]
DURATION = {"type": "string", "pattern": r"^\d+[smh]$"}
LABELS = {
    "type": "object",
    "properties": {"matchLabels": {"type": "object"}},
    "required": ["matchLabels"],
    "additionalProperties": False,
}


def _spec(endpoint: dict[str, Any], **others: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON Schema
    fields = {"port": {"type": "string"}, "interval": DURATION, **endpoint}
    endpoints = {
        "type": "array",
        "minItems": 1,
        "items": {"type": "object", "properties": fields, "required": ["port"], "additionalProperties": False},
    }
    return {
        "type": "object",
        "properties": {"selector": LABELS, "endpoints": endpoints, **others},
        "required": ["selector", "endpoints"],
        "additionalProperties": False,
    }


def _rule(*, interval: bool) -> dict[str, Any]:
    texts = {"type": "object", "additionalProperties": {"type": "string"}}
    fields = {name: {"type": "string"} for name in ("record", "alert", "expr")} | {
        "labels": texts,
        "annotations": texts,
    }
    rule = {"type": "object", "properties": fields, "required": ["expr"], "additionalProperties": False}
    group = {"name": {"type": "string"}, "rules": {"type": "array", "items": rule}}
    required = ["name", "rules"]
    if interval:
        group["interval"] = DURATION
        required.append("interval")
    item = {"type": "object", "properties": group, "required": required, "additionalProperties": False}
    return {
        "type": "object",
        "properties": {"groups": {"type": "array", "items": item}},
        "required": ["groups"],
        "additionalProperties": False,
    }


# Of the published definitions (prometheus-operator, prometheus-engine), the fields that are used here: a cluster drops
# a field that it does not know without a word.
CUSTOM = {
    "monitoring.coreos.com/v1 ServiceMonitor": _spec({"scrapeTimeout": DURATION}, jobLabel={"type": "string"}),
    "monitoring.coreos.com/v1 PrometheusRule": _rule(interval=False),
    "monitoring.googleapis.com/v1 PodMonitoring": _spec({"timeout": DURATION}),
    "monitoring.googleapis.com/v1 Rules": _rule(interval=True),
}


def kind(resource: dict[str, Any]) -> str:
    return f"{resource['apiVersion']} {resource['kind']}"


def one(wanted: str, folder: Path = BASE, name: str = NAME) -> dict[str, Any]:
    (found,) = [each for each in built(folder) if each["kind"] == wanted and each["metadata"]["name"] == name]
    return found


POD: dict[str, Any] = one("StatefulSet")["spec"]["template"]
(CONTAINER,) = POD["spec"]["containers"]
PORTS = {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return bool(selector) and selector.items() <= labels.items()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_resource_holds_against_the_published_schema(folder: Path, version: str) -> None:
    for resource in built(folder):
        if kind(resource) in CUSTOM:
            jsonschema.validate(resource["spec"], CUSTOM[kind(resource)])
        else:
            kubernetes_validate.validate(resource, version, strict=True)


@pytest.mark.parametrize("wrong", ["replica", "podManagementPolicies"])
def test_the_schema_refuses_a_field_that_kubernetes_does_not_know(wrong: str) -> None:
    resource = one("StatefulSet")
    resource["spec"][wrong] = 1

    with pytest.raises(kubernetes_validate.ValidationError, match=wrong):
        kubernetes_validate.validate(resource, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_no_two_resources_have_the_same_name_and_none_has_a_namespace(folder: Path) -> None:
    resources = built(folder)
    names = [(kind(resource), resource["metadata"]["name"]) for resource in resources]

    assert len(names) == len(set(names))
    assert not any("namespace" in resource["metadata"] for resource in resources)


def test_every_file_is_part_of_a_kustomization() -> None:
    taken = {
        (path.parent / name).resolve()
        for path in DEPLOY.rglob("kustomization.yaml")
        for (content,) in [read(path)]
        for name in [
            *content["resources"],
            *(f for each in content.get("configMapGenerator", []) for f in each["files"]),
        ]
    }

    files = {path.resolve() for path in DEPLOY.rglob("*.yaml") if path.name != "kustomization.yaml"}
    assert files - taken == set()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_everything_that_selects_pods_selects_the_exporters(folder: Path) -> None:
    selectors = {
        "StatefulSet": lambda spec: spec["selector"]["matchLabels"],
        "Service": lambda spec: spec["selector"],
        "NetworkPolicy": lambda spec: spec["podSelector"]["matchLabels"],
        "PodMonitoring": lambda spec: spec["selector"]["matchLabels"],
    }
    found = [
        (each["kind"], selectors[each["kind"]](each["spec"])) for each in built(folder) if each["kind"] in selectors
    ]

    assert {"StatefulSet", "Service", "NetworkPolicy"} <= {name for name, _ in found}
    assert [name for name, selector in found if not selects(selector, POD["metadata"]["labels"])] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_port_that_is_named_is_one_of_the_containers(folder: Path) -> None:
    ports = {
        "Service": lambda spec: [port["targetPort"] for port in spec["ports"]],
        "PodMonitoring": lambda spec: [endpoint["port"] for endpoint in spec["endpoints"]],
        "NetworkPolicy": lambda spec: [port["port"] for rule in spec.get("ingress", []) for port in rule["ports"]],
    }
    named = [CONTAINER[probe]["httpGet"]["port"] for probe in ("livenessProbe", "readinessProbe")]
    for resource in built(folder):
        if resource["kind"] in ports:
            named += ports[resource["kind"]](resource["spec"])

    assert set(named) == PORTS.keys()


def test_the_service_monitor_finds_the_service_and_its_port() -> None:
    service, monitor = one("Service"), one("ServiceMonitor", OPERATOR)

    assert selects(monitor["spec"]["selector"]["matchLabels"], service["metadata"]["labels"])
    assert [endpoint["port"] for endpoint in monitor["spec"]["endpoints"]] == [
        port["name"] for port in service["spec"]["ports"]
    ]


def test_the_job_is_the_one_that_the_rules_ask_for() -> None:
    (rules,) = [each for each in built(GOOGLE) if each["kind"] == "Rules"]
    asked = set(re.findall(r'job=\\*"([^"\\]+)', yaml.safe_dump(rules, width=2**20)))
    monitor, service = one("ServiceMonitor", OPERATOR), one("Service", OPERATOR)

    assert asked == {NAME}
    assert service["metadata"]["labels"][monitor["spec"]["jobLabel"]] == NAME
    assert one("PodMonitoring", GOOGLE)["metadata"]["name"] == NAME


def test_each_overlay_adds_the_rules_its_scrape_and_the_way_in_for_it() -> None:
    base = {(each["kind"], each["metadata"]["name"]) for each in built(BASE)}
    added = {
        folder.name: {(each["kind"], each["metadata"]["name"]) for each in built(folder)} - base
        for folder in (OPERATOR, GOOGLE)
    }

    way_in = ("NetworkPolicy", f"{NAME}-scrape")
    assert added == {
        OPERATOR.name: {("ServiceMonitor", NAME), ("PrometheusRule", NAME), way_in},
        GOOGLE.name: {("PodMonitoring", NAME), ("Rules", NAME), way_in},
    }


def test_prometheus_of_the_helm_release_takes_the_monitor_and_the_rules() -> None:
    monitor, rules = one("ServiceMonitor", OPERATOR), one("PrometheusRule", OPERATOR)

    assert monitor["metadata"]["labels"]["release"] == rules["metadata"]["labels"]["release"]
    assert "release" not in POD["metadata"]["labels"]


def test_alone_the_exporter_lets_nobody_in() -> None:
    (policy,) = [each for each in built(BASE) if each["kind"] == "NetworkPolicy"]

    assert set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    assert policy["spec"]["ingress"] == []


def test_the_pod_meets_the_restricted_security_standard_and_cannot_write_beside_its_volume() -> None:
    pod, container = POD["spec"]["securityContext"], CONTAINER["securityContext"]

    assert pod["runAsNonRoot"] is True
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & POD["spec"].keys()
    assert POD["spec"]["automountServiceAccountToken"] is False


def test_one_process_has_the_ledger() -> None:
    spec = one("StatefulSet")["spec"]
    (claim,) = spec["volumeClaimTemplates"]

    assert spec["replicas"] == 1
    assert claim["spec"]["accessModes"] == ["ReadWriteOncePod"]


def test_every_shard_is_a_pod_with_a_ledger_and_a_number_of_its_own() -> None:
    spec = one("StatefulSet", SHARDS)["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    index, shard = container["env"]

    assert index["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.labels['apps.kubernetes.io/pod-index']"
    numbers = [shard["value"].replace(f"$({index['name']})", str(number)) for number in range(spec["replicas"])]
    found = [load(preset="nba", environ={shard["name"]: number}).config.shard for number in numbers]
    assert found == [Shard(number, spec["replicas"]) for number in range(spec["replicas"])]
    assert [claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]] == ["state"]


def test_a_patch_adds_what_is_not_there_and_replaces_what_is() -> None:
    (content,) = read(SHARDS / "kustomization.yaml")
    steps = yaml.safe_load(content["patches"][0]["patch"])
    before, after = one("StatefulSet", OPERATOR), one("StatefulSet", SHARDS)

    assert [step["op"] for step in steps] == ["replace", "add", "add"]
    assert before["spec"]["replicas"] == 1
    assert "podManagementPolicy" not in before["spec"]
    assert after["spec"]["podManagementPolicy"] == "Parallel"


def test_user_port_and_state_are_those_of_the_image() -> None:
    (user, group) = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)[0]
    (volume,) = re.findall(r"^VOLUME (\S+)$", DOCKERFILE, re.MULTILINE)
    pod = POD["spec"]["securityContext"]
    (state,) = [mount for mount in CONTAINER["volumeMounts"] if mount["name"] == "state"]

    assert (pod["runAsUser"], pod["runAsGroup"], pod["fsGroup"]) == (int(user), int(group), int(group))
    assert list(PORTS.values()) == [int(port) for port in re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)]
    assert f":{PORTS['http']}/" in health.DEFAULT_URL
    assert state == {"name": "state", "mountPath": volume}
    assert [claim["metadata"]["name"] for claim in one("StatefulSet")["spec"]["volumeClaimTemplates"]] == ["state"]


def test_the_arguments_are_ones_that_the_command_takes() -> None:
    done = CliRunner().invoke(main, [*CONTAINER["args"], "--help"])

    assert done.exit_code == 0, done.output


def test_the_configuration_is_mounted_where_the_arguments_say_and_is_valid(tmp_path: Path) -> None:
    (path,) = [arg.removeprefix("--config.file=") for arg in CONTAINER["args"] if arg.startswith("--config.file=")]
    (volume,) = [each for each in POD["spec"]["volumes"] if each["name"] == "config"]
    (mount,) = [each for each in CONTAINER["volumeMounts"] if each["name"] == "config"]
    data = one("ConfigMap", name=volume["configMap"]["name"])["data"]
    file = tmp_path / "config.yaml"
    file.write_text(data[PurePosixPath(path).name], "utf-8")

    assert mount["readOnly"] is True
    assert str(PurePosixPath(path).parent) == mount["mountPath"]
    assert load(file=file, environ={}).config.pipelines


def test_the_probes_ask_paths_that_need_no_user() -> None:
    paths = [CONTAINER[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe")]

    assert paths == ["/-/healthy", "/-/ready"]
    assert set(paths) <= OPEN_PATHS


def test_the_account_is_the_one_of_the_page_on_permissions_and_the_preset() -> None:
    account = one("ServiceAccount")
    page = (ROOT / "docs" / "permissions.md").read_text("utf-8")
    (name,) = re.findall(r"^ACCOUNT=([\w-]+)@\$PROJECT", page, re.MULTILINE)
    project = load(preset="nba", environ={}).config.project

    assert POD["spec"]["serviceAccountName"] == account["metadata"]["name"]
    assert account["metadata"]["annotations"] == {
        "iam.gke.io/gcp-service-account": f"{name}@{project}.iam.gserviceaccount.com"
    }


@pytest.mark.parametrize(
    "change",
    [
        "patches: [{target: {kind: X, name: x}, patch: '[]'}]",
        "resources: [../beside/file.yaml]",
        "labels: [{pairs: {}, x: 1}]",
    ],
)
def test_what_kustomize_would_do_otherwise_is_an_error_of_the_builder(tmp_path: Path, change: str) -> None:
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "file.yaml").write_text("{}", "utf-8")
    folder = tmp_path / "folder"
    folder.mkdir()
    content = {"resources": [], **yaml.safe_load(change)}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(content), "utf-8")

    with pytest.raises(ValueError, match="folder: "):
        built(folder)

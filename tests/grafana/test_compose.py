"""compose.yaml and what it mounts: no engine runs it here, so everything that can be checked without one is."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from compose_spec import PyCompose

from testing.processes import Process
from testing.prometheus import promtool
from testing.served import free_port
from testing.waiting import until

ROOT = Path(__file__).parents[2]
FILE = ROOT / "compose.yaml"
SERVICES: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))["services"]
MOUNTS = [(name, *mount.split(":")) for name, service in SERVICES.items() for mount in service.get("volumes", [])]
PROVISIONING = ROOT / "grafana" / "provisioning"


def provisioned(name: str) -> Any:  # noqa: ANN401 - YAML
    return yaml.safe_load((PROVISIONING / name).read_text("utf-8"))


def test_it_holds_against_the_compose_specification() -> None:
    found = PyCompose.from_yaml(FILE.read_text("utf-8"))

    assert found.service_names() == ["exporter", "prometheus", "alertmanager", "grafana"]


def test_every_image_is_pinned_to_a_patch_release() -> None:
    images = [service["image"] for service in SERVICES.values() if "image" in service]
    dockerfile = ROOT / SERVICES["exporter"]["build"]["dockerfile"]
    images += re.findall(r"^FROM (\S+)", dockerfile.read_text("utf-8"), re.MULTILINE)

    assert len(images) == len(SERVICES)
    assert all(re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+[\w.-]*", image) for image in images), images


@pytest.mark.parametrize("mount", MOUNTS, ids=lambda mount: f"{mount[0]} {mount[1]}")
def test_everything_mounted_is_there_and_cannot_be_written(mount: tuple[str, ...]) -> None:
    _, source, target, *mode = mount

    assert (ROOT / source).exists()
    assert target.startswith("/etc/")
    assert mode == ["ro"]


def test_nothing_listens_beyond_the_machine() -> None:
    ports = [port for service in SERVICES.values() for port in service["ports"]]

    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert len(ports) == len(set(ports)) == len(SERVICES)


def test_services_wait_for_what_they_need_until_it_is_healthy() -> None:
    for service in SERVICES.values():
        for other, condition in service.get("depends_on", {}).items():
            assert condition == {"condition": "service_healthy"}
            assert SERVICES[other]["healthcheck"]["test"][0] == "CMD"


def test_the_build_sees_what_it_copies() -> None:
    dockerfile = (ROOT / SERVICES["exporter"]["build"]["dockerfile"]).read_text("utf-8")
    let_through = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    started = re.findall(r"/src/(\S+?)\"", dockerfile)
    copied = [word for line in re.findall(r"^COPY (.+)$", dockerfile, re.MULTILINE) for word in line.split()[:-1]]

    assert started
    for path in {*started, *copied} - {"."}:
        assert (ROOT / path).is_file()
        assert f"!{path.split('/')[0]}" in let_through


@pytest.mark.usefixtures("_programs")
def test_prometheus_takes_its_configuration_with_the_shipped_rules(tmp_path: Path) -> None:
    for _, source, target, _ in (mount for mount in MOUNTS if mount[0] == "prometheus"):
        here = tmp_path / target.removeprefix("/etc/prometheus/")
        (shutil.copytree if (ROOT / source).is_dir() else shutil.copy)(ROOT / source, here)

    code, lines = promtool("check", "config", str(tmp_path / "prometheus.yml"))

    assert code == 0, lines
    found = [line for line in lines if line.endswith("rules found")]
    assert len(found) == len(list((ROOT / "alerts" / "rules").glob("*.yml")))


def test_prometheus_scrapes_and_tells_services_that_exist() -> None:
    config = yaml.safe_load((ROOT / "compose" / "prometheus.yml").read_text("utf-8"))
    (scrape,) = config["scrape_configs"]
    asked = [*scrape["static_configs"], *config["alerting"]["alertmanagers"][0]["static_configs"]]

    # The rules ask for this name.
    assert scrape["job_name"] == "orchestration-exporter"
    for target in (target for each in asked for target in each["targets"]):
        name, port = target.split(":")
        assert any(published.endswith(f":{port}") for published in SERVICES[name]["ports"])


@pytest.mark.usefixtures("_programs")
def test_alertmanager_takes_its_configuration_and_tells_nobody() -> None:
    file = ROOT / "compose" / "alertmanager.yml"

    done = subprocess.run(["amtool", "check-config", file], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    assert [set(receiver) for receiver in yaml.safe_load(file.read_text("utf-8"))["receivers"]] == [{"name"}]


def test_grafana_is_given_its_data_source_and_its_dashboards() -> None:
    (source,) = provisioned("datasources/prometheus.yml")["datasources"]
    (provider,) = provisioned("dashboards/orchestration.yml")["providers"]
    grafana = SERVICES["grafana"]
    mounted = {target: ROOT / path for service, path, target, _ in MOUNTS if service == "grafana"}

    assert (source["type"], source["url"], source["editable"]) == ("prometheus", "$PROMETHEUS_URL", False)
    assert source["jsonData"]["manageAlerts"] is True
    assert grafana["environment"]["PROMETHEUS_URL"] == "http://prometheus:9090"
    assert list(mounted[provider["options"]["path"]].glob("orchestration-*.json"))
    assert (provider["allowUiUpdates"], provider["disableDeletion"]) == (False, True)
    home = Path(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (mounted[str(home.parent)] / home.name).is_file()
    assert {"/etc/grafana/provisioning/datasources", "/etc/grafana/provisioning/dashboards"} <= mounted.keys()


def test_the_interval_that_grafana_is_told_is_the_one_that_prometheus_has() -> None:
    config = yaml.safe_load((ROOT / "compose" / "prometheus.yml").read_text("utf-8"))
    (source,) = provisioned("datasources/prometheus.yml")["datasources"]

    assert source["jsonData"]["timeInterval"] == config["global"]["scrape_interval"]


def test_the_demo_beside_prometheus_shows_the_incident_as_yesterdays() -> None:
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, str(ROOT / "compose" / "demo.py"), address]
    with (
        Process(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process,
        httpx.Client(base_url=f"http://{address}") as client,
    ):
        text = until(lambda: _metrics(client), "the demo's report")
        process.terminate()
        process.wait(60)

    (reported,) = re.findall(r"^orchestration_exporter_report_timestamp_seconds (\S+)$", text, re.MULTILINE)
    days = {date.fromisoformat(day) for day in re.findall(r'run_date="(\S+?)"', text)}
    verdicts = sorted(re.findall(r'verdict="(\w+)"\} 1$', text, re.MULTILINE))
    assert datetime.now(UTC) - datetime.fromtimestamp(float(reported), UTC) < timedelta(minutes=5)
    assert datetime.now(UTC).date() - days.pop() <= timedelta(days=2)
    assert not days
    assert verdicts == ["count_mismatch", "duplicated", "ok", "unregistered", "unregistered"]


def _metrics(client: httpx.Client) -> str:
    try:
        ready = client.get("/-/ready").status_code == httpx.codes.OK
    except httpx.TransportError:
        return ""
    return client.get("/metrics").text if ready else ""

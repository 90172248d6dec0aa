"""The shipped configuration: what Alertmanager's own tool says of it, who receives what, and where its secrets are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from exporter.shipped.alerts import PREFIX
from testing.alertmanager import CONFIG, SHIPPED, amtool, seconds, shipped, version
from testing.kinds_of_alerts import COLLECTORS, EXPORTER_DOWN, KINDS, NEEDS, UNREACHABLE, Kind, raised

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

README = (SHIPPED / "README.md").read_text(encoding="utf-8")
EXAMPLES = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)]
SECRETS = "/etc/alertmanager/secrets/"

RECEIVERS = {"critical": "pager", "warning": "ticket", "info": "info", "none": "dead-mans-switch"}


def checked(config: dict[str, Any], folder: Path) -> tuple[int, str]:
    """What amtool says of a configuration."""
    content = config | {"templates": [str(SHIPPED / name) for name in config["templates"]]}
    path = folder / "alertmanager.yml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    answer = amtool("check-config", path)
    return answer.code, answer.text


def with_receiver(replacement: dict[str, Any]) -> dict[str, Any]:
    """The shipped configuration with another receiver of the same name."""
    config = shipped()
    names = [receiver["name"] for receiver in config["receivers"]]
    config["receivers"][names.index(replacement["name"])] = replacement
    return config


def settings(node: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Every leaf of a configuration, with the keys that lead to it."""
    match node:
        case dict():
            for key, value in node.items():
                yield from settings(value, (*path, str(key)))
        case list():
            for value in node:
                yield from settings(value, path)
        case _:
            yield path, node


def routes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("routes", ()):
        yield from routes(inner)


@pytest.mark.usefixtures("_programs")
def test_amtool_accepts_it_as_it_is() -> None:
    answer = amtool("check-config", CONFIG)

    assert (answer.code, "SUCCESS" in answer.text) == (0, True), answer.text


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_alert_has_its_receiver(kind: Kind) -> None:
    labels = [f"{name}={value}" for name, value in kind.example.items()]

    answer = amtool(
        "config", "routes", "test", f"--config.file={CONFIG}", f"--verify.receivers={RECEIVERS[kind.severity]}", *labels
    )

    assert answer.code == 0, answer.text


@pytest.mark.usefixtures("_programs")
def test_an_alert_of_a_severity_that_nobody_thought_of_is_a_ticket() -> None:
    answer = amtool("config", "routes", "test", f"--config.file={CONFIG}", "alertname=Anything", "severity=urgent")

    assert answer.text.splitlines()[-1] == "ticket"


def test_the_register_has_every_kind_of_alert_that_the_rules_raise() -> None:
    told = {
        (PREFIX + kind.name, kind.severity, frozenset(kind.example) - {"alertname"}, value)
        for kind in KINDS
        for value in [kind.fixed[0][1] if kind.fixed else ""]
    }

    assert told == raised()


def test_every_alert_of_a_pipeline_says_what_it_needs() -> None:
    health = {EXPORTER_DOWN, UNREACHABLE}

    assert {kind.name for kind in KINDS if "pipeline" in kind.labels} - health == set(NEEDS)


@pytest.mark.parametrize("rule", shipped()["inhibit_rules"], ids=lambda rule: " ".join(rule["target_matchers"])[:60])
def test_every_label_that_has_to_be_equal_is_on_both_sides(rule: dict[str, Any]) -> None:
    equal = set(rule.get("equal", ()))
    for side in ("source_matchers", "target_matchers"):
        matched = [kind for kind in KINDS if matches(rule[side], kind)]

        assert matched
        assert all(equal <= set(kind.example) for kind in matched)


def matches(matchers: list[str], kind: Kind) -> bool:
    """Whether some alert of a kind, whatever its phase or collector, matches."""
    return all(_matches(matcher, kind) for matcher in matchers)


def _matches(matcher: str, kind: Kind) -> bool:
    parsed = re.fullmatch(r'(\w+)(=~|!~|!=|=)"(.*)"', matcher)
    assert parsed, matcher
    name, operator, value = parsed.groups()
    values = {"phase": [f"phase{n}" for n in range(1, 7)], "collector": list(COLLECTORS)}
    candidates = values.get(name, [kind.example.get(name, "")]) if name in kind.example else [""]
    pattern = value if "~" in operator else re.escape(value)
    return any((re.fullmatch(pattern, candidate) is not None) != operator.startswith("!") for candidate in candidates)


def test_nothing_secret_is_in_it() -> None:
    secret = re.compile("key|token|password|secret|credentials|api_url")
    found = {".".join(path): str(value) for path, value in settings(shipped()) if secret.search(path[-1])}

    assert found
    assert all(name.endswith("_file") and value.startswith(SECRETS) for name, value in found.items()), found


def test_the_readme_lists_the_secrets_of_the_configuration_and_no_others() -> None:
    listed = set(re.findall(rf"^\| `({SECRETS}\S+)`", README, re.MULTILINE))

    assert listed == {value for _, value in settings(shipped()) if str(value).startswith(SECRETS)}


def test_the_readme_tells_the_times_of_the_configuration() -> None:
    root = shipped()["route"]

    for route in routes(root):
        wait, again = route.get("group_wait"), route.get("repeat_interval")
        first = "at once" if wait == "0s" else wait
        row = rf"^\| `{route['receiver']}` \| .* \| {first} \| {again} \| (yes|no) \|$"
        assert re.search(row, README, re.MULTILINE), row


NEEDED = {"discord_configs": (0, 28), "msteamsv2_configs": (0, 28), "payload": (0, 33)}
"""The Alertmanager that a receiver needs, by what is in it."""


def test_the_readme_says_which_alertmanager_a_receiver_needs() -> None:
    before = re.findall(r"^(.*)\n\n```yaml\nname: \w+\n(.*?)```", README, re.DOTALL | re.MULTILINE)

    for text, receiver in before:
        paragraph = text.rpartition("\n\n")[2]
        needed = [f"0.{minor}" for key, (_, minor) in NEEDED.items() if key in receiver]
        assert re.findall(r"needs Alertmanager (\d+\.\d+)", paragraph) == needed


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize("example", [item for item in EXAMPLES if "name" in item], ids=lambda item: list(item)[1])
def test_every_receiver_that_the_readme_offers_is_accepted(example: dict[str, Any], tmp_path: Path) -> None:
    needed = max((least for key, least in NEEDED.items() if key in str(example)), default=(0, 25))

    code, text = checked(with_receiver(example), tmp_path)

    assert (code == 0) == (version() >= needed), text


@pytest.mark.usefixtures("_programs")
def test_the_routes_fit_below_a_route_of_someone_else(tmp_path: Path) -> None:
    (above,) = (item for item in EXAMPLES if "routes" in item)
    config = shipped()
    root = config["route"]
    assert {key: above[key] for key in above.keys() - {"matchers", "routes"}} == {
        key: root[key] for key in root.keys() - {"routes"}
    }

    config["route"] = {"receiver": "theirs", "routes": [above | {"routes": root["routes"]}]}
    config["receivers"].append({"name": "theirs"})

    assert checked(config, tmp_path)[0] == 0


def test_what_is_repeated_is_remembered_until_then() -> None:
    remembered = 120 * 3600

    for route in routes(shipped()["route"]):
        assert seconds(route["repeat_interval"]) < remembered


def test_who_hears_that_it_is_over_is_as_the_readme_says() -> None:
    for receiver in shipped()["receivers"]:
        integrations = [item for kind, items in receiver.items() if kind.endswith("_configs") for item in items]
        # PagerDuty's default.
        told = {item.get("send_resolved", True) for item in integrations}
        row = re.search(rf"^\| `{receiver['name']}` \| .* \| (yes|no) \|$", README, re.MULTILINE)

        assert row
        assert told == {row[1] == "yes"}

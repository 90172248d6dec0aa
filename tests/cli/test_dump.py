"""`dump`: the shipped files, complete, with the reader's own links, and never over what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from exporter.cli import main
from exporter.cli.dump import DASHBOARD_BASE, KINDS, Bases, DumpError, dump
from exporter.metrics.catalogue import CATALOGUE
from exporter.model import TriggerState
from exporter.present.runbooks import LABELS
from exporter.shipped.alerts import alert_of
from exporter.shipped.assets import AssetsError, assets
from exporter.shipped.forms import LOST, OF_RUNBOOKS, RUNBOOK_BASE, TAKEN, Form, FormError, expected
from tools.alerting.promtool import failed_checks


def test_every_rule_file_is_written_with_the_reader_s_links(tmp_path: Path) -> None:
    bases = Bases("https://wiki.local/runbooks/", "https://grafana.local")

    written = dump("rules", tmp_path / "new" / "rules", bases, force=False)

    assert {path.name for path in written} == {path.name for path in assets(KINDS["rules"]).iterdir()}
    text = "".join(path.read_text() for path in written)
    assert "https://wiki.local/runbooks/Orchestration" in text
    assert "https://grafana.local/d/" in text
    assert RUNBOOK_BASE not in text
    assert DASHBOARD_BASE not in text


def test_without_bases_the_files_are_as_shipped(tmp_path: Path) -> None:
    written = dump("rules", tmp_path, Bases(), force=False)

    assert all(path.read_text() == (assets(KINDS["rules"]) / path.name).read_text() for path in written)


def test_a_file_that_is_there_is_left_alone_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "processors.yml").write_text("mine")

    with pytest.raises(DumpError, match=r"processors\.yml: is there already"):
        dump("rules", tmp_path, Bases(), force=False)

    assert [path.name for path in tmp_path.iterdir()] == ["processors.yml"]
    assert (tmp_path / "processors.yml").read_text() == "mine"


def test_force_replaces_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "processors.yml").write_text("mine")

    dump("rules", tmp_path, Bases(), force=True)

    assert "groups:" in (tmp_path / "processors.yml").read_text()


def test_a_folder_that_is_a_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(DumpError, match="cannot be written"):
        dump("rules", tmp_path / "file", Bases(), force=False)


def test_a_missing_shipped_file_is_named() -> None:
    with pytest.raises(AssetsError, match="no/such/folder did not come"):
        assets("no/such/folder")


@pytest.mark.parametrize("kind", ["rules", "runbooks", "alertmanager", "dashboards"])
def test_without_labels_every_kind_of_file_is_as_shipped(kind: str, tmp_path: Path) -> None:
    source = assets(KINDS[kind])

    written = dump(kind, tmp_path, Bases(), Form(), force=False)

    assert all(path.read_text() == (source / path.relative_to(tmp_path)).read_text() for path in written)


def test_the_pipelines_that_are_expected_are_lost_while_nobody_exports_them(tmp_path: Path) -> None:
    given = ["nba,env=prod", "mlb,env=dev"]
    form = Form(by=("env",), expected=tuple(expected(text, ("env",)) for text in given))

    dump("rules", tmp_path, Bases(), form, force=False)

    (expression,) = (
        rule["expr"]
        for group in yaml.safe_load((tmp_path / "exporter.yml").read_text())["groups"]
        for rule in group["rules"]
        if rule.get("record") == LOST
    )
    assert expression.split() == [
        'absent(instance:orchestration_reports:fresh{env="prod",pipeline="nba"})',
        "or",
        'absent(instance:orchestration_reports:fresh{env="dev",pipeline="mlb"})',
    ]


def test_the_job_s_name_is_in_links_texts_and_the_rule_that_reads_up(tmp_path: Path) -> None:
    dump("rules", tmp_path, Bases(), Form(job="monitoring/exporter"), force=False)

    text = (tmp_path / "exporter.yml").read_text()
    assert "var-job=monitoring%2Fexporter" in text
    assert 'up{job="monitoring/exporter"}' in text
    assert "instance of job monitoring/exporter" in text
    assert "job orchestration-exporter" not in text
    assert 'job="orchestration-exporter"' not in text


@pytest.mark.parametrize("label", ["pipeline", "job", "severity", "__name__", "a-b", "1st", ""])
def test_a_label_that_cannot_be_carried_is_refused(label: str) -> None:
    with pytest.raises(FormError, match="--by"):
        Form(by=(label,))


def test_a_runbook_of_the_exporter_s_own_is_filled_in_from_every_label_that_it_takes() -> None:
    assert OF_RUNBOOKS == LABELS


def test_no_label_of_the_exporter_can_be_carried() -> None:
    assert {label for family in CATALOGUE for label in family.labels} <= TAKEN


@pytest.mark.parametrize("text", ["nba", "nba,env=", "nba,zone=a", "nba,env=a,env=b", ",env=prod", 'n"a,env=prod'])
def test_an_expected_pipeline_without_a_value_of_each_label_is_refused(text: str) -> None:
    with pytest.raises(FormError, match=r"nba,env=VALUE"):
        expected(text, ("env",))


def test_a_job_that_no_rule_can_name_is_refused() -> None:
    with pytest.raises(FormError, match="--job"):
        Form(job='a"b')


def test_a_command_that_asks_the_exporter_is_one_that_exists(tmp_path: Path) -> None:
    dump("rules", tmp_path, Bases(), Form(exporter="http://[::1]:9189/base/"), force=False)

    actions = set(re.findall(r"action: (orchestration-exporter .*--from.*)", (tmp_path / "phases.yml").read_text()))
    assert actions == {
        f"orchestration-exporter {command} --from http://[::1]:9189/base --run-date {{{{ $labels.run_date }}}}"
        for command in ("check", "explain")
    }
    for name in ("check", "explain"):
        command = main.commands[name]
        assert {"--from", "--run-date"} <= {option for parameter in command.params for option in parameter.opts}


def test_with_runbooks_elsewhere_the_exporter_s_own_are_not_linked(tmp_path: Path) -> None:
    dump("rules", tmp_path, Bases("https://wiki.local"), Form(exporter="https://exporter.local"), force=False)

    text = "".join(path.read_text() for path in tmp_path.iterdir())
    assert "https://wiki.local/Orchestration" in text
    assert "https://exporter.local/runbooks" not in text
    assert "check --from https://exporter.local" in text


@pytest.mark.parametrize(
    "address", ["exporter:9189", "ftp://a", "https://", "https://a b", "https://a/?b", "https://{{ .x }}", ""]
)
def test_an_address_that_no_command_could_ask_is_refused(address: str) -> None:
    with pytest.raises(FormError, match="--exporter-url"):
        Form(exporter=address)


def test_the_command_takes_all_of_it(tmp_path: Path) -> None:
    given = ["--by", "env", "--by", "cluster", "--pipeline", "nba,env=prod,cluster=a", "--job", "exporter"]
    given += ["--exporter-url", "https://exporter.local"]

    with pytest.raises(SystemExit) as ended:
        main.main(["dump", "rules", str(tmp_path), *given])

    assert ended.value.code in {0, None}
    assert 'fresh{env="prod",cluster="a",pipeline="nba"}' in (tmp_path / "exporter.yml").read_text()
    assert "https://exporter.local/runbooks/" in (tmp_path / "exporter.yml").read_text()


def _groups(file: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = yaml.safe_load(file.read_text())["spec"]["groups"]
    return found


@pytest.mark.parametrize("form", [Form(), Form(by=("env",))], ids=["as it is", "by labels"])
def test_a_prometheus_rule_holds_every_group_and_the_label_that_it_is_selected_by(form: Form, tmp_path: Path) -> None:
    dump("rules", tmp_path / "rules", Bases(), form, force=False)

    (file,) = dump("prometheusrule", tmp_path, Bases(), form, release="kube-prometheus-stack", force=False)

    assert yaml.safe_load(file.read_text())["metadata"]["labels"]["release"] == "kube-prometheus-stack"
    assert _groups(file) == [
        group for path in sorted((tmp_path / "rules").iterdir()) for group in yaml.safe_load(path.read_text())["groups"]
    ]


def test_google_s_rules_have_only_the_fields_that_its_resource_has(tmp_path: Path) -> None:
    (file,) = dump("google-rules", tmp_path, Bases(), force=False)

    assert {name for group in _groups(file) for name in group} == {"name", "interval", "rules"}
    rules = [rule for group in yaml.safe_load(file.read_text())["spec"]["groups"] for rule in group["rules"]]
    assert {name for rule in rules for name in rule} <= {"record", "alert", "expr", "for", "labels", "annotations"}
    assert all(("record" in rule) != ("alert" in rule) for rule in rules)
    assert all("alert" in rule for rule in rules if "annotations" in rule)


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize("kind", ["prometheusrule", "google-rules"])
def test_promtool_takes_what_a_resource_holds(kind: str, tmp_path: Path) -> None:
    (file,) = dump(kind, tmp_path, Bases(), Form(by=("env",)), force=False)
    rules = tmp_path / "rules.yml"
    rules.write_text(yaml.safe_dump({"groups": _groups(file)}))

    assert failed_checks([rules], "--lint=all") == {}


def test_a_release_that_is_no_value_of_a_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormError, match="--release"):
        dump("prometheusrule", tmp_path, Bases(), release="a b", force=False)


SHOP = Path(__file__).parents[2] / "docs" / "examples" / "shop" / "pipeline.yaml"


def _config(tmp_path: Path, *nouns: str) -> Path:
    """A configuration of a pipeline for each noun, which counts such units in a table."""
    content = yaml.safe_load(SHOP.read_text(encoding="utf-8"))
    shop = content["pipelines"].pop("shop")
    del content["calendar"], shop["phases"]["report"], shop["phases"]["load"]["next"]
    for number, noun in enumerate(nouns):
        calendar = {"table": "ops.calendar", "date_column": "day", "units": "COUNT(*)", "noun": noun}
        load = {**shop["phases"]["load"], "collection": f"done{number}"}
        content["pipelines"][f"shop{number}"] = {**shop, "phases": {"load": load}, "calendar": calendar}
    file = tmp_path / "own.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return file


def _written(kind: str, folder: Path, *options: str) -> tuple[str, str]:
    """What the command writes, as one text, and what it says on standard error."""
    done = CliRunner().invoke(main, ["dump", kind, str(folder), *options])
    assert done.exit_code == 0, done.output
    return "".join(path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if path.is_file()), done.stderr


@pytest.mark.parametrize(
    ("nouns", "one", "many"),
    [
        (["delivery"], "delivery", "deliveries"),
        (["game", "game"], "game", "games"),
        (["game", "order"], "unit", "units"),
    ],
)
def test_texts_have_the_noun_on_which_all_pipelines_agree(
    nouns: list[str], one: str, many: str, tmp_path: Path
) -> None:
    options = ["--config.file", str(_config(tmp_path, *nouns))]

    rules, _ = _written("rules", tmp_path / "rules", *options)
    runbooks, _ = _written("runbooks", tmp_path / "runbooks", *options)
    dashboards, _ = _written("dashboards", tmp_path / "dashboards", *options)

    assert f"}} {many}, found them of" in rules
    assert f"a date that has fewer {many} than it had" in rules
    assert f"First, how many rows for how many {many}:" in runbooks
    assert f"| rows per {one} |" in runbooks
    assert f'"title": "{many.capitalize()} by data date"' in dashboards
    assert f'"Value": "{many.capitalize()}"' in dashboards
    assert f'"options": "{many.capitalize()}"' in dashboards
    if one != "unit":
        assert not re.search(
            r"(?<!`)\bunits?\b(?!:|`|\")", re.sub(r"```.*?```|`[^`]*`", "", rules + runbooks, flags=re.DOTALL)
        )


@pytest.mark.usefixtures("_programs")
def test_the_rules_with_a_noun_are_rules(tmp_path: Path) -> None:
    _written("rules", tmp_path / "rules", "--config.file", str(_config(tmp_path, "delivery")))

    assert failed_checks(sorted((tmp_path / "rules").iterdir())) == {}


def test_every_command_of_an_alert_names_its_configuration(tmp_path: Path) -> None:
    rules, _ = _written("rules", tmp_path / "rules", "--config.file", str(SHOP))
    by_address, _ = _written(
        "rules", tmp_path / "asking", "--config.file", str(SHOP), "--exporter-url", "https://exporter.local"
    )

    commands = re.findall(r"action: (orchestration-exporter .*)", rules)
    assert commands
    assert all(f"--config.file {SHOP}" in command for command in commands)
    for command in re.findall(r"action: (orchestration-exporter .*)", by_address):
        assert ("--from https://exporter.local" in command) != (f"--config.file {SHOP}" in command)


def test_what_a_phase_starts_is_muted_by_the_names_of_the_configuration(tmp_path: Path) -> None:
    _written("alertmanager", tmp_path, "--config.file", str(SHOP))

    content = yaml.safe_load((tmp_path / "alertmanager.yml").read_text(encoding="utf-8"))
    by_phase = [rule for rule in content["inhibit_rules"] if any("phase=" in one for one in rule["source_matchers"])]
    assert [(rule["source_matchers"][2:], rule["target_matchers"][1], rule["equal"]) for rule in by_phase] == [
        (['pipeline="shop"', 'phase="load"'], 'phase=~"report"', ["pipeline", "run_date"])
    ]


def test_what_was_left_at_an_example_is_said_once(tmp_path: Path) -> None:
    _, said = _written("rules", tmp_path / "as-shipped")
    _, of_all = _written(
        *("rules", tmp_path / "own", "--preset", "nba", "--exporter-url", "https://exporter.local"),
        *("--dashboard-base", "https://grafana.local"),
    )
    _, of_messages = _written("alertmanager", tmp_path / "messages", "--preset", "nba")

    assert said.count("https://runbooks.example.com") == 1
    assert "--runbook-base or --exporter-url" in said
    assert "--dashboard-base" in said
    assert "No configuration was named" in said
    assert "No --exporter-url" in said
    assert of_all == ""
    assert "https://dead-mans-switch.example.com (1 times; edit the file)" in of_messages


def test_the_dashboards_lead_to_the_exporters_own_runbooks(tmp_path: Path) -> None:
    address = "https://exporter.local"

    own, said = _written("dashboards", tmp_path / "own", "--preset", "nba", "--exporter-url", address)
    elsewhere, _ = _written(
        *("dashboards", tmp_path / "elsewhere", "--preset", "nba", "--exporter-url", address),
        *("--runbook-base", "https://wiki.local"),
    )

    assert f"{address}/runbooks/{alert_of(TriggerState.STUCK).name}.md" in own
    assert "example.com" not in own + said
    assert f"https://wiki.local/{alert_of(TriggerState.STUCK).name}.md" in elsewhere


def test_a_file_that_no_command_could_name_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "my own.yaml"
    file.write_text(SHOP.read_text(encoding="utf-8"), encoding="utf-8")

    done = CliRunner().invoke(main, ["dump", "rules", str(tmp_path / "rules"), "--config.file", str(file)])

    assert done.exit_code == 64
    assert "move the file to a path of letters" in done.output

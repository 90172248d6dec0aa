"""Every alert has its page, and every page is whole: sections, links, commands, metrics, tables."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import click
import pytest
import yaml

from exporter.cli import main
from exporter.metrics.catalogue import CATALOGUE
from exporter.present.runbook_blocks import PLACEHOLDER
from exporter.present.runbooks import PLACES
from exporter.present.words import CONDITIONS, ELSEWHERE, NOTES, TRIGGERS, WORDS
from exporter.shipped.alerts import alert_of, alerts
from tests.runbooks.pages import ALERTS, PAGES, SECTIONS
from tools.alerting.rulefiles import load_rules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exporter.shipped.alerts import Alert
    from tools.alerting.rulefiles import Rule

RULES = [rule for rule in load_rules() if rule.alert]
TOOL = "orchestration-exporter"
VALUES = {"D": "2026-02-01"}
"""What the variables in the examples stand for."""
PLACED = {"run_date": "2026-02-01"}
"""What placeholders in commands stand for; the others are any word."""


def commands(script: str) -> Iterator[list[str]]:
    """Every call of the tool in a shell script, its variables filled in."""
    whole = PLACEHOLDER.sub(lambda found: PLACED.get(found[2], "word"), script.replace("\\\n", " "))
    for line in whole.splitlines():
        if line.split()[:1] == [TOOL]:
            _, *words = shlex.split(line, comments=True)
            yield [re.sub(r"\$(\w+)", lambda found: VALUES[found[1]], word) for word in words]


def parsed(words: list[str]) -> click.Context:
    """The tool's own reading of a command line. Raises click's errors for one that it would refuse."""
    command: click.Command = main
    while isinstance(command, click.Group):
        command = command.commands[words[0]]
        words = words[1:]
    # With the group's context, whose settings a command keeps from the first time that it is asked.
    return command.make_context(command.name, list(words), parent=click.Context(main, **main.context_settings))


def test_there_is_a_page_for_every_alert_and_no_other() -> None:
    assert set(ALERTS) == {rule.alert for rule in RULES}


@pytest.mark.parametrize("alert", ALERTS)
def test_a_page_has_its_sections_in_order(alert: str) -> None:
    page = ALERTS[alert]

    assert page.headings == [(1, alert), *((2, title) for title in SECTIONS)]
    assert all(page.section(title).strip() for title in SECTIONS)


@pytest.mark.parametrize("alert", ALERTS)
def test_diagnosis_begins_with_what_to_do_first_and_tells_the_false_alarms(alert: str) -> None:
    diagnosis = ALERTS[alert].section("Diagnosis").strip()

    assert diagnosis.startswith("First, ")
    assert "False alarms: " in diagnosis or alert == alert_of("phase_log_empty").name


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.key)
def test_the_command_that_the_message_carries_is_on_the_page(rule: Rule) -> None:
    action = rule.annotations["action"].replace("{{ $labels.run_date }}", "{{run_date}}")

    assert action in ALERTS[str(rule.alert)].section("Diagnosis")


@pytest.mark.parametrize("alert", [one for one in alerts() if one.key != "watchdog"], ids=lambda alert: alert.key)
def test_a_page_begins_with_the_first_step_of_its_message(alert: Alert) -> None:
    words = {key: words for table in (WORDS, TRIGGERS, CONDITIONS, NOTES, ELSEWHERE) for key, words in table.items()}
    head = ALERTS[alert.name].text.partition("\n## ")[0]

    assert f"\n**First:** {words[alert.key].first}.\n" in head
    assert f"\n**If nobody acts:** {alert.left}.\n" in head


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.key)
def test_the_link_that_the_message_carries_ends_at_the_page(rule: Rule) -> None:
    assert rule.annotations["runbook_url"].rpartition("/")[2] == f"{rule.alert}.md"


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere_within_the_folder(name: str) -> None:
    for link in PAGES[name].links:
        target, _, anchor = link.partition("#")
        page = PAGES[target or name]

        assert not anchor or anchor in page.anchors, link


def test_the_index_leads_to_every_page() -> None:
    assert {link for link in PAGES["README.md"].links if "#" not in link} == set(PAGES) - {"README.md"}


@pytest.mark.parametrize("name", PAGES)
def test_the_tool_takes_every_command_line(name: str) -> None:
    page = PAGES[name]
    inline = [text for text in page.code if text.startswith(f"{TOOL} ")]
    calls = [words for script in [*page.blocks("sh"), *inline] for words in commands(script)]

    for words in calls:
        try:
            parsed(words)
        except (click.ClickException, KeyError) as error:
            pytest.fail(f"{TOOL} {shlex.join(words)}: {error}")


def test_a_command_line_that_the_tool_refuses_would_be_noticed() -> None:
    (words,) = commands(f'{TOOL} check --run-date "$D" \\\n  --no-such-option  # comment')

    with pytest.raises(click.NoSuchOption):
        parsed(words)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.key)
def test_the_tool_takes_the_command_of_every_message(rule: Rule) -> None:
    for words in commands(rule.annotations["action"].replace("{{ $labels.run_date }}", "$D")):
        parsed(words)


@pytest.mark.parametrize("name", PAGES)
def test_the_shell_reads_every_block(name: str) -> None:
    for script in PAGES[name].blocks("sh"):
        done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, timeout=30, check=False)

        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_values_of_one_day_or_one_deployment(name: str) -> None:
    commands_and_queries = [
        text for language in ("sh", "sql", "python", "promql") for text in PAGES[name].blocks(language)
    ]

    assert not re.search(r"2026-0(?:2-01|1-31)", PAGES[name].text)
    for text in commands_and_queries:
        assert not re.search(
            r"\d{4}-\d{2}-\d{2}|nba[-_](?!game-date)\w|us-west|\w+Processor\b|\b(?:JOB|REVISION)\b", text
        ), text


@pytest.mark.parametrize("name", PAGES)
def test_nothing_stands_in_double_braces_but_placeholders(name: str) -> None:
    text = PAGES[name].text

    assert "{{" not in PLACEHOLDER.sub("", text)
    assert {found[2] for found in PLACEHOLDER.finditer(text)} <= set(PLACES)


def test_the_overview_says_what_each_placeholder_stands_for_and_each_is_used() -> None:
    table = dict(re.findall(r"^\| `\{\{(\w+)\}\}` \| (.+) \|$", PAGES["README.md"].text, re.MULTILINE))
    used = {
        found[2] for name, page in PAGES.items() if name != "README.md" for found in PLACEHOLDER.finditer(page.text)
    }

    assert table == {name: meaning for name, (meaning, _) in PLACES.items()}
    assert used == set(PLACES)


@pytest.mark.parametrize("name", PAGES)
def test_every_metric_exists(name: str) -> None:
    known = {family.name for family in CATALOGUE} | {rule.name for rule in load_rules() if not rule.alert}

    assert set(re.findall(r"\b(?:\w+:)?orchestration_\w+(?::\w+)*", PAGES[name].text)) <= known


@pytest.mark.usefixtures("_programs")
def test_prometheus_reads_every_expression(tmp_path: Path) -> None:
    expressions = [PLACEHOLDER.sub("word", text) for page in PAGES.values() for text in page.blocks("promql")]
    rules = [{"record": f"example:{number}", "expr": text} for number, text in enumerate(expressions)]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "runbooks", "rules": rules}]}), encoding="utf-8")

    done = subprocess.run(
        ["promtool", "check", "rules", str(file)], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    assert len(expressions) > 15


def test_every_alert_that_needs_rows_shows_how_to_count_them() -> None:
    about_rows = ("partial", "duplicated", "missing", "phantom", "unregistered", "count_mismatch", "coverage_low")
    pages = [ALERTS[alert_of(key).name] for key in about_rows]

    assert all(page.blocks("sql") for page in pages)

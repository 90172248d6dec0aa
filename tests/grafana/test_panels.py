"""The rules of the house for dashboards, beyond those of Grafana's linter."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest

from exporter.cli.dump import DASHBOARD_BASE
from exporter.metrics import catalogue as metrics
from exporter.model import ErrorKind, HeartbeatState, LogSource, TriggerState, Verdict
from exporter.present.words import WORDS
from exporter.reconcile import DISCREPANCIES
from exporter.shipped.alerts import alert_of
from exporter.shipped.forms import RUNBOOK_BASE
from grafana import words
from tests.grafana.boards import BOARDS, FOLDER, Board, Panel, panel_of, strings, variables_in
from tests.runbooks.pages import PAGES
from tools.alerting.promql import selectors
from tools.alerting.rulefiles import load_rules
from tools.alerting.vectors import TARGET, Metric, Reader, exported

VARIABLES = ["datasource", "job", "instance", "pipeline", "phase", "processor", "run_date"]
# What Grafana itself offers in addresses and titles.
BUILT_IN = {"__data", "__url_time_range", "__rate_interval"}
WIDTH = 24
COLOURS = {words.WRONG, words.DOUBTFUL, words.UNKNOWN, words.BUSY, words.WELL, words.NOTHING}
STATES = {
    "verdict": {*Verdict},
    "state": {*TriggerState, *HeartbeatState},
    "source": {*LogSource},
    "reason": {*ErrorKind},
}
# Prometheus itself adds the second.
METRICS = {**exported(), "scrape_duration_seconds": Metric(TARGET)}

each_board = pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)


def test_there_are_four_dashboards_each_in_a_file_of_its_name() -> None:
    assert [path.name for path in sorted(FOLDER.iterdir())] == [f"{uid}.json" for uid in BOARDS]
    assert {*BOARDS} == {f"orchestration-{name}" for name in ("overview", "phase", "reconciliation", "exporter")}


@each_board
def test_every_dashboard_has_the_same_variables_in_the_same_order(board: Board) -> None:
    assert [*board.variables] == VARIABLES
    assert all(variable["label"] for variable in board.variables.values())
    for name in VARIABLES[1:]:
        variable = board.variables[name]
        assert (variable["includeAll"], variable["multi"], variable["allValue"]) == (True, True, ".+")


@each_board
def test_a_variable_that_changes_nothing_is_hidden_and_every_other_one_is_used(board: Board) -> None:
    used = {name for panel in board.panels for target in panel.targets for name in variables_in(target.expr)}

    assert {name for name in VARIABLES[1:] if board.variables[name]["hide"] == 0} == used - BUILT_IN


@each_board
def test_only_variables_that_exist_are_used(board: Board) -> None:
    for text in strings(board.raw):
        assert variables_in(text) <= {*VARIABLES} | BUILT_IN, text


@each_board
def test_times_are_utc_and_nothing_can_be_edited(board: Board) -> None:
    assert (board.raw["timezone"], board.raw["editable"], board.raw["refresh"]) == ("utc", False, "1m")
    assert 39 <= board.raw["schemaVersion"] <= 42
    assert "UTC" in board.raw["description"]


@each_board
def test_a_panel_that_shows_a_moment_says_that_it_is_utc(board: Board) -> None:
    for panel in board.panels:
        moments = [name for name, settings in panel.settings if settings.get("unit") == "dateTimeAsIso"]
        assert all("UTC" in name or "UTC" in panel.title for name in moments), panel.name


@each_board
def test_a_panel_that_shows_a_deadline_names_the_zone_it_is_set_in(board: Board) -> None:
    for panel in board.panels:
        if any("due" in name.lower() for name, _ in panel.settings) or "deadline" in panel.title.lower():
            assert "New York" in panel.raw["description"].replace("_", " "), panel.name


@each_board
def test_every_panel_says_what_it_shows_in_whole_sentences(board: Board) -> None:
    titles = [panel.title for panel in board.panels]

    assert len(titles) == len(set(titles))
    for panel in board.panels:
        assert re.fullmatch(r"[A-Z].{30,}[.)]", panel.raw["description"], re.DOTALL), panel.name


@each_board
def test_every_panel_says_whether_no_data_is_fine(board: Board) -> None:
    for panel in board.panels:
        assert re.match(r"(Fine|Not fine)\b.*\w", panel.defaults["noValue"]), panel.name


@each_board
def test_every_column_has_a_unit_and_says_what_an_empty_cell_means(board: Board) -> None:
    for panel in board.panels:
        if panel.kind == "table":
            organized = panel.raw["transformations"][-1]["options"]
            settings = dict(panel.settings)
            assert settings.keys() - {""} == {*organized["renameByName"].values()}, panel.name
            for field, title in organized["renameByName"].items():
                assert settings[title]["unit"], panel.name
                assert settings[title]["noValue"] or not field.startswith("Value"), title


@each_board
def test_no_meaning_is_carried_by_colour_alone(board: Board) -> None:
    """What is coloured by a value has a word for it; thresholds colour numbers alone, which can be read."""
    for panel in board.panels:
        for name, settings in panel.settings:
            for mapping in settings.get("mappings") or []:
                assert mapping["type"] == "value"
                assert all(result["text"].strip() for result in mapping["options"].values()), panel.name
                assert {result["color"] for result in mapping["options"].values()} <= COLOURS
                texts = [result["text"] for result in mapping["options"].values()]
                assert len(texts) == len(set(texts)), (panel.name, name)


@each_board
def test_a_state_is_shown_in_a_panel_that_has_words_for_each_of_its_values(board: Board) -> None:
    for panel in board.panels:
        if panel.kind in {"state-timeline", "status-history"} or panel.title in {"Sources", "Instances", "Trigger"}:
            assert panel.defaults["mappings"], panel.name
        if panel.kind == "table":
            renamed = panel.raw["transformations"][-1]["options"]["renameByName"]
            settings = dict(panel.settings)
            for field in renamed.keys() & STATES.keys():
                shown = settings[renamed[field]].get("mappings")
                if shown:
                    assert {*shown[0]["options"]} & STATES[field], panel.name


def test_every_state_has_a_word_a_colour_and_a_number_of_its_own() -> None:
    assert {*words.VERDICTS} == {*Verdict}
    assert {*words.TRIGGERS} == {*TriggerState}
    assert {*words.HEARTBEATS} == {*HeartbeatState}
    assert {*words.LOG_SOURCES} == {*LogSource}
    assert {*words.ERRORS} == {*ErrorKind, "none"}
    assert sorted(verdict for standing in words.STANDINGS for verdict in standing.verdicts) == sorted(Verdict)
    for shades in (words.VERDICTS, words.TRIGGERS, words.HEARTBEATS):
        assert [*words.coded(shades)] == [str(number) for _, number in words.codes(shades)]


@each_board
def test_the_grid_has_neither_overlaps_nor_holes(board: Board) -> None:
    places = [panel.raw["gridPos"] for panel in board.panels]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len(cells) == len(set(cells))
    assert {x for x, _ in cells} == set(range(WIDTH))
    assert len(cells) == WIDTH * (max(y for _, y in cells) + 1)
    assert all((one["y"], one["x"]) < (two["y"], two["x"]) for one, two in pairwise(places))
    assert [panel.raw["id"] for panel in board.panels] == [*range(1, len(places) + 1)]


@each_board
def test_what_is_wrong_can_be_seen_without_scrolling(board: Board) -> None:
    """The first 12 rows of the grid are what a small screen shows."""
    first = [panel for panel in board.panels if panel.raw["gridPos"]["y"] + 4 <= 12]

    assert any(
        mapping["options"]
        for panel in first
        for _, settings in panel.settings
        for mapping in settings.get("mappings", [])
    )


@each_board
def test_every_link_to_a_dashboard_leads_to_one_and_keeps_variables_and_time(board: Board) -> None:
    links = [link for link in board.raw["links"] if link["url"].startswith("/d/")]

    assert {link["url"] for link in links} == {f"/d/{uid}" for uid in BOARDS if uid != board.uid}
    assert all(link["includeVars"] and link["keepTime"] and not link["targetBlank"] for link in links)
    assert DASHBOARD_BASE not in "".join(strings(board.raw))


@each_board
def test_every_link_in_a_cell_leads_to_a_dashboard_and_sets_or_keeps_every_variable(board: Board) -> None:
    for panel in board.panels:
        for link in _cell_links(panel, "/d/"):
            address, _, query = link["url"].partition("?")
            kept = re.findall(r"\$\{(\w+):queryparam\}", query)
            given = dict(re.findall(r"var-(\w+)=\$\{__data\.fields\.(\w+)\}", query))
            assert address.removeprefix("/d/") in BOARDS, panel.name
            assert sorted([*kept, *given]) == sorted(VARIABLES), panel.name
            assert {*given.values()} <= {*panel.raw["transformations"][-1]["options"]["renameByName"]}, panel.name
            assert query.endswith("${__url_time_range}")


def _cell_links(panel: Panel, begin: str) -> list[Any]:
    links = [link for _, settings in panel.settings for link in settings.get("links") or []]
    return [link for link in links if link["url"].startswith(begin)]


def test_what_to_do_first_is_said_of_every_verdict_and_leads_to_its_runbook() -> None:
    settings = dict(panel_of("orchestration-overview", "Processors, record by record").settings)["Do first"]
    said = settings["mappings"][0]["options"]

    assert [link["url"] for link in settings["links"]] == [f"{RUNBOOK_BASE}/${{__value.raw}}.md"]
    assert all(f"{runbook}.md" in PAGES for runbook in said)
    assert {alert_of(verdict).name: wording.first for verdict, wording in WORDS.items()}.items() <= {
        runbook: result["text"] for runbook, result in said.items()
    }.items()
    assert {*WORDS} == {*DISCREPANCIES}


@each_board
def test_every_link_to_a_runbook_leads_to_a_page_that_exists(board: Board) -> None:
    found = set(re.findall(rf"{re.escape(RUNBOOK_BASE)}/([\w.]+)(#[\w-]+)?", "\n".join(strings(board.raw))))

    assert ("README.md", "") in found
    for page, anchor in found:
        assert page in PAGES, page
        assert not anchor or anchor[1:] in PAGES[page].anchors, (page, anchor)


def test_links_lead_nowhere_else() -> None:
    addresses = {
        address
        for board in BOARDS.values()
        for text in strings(board.raw)
        for address in re.findall(r"https?://[^\s)]+", text)
    }

    assert {address for address in addresses if not address.startswith(RUNBOOK_BASE)} == set()


def test_every_alert_of_the_rules_leads_to_a_dashboard_that_has_its_variables() -> None:
    for rule in load_rules():
        if not rule.alert:
            continue
        address, _, query = rule.annotations["dashboard_url"].partition("?")
        uid = address.removeprefix(f"{DASHBOARD_BASE}/d/")
        asked = re.findall(r"var-(\w+)=", query)
        assert uid in BOARDS, rule.key
        assert asked, rule.key
        assert all(BOARDS[uid].variables[name]["hide"] == 0 for name in asked), rule.key


@each_board
def test_every_runbook_that_an_alert_of_this_dashboard_has_is_linked_from_it(board: Board) -> None:
    rules = [rule for rule in load_rules() if rule.alert and rule.name != alert_of("watchdog").name]
    alerts = {rule.name for rule in rules if f"/d/{board.uid}?" in rule.annotations["dashboard_url"]}
    linked = set(re.findall(rf"{re.escape(RUNBOOK_BASE)}/(Orchestration\w+)\.md", "\n".join(strings(board.raw))))

    assert alerts - linked == set()


@each_board
def test_alerts_and_lost_updates_are_marked_in_time(board: Board) -> None:
    assert [*board.annotations] == ["Alerts", "Lost updates"]
    for annotation in board.annotations.values():
        assert annotation["enable"]
        assert annotation["datasource"]["uid"] == "${datasource}"
        assert annotation["titleFormat"]
        assert annotation["textFormat"]


@each_board
def test_every_metric_and_label_is_exported_and_every_match_can_succeed(board: Board) -> None:
    reader = Reader(METRICS)

    for target in board.targets:
        reader.labels(target.tree)

    assert reader.faults == []


@each_board
def test_a_series_is_named_after_everything_that_tells_it_apart(board: Board) -> None:
    reader = Reader(METRICS)

    for target in board.targets:
        if target.panel.kind != "table":
            named = set(re.findall(r"\{\{(\w+)\}\}", target.raw["legendFormat"]))
            assert reader.labels(target.tree) - {"job"} == named, target.name


@each_board
def test_every_value_that_is_asked_for_can_occur(board: Board) -> None:
    for target in board.targets:
        for selector in selectors(target.tree):
            for matcher in selector.matchers:
                if not matcher.value.startswith("$"):
                    asked = {*matcher.value.split("|")}
                    assert asked <= STATES[matcher.label] | {"firestore", "bigquery"}, target.name


@each_board
def test_a_selector_follows_every_variable_that_it_has_a_label_for(board: Board) -> None:
    labels = {family.name: family.labels for family in metrics.CATALOGUE}
    without = {"Neighbouring run dates": {"run_date"}}

    for target in board.targets:
        for selector in selectors(target.tree):
            followed = {matcher.label for matcher in selector.matchers if matcher.value == f"${matcher.label}"}
            wanted = {"job", "instance", *(set(labels.get(selector.metric, ())) & {*VARIABLES})}
            assert followed == wanted - without.get(target.panel.title, set()), target.name

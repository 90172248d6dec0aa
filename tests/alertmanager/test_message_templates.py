"""The templates of messages, rendered by amtool: every alert of the rules, and texts with special characters."""

from __future__ import annotations

import html
import json
import re
from calendar import month_abbr
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from exporter.config.parsing import parse_yaml
from exporter.present.over import after
from exporter.shipped.alerts import alert_of, alerts
from testing.alertmanager import (
    SHIPPED,
    amtool,
    shipped,
)
from testing.kinds_of_alerts import ANNOTATIONS, KINDS, Labels, unregistered
from tools.alerting.rulefiles import load_rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

ALERTMANAGER = "https://alertmanager.example.com"


def shown_alerts() -> list[tuple[Labels, Mapping[str, str]]]:
    """An alert of each kind with its annotations, as promtool renders them in the rules' own tests."""
    found: dict[tuple[str, ...], tuple[Labels, Mapping[str, str]]] = {}
    for path in sorted({rule.tests for rule in load_rules() if rule.alert}):
        for test in parse_yaml(path.read_text(encoding="utf-8"))["tests"]:
            for case in test.get("alert_rule_test", ()):
                for alert in case["exp_alerts"]:
                    labels = {"alertname": case["alertname"], **alert["exp_labels"]}
                    kind = (labels["alertname"], labels["severity"], *sorted(labels))
                    found.setdefault(kind, (labels, alert["exp_annotations"]))
    return list(found.values())


def rendered(form: str, labels: Labels, annotations: Mapping[str, str], folder: Path) -> str:
    """One alert in one form of the shipped templates."""
    return rendered_group(f'{{{{ template "orchestration.{form}" . }}}}', [(labels, annotations)], folder)


def rendered_group(
    template: str, alerts: Sequence[tuple[Labels, Mapping[str, str]]], folder: Path, *, status: str = "firing"
) -> str:
    """What a template of the configuration makes of alerts that all fire or are all resolved."""
    told = [
        {
            "status": status,
            "labels": labels,
            "annotations": dict(annotations),
            "startsAt": "2026-02-01T18:10:30Z",
            "endsAt": "2026-02-01T19:10:30Z",
        }
        for labels, annotations in alerts
    ]
    first, *others = (labels for labels, _ in alerts)
    common = {name: value for name, value in first.items() if all(labels.get(name) == value for labels in others)}
    data = {
        "status": status,
        "groupLabels": {name: common[name] for name in ("pipeline", "phase", "run_date") if name in common},
        "commonLabels": common,
        "externalURL": ALERTMANAGER,
        "alerts": told,
    }
    path = folder / "data.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    answer = amtool(
        "template",
        "render",
        f"--template.glob={SHIPPED / 'templates' / '*.tmpl'}",
        f"--template.data={path}",
        f"--template.type={'html' if 'orchestration.html' in template else 'text'}",
        f"--template.text={template}",
    )
    assert answer.code == 0, answer.text
    return answer.text


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize(("labels", "annotations"), shown_alerts(), ids=lambda item: item.get("alertname", ""))
def test_every_alert_of_the_rules_reads_well(labels: Labels, annotations: Mapping[str, str], tmp_path: Path) -> None:
    text = rendered("plain", labels, annotations, tmp_path)

    name = labels["alertname"].removeprefix("Orchestration")
    told, _, first, mended, unattended, look, _, described, _, *links = (
        line.replace("\u00a0", " ") for line in text.splitlines()
    )
    at = r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC( \((\d{4}-\d\d-\d\d )?\d\d:\d\d EST\))?"
    since = rf" since (a moment between {at} and )?{at}|, alert since 2026-02-01 18:10 UTC"
    about = ", ".join(filter(None, (r"[\w-]+", labels.get("reason"))))
    assert re.fullmatch(rf"{name}, {about}: [a-z_, ]+({since})", told)
    # When the next phase is due is said once, by "If nobody acts".
    then = r"; (no deadline known|[\w.-]+ (is|was) due at [-\d]+ [:\d]+ UTC( \([^()]*\))?)"
    given = re.sub(then, "", annotations["description"]).replace(" +0000 UTC", " UTC")
    lasting = r"\d+ ?(d|h|m|min|s)\b ?"
    assert re.sub(lasting, "", described) == "  " + re.sub(r"\b1 rows", "1 row", re.sub(lasting, "", given))
    wait = r"( It can(not)? wait until morning\.| Nobody has to act\.)?"
    assert re.fullmatch(rf"If nobody acts: [a-z][^.]+\.{wait}", unattended)
    assert re.fullmatch(r"First: [a-z].*[\w`]", first)
    # As it is, to be copied into a shell.
    assert look == f"Look: {annotations['action']}"
    key = next(alert.key for alert in alerts() if alert.name == labels["alertname"])
    said = after(key, labels["severity"], labels.get("source", ""))
    assert mended == f"After the repair: {said or 'it closes by itself'}"
    assert [link.partition(": ")[0] for link in links] == ["Runbook", "Dashboard", "Silence"]
    assert "  " not in text.replace("\n  ", "\n")


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("expected a heartbeat within 1d 0h 0m 0s, found", "expected a heartbeat within 1 d, found"),
        ("a run of 3h 10m 40s ago", "a run of 3 h 10 min ago"),
        ("24m 0s ago, where one is stale after 5m 0s.", "24 min ago, where one is stale after 5 min."),
        ("at least 1 rows, found", "at least 1 row, found"),
        ("at least 11 rows, found 21 rows", "at least 11 rows, found 21 rows"),
        ("expected 1 transitions in", "expected 1 transition in"),
        ("1 of 5 expected processors are registered", "1 of 5 expected processors is registered"),
        ("5 of 5 expected processors are registered", "5 of 5 expected processors are registered"),
    ],
)
def test_a_description_has_short_times_and_one_of_a_thing_in_the_singular(
    given: str, shown: str, tmp_path: Path
) -> None:
    text = rendered("plain", unregistered("nba"), ANNOTATIONS | {"description": given}, tmp_path)

    assert f"\n\n  {shown}\n" in text


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize(
    ("key", "description", "told"),
    [
        ("duplicated", "past its deadline: 44 rows are there twice, of 324.", "x duplicated, 44 of 324 rows twice"),
        ("unregistered", "(nba phase3 of 2026-02-01): 1 rows in its table", "x not registered, 1 row in its table"),
        ("unregistered", "(nba phase3 of 2026-02-01): 11 rows in its table", "x not registered, 11 rows in its table"),
        ("phase_log_empty", "nba: expected 1 transitions in the phase log", "phase log empty, 1 row expected"),
        ("partial", "expected at least 12 rows, found 1.", "x partial, 1 row of at least 12"),
    ],
)
def test_a_push_line_has_all_digits_of_a_number_and_one_of_a_thing_in_the_singular(
    key: str, description: str, told: str, tmp_path: Path
) -> None:
    labels = unregistered("nba", alertname=alert_of(key).name, processor="x")

    text = rendered("title", labels, ANNOTATIONS | {"description": description}, tmp_path)

    assert text.partition(" (")[0] == told


PUSHED = {
    "stuck": "phase3 stuck, 4 of 5 registered (nba, 1 Jan)",
    "blocked": "phase3 blocked, 3 of 5 registered (nba, 1 Jan)",
    "overwritten": "phase3 entries overwritten and written again, 2 within an hour (nba, 1 Jan)",
    "count_inconsistent": "phase3 count wrong, 3 instead of 5 (nba, 1 Jan)",
    "phase_log_empty": "phase log empty, 2 rows expected (nba, 1 Jan)",
    "missing": "player_game_summary missing, 0 rows of at least 196 (nba phase3, 1 Jan)",
    "phantom": ("player_game_summary registered without data, 0 rows of at least 196 (nba phase3, 1 Jan)"),
    "stalled": "player_game_summary stalled, no beat for 16 min (nba phase3, 1 Jan)",
    "heartbeat_stale": "player_game_summary running, no beat for 7 min (nba phase3, 1 Jan)",
    "running_past_due": "player_game_summary still running, due at 1969-12-31 23:50 UTC (nba phase3, 1 Jan)",
    "failed": "player_game_summary failed, 0 rows of at least 196 (nba phase3, 1 Jan)",
    "lost_update": "team_offense_game_summary lost its entry, 1 of 5 registered (nba phase3, 1 Jan)",
    "unregistered": "team_offense_game_summary not registered, 24 rows in its table (nba phase3, 1 Jan)",
    "wrong_date": "team_offense_game_summary registered under a neighbouring date (nba phase3, 1 Jan)",
    "count_mismatch": "team_defense_game_summary registered 0 rows, its table has 1 (nba phase3, 1 Jan)",
    "partial": "player_game_summary partial, 175 rows of at least 196 (nba phase3, 1 Jan)",
    "duplicated": "team_offense_game_summary duplicated, 24 rows of at most 12 (nba phase3, 1 Jan)",
    "coverage_low": "minutes_played 71.43% under 80% (nba, 1 Jan)",
    "coverage_unclassified": "minutes_played, 7 rows unclassified (nba, rows of 31 Dec)",
    "calendar_doubtful": "calendar of nba doubtful, a date lost units",
    "heartbeats_silent": "no heartbeat of nba since 1969-12-31 23:30 UTC",
    "collection_bloated": "101868 heartbeat documents of wnba, at most 500 expected",
    "exporter_down": "nothing watched, no exporter reports",
    "source_unreachable": "Firestore unreadable for mlb: permission_denied",
    "collector_failing": "collector completion could not read all: invalid",
    "collector_stale": "collector completion stale, no success for 9 min",
    "budget_exhausted": "BigQuery budget used up, 5MiB left",
    "listener_down": "documents of nba polled, not followed",
    "ledger_failing": "ledger cannot be written",
    "reload_refused": "new configuration refused",
    "labels_replaced": "target labels replace the exporter's",
    "watchdog": "the chain of alerts works",
}
"""By what the alert is about, the push line of the first one that the rules' own tests expect."""


@pytest.mark.usefixtures("_programs")
def test_the_push_line_has_subject_number_and_reason_and_no_empty_part(tmp_path: Path) -> None:
    told: dict[str, str] = {}
    by_name = {alert.name: alert.key for alert in alerts()}
    for labels, texts in shown_alerts():
        line = rendered("title", labels, texts, tmp_path).replace("\u00a0", " ")
        told.setdefault(by_name[labels["alertname"]], line)
        assert re.fullmatch(r"\w[^()]*\w?%?( \([^(), ][^()]*\w\))?", line), line
        assert not re.search(r"[:,] ?$|  |\(\)| ,|\{", line), line

    assert told == PUSHED


def descriptions() -> Iterator[tuple[str, Labels, str]]:
    """Every description that the rules' own tests expect of an alert."""
    for path in sorted({rule.tests for rule in load_rules() if rule.alert}):
        for test in parse_yaml(path.read_text(encoding="utf-8"))["tests"]:
            for case in test.get("alert_rule_test", ()):
                for alert in case["exp_alerts"]:
                    yield case["alertname"], alert["exp_labels"], alert["exp_annotations"]["description"]


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize(
    ("key", "description", "told"),
    [
        ("stalled", "its last beat was at 2026-01-23 15:09:59 +0000 UTC, 20m 1s ago", " since 2026-01-23 15:09:59 UTC"),
        ("stalled", "its last beat was at an unknown time, too long ago", ", alert since 2026-02-01 18:10 UTC"),
        ("missing", "was due at 2026-01-23 16:30:00 +0000 UTC. Expected", " since 2026-01-23 16:30 UTC"),
        (
            "stuck",
            "nba phase3 of 2026-01-23, since 2026-01-23 15:04:29 +0000 UTC: 5 of 5",
            " since 2026-01-23 15:04:29 UTC",
        ),
        ("stuck", "nba phase3 of 2026-01-23: 5 of 5", ", alert since 2026-02-01 18:10 UTC"),
    ],
)
def test_since_is_the_fault_s_own_time_where_the_rule_says_it(
    key: str, description: str, told: str, tmp_path: Path
) -> None:
    labels = unregistered("nba", alertname=alert_of(key).name)
    annotations = ANNOTATIONS | {"description": description}

    for form in ("plain", "slack.text", "html"):
        line = next(line for line in rendered(form, labels, annotations, tmp_path).splitlines() if "since" in line)
        assert told in re.sub(r"</?b>|\*", "", line)


def test_every_pattern_of_a_push_line_is_found_in_a_description_and_every_number_known_is_taken() -> None:
    found: dict[str, set[str]] = {}
    for name, _, description in descriptions():
        (alert,) = (one for one in alerts() if one.name == name)
        line = next(text for text, pattern in alert.push.items() if re.search(pattern, description))
        found.setdefault(name, set()).add(line)
        if line == [*alert.push][-1] and len(alert.push) > 1:
            assert re.search("unknown|too (long|old)|some|none at all|no beat|of the expected", description), (
                description
            )

    missed = {
        (alert.name, text) for alert in alerts() for text in list(alert.push)[:-1] if text not in found[alert.name]
    }
    assert missed == set()


@pytest.mark.usefixtures("_programs")
def test_an_alert_that_is_over_is_told_without_its_number(tmp_path: Path) -> None:
    annotations = ANNOTATIONS | {"description": "its last beat was at x, 16m 0s ago, where one is stale."}
    labels = unregistered("nba", alertname=alert_of("stalled").name)

    text = rendered_group(
        '{{ template "orchestration.title" . }}', [(labels, annotations)], tmp_path, status="resolved"
    )

    assert text == "[RESOLVED] player_game_summary stalled (nba phase3, 1 Feb)"


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("16m 0s", "16 min"),
        ("1h 5m 0s", "1 h 5 min"),
        ("2d 1h 5m 3s", "2 d 1 h 5 min"),
        ("1d 0h 0m 0s", "1 d"),
        ("1d 0h 7m 0s", "1 d 7 min"),
        ("45s", "45 s"),
        ("1" * 70, f"{'1' * 60}…"),
    ],
)
def test_a_time_in_a_push_line_is_short(given: str, told: str, tmp_path: Path) -> None:
    annotations = ANNOTATIONS | {"description": f"its last beat was at x, {given} ago, where one is stale."}

    text = rendered("title", unregistered("nba", alertname=alert_of("stalled").name), annotations, tmp_path)

    assert text == f"player_game_summary stalled, no beat for {told} (nba phase3, 1 Feb)"


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize("month", range(1, 13))
def test_the_push_line_has_the_day_and_month_of_the_run_date(month: int, tmp_path: Path) -> None:
    labels = unregistered("nba", run_date=f"2026-{month:02}-0{1 + month % 9}")

    text = rendered("title", labels, ANNOTATIONS, tmp_path)

    assert text.endswith(f"(nba phase3, {1 + month % 9} {month_abbr[month]})")


WORST = {
    "source_unreachable": [("source_unreachable", "critical"), ("listener_down", "warning")],
    "stuck": [("stuck", "critical"), ("lost_update", "critical"), ("missing", "critical")],
    "lost_update": [("missing", "critical"), ("lost_update", "critical")],
    "stalled": [("failed", "critical"), ("stalled", "critical"), ("lost_update", "warning")],
    "failed": [("duplicated", "warning"), ("failed", "warning"), ("wrong_date", "info")],
}
"""Groups by what the worst of each is about: severity counts first, then the order of the status page."""


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize(("worst", "told"), WORST.items(), ids=WORST)
def test_title_links_and_first_command_are_those_of_the_worst_alert(
    worst: str, told: list[tuple[str, str]], tmp_path: Path
) -> None:
    group = [
        (
            unregistered("nba", f"p{number}", alertname=alert_of(key).name, severity=severity, source="firestore"),
            ANNOTATIONS
            | {
                "action": f"check {key}",
                "runbook_url": f"https://r.example.com/{key}",
                "dashboard_url": f"https://d.example.com/{key}",
            },
        )
        for number, (key, severity) in enumerate(told)
    ]
    fields = [f"orchestration.{name}" for name in ("title", "runbook", "dashboard", "silence", "plain", "slack.text")]

    title, runbook, dashboard, silence, plain, slack = rendered_group(
        BETWEEN.join(f'{{{{ template "{field}" . }}}}' for field in fields), sorted(group, key=str), tmp_path
    ).split("\x01")

    (alone,) = (rendered("title", *one, tmp_path) for one in group if one[0]["alertname"] == alert_of(worst).name)
    assert title == f"{alone} and {len(told) - 1} more"
    assert (runbook, dashboard) == (f"https://r.example.com/{worst}", f"https://d.example.com/{worst}")
    assert alert_of(worst).name in silence
    for text in (plain, slack):
        assert text.startswith(f"{alert_of(worst).short_name}, ")
        assert text.count(f"check {worst}") == 1
        assert text.count("First") == 1


@pytest.mark.usefixtures("_programs")
def test_the_silence_has_all_labels_of_the_alert_filled_in_whatever_they_hold(tmp_path: Path) -> None:
    odd = 'a b+c"d\\e|<f>&{g}=%ü'
    labels = unregistered("nba", odd)

    link = rendered("silence", labels, ANNOTATIONS, tmp_path)
    page = rendered("html", labels, ANNOTATIONS, tmp_path)

    base, _, matchers = link.partition("/#/silences/new?filter=")
    assert base == ALERTMANAGER
    assert re.fullmatch(r"[\w%.-]+", matchers)
    expected = "{" + ",".join(
        f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in sorted(labels.items())
    )
    assert unquote(matchers) == expected + "}"
    (in_mail,) = re.findall(r'href="([^"]*/#/silences/new[^"]*)"', page)
    assert unquote(html.unescape(in_mail).partition("filter=")[2]) == unquote(matchers)


OWN = "https://exporter.example.com:9189"
OWN_RUNBOOK = f"{OWN}/runbooks/{alert_of('unregistered').name}?pipeline=nba&phase=phase3&processor=a+%26+b"


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize(
    ("runbook", "processor", "links"),
    [
        (OWN_RUNBOOK, "p", {"Status": f"{OWN}/", "Logs": f"{OWN}/logs?pipeline=nba&phase=phase3&processor=a+%26+b"}),
        (OWN_RUNBOOK.partition("?")[0], "", {"Status": f"{OWN}/"}),
        (ANNOTATIONS["runbook_url"], "p", {}),
        ("https://wiki.example.com/runbooks/unregistered?a=b", "p", {}),
    ],
)
def test_status_and_logs_are_linked_where_the_runbook_is_the_exporter_s_own(
    runbook: str, processor: str, links: Mapping[str, str], tmp_path: Path
) -> None:
    labels = unregistered("nba", processor)
    annotations = ANNOTATIONS | {"runbook_url": runbook}

    plain = rendered("plain", labels, annotations, tmp_path).replace("\u00a0", " ")
    slack = rendered("slack.text", labels, annotations, tmp_path).replace("&amp;", "&")
    page = html.unescape(rendered("html", labels, annotations, tmp_path))

    assert dict(re.findall(r"^(Status|Logs): (.*)$", plain, re.MULTILINE)) == links
    assert {name: link for link, name in re.findall(r"<([^<>|]*)\|(Status|Logs)>", slack)} == links
    assert {name: link for link, name in re.findall(r'<a href="([^"]*)">(Status|Logs)</a>', page)} == links


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize("worst", [0, 5, 20])
def test_eight_others_are_named_and_the_rest_is_a_number_wherever_the_worst_stands(worst: int, tmp_path: Path) -> None:
    group = [
        (unregistered("nba", f"p{number:02}", severity="critical" if number == worst else "warning"), ANNOTATIONS)
        for number in range(66)
    ]
    named = [f"p{number:02}" for number in range(66) if number != worst][:8]

    for form, mark in (("plain", "- "), ("slack.text", "• "), ("html", "<li>")):
        text = rendered_group(f'{{{{ template "orchestration.{form}" . }}}}', group, tmp_path)
        others = [line for line in text.splitlines() if line.startswith(mark) and "since" in line]
        assert re.findall(r"p\d\d", "".join(others)) == named
        assert "and 57 more" in text
        over = rendered_group(f'{{{{ template "orchestration.{form}" . }}}}', group, tmp_path, status="resolved")
        assert over.count(" to 2026-02-01") == 8
        assert "and 58 more" in over


@pytest.mark.usefixtures("_programs")
def test_the_verdict_in_a_message_is_the_one_that_the_rule_asks_for(tmp_path: Path) -> None:
    asked = {}
    for rule in load_rules():
        asks, _, _ = rule.fields["expr"].partition("unless")
        verdicts = re.findall(r'orchestration_processor_verdict\{verdict="(\w+)"\} *\)? *== 1', asks)
        states = re.findall(r'orchestration_phase_trigger_state\{state="(\w+)"\}', rule.fields["expr"])
        if rule.alert and (verdicts or states):
            asked[rule.alert] = verdicts[0] if verdicts else f"trigger {states[0]}"
    examples = {kind.example["alertname"]: kind.example for kind in KINDS}

    told = {}
    for name in asked:
        found = re.search(r":\u00a0([a-z_ ]+?)(?:,| since)", rendered("plain", examples[name], ANNOTATIONS, tmp_path))
        told[name] = found[1] if found else None

    assert told == asked
    assert len(told) >= 10


DETAILS = next(item for item in shipped()["receivers"] if item["name"] == "pager")["pagerduty_configs"][0]["details"]
CHAT: str = re.findall(r"      text: \|-\n(.*?)\n```", (SHIPPED / "README.md").read_text(encoding="utf-8"), re.DOTALL)[
    0
].replace("        ", "")
"""The payload for Google Chat that the README offers, which Alertmanager reads as YAML."""
BETWEEN = '{{ "\\x01" }}'
"""What no text can hold, as a template."""
NO_TEXT_IN_YAML_1_2 = re.compile(
    r"|~|null|Null|NULL|true|True|TRUE|false|False|FALSE|[-+]?\d+|0o[0-7]+|0x[\da-fA-F]+"
    r"|[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
ODD = (
    *(
        "",
        "yes",
        "007",
        "~",
        "null",
        "1e3",
        "2026-02-01",
        "a: b",
        "a:",
        "a :",
        ": a",
        "# a",
        "a # b",
        "a #",
        "##",
        "- a",
    ),
    *("? a", "[a", "{a: b}", "&a b", "*a", "!a b", "| a", "> a", "'a", '"a', "%a", "@a", "`a", "---", "...", "--- a"),
    *("a\nb: c", "a\n---\nb", "a\n# b", "a\tb:\tc", "a\r\nb:", "a:\u0085b", "a:\u2028b #c", "a:\u00a0b", "\ufeffa: b"),
    *("\x00", "\x1b[1m: a", "a:\x0bb", "\uffff: a", "\U0001f600: a", "{{ .Status }}: a", "<<: a", "=", "a\\: b\\"),
)
odd_texts = st.one_of(st.sampled_from(ODD), st.lists(st.sampled_from(ODD)).map(" ".join), st.text())


@st.composite
def odd_alerts(draw: st.DrawFn) -> list[tuple[Labels, dict[str, str]]]:
    """Alerts whose every text is odd."""
    labels = st.fixed_dictionaries({"alertname": odd_texts, "processor": odd_texts, "pipeline": odd_texts})
    annotations = st.fixed_dictionaries(dict.fromkeys(ANNOTATIONS, odd_texts))
    return draw(st.lists(st.tuples(labels, annotations), min_size=1, max_size=3))


@pytest.mark.usefixtures("_programs")
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(alerts=odd_alerts(), status=st.sampled_from(["firing", "resolved"]))
@example(
    alerts=[({"alertname": odd, "processor": odd}, dict.fromkeys(ANNOTATIONS, odd)) for odd in ODD], status="firing"
)
@example(
    alerts=[({"alertname": odd, "processor": odd}, dict.fromkeys(ANNOTATIONS, odd)) for odd in ODD], status="resolved"
)
def test_whatever_an_alert_says_yaml_reads_each_detail_of_a_page_and_a_payload_as_the_same_words(
    alerts: list[tuple[Labels, dict[str, str]]], status: str, tmp_path: Path
) -> None:
    text = rendered_group(BETWEEN.join([*DETAILS.values(), CHAT]), alerts, tmp_path, status=status)

    details = text.split("\x01")
    assert len(details) == len(DETAILS) + 1 == 5
    for detail in details:
        node = yaml.compose(detail, yaml.SafeLoader)
        assert isinstance(node, yaml.ScalarNode)
        assert (node.tag, node.style) == ("tag:yaml.org,2002:str", None)
        assert not NO_TEXT_IN_YAML_1_2.fullmatch(node.value)
        # A reader of YAML folds the lines of a plain text into one; Alertmanager sends the text as it is.
        assert _words(node.value) == _words(detail)


def _words(text: str) -> list[str]:
    return [word for word in re.split("[ \n]+", text) if word]


@pytest.mark.usefixtures("_programs")
def test_mail_shows_markup_as_text_and_follows_no_odd_link(tmp_path: Path) -> None:
    annotations = ANNOTATIONS | {
        "description": "<script>alert(1)</script>",
        "dashboard_url": "javascript:alert(1)",
        "action": "echo <b> & 'quoted'",
    }

    page = rendered("html", unregistered("nba", "<i>odd</i>"), annotations, tmp_path)

    assert '<h1 style="font-size: 1.1em">i odd /i not registered (nba phase3, 1 Feb)</h1>' in page
    assert "<b>&lt;i&gt;odd&lt;/i&gt;</b>: <b>unregistered</b>, alert since 2026-02-01 18:10 UTC</p>" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<code>echo &lt;b&gt; &amp; &#39;quoted&#39;</code>" in page
    assert f'<a href="{ANNOTATIONS["runbook_url"]}">' in page
    assert "javascript:" not in page


@pytest.mark.usefixtures("_programs")
def test_a_message_has_the_local_time_the_rows_date_and_the_next_deadline_that_the_description_has(
    tmp_path: Path,
) -> None:
    low = {"alertname": alert_of("coverage_low").name, "severity": "critical", "pipeline": "nba", "check": "minutes"}
    stuck = {"alertname": alert_of("stuck").name, "severity": "critical", "pipeline": "nba", "phase": "phase3"}
    day = {"run_date": "2026-01-28"}
    since = "since 2026-01-28 16:30:00 +0000 UTC (11:30 EST)"
    coverage = (
        f"minutes of nba for 2026-01-28, rows of 2026-01-27, {since}: expected at least 80%, found 67.8% (8 of 11)."
    )
    trigger = f"nba phase3 of 2026-01-28, {since}; phase4 is due at 2026-01-28 17:30 UTC (12:30 EST): 5 of 5 registered"

    title = rendered("title", low | day, {"description": coverage}, tmp_path)
    text = rendered("plain", stuck | day, {"description": trigger}, tmp_path).replace("\u00a0", " ")

    assert title == "minutes 67.8% under 80% (nba, rows of 27 Jan)"
    assert "trigger stuck since 2026-01-28 16:30 UTC (11:30 EST)" in text
    assert " is late; phase4 is due at 2026-01-28 17:30 UTC (12:30 EST). It cannot wait" in text
    past = rendered("plain", stuck | day, {"description": trigger.replace("is due", "was due")}, tmp_path)
    assert " is late; phase4 was due at 2026-01-28 17:30 UTC (12:30 EST). It cannot wait" in past

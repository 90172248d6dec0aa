"""What people read: messages as a real Alertmanager renders and sends them, with the shipped configuration."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from exporter.model import Verdict
from exporter.present.over import after
from exporter.present.words import WORDS
from exporter.shipped.alerts import alert_of
from exporter.shipped.forms import Expected
from testing.alertmanager import (
    PAGERDUTY,
    SLACK,
    WEBHOOK,
    Alertmanager,
    Recorder,
    recorded,
    shipped,
)
from testing.kinds_of_alerts import ACTION, ANNOTATIONS, unregistered
from testing.waiting import until
from tools.alerting.labelled import CARRIED, PLACES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNREGISTERED, DUPLICATED, LOST, WRONG_DATE = (
    alert_of(key).short_name for key in ("unregistered", "duplicated", "lost_update", "wrong_date")
)
SINCE = datetime(2026, 2, 1, 18, 10, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder


@pytest.fixture(scope="module")
def alertmanager(
    _programs: None, tmp_path_factory: pytest.TempPathFactory, recorder: Recorder
) -> Iterator[Alertmanager]:
    folder: Path = tmp_path_factory.mktemp("messages")
    with Alertmanager(folder, recorded(folder, recorder, faster=600)) as alertmanager:
        yield alertmanager


TITLE = "player_game_summary not registered, 212 rows in its table ({}, 1 Feb)"


def lead(text: str, key: str, processor: str, verdict: str) -> str:
    """What a message to Slack has to begin with; the address of the silence is the text's own."""
    alert = alert_of(key)
    silence = re.search(r"<(http://127\.0\.0\.1:\d+/#/silences/new\?filter=[\w%.-]+)\|Silence>", text)
    assert silence
    dashboard = ANNOTATIONS["dashboard_url"].replace("&", "&amp;")
    return (
        f"{alert.short_name}, `{processor}`: *{verdict}*, alert since 2026-02-01 18:10 UTC\n"
        "\n"
        f"*First:* {WORDS[Verdict(key)].first}\n"
        f"*After the repair:* {after(key)}\n"
        f"*If nobody acts:* {alert.unattended}. It can wait until morning.\n"
        f"*Look:* `{ACTION}`\n"
        "\n"
        f"{ANNOTATIONS['description']}\n"
        "\n"
        f"<{ANNOTATIONS['runbook_url']}|Runbook> · <{dashboard}|Dashboard> · <{silence[1]}|Silence>"
    )


def attachment(recorder: Recorder, receiver: str, about: str) -> dict[str, Any]:
    """The one attachment of the first Slack message that has this text in it.

    A group whose alerts are older than its wait is sent at once, with those that have come by then; the rest follows.
    So a test about several alerts asks for the message that counts them all.
    """
    (found,) = recorder.first(SLACK, receiver, about).content["attachments"]
    return dict(found)


def test_one_alert_says_processor_verdict_expected_found_since_when_and_the_first_command(
    alertmanager: Alertmanager, recorder: Recorder
) -> None:
    alertmanager.post([unregistered("one")], ANNOTATIONS, since=SINCE)

    message = attachment(recorder, "ticket", "one phase3")
    assert message["title"] == TITLE.format("one phase3")
    assert message["title_link"] == ANNOTATIONS["runbook_url"]
    assert message["text"] == lead(message["text"], "unregistered", "player_game_summary", "unregistered")


@pytest.mark.usefixtures("_programs")
def test_two_environments_are_two_messages_whose_titles_say_which(tmp_path: Path, recorder: Recorder) -> None:
    with Alertmanager(tmp_path, recorded(tmp_path, recorder, faster=600, form=CARRIED)) as alertmanager:
        alertmanager.post([unregistered("both", **place) for place in PLACES], ANNOTATIONS, since=SINCE)

        for place in PLACES:
            where = f"{place['env']} {place['cluster']}:\u00a0"
            message = attachment(recorder, "ticket", f"{place['env']} {place['cluster']}:")
            assert message["title"] == where + TITLE.format("both phase3")


@pytest.mark.usefixtures("_programs")
def test_the_dead_mans_switch_of_one_environment_is_not_fed_by_another(tmp_path: Path, recorder: Recorder) -> None:
    expected = tuple(Expected("nba", place) for place in PLACES)
    prod, dev = (f"dead-mans-switch-{place['env']}-{place['cluster']}" for place in PLACES)
    watchdog = {"alertname": alert_of("watchdog").name, "severity": "none"}
    form = replace(CARRIED, expected=expected)
    with Alertmanager(tmp_path, recorded(tmp_path, recorder, faster=600, form=form)) as alertmanager:
        alertmanager.post([{**watchdog, **PLACES[1]}])
        recorder.first(WEBHOOK, dev)
        alertmanager.post([{**watchdog, **PLACES[0]}])
        recorder.first(WEBHOOK, prod)

    assert {labels["env"] for item in recorder.messages(receiver=dev) for labels in [item.content["commonLabels"]]} == {
        "dev"
    }
    assert {
        labels["env"] for item in recorder.messages(receiver=prod) for labels in [item.content["commonLabels"]]
    } == {"prod"}
    addresses = [receiver["webhook_configs"][0]["url"] for receiver in shipped(form)["receivers"][-3:]]
    assert len(set(addresses)) == 3


def test_the_processors_of_a_phase_and_day_are_one_message(alertmanager: Alertmanager, recorder: Recorder) -> None:
    alerts = [
        unregistered("many", "upcoming_team_game_context"),
        unregistered("many", "player_game_summary"),
        unregistered("many", "team_offense_game_summary", alertname=alert_of("duplicated").name),
    ]

    alertmanager.post(alerts, ANNOTATIONS, since=SINCE)

    message = attachment(recorder, "ticket", "(many phase3, 1 Feb) and 2 more")
    assert message["title"] == TITLE.format("many phase3") + " and 2 more"
    text = message["text"]
    assert text == (
        lead(text, "unregistered", "player_game_summary", "unregistered") + "\n"
        "\n"
        "*Also firing*\n"
        f"• {DUPLICATED}, `team_offense_game_summary`: *duplicated*, alert since 2026-02-01 18:10 UTC\n"
        f"• {UNREGISTERED}, `upcoming_team_game_context`: *unregistered*, alert since 2026-02-01 18:10 UTC"
    )


def test_another_day_is_another_message(alertmanager: Alertmanager, recorder: Recorder) -> None:
    alertmanager.post([unregistered("days", run_date=day) for day in ("2026-01-31", "2026-02-01")], ANNOTATIONS)

    titles = {attachment(recorder, "ticket", f"(days phase3, {day})")["title"] for day in ("31 Jan", "1 Feb")}
    assert titles == {TITLE.format("days phase3"), TITLE.format("days phase3").replace("1 Feb", "31 Jan")}


def test_a_bad_night_still_fits_a_phone(alertmanager: Alertmanager, recorder: Recorder) -> None:
    names = [f"processor_{number:02}" for number in range(12)]

    alertmanager.post([unregistered("bad", name) for name in names], ANNOTATIONS)

    text = attachment(recorder, "ticket", "(bad phase3, 1 Feb) and 11 more")["text"]
    assert re.findall(r"`(processor_\d+)`", text) == names[:9]
    assert text.count(ANNOTATIONS["description"]) == 1
    assert text.count(ACTION) == 1
    assert text.endswith("\nand 3 more")


def test_what_a_label_or_an_annotation_says_has_no_power(alertmanager: Alertmanager, recorder: Recorder) -> None:
    odd = 'a`*b*\n• `c`: *fine* <!channel> & {{ .Status }} "d" ünï'
    annotations = ANNOTATIONS | {"description": odd, "summary": odd, "action": f"echo {odd}"}

    alertmanager.post([unregistered("odd", odd)], annotations, since=SINCE)

    message = attachment(recorder, "ticket", "odd phase3")
    escaped = 'a`*b* • `c`: *fine* &lt;!channel&gt; &amp; {{ .Status }} "d" ünï'
    code = escaped.replace("`", "'")
    assert (
        message["title"].replace("\u00a0", " ")
        == 'a`*b* • `c`: *fine* !channel {{ .Status }} "d" ünï not registered (odd phase3, 1 Feb)'
    )
    told, _, _, _, _, look, _, described, _, links = message["text"].splitlines()
    assert told == f"{UNREGISTERED}, `{code}`: *unregistered*, alert since 2026-02-01 18:10 UTC"
    assert described == escaped
    assert look == f"*Look:* `echo {code}`"
    assert re.sub(r"<http[^<>|]*\|\w+>", "", links) == " ·  · "


def test_a_page_carries_the_same_in_plain_text(alertmanager: Alertmanager, recorder: Recorder) -> None:
    lost = unregistered("paged", alertname=alert_of("lost_update").name, severity="critical")

    alertmanager.post([lost], ANNOTATIONS, since=SINCE)

    content = recorder.first(PAGERDUTY, "pager", "paged phase3").content
    payload = content["payload"]
    assert (content["event_action"], content["routing_key"]) == ("trigger", "key")
    assert payload["summary"] == "player_game_summary lost its entry (paged phase3, 1 Feb)"
    assert (payload["severity"], payload["component"], payload["group"], payload["class"]) == (
        "critical",
        "paged phase3 2026-02-01",
        "paged",
        LOST,
    )
    described = ANNOTATIONS["description"].replace(": ", ":\u00a0")
    links = [link["href"] for link in content["links"]]
    assert links[:2] == [ANNOTATIONS["runbook_url"], ANNOTATIONS["dashboard_url"]]
    assert links[2].startswith(f"{alertmanager.url}/#/silences/new?filter=%7Balertname%3D%22")
    assert payload["custom_details"] == {
        "firing": (
            f"{LOST}, player_game_summary:\u00a0lost_update, alert since 2026-02-01 18:10 UTC\n"
            "\n"
            f"First:\u00a0{WORDS[Verdict.LOST_UPDATE].first}\n"
            f"After the repair:\u00a0{after('lost_update')}\n"
            f"If nobody acts:\u00a0{alert_of('lost_update').unattended}. It cannot wait until morning.\n"
            f"Look:\u00a0{ACTION}\n"
            "\n"
            f"  {described}\n"
            "\n"
            f"Runbook:\u00a0{links[0]}\n"
            f"Dashboard:\u00a0{links[1]}\n"
            f"Silence:\u00a0{links[2]}"
        ),
        "resolved": "no alerts",
        "num_firing": "1 firing",
        "num_resolved": "0 resolved",
    }


def test_the_end_of_a_page_is_told(alertmanager: Alertmanager, recorder: Recorder) -> None:
    lost = unregistered("mended", alertname=alert_of("lost_update").name, severity="critical")
    alertmanager.post([lost], ANNOTATIONS, since=SINCE)
    recorder.first(PAGERDUTY, "pager", "mended phase3")

    end = datetime.now(UTC) - timedelta(seconds=1)
    alertmanager.post([lost], ANNOTATIONS, since=SINCE, ended=end)

    title = "[RESOLVED] player_game_summary lost its entry (mended phase3, 1 Feb)"
    content = recorder.first(PAGERDUTY, "pager", title).content
    assert content["event_action"] == "resolve"
    assert content["payload"]["custom_details"] == {
        "firing": "no alerts",
        "resolved": f"Over\n- {LOST}, player_game_summary:\u00a02026-02-01 18:10 UTC to {end:%Y-%m-%d %H:%M} UTC",
        "num_firing": "0 firing",
        "num_resolved": "1 resolved",
    }


def _nodes(node: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every place in a message and the type of what is there; the items of a list share a place."""
    yield path, type(node).__name__
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _nodes(value, f"{path}.{key}" if path else key)
    if isinstance(node, list):
        for value in node:
            yield from _nodes(value, f"{path}[]")


NO_TEXTS = {
    PAGERDUTY: {"": "dict", "payload": "dict", "payload.custom_details": "dict", "links": "list", "links[]": "dict"},
    SLACK: {
        "": "dict",
        "attachments": "list",
        "attachments[]": "dict",
        "attachments[].mrkdwn_in": "list",
    },
    WEBHOOK: {
        "": "dict",
        "alerts": "list",
        "alerts[]": "dict",
        "alerts[].labels": "dict",
        "alerts[].annotations": "dict",
        "groupLabels": "dict",
        "commonLabels": "dict",
        "commonAnnotations": "dict",
        "truncatedAlerts": "int",
    },
}
"""What is no text in a message of each kind, and what it is."""
HOSTILE = "yes: [{a: &b *c !d |- # 007\nx: - y:"


@pytest.mark.parametrize("severity", ["critical", "warning", "info"])
def test_every_field_of_every_message_is_a_text_where_it_should_be_firing_and_resolved(
    severity: str, alertmanager: Alertmanager, recorder: Recorder
) -> None:
    pipeline = f"types-{severity}"
    alert = unregistered(pipeline, HOSTILE, severity=severity, alertname="007")
    annotations = ANNOTATIONS | {"summary": HOSTILE, "description": HOSTILE, "action": HOSTILE}
    alertmanager.post([alert], annotations, since=SINCE)
    receiver, kind = {"critical": ("pager", PAGERDUTY), "warning": ("ticket", SLACK), "info": ("info", SLACK)}[severity]
    recorder.first(kind, receiver, f"{pipeline} phase3")
    alertmanager.post([alert], annotations, since=SINCE, ended=datetime.now(UTC) - timedelta(seconds=1))
    if severity != "info":
        recorder.first(kind, receiver, f"[RESOLVED] 007 ({pipeline} phase3, 1 Feb)")
    until(
        lambda: "resolved" in {message.content["status"] for message in recorder.messages(WEBHOOK, receiver, pipeline)},
        "the end in a webhook",
    )

    for each in (kind, WEBHOOK):
        for message in recorder.messages(each, receiver, pipeline):
            odd = {(place, found) for place, found in _nodes(message.content) if found != "str"}
            assert odd <= NO_TEXTS[each].items()


def test_the_end_of_a_ticket_is_told(alertmanager: Alertmanager, recorder: Recorder) -> None:
    alertmanager.post([unregistered("ended")], ANNOTATIONS, since=SINCE)
    attachment(recorder, "ticket", "ended phase3")

    end = datetime.now(UTC) - timedelta(seconds=1)
    alertmanager.post([unregistered("ended")], ANNOTATIONS, since=SINCE, ended=end)

    over = attachment(recorder, "ticket", "[RESOLVED] player_game_summary not registered (ended phase3, 1 Feb)")
    assert over["color"] == "good"
    assert over["text"] == (
        f"*Over*\n• {UNREGISTERED}, `player_game_summary`: 2026-02-01 18:10 UTC to {end:%Y-%m-%d %H:%M} UTC"
    )


def test_context_is_told_in_its_own_place(alertmanager: Alertmanager, recorder: Recorder) -> None:
    context = unregistered("context", alertname=alert_of("wrong_date").name, severity="info")

    alertmanager.post([context], ANNOTATIONS, since=SINCE)

    message = attachment(recorder, "info", "context phase3")
    assert message["title"] == "player_game_summary registered under a neighbouring date (context phase3, 1 Feb)"
    assert message["text"].startswith(
        f"{WRONG_DATE}, `player_game_summary`: *wrong_date*, alert since 2026-02-01 18:10 UTC\n"
    )
    assert "Nobody has to act." in message["text"]
    assert recorder.messages(SLACK, "ticket", "context phase3") == []


def test_a_group_that_has_both_says_both(alertmanager: Alertmanager, recorder: Recorder) -> None:
    stays, goes = unregistered("both", "stays"), unregistered("both", "goes")
    alertmanager.post([stays, goes], ANNOTATIONS, since=SINCE)
    attachment(recorder, "ticket", "(both phase3, 1 Feb) and 1 more")

    alertmanager.post([goes], ANNOTATIONS, since=SINCE, ended=datetime.now(UTC) - timedelta(seconds=1))

    message = attachment(recorder, "ticket", f"*Over*\\n\\u2022 {UNREGISTERED}, `goes`")
    assert message["title"] == "stays not registered, 212 rows in its table (both phase3, 1 Feb)"
    assert message["text"].startswith(f"{UNREGISTERED}, `stays`: *unregistered*")
    assert "Also firing" not in message["text"]


def test_the_dead_mans_switch_is_told_again_and_again(alertmanager: Alertmanager, recorder: Recorder) -> None:
    alertmanager.post([{"alertname": alert_of("watchdog").name, "severity": "none"}], ANNOTATIONS)

    until(lambda: len(recorder.messages(receiver="dead-mans-switch")) >= 3, "three signs of life")

    first = recorder.messages(receiver="dead-mans-switch")[0]
    assert first.headers["Authorization"] == "Bearer token"
    assert {message.content["status"] for message in recorder.messages(receiver="dead-mans-switch")} == {"firing"}
    assert recorder.messages(SLACK, about=alert_of("watchdog").short_name) == []


def test_alertmanager_has_nothing_to_complain_of(alertmanager: Alertmanager, recorder: Recorder) -> None:
    alertmanager.post([unregistered("quiet")], ANNOTATIONS)
    attachment(recorder, "ticket", "quiet phase3")

    assert alertmanager.complaints == []

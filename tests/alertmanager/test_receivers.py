"""A message to every receiver that is configured or offered, at 1 to 3,000 alerts in a group, within its limits."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import pytest
import yaml

from exporter.shipped.alerts import alert_of
from testing.alertmanager import SHIPPED, Alertmanager, Message, Recorder, shipped, version
from testing.kinds_of_alerts import unregistered
from testing.mail import MailServer
from testing.waiting import until
from tests.alertmanager.test_config import EXAMPLES
from tests.alertmanager.test_message_templates import descriptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from email.message import EmailMessage
    from pathlib import Path

COUNTS = (1, 30, 300, 3000)
README = (SHIPPED / "README.md").read_text(encoding="utf-8")
SINCE = datetime(2026, 2, 1, 18, 10, 30, tzinfo=UTC)
EXPORTER = "https://exporter.example.com:9189"
FIRST = f"orchestration-exporter check --from {EXPORTER} --run-date 2026-02-01"


def texts(processor: str) -> dict[str, str]:
    """The longest that there are, with the exporter's own pages."""
    labels = unregistered("nba-with-a-long-name", processor)
    query = "&".join(f"{name}={quote_plus(labels[name])}" for name in ("pipeline", "phase", "run_date", "processor"))
    return {
        "summary": "A processor's data is there and its completion was not recorded.",
        "description": max((text for _, _, text in descriptions()), key=len),
        "action": FIRST,
        "runbook_url": f"{EXPORTER}/runbooks/{alert_of('unregistered').name}?{query}",
        "dashboard_url": f"https://grafana.example.com/d/orchestration-phase?var-{query.replace('&', '&var-')}",
    }


def integrations(url: str, mail: str, folder: Path) -> dict[str, Any]:
    """Every integration that the configuration has or the README offers and this Alertmanager knows, as they are."""
    found: dict[str, Any] = {}
    for receiver in [*EXAMPLES, *shipped()["receivers"]]:
        for kinds in receiver.keys() & {f"{kind}_configs" for kind in LIMITS}:
            kind = kinds.removesuffix("_configs")
            (settings,) = receiver[kinds]
            secret = folder / kind
            secret.write_text(f"{url}/all/{kind}", encoding="utf-8")
            files = {name: str(secret) for name in settings if name.endswith("_file")}
            found[kinds] = [settings | files]
    found["pagerduty_configs"][0]["url"] = f"{url}/all/pagerduty"
    found["opsgenie_configs"][0]["api_url"] = f"{url}/all/opsgenie/"
    found["email_configs"][0] |= {"smarthost": mail, "require_tls": False, "auth_username": ""}
    if version() >= (0, 33):
        (payload,) = (one["webhook_configs"][0]["payload"] for one in EXAMPLES if "payload" in str(one))
        found["webhook_configs"] = [{"url": f"{url}/all/googlechat", "payload": payload}]
    if version() < (0, 28):
        # It takes Discord's address from no file, and does not know Teams.
        del found["discord_configs"][0]["webhook_url_file"], found["msteamsv2_configs"]
        found["discord_configs"][0]["webhook_url"] = f"{url}/all/discord"
    return found


@pytest.fixture(name="told", scope="module")
def _told(
    _programs: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Mapping[tuple[str, int], Any], list[str]]]:
    """By kind and number of alerts, the message; and what Alertmanager complained of."""
    folder = tmp_path_factory.mktemp("receivers")
    with Recorder() as recorder, MailServer(lambda message: recorder.note(_mail(message))) as mail:
        known = integrations(recorder.url, mail.address, folder)
        config = {
            "route": {"receiver": "all", "group_by": ["phase"], "group_wait": "1s", "group_interval": "1s"},
            "templates": [str(SHIPPED / "templates" / "*.tmpl")],
            "receivers": [{"name": "all", **known}],
        }
        path = folder / "alertmanager.yml"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        with Alertmanager(folder, path, "https://alertmanager.example.com") as alertmanager:
            names = [f"upcoming_player_game_context_{number:04}" for number in range(max(COUNTS))]
            for count in COUNTS:
                alerts = [unregistered("nba-with-a-long-name", name, phase=f"phase{count}") for name in names[:count]]
                alertmanager.post(alerts, texts(names[0]), since=SINCE)
            kinds = {name.removesuffix("_configs").replace("webhook", "googlechat") for name in known}
            found = {(kind, count): _about(recorder, kind, count) for kind in kinds for count in COUNTS}
            yield found, alertmanager.complaints


def _about(recorder: Recorder, kind: str, count: int) -> Any:  # noqa: ANN401 - JSON
    # Alerts older than the wait are sent at once, with those that have come by then; the others follow.
    about = f"(nba-with-a-long-name phase{count}, 1 Feb)" + (f" and {count - 1} more" if count > 1 else "")
    return until(lambda: recorder.messages(kind, "all", about), f"a message of {kind} about {count} alerts")[0].content


def _mail(message: EmailMessage) -> Message:
    def part(kind: str) -> str:
        (found,) = (one for one in message.walk() if one.get_content_type() == kind)
        return str(found.get_content())

    longest = max(len(line) for line in message.as_bytes().splitlines())
    content = {
        "subject": str(message["Subject"]),
        "text": part("text/plain"),
        "html": part("text/html"),
        "line": longest,
    }
    return Message("all", "email", {}, content)


TEXTS: Mapping[str, Callable[[Any], tuple[str, str]]] = {
    "slack": lambda content: (content["attachments"][0]["title"], content["attachments"][0]["text"]),
    "pagerduty": lambda content: (content["payload"]["summary"], content["payload"]["custom_details"]["firing"]),
    "discord": lambda content: (content["embeds"][0]["title"], content["embeds"][0]["description"]),
    "msteamsv2": lambda content: tuple(part["text"] for part in content["attachments"][0]["content"]["body"]),
    "opsgenie": lambda content: (content["message"], content["description"]),
    "googlechat": lambda content: tuple(content["text"].split("\n\n", 1)),
    "email": lambda content: (content["subject"], content["text"]),
}
"""By kind, title and text of a message."""


def _in_title(title: str, _text: str, _content: Any) -> int:  # noqa: ANN401 - JSON
    return len(title)


def _in_text(_title: str, text: str, _content: Any) -> int:  # noqa: ANN401 - JSON
    return len(text)


def _in_bytes(_title: str, _text: str, content: Any) -> int:  # noqa: ANN401 - JSON
    return len(json.dumps(content).encode())


def _in_its_longest_line(_title: str, _text: str, content: Any) -> int:  # noqa: ANN401 - JSON
    return int(content["line"])


LIMITS: Mapping[str, tuple[tuple[str, int, Callable[[str, str, Any], int]], ...]] = {
    "slack": (("title", 1024, _in_title), ("text", 40_000, _in_text)),
    "pagerduty": (("summary", 1024, _in_title), ("event, bytes", 512_000, _in_bytes)),
    "discord": (("title", 256, _in_title), ("description", 4096, _in_text)),
    "msteamsv2": (("message, bytes", 28_000, _in_bytes),),
    "opsgenie": (("message", 130, _in_title), ("description", 15_000, _in_text)),
    "googlechat": (("message, bytes", 32_000, _in_bytes),),
    "email": (("line, bytes", 998, _in_its_longest_line),),
}
"""By kind, what is limited, to how much, and how long it is."""


def test_every_message_is_within_the_limits_of_its_receiver_and_about_as_long_as_the_readme_says(
    told: tuple[Mapping[tuple[str, int], Any], list[str]],
) -> None:
    found, complaints = told
    wrong: list[tuple[str, str, list[int], list[int]]] = []
    for kind, limits in LIMITS.items():
        for what, limit, length in limits:
            lengths = [
                length(*TEXTS[kind](found[kind, count]), found[kind, count])
                for count in COUNTS
                if (kind, count) in found
            ]
            row = re.search(rf"^\| [^|]* \| {re.escape(what)} \| {limit:,} \| ([^\n]*) \|$", README, re.MULTILINE)
            stated = [int(cell.replace(",", "")) for cell in row[1].split(" | ")] if row else []
            near = all(one <= said <= one * 1.2 for one, said in zip(lengths, stated, strict=False))
            if lengths and (max(lengths) > limit or len(stated) != len(COUNTS) or not near):
                wrong.append((kind, what, lengths, stated))

    assert not wrong, "\n".join(map(str, wrong))
    assert complaints == []


def test_a_message_is_as_long_for_three_thousand_alerts_as_for_thirty(
    told: tuple[Mapping[tuple[str, int], Any], list[str]],
) -> None:
    found, _ = told
    for kind in {kind for kind, _ in found}:
        titles, bodies = zip(*(TEXTS[kind](found[kind, count]) for count in COUNTS), strict=True)
        few, *_, many = (
            re.sub(r"phase\d+|\b\d+ more", "", f"{title}\n{text}")
            for title, text in list(zip(titles, bodies, strict=True))[1:]
        )
        assert few == many
        assert [re.findall(r"and (\d+) more", title) for title in titles] == [[], ["29"], ["299"], ["2999"]]
        assert [re.findall(r"^and (\d+) more$", text.replace("\r", ""), re.MULTILINE) for text in bodies] == [
            [],
            ["21"],
            ["291"],
            ["2991"],
        ]
        for text in bodies:
            plain = text.replace("&amp;", "&")
            assert FIRST in plain.partition("Also firing")[0]
            assert f"{EXPORTER}/logs?pipeline=nba-with-a-long-name&" in plain

"""A real Alertmanager with the shipped configuration, whose receivers all send to one recorder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml

from exporter.config.parsing import parse_yaml
from exporter.emulators.bigquery.loopback import Answer, Call, LoopbackServer
from exporter.shipped.forms import Form
from testing.served import Served
from testing.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SHIPPED = Path(__file__).parents[1] / "alerts" / "alertmanager"
CONFIG = SHIPPED / "alertmanager.yml"
WEBHOOK, SLACK, PAGERDUTY = "webhook", "slack", "pagerduty"
_TIMES = ("group_wait", "group_interval", "repeat_interval")
_UNITS = {"s": 1, "m": 60, "h": 3600}


def shipped(form: Form | None = None) -> dict[str, Any]:
    """The shipped configuration, in another form if one is given."""
    content: dict[str, Any] = parse_yaml((form or Form()).alertmanager(CONFIG.read_text(encoding="utf-8")))
    return content


def seconds(duration: str) -> int:
    """A duration of the shipped configuration (one number, one unit) in seconds."""
    return int(duration[:-1]) * _UNITS[duration[-1]]


@dataclass(frozen=True, slots=True)
class Message:
    """One call of a receiver: the kind of its integration, and its content."""

    receiver: str
    kind: str
    headers: Mapping[str, str]
    content: dict[str, Any]
    at: float = field(default_factory=time.monotonic)
    """The time of its arrival, by the monotonic clock."""

    @property
    def alerts(self) -> list[dict[str, Any]]:
        """A webhook's alerts."""
        found: list[dict[str, Any]] = self.content["alerts"]
        return found


class Recorder:
    """Receives and stores everything that the receivers send. A context manager."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages: list[Message] = []
        self._server = LoopbackServer(self._take)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    @property
    def url(self) -> str:
        """The address on which it listens."""
        return self._server.address

    def messages(self, kind: str = WEBHOOK, receiver: str | None = None, about: str = "") -> list[Message]:
        """The messages so far of one kind, of one receiver or of all, that contain this text."""
        with self._lock:
            found = [item for item in self._messages if item.kind == kind and receiver in {None, item.receiver}]
        return [item for item in found if about in json.dumps(item.content)]

    def first(self, kind: str, receiver: str, about: str = "") -> Message:
        """Wait for the first such message."""
        return until(lambda: self.messages(kind, receiver, about), f"a {kind} message to {receiver} about {about}")[0]

    def note(self, message: Message) -> None:
        """Store a message."""
        with self._lock:
            self._messages.append(message)

    def _take(self, call: Call) -> Answer:
        # Opsgenie's client adds to the address.
        _, receiver, kind, *_ = call.target.split("/")
        self.note(Message(receiver, kind, call.headers, json.loads(call.body)))
        # Slack's client wants this very text.
        return Answer(200, b"ok", "text/plain")


def recorded(folder: Path, recorder: Recorder, *, faster: int = 1, form: Form | None = None) -> Path:
    """The shipped configuration in a form, written to the folder, with every receiver redirected to the recorder.

    Each receiver keeps its own integrations and gets an additional webhook, which contains the unchanged alerts. All
    times of the routes are divided by `faster`.
    """
    form = form or Form()
    config = shipped(form)
    for path in SHIPPED.glob("templates/*"):
        (folder / "templates").mkdir(exist_ok=True)
        (folder / "templates" / path.name).write_text(
            form.alertmanager(path.read_text(encoding="utf-8")), encoding="utf-8"
        )
    config["templates"] = [str(folder / name) for name in config["templates"]]
    _hasten(config["route"], faster)
    for receiver in config["receivers"]:
        _lead(receiver, folder, recorder.url)
    path = folder / "alertmanager.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def _hasten(route: dict[str, Any], faster: int) -> None:
    for name in set(_TIMES) & set(route):
        # An interval of nothing is refused.
        route[name] = f"{max(seconds(route[name]) * 1000 // faster, 1)}ms"
    for inner in route.get("routes", ()):
        _hasten(inner, faster)


def _lead(receiver: dict[str, Any], folder: Path, url: str) -> None:
    def secret(text: str) -> str:
        (folder / "secrets").mkdir(exist_ok=True)
        path = folder / "secrets" / f"{receiver['name']}-{len(text)}"
        path.write_text(text, encoding="utf-8")
        return str(path)

    target = f"{url}/{receiver['name']}"
    for slack in receiver.get("slack_configs", ()):
        slack["api_url_file"] = secret(f"{target}/{SLACK}")
    for pagerduty in receiver.get("pagerduty_configs", ()):
        pagerduty |= {"url": f"{target}/{PAGERDUTY}", "routing_key_file": secret("key")}
    for webhook in receiver.get("webhook_configs", ()):
        webhook["url"] = f"{target}/{WEBHOOK}"
        webhook["http_config"]["authorization"]["credentials_file"] = secret("token")
    if not receiver.get("webhook_configs"):
        receiver["webhook_configs"] = [{"url": f"{target}/{WEBHOOK}", "send_resolved": True}]


@dataclass
class Alertmanager(Served):
    """The real program with a configuration, on a free port, without peers; a context manager.

    `external`: the address that its messages give for it; by default its own.
    """

    config: Path
    external: str = ""

    def _command(self, address: str) -> list[str]:
        return [
            "prometheus-alertmanager",
            f"--config.file={self.config}",
            f"--storage.path={self.folder / 'alertmanager'}",
            f"--web.listen-address={address}",
            f"--web.external-url={self.external or self.url}",
            "--cluster.listen-address=",
        ]

    def post(
        self,
        alerts: Iterable[Mapping[str, str]],
        annotations: Mapping[str, str] | None = None,
        *,
        since: datetime | None = None,
        ended: datetime | None = None,
    ) -> None:
        """Send alerts with these labels, as Prometheus does. They fire unless they have `ended`."""
        now = datetime.now(UTC)
        times = {
            "startsAt": (since or now).isoformat(),
            "endsAt": (ended or now + timedelta(hours=1)).isoformat(),
            "annotations": dict(annotations or {}),
        }
        content = [{"labels": dict(labels), **times} for labels in alerts]
        answer = self._client.post("/api/v2/alerts", json=content)
        assert answer.is_success, answer.text

    def resolve(self, alerts: Iterable[Mapping[str, str]]) -> None:
        """Resolve these alerts."""
        now = datetime.now(UTC)
        self.post(alerts, since=now - timedelta(minutes=2), ended=now - timedelta(minutes=1))

    def alerts(self, matcher: str | None = None) -> list[dict[str, Any]]:
        """The active alerts, each with its status: `status.inhibitedBy` names what mutes it."""
        answer = self._client.get("/api/v2/alerts", params={"filter": matcher} if matcher else None)
        assert answer.is_success, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found


def version() -> tuple[int, int]:
    """The version of amtool, which is Alertmanager's: `(0, 25)`."""
    found = re.search(r"version (\d+)\.(\d+)", amtool("--version").text)
    assert found
    return int(found[1]), int(found[2])


@dataclass(frozen=True, slots=True)
class Answered:
    """The exit code and output of amtool."""

    code: int
    text: str


def amtool(*arguments: str | Path) -> Answered:
    """Run amtool to its end, without the user's own settings."""
    done = subprocess.run(
        ["amtool", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"HOME": "/nonexistent"},
        timeout=60,
        check=False,
        text=True,
    )
    return Answered(done.returncode, done.stdout)

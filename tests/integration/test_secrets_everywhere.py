"""Every kind of secret, planted at every way into the process, comes out of none of its ways out."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
import structlog
import yaml
from google.api_core import exceptions
from google.auth import exceptions as auth
from google.cloud.firestore_v1.types import MapValue, Value

from exporter.cli.output import printed
from exporter.collect.once import Outcome, collect_once
from exporter.config.load import load
from exporter.incidents.capture import capture
from exporter.incidents.incident import load_incident, parse_incident
from exporter.incidents.replay import failures, replay
from exporter.messages import logs
from exporter.messages.secrets import masked_json
from exporter.metrics.catalogue import report_samples
from exporter.metrics.exposition import render
from exporter.model import RemovalKind
from exporter.present.explanations import explain_json, explain_text
from exporter.present.history import History
from exporter.present.repairs import commit, repair_text, repairs
from exporter.present.status import status_json
from exporter.present.table import report_text
from exporter.present.transfer import report_json
from exporter.reconcile import reconcile
from exporter.sources.errors import fault_of, fault_of_credentials
from exporter.sources.remedies import BIGQUERY_REMEDIES, source_error
from exporter.web.page import About, render_page
from exporter.web.state import View
from testing.builders import DAY, OFFENSE, loss, on
from testing.days import INCIDENTS, SEED, a_past_day, moved, settings
from testing.planted import CORE, HIDDEN, SECRETS, leaks
from testing.running import RunningExporter, command
from testing.waiting import until
from tests.reconcile.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from exporter.config.load import Loaded
    from exporter.incidents.incident import Incident
    from exporter.incidents.local import LocalSources, SimulatedClock
    from exporter.model import Report

PROJECT = "nba-props-platform"
BEATS = "processor_heartbeats"
DOCUMENT = "phase3_completion/2026-02-01"
CAPTURED = SECRETS if "LONG_FORMS" in os.environ else dict(list(SECRETS.items())[::6])
"""The kinds for which a day is captured and replayed too; `make long` takes all."""
each_secret = pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)


# --- documents --------------------------------------------------------------------------------------------------


def planted(incident: Incident, document: str, secret: str) -> dict[str, dict[str, object]]:
    """The incident's documents with the secret at every place that a text of theirs is read from."""
    found = {path: dict(fields) for path, fields in incident.firestore.items()}
    failed = found[f"{BEATS}/PlayerGameSummaryProcessor"]
    failed |= {"status": "failed", "error_message": f"it failed: {secret}", "api_key": CORE}
    found[f"{BEATS}/UpcomingTeamGameContextProcessor"] |= {"status": secret, "data_date": secret, "run_id": secret}
    entries = found[document]
    entries["team_defense_game_summary"] |= {"status": secret, "correlation_id": secret, "error": {"text": [secret]}}
    entries["team_offense_game_summary"] |= {"record_count": secret, "password": CORE}
    entries |= {f"unexpected {secret}"[:200]: {"status": "success"}, "note": secret, "client_secret": CORE}
    entries |= {"_triggered": True, "_trigger_succeeded": False, "_trigger_reason": secret, "_completed_count": secret}
    return found


@pytest.fixture(name="day", scope="module")
def _day(_running: LocalSources, clock: SimulatedClock) -> Iterator[tuple[Loaded, Incident]]:
    incident = load_incident(INCIDENTS / f"{SEED}.yaml")
    runs = "nba_reference.processor_run_history"
    some = [SECRETS[kind] for kind in ("bearer header", "JWT", "refresh token in JSON", "PEM block")]
    rows = [
        row | {"run_id": secret, "status": secret} for row, secret in zip(incident.bigquery[runs], some, strict=False)
    ]
    incident = incident.model_copy(update={"bigquery": {**incident.bigquery, runs: rows}})
    clock.now = incident.clock
    _running.load(incident, PROJECT)
    yield load(preset=incident.preset, overlay=incident.config, environ={}), incident
    _running.fault({})


@pytest.fixture(name="report", scope="module", params=SECRETS.values(), ids=list(SECRETS))
def _report(
    request: pytest.FixtureRequest, day: tuple[Loaded, Incident], _running: LocalSources
) -> tuple[Loaded, Outcome, str]:
    loaded, incident = day
    _running.firestore.reset()
    _running.firestore.put_all(planted(incident, DOCUMENT, request.param), project=PROJECT)
    outcome = collect_once(
        loaded, lambda found, telemetry: _running.open(found.config, telemetry), lambda: incident.clock
    )
    return loaded, outcome, request.param


def logged(report: Report) -> str:
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    structlog.get_logger("exporter.x").info("report", phases=[str(phase) for phase in report.phases])
    return stream.getvalue()


COLOUR = re.compile(r"\x1b\[[0-9;]*m")

FORMS: dict[str, Callable[[Outcome], str]] = {
    "check --format table": lambda outcome: report_text(outcome.report, outcome.unread),
    "check on a narrow terminal": lambda outcome: report_text(outcome.report, terminal=True, width=50),
    "check --format json": lambda outcome: printed(outcome, "json"),
    "/api/v1/status": lambda outcome: status_json(outcome.report, None, History().after(outcome.report)).decode(),
    "/api/v1/report": lambda outcome: report_json(outcome.report, outcome.unread, "1").decode(),
    "/": lambda outcome: render_page(View(outcome.report, History().after(outcome.report)), About("1")),
    "explain --format text": lambda outcome: explain_text(outcome.report),
    "explain --format json": lambda outcome: masked_json(explain_json(outcome.report)),
    "log": lambda outcome: logged(outcome.report),
}
"""The forms of a report in which texts of documents stand."""

BARE: dict[str, Callable[[Outcome], str]] = {
    "/metrics": lambda outcome: render(report_samples(outcome.report)).plain.decode(),
    "check --format metrics": lambda outcome: printed(outcome, "metrics"),
}
"""Those that have none of them."""


def test_a_secret_in_documents_and_rows_is_in_no_form_of_the_report(report: tuple[Loaded, Outcome, str]) -> None:
    _, outcome, _ = report
    forms = {name: form(outcome) for name, form in (FORMS | BARE).items()}
    forms["repair"] = repair_text(list(repairs(outcome.report, DAY)))

    assert [name for name, text in forms.items() if leaks(text)] == []
    # A narrow terminal breaks the word, and each line has colours of its own. A column of the table breaks it for good.
    bare = {name: "".join(COLOUR.sub("", text).split()) for name, text in forms.items()}
    said = [name for name in FORMS if "explain" not in name and name != "check --format table"]
    assert [name for name in said if HIDDEN not in bare[name]] == []


@pytest.mark.parametrize("report", CAPTURED.values(), ids=list(CAPTURED), indirect=True)
def test_a_captured_day_holds_no_secret_and_replays_to_the_same_verdicts(
    report: tuple[Loaded, Outcome, str], local: LocalSources, clock: SimulatedClock
) -> None:
    loaded, outcome, _ = report
    now = outcome.report.at
    only = replace(loaded, config=replace(loaded.config, documents=replace(loaded.config.documents, only=(DAY,))))

    text = capture(only, lambda found, telemetry: local.open(found.config, telemetry), DAY, now, "token=" + CORE)
    again = parse_incident(text, "captured")

    assert not leaks(text)
    assert HIDDEN in text
    assert f"# Not as it was: {DOCUMENT}: what looks like a secret became {HIDDEN}\n" in text
    held = Outcome(reconcile_again(again, local, clock), outcome.live)
    assert list(failures(again, held.report)) == []


def reconcile_again(incident: Incident, local: LocalSources, clock: SimulatedClock) -> Report:
    """The report of the captured documents beside the tables as they are: loading those again would take seconds."""
    clock.now = incident.clock
    local.firestore.reset()
    local.firestore.put_all(incident.firestore, project=PROJECT)
    loaded = load(preset=incident.preset, overlay=incident.config, environ={})
    return collect_once(loaded, lambda found, telemetry: local.open(found.config, telemetry), clock).report


@each_secret
def test_a_secret_in_a_lost_entry_is_not_in_the_writes_that_would_restore_it(secret: str) -> None:
    fields = {"status": Value(string_value=secret), "password": Value(string_value=CORE), "pwd": Value(integer_value=1)}
    lost = replace(loss(), kind=RemovalKind.STALE_WRITE)
    content = Value.serialize(Value(map_value=MapValue(fields=fields)))
    scene = Scene(entry=None, loss=replace(lost, sighting=replace(lost.sighting, content=content)))
    config = scene.config()

    found = list(repairs(reconcile(config, scene.snapshot(), on(scene.now)), DAY, OFFENSE))
    text, data = repair_text(found), masked_json(commit(found))  # type: ignore[arg-type] # each is a write

    assert not leaks(text + data)
    assert f"{HIDDEN} replaces something" in text
    assert json.loads(data)["writes"]


# --- errors of clients ------------------------------------------------------------------------------------------


@each_secret
@pytest.mark.parametrize(
    "error",
    [
        exceptions.Forbidden,
        exceptions.ServiceUnavailable,
        exceptions.BadRequest,
        auth.RefreshError,
        auth.TransportError,
        ValueError,
        ConnectionError,
        OSError,
    ],
)
def test_a_secret_in_an_error_of_a_client_is_not_in_its_detail(error: type[Exception], secret: str) -> None:
    raised = error(f"refused: {secret}")

    for fault in (fault_of(raised), fault_of_credentials(raised)):
        assert not leaks(source_error(f"table {secret}", fault, BIGQUERY_REMEDIES).detail)


# --- the configuration, the environment and the command line ----------------------------------------------------


def test_a_secret_in_the_configuration_is_in_no_answer_of_the_running_exporter(
    local: LocalSources, clock: SimulatedClock, tmp_path: Path
) -> None:
    day = a_past_day()
    incident = moved(SEED, day)
    clock.now = datetime.now(UTC)
    local.load(incident, PROJECT)
    document = f"phase3_completion/{day}"
    secrets = iter(SECRETS.values())
    documents = planted(incident, document, next(secrets))
    for path in (path for path in documents if path.startswith(BEATS)):
        documents[path] |= {
            "status": "failed",
            "data_date": f"{day - timedelta(days=1)}",
            "error_message": next(secrets),
        }
    local.firestore.put_all(documents, project=PROJECT)
    file = tmp_path / "exporter.yaml"
    odd = {"nba": {"coverage": {"minutes_played": {"excluded": {"api": f"note = 'password={CORE}'"}}}}}
    config = yaml.safe_load(settings(incident, day))
    config["pipelines"]["nba"] |= odd["nba"]
    file.write_text(yaml.safe_dump(config))
    with RunningExporter(
        tmp_path,
        ["--config.file", file, "--web.enable-lifecycle", "--log.level", "debug", "--log.format", "logfmt"],
        local,
        more={"ORCHESTRATION_EXPORTER_WEB_RUNBOOKS": f"https://reader:{CORE}@books.example.com/x"},
    ) as exporter:
        exporter.wait_until_ready()
        asked = [
            exporter.get(path).text
            for path in (
                "/",
                "/metrics",
                "/api/v1/status",
                "/api/v1/report",
                "/api/v1/config",
                "/api/v1/openapi.json",
                "/-/ready",
                "/x",
            )
        ]
        asked.append(exporter.client.get("/api/v1/config", headers={"Accept": "application/yaml"}).text)
        exporter.get(f"/token={CORE}?key={CORE}")
        file.write_text(f"preset: nba\ntimezone: 'https://reader:{CORE}@x/'\ndb_password: {CORE}\n")
        reload = exporter.client.post("/-/reload")
        until(lambda: "reload failed" in exporter.log, "the log to say that the reload failed")

    assert reload.status_code == httpx.codes.INTERNAL_SERVER_ERROR
    assert HIDDEN in reload.text
    assert HIDDEN in asked[0]
    assert json.loads(asked[2])["processors"]
    assert f"password={HIDDEN}" in asked[3]
    assert [text for text in (*asked, reload.text, exporter.log, exporter.out) if leaks(text)] == []


BAD = f"preset: nba\ntimezone: 'https://reader:{CORE}@x/'\ndb_password: {CORE}\nproject: 'Bearer {CORE}{CORE}'\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("config", "check", "--config.file", "FILE"), 64),
        (("config", "show", "--config.file", "FILE"), 64),
        (("check", "--config.file", "FILE"), 64),
        (("run", "--config.file", "FILE"), 64),
        (("config", "check", "--connect", "--preset", "nba"), 2),
        (("probe-writes", "--preset", "nba", "--timeout", "0.1", "--rounds", "1", "--writers", "2"), 69),
        (("probe-writes", "--preset", "nba", "--collection", f"password={CORE}"), 64),
        (("run", "--preset", "nba", "--web.runbooks", f"ftp://reader:{CORE}@x"), 64),
        (("run", "--preset", "nba", "--web.listen-address", f"https://reader:{CORE}@x"), 69),
        (("run", "--preset", "nba", "--web.config.file", f"token={CORE}/x"), 64),
        (("check", "--preset", f"token={CORE}"), 64),
        (("check", "--preset", "nba", "--format", f"token={CORE}"), 64),
        ((f"--token={CORE}",), 64),
        (("capture", "--preset", "nba", "--run-date", f"token={CORE}"), 64),
        (("capture", "--preset", "nba", "--run-date", "2026-02-01"), 2),
        (("replay", f"token={CORE}.yaml"), 64),
        (("replay", "INCIDENT"), 64),
        (("dump", "rules", f"PATH/token={CORE}"), 0),
    ],
    ids=lambda value: " ".join(value)[:60].replace(CORE, "x") if isinstance(value, tuple) else None,
)
def test_a_command_says_no_secret_of_a_file_an_option_or_the_environment(
    arguments: tuple[str, ...], code: int, tmp_path: Path
) -> None:
    (tmp_path / "bad.yaml").write_text(BAD)
    (tmp_path / "incident.yaml").write_text(f"title: 'token={CORE}'\nclock: 'token={CORE}'\ndb_password: {CORE}\n")
    places = {"FILE": str(tmp_path / "bad.yaml"), "INCIDENT": str(tmp_path / "incident.yaml"), "PATH": str(tmp_path)}
    written = [places.get(argument, argument.replace("PATH", str(tmp_path))) for argument in arguments]
    odd = {"ORCHESTRATION_EXPORTER_TIMEZONE": f"token={CORE}"} if places["FILE"] in written else {}

    ended = command(*written, more=odd)

    assert (ended.code, "Traceback" in ended.err) == (code, False)
    assert not leaks(ended.out + ended.err)


def test_a_replayed_file_shows_no_secret_of_its_own(local: LocalSources, clock: SimulatedClock) -> None:
    incident = load_incident(INCIDENTS / f"{SEED}.yaml")
    secret = SECRETS["JWT"]
    odd = incident.model_copy(update={"title": secret, "firestore": planted(incident, DOCUMENT, secret)})

    replayed = replay(odd, local, clock)

    assert not leaks(masked_json(replayed.json()))
    assert replayed.json()["title"] == secret


def test_a_health_check_says_no_secret_of_its_address() -> None:
    for address in (
        f"http://reader:{CORE}@127.0.0.1:1/",
        f"http://127.0.0.1:1/?token={CORE}",
        f"http://reader:{CORE}@127.0.0.1:x/",
    ):
        module = [sys.executable, "-m", "exporter.health", address]
        done = subprocess.run(module, capture_output=True, text=True, check=False, timeout=60)

        assert (done.returncode, leaks(done.stderr), done.stderr.count("\n")) == (1, False, 1), done.stderr


# --- what nothing catches ---------------------------------------------------------------------------------------

CRASHES = {
    "in the main thread": "fail()",
    "in another thread": "thread = threading.Thread(target=fail); thread.start(); thread.join()",
    "while an object is destroyed": "Destroyed()",
    "in a task": "asyncio.run(forget())",
    "in a log record": "logging.getLogger('google.auth').error('%d', SECRET)",
    "in the arguments of a log record": "logging.getLogger('google.auth').error('%s %s', SECRET)",
    "in a warning": "warnings.warn(SECRET)",
    "in a logged exception": "logged()",
}
PROGRAM = """
import asyncio, logging, sys, threading, warnings
from exporter.messages import logs
SECRET = sys.stdin.read()
logs.configure("info", sys.argv[1])
def fail():
    raise RuntimeError("refused: " + SECRET)
class Destroyed:
    def __del__(self):
        fail()
async def forget():
    async def task():
        fail()
    asyncio.create_task(task())
    await asyncio.sleep(0)
def logged():
    try:
        fail()
    except RuntimeError:
        logging.getLogger("apscheduler").exception("job failed: %s", SECRET)
"""


@pytest.mark.parametrize("crash", CRASHES.values(), ids=CRASHES)
def test_an_exception_that_nothing_catches_is_a_line_of_the_log_without_its_secret(crash: str) -> None:
    for secret, form in zip(("PEM block", "JWT"), ("logfmt", "json"), strict=True):
        done = subprocess.run(
            [sys.executable, "-c", f"{PROGRAM}\n{crash}", form],
            input=SECRETS[secret],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

        assert done.stderr, crash
        assert not leaks(done.stderr + done.stdout), done.stderr
        assert done.stderr.count("\n") == 1

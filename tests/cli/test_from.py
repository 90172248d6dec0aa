"""`--from URL`: check, explain and repair ask a running exporter, which remembers what they cannot see."""

from __future__ import annotations

import contextlib
import itertools
import json
import socketserver
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import bcrypt
import pytest
from click.testing import CliRunner
from google.cloud.firestore_v1.types import MapValue, Value

from exporter.cli import main
from exporter.memory.ledger import Ledger
from exporter.memory.states import StateRow
from exporter.model import Report
from exporter.present.history import History, State, Subject
from exporter.reconcile import reconcile
from exporter.web import client
from exporter.web.auth import WebConfigFile
from exporter.web.state import View
from testing.builders import DAY, OFFENSE, loss, on
from testing.running import Ended
from tests.reconcile.scene import Scene
from tests.web.example import MOMENT, ExampleState, identity, server_identity, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMANDS = (["check"], ["explain"], ["repair", "--dry-run", "--run-date", DAY.isoformat()])
SEEN = {
    "status": Value(string_value="success"),
    "record_count": Value(integer_value=12),
    "api_key": Value(string_value="AIza" + "k" * 35),
}


def a_loss() -> Report:
    """An entry was lost, and the exporter saw it before."""
    content = Value.serialize(Value(map_value=MapValue(fields=SEEN)))
    removal = loss()
    removal = replace(removal, sighting=replace(removal.sighting, content=content))
    scene = Scene(entry=None, loss=removal)
    return reconcile(scene.config(), scene.snapshot(), on(scene.now))


def invoke(*arguments: str | Path, **env: str) -> Ended:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], env=env)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Ended(result.exit_code, result.stdout, result.stderr)


@pytest.fixture(name="url")
def _url() -> Iterator[str]:
    """An exporter that saw an entry which was lost."""
    with serving(ExampleState(shown=View(a_loss()))) as server:
        yield server.url


def test_check_says_what_the_exporter_remembers(url: str) -> None:
    ended = invoke("check", "--from", url)

    assert (ended.code, ended.err) == (1, "")
    assert f"1 of 1 processor lost the registered entry ({OFFENSE})" in " ".join(ended.out.split())


def test_check_gives_the_same_json_and_metrics_as_the_exporter(url: str) -> None:
    said = json.loads(invoke("check", "--from", url, "--format", "json").out)

    assert said["processors"][f"nba/phase3/{DAY}/{OFFENSE}"]["verdict"] == "lost_update"
    assert f'run_date="{DAY}",processor="{OFFENSE}",verdict="lost_update"}} 1' in (
        invoke("check", "--from", url, "--format", "metrics").out
    )


def test_explain_proves_the_loss(url: str) -> None:
    assert "proven: its entry was written and overwritten" in invoke("explain", "--from", url).out


def test_repair_restores_the_entry_as_it_was_seen_without_its_secrets(url: str) -> None:
    ended = invoke("repair", "--from", url, "--dry-run", "--run-date", DAY.isoformat(), "--format", "json")
    (write,) = json.loads(ended.out)["writes"]

    assert write["update"]["fields"][OFFENSE]["mapValue"]["fields"] == {
        "status": {"stringValue": "success"},
        "record_count": {"integerValue": "12"},
        "api_key": {"stringValue": "(hidden)"},
    }


def test_the_address_can_come_from_the_environment(url: str) -> None:
    assert "lost the registered entry" in invoke("check", ORCHESTRATION_EXPORTER_FROM=url).out


def test_a_run_date_chooses_from_what_the_exporter_shows(url: str) -> None:
    assert invoke("check", "--from", url, "--run-date", DAY.isoformat()).code == 1

    ended = invoke("check", "--from", url, "--run-date", "2026-03-01")
    assert ended.code == 69
    assert f"the exporter shows {DAY} to {DAY}; without --from, 2026-03-01 is read now" in ended.err


def test_an_exporter_of_another_pipeline_is_named(url: str) -> None:
    ended = invoke("check", "--from", url, "--preset", "mlb")

    assert ended.code == 69
    assert f"{url}: the exporter watches nba, and the configuration mlb" in ended.err


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_an_exporter_that_is_not_there_is_unreachable(command: list[str]) -> None:
    ended = invoke(*command, "--from", "http://127.0.0.1:1")

    assert ended.code == 69
    assert ended.err == ("Error: http://127.0.0.1:1: unreachable: Connection refused: does the exporter run there?\n")


def test_an_exporter_whose_report_has_another_form_is_of_another_version() -> None:
    body = json.loads(ExampleState().report_json()) | {"form": "other", "version": "from-elsewhere"}
    with serving(ExampleState(whole=json.dumps(body).encode())) as server:
        ended = invoke("check", "--from", server.url)

    assert ended.code == 69
    assert "the exporter has version from-elsewhere and this command " in ended.err


def test_what_is_no_exporter_is_refused(url: str) -> None:
    with serving(ExampleState(whole=b"<html>")) as server:
        ended = invoke("check", "--from", server.url)
    older = invoke("check", "--from", f"{url}/elsewhere")

    assert (ended.code, older.code) == (69, 69)
    assert "what answers is no orchestration-exporter" in ended.err
    assert "refused with status 404: it has no /api/v1/report: it is no exporter, or one older than" in older.err


@pytest.mark.parametrize(
    "odd",
    [{"at": "2026-02-01T18:00:00"}, {"at": "9999-12-31T23:59:59Z"}, {"timezone": "Mars/Olympus"}, {"pipelines": 1}],
)
def test_a_report_with_values_that_no_exporter_sends_is_refused(odd: dict[str, object]) -> None:
    body = json.loads(ExampleState().report_json())
    body["report"] |= odd
    with serving(ExampleState(whole=json.dumps(body).encode())) as server:
        ended = invoke("check", "--from", server.url)

    assert (ended.code, ended.out) == (69, "")


def test_an_answer_that_is_nested_without_end_is_refused() -> None:
    with serving(ExampleState(whole=b"[" * 100_000)) as server:
        ended = invoke("check", "--from", server.url)

    assert ended.code == 69
    assert "what answers is no orchestration-exporter" in ended.err


@contextlib.contextmanager
def answering(*pieces: bytes) -> Iterator[str]:
    """The address of a server that sends the pieces, and the last of them for ever."""

    class Endless(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            with contextlib.suppress(OSError):
                for piece in itertools.chain(pieces, itertools.repeat(pieces[-1])):
                    self.request.sendall(piece)
                    if ended.wait(0.01):
                        return

    ended = threading.Event()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Endless) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            ended.set()
            server.shutdown()


def test_an_answer_without_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MOST_BYTES", 100_000)

    with answering(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 50_000) as url:
        ended = invoke("check", "--from", url)

    assert ended.code == 69
    assert "it answers more than 100000 bytes" in ended.err


@pytest.mark.parametrize(
    "pieces", [(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" "), (b"HTTP/1.1 100 Continue\r\n\r\n",)]
)
def test_an_answer_that_never_is_whole_is_not_awaited(pieces: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "WHOLE_SECONDS", 0.5)

    with answering(*pieces) as url:
        ended = invoke("check", "--from", url)

    assert ended.code == 69
    assert "no whole answer in 0.5 s" in ended.err


def test_user_and_tls_are_given_as_to_promtool(tmp_path: Path) -> None:
    authority = identity("authority")
    server_identity(authority).written(tmp_path, "server")
    (tmp_path / "ca.crt").write_bytes(authority.cert)
    (tmp_path / "password").write_text("open sesame\n", encoding="utf-8")
    hashed = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
    web, http = tmp_path / "web.yml", tmp_path / "http.yml"
    web.write_text(
        f"tls_server_config: {{cert_file: server.crt, key_file: server.key}}\nbasic_auth_users: {{ann: {hashed}}}\n",
        encoding="utf-8",
    )
    file = WebConfigFile(web)
    with serving(ExampleState(shown=View(a_loss())), web_config=file, tls=file.server_context()) as server:

        def asked(config: str) -> Ended:
            http.write_text(config, encoding="utf-8")
            return invoke("check", "--from", server.url, "--http.config.file", http)

        alone = invoke("check", "--from", server.url)
        no_user = asked("tls_config: {ca_file: ca.crt}")
        good = asked("{basic_auth: {username: ann, password_file: password}, tls_config: {ca_file: ca.crt}}")
        named = asked(
            "{basic_auth: {username: ann, password_file: password},"
            " tls_config: {ca_file: ca.crt, server_name: localhost}}"
        )
        other = asked("tls_config: {ca_file: ca.crt, server_name: elsewhere.example}")
        header = asked("{authorization: {credentials: nobody}, tls_config: {insecure_skip_verify: true}}")

    assert alone.code == 69
    assert "no trust: " in alone.err
    assert "--http.config.file" in alone.err
    assert "refused with status 401: it asks for a user: give `basic_auth`" in no_user.err
    assert (good.code, named.code) == (1, 1)
    assert "no trust: " in other.err
    assert "refused with status 401" in header.err


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("basic_auth: {username: ann, pasword: hunter2}", "basic_auth.pasword: Extra inputs are not permitted"),
        ("basic_auth: {username: ann}", "give basic_auth.password or basic_auth.password_file"),
        ("basic_auth: {username: ann, password_file: gone}", "basic_auth.password_file: "),
        ("{basic_auth: {username: a, password: b}, authorization: {credentials: c}}", "exclude each other"),
        ("tls_config: {cert_file: a}", "cert_file and key_file belong together"),
        ("tls_config: {ca_file: gone}", "tls_config.ca_file: "),
        ("{", "no valid YAML"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_fault(tmp_path: Path, url: str, content: str, fault: str) -> None:
    http = tmp_path / "http.yml"
    http.write_text(content, encoding="utf-8")

    ended = invoke("check", "--from", url, "--http.config.file", http)

    assert ended.code == 64
    assert fault in ended.err
    assert "hunter2" not in ended.err


def test_a_file_that_is_not_there_is_named(tmp_path: Path, url: str) -> None:
    ended = invoke("check", "--from", url, "--http.config.file", tmp_path / "gone")

    assert (ended.code, "cannot be read: No such file or directory" in ended.err) == (64, True)


def test_an_exporter_without_a_report_yet_is_unknown_and_shows_no_date() -> None:
    with serving(ExampleState(shown=View(Report(MOMENT, "America/New_York", ())))) as server:
        ended = invoke("check", "--from", server.url, "--run-date", DAY.isoformat())

    assert "the exporter shows no run date" in ended.err


# --- history ----------------------------------------------------------------------------------------------------

SUBJECT = Subject(DAY, "nba", "phase3", OFFENSE)
STATES = (
    State(on("15:05"), "lost_update", on("15:04:29")),
    State(on("15:30"), "unknown"),
    State(on("16:10"), "ok", None, "registered by hand at 16:09:00Z"),
    State(on("17:00"), "partial", on("16:55")),
)
SAID = (
    "2 faults of team_offense_game_summary since 15:05 UTC (10:05 EST), the newest first."
    f" {DAY} nba phase3 {OFFENSE}: partial from 16:55 UTC (11:55 EST), for 1 h 5 min so far"
    f" {DAY} nba phase3 {OFFENSE}: lost_update from 15:04:29 UTC (10:04:29 EST) to 16:10 UTC (11:10 EST), for"
    " 1 h 5 min; then ok (registered by hand at 16:09:00Z)"
)


def test_history_says_when_a_fault_was_there_for_how_long_and_what_mended_it() -> None:
    view = View(a_loss(), History.restored((SUBJECT, state) for state in STATES))
    with serving(ExampleState(shown=view)) as server:
        ended = invoke("history", "--from", server.url, "--processor", OFFENSE)
        whole = json.loads(invoke("history", "--from", server.url, "--format", "json").out)
        other = invoke("history", "--from", server.url, "--processor", "another")

    assert ended.code == 0
    assert " ".join(ended.out.split()) == SAID
    assert [fault["until"] for fault in whole] == [None, "2026-02-01T16:10:00Z"]
    assert other.out.startswith("No fault of another since ")


def test_history_reads_the_ledger_of_an_exporter_that_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger(str(path))
    ledger.keep_states([StateRow(*SUBJECT, *state) for state in STATES])
    ledger.close()

    ended = invoke("history", "--preset", "nba", "--format", "json", ORCHESTRATION_EXPORTER_LEDGER__PATH=str(path))

    assert [fault["state"] for fault in json.loads(ended.out)] == ["partial", "lost_update"]


def test_history_without_a_ledger_says_whom_to_ask() -> None:
    ended = invoke("history", "--preset", "nba")

    assert ended.code == 64
    assert "ask the exporter with --from URL" in ended.err


def test_an_exporter_that_has_seen_nothing_yet_remembers_nothing(url: str) -> None:
    assert invoke("history", "--from", url).out == "Nothing is remembered yet.\n"

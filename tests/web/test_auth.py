"""Users, rate limit and headers of the web configuration, and what happens when the file changes."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import bcrypt
import httpx
import pytest

from exporter.metrics.telemetry import Refusal
from exporter.web.auth import BasicAuth, BusyError, Guard, WebConfigFile, further_costs
from exporter.web.refusals import Refusals
from exporter.web.webconfig import WebConfigError
from tests.web.example import ExampleState, Identity, server_identity, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.types import Message, Receive, Scope, Send
    from structlog.typing import EventDict


def hashed(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


USERS = f"basic_auth_users: {{prometheus: {hashed('hunter2')}, gráfana: {hashed('pass:wörd')}}}\n"


def basic(user: str, password: str) -> bytes:
    return b"Basic " + base64.b64encode(f"{user}:{password}".encode())


def replace(path: Path, text: str) -> None:
    """A new version of a file that even a clock of coarse ticks tells from the old one."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "web.yml"
    path.write_text(USERS)
    return path


@pytest.fixture
def client(path: Path) -> Iterator[httpx.Client]:
    with (
        serving(ExampleState(), web_config=WebConfigFile(path)) as server,
        httpx.Client(base_url=server.url) as client,
    ):
        yield client


@pytest.mark.parametrize("auth", [("prometheus", "hunter2"), ("gráfana", "pass:wörd")])
def test_a_user_with_the_right_password_is_served(client: httpx.Client, auth: tuple[str, str]) -> None:
    header = {"Authorization": basic(*auth).decode()}

    answers = [client.get("/metrics", headers=header).status_code for _ in range(3)]

    assert answers == [200, 200, 200]


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"prometheus").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:hunter2").decode(),
        "Bearer hunter2",
        basic("prometheus", "hunter3").decode(),
        basic("prometheus", "").decode(),
        basic("nobody", "hunter2").decode(),
        basic("gráfana", "hunter2").decode(),
    ],
)
@pytest.mark.parametrize("path_asked", ["/metrics", "/", "/api/v1/config", "/nothing"])
def test_other_users_are_refused(client: httpx.Client, authorization: str | None, path_asked: str) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}

    answer = client.get(path_asked, headers=headers)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Basic realm="orchestration-exporter", charset="UTF-8"'


@pytest.mark.parametrize("path_asked", ["/-/healthy", "/healthz", "/-/ready", "/readyz"])
def test_health_needs_no_user(client: httpx.Client, path_asked: str) -> None:
    assert client.get(path_asked).status_code == 200


@pytest.mark.parametrize("path_asked", ["/healthz/", "/healthz/../metrics", "/-/ready%2f..%2f..%2fmetrics", "/metrics"])
def test_a_path_that_only_looks_like_health_needs_a_user(client: httpx.Client, path_asked: str) -> None:
    request = client.build_request("GET", "/")
    request.extensions["target"] = path_asked.encode()

    assert client.send(request).status_code == 401


def test_a_password_counts_as_far_as_bcrypt_reads_it(path: Path) -> None:
    replace(path, f"basic_auth_users: {{a: {hashed('x' * 72)}}}")

    with serving(ExampleState(), web_config=WebConfigFile(path)) as server:
        answer = httpx.get(f"{server.url}/metrics", auth=("a", "x" * 100))

    assert answer.status_code == 200


def test_a_changed_password_counts_at_once(client: httpx.Client, path: Path, events: list[EventDict]) -> None:
    before = client.get("/metrics", auth=("prometheus", "hunter2")).status_code
    replace(path, f"basic_auth_users: {{prometheus: {hashed('correct horse')}}}")
    old = client.get("/metrics", auth=("prometheus", "hunter2")).status_code
    new = client.get("/metrics", auth=("prometheus", "correct horse")).status_code

    assert (before, old, new) == (200, 401, 200)
    assert [event["event"] for event in events] == ["web configuration read again", "refused"]


def test_guesses_from_elsewhere_do_not_keep_a_changed_password_out() -> None:
    """Nobody was admitted yet: other addresses may have their guesses in the queue, a few each."""
    users = {"prometheus": hashed("correct horse").encode()}

    async def admitted() -> bool:
        auth = BasicAuth()
        guesses = [
            asyncio.ensure_future(auth.admits(basic("prometheus", f"{client}-{number}"), users, client))
            for client in ("192.0.2.1", "192.0.2.2")
            for number in range(50)
        ]
        await asyncio.sleep(0)
        try:
            return await auth.admits(basic("prometheus", "correct horse"), users, "198.51.100.1")
        finally:
            answers = await asyncio.gather(*guesses, return_exceptions=True)
            assert sum(isinstance(answer, BusyError) for answer in answers) == 92

    assert asyncio.run(admitted())


def test_a_known_scraper_with_a_new_password_does_not_wait_for_anybody() -> None:
    old = {"prometheus": hashed("hunter2").encode()}
    new = {"prometheus": hashed("correct horse").encode()}

    async def admitted() -> list[bool]:
        auth = BasicAuth()
        known = await auth.admits(basic("prometheus", "hunter2"), old, "198.51.100.1")
        clients = [f"192.0.2.{number}" for number in range(100)]
        guesses = [asyncio.ensure_future(auth.admits(basic("a", client), new, client)) for client in clients]
        await asyncio.sleep(0)
        changed = await auth.admits(basic("prometheus", "correct horse"), new, "198.51.100.1")
        waited = sum(guess.done() and not guess.exception() for guess in guesses)
        await asyncio.gather(*guesses, return_exceptions=True)
        return [known, changed, waited < 16]

    assert asyncio.run(admitted()) == [True, True, True]


@pytest.mark.parametrize("costs", [(4,), (4, 6), (6, 4, 5)])
def test_every_password_takes_as_long_as_the_costliest(costs: tuple[int, ...]) -> None:
    hashes = [bcrypt.hashpw(b"hunter2", bcrypt.gensalt(cost)) for cost in costs]

    work = {
        2**cost + sum(2**more for more in further_costs(one, hashes)) for one, cost in zip(hashes, costs, strict=True)
    }

    assert work == {2 ** max(costs)}


def test_refused_users_are_counted(path: Path) -> None:
    reasons: list[Refusal] = []

    with serving(ExampleState(), web_config=WebConfigFile(path), refusals=Refusals(reasons.append)) as server:
        for auth in (None, ("prometheus", "hunter3"), ("nobody", "hunter2"), ("prometheus", "hunter2")):
            httpx.get(f"{server.url}/metrics", auth=auth)

    assert reasons == [Refusal.UNAUTHORIZED, Refusal.UNAUTHORIZED]


def test_without_users_everybody_is_served(client: httpx.Client, path: Path) -> None:
    before = client.get("/metrics").status_code
    replace(path, "")

    assert (before, client.get("/metrics").status_code) == (401, 200)


def test_a_file_that_breaks_changes_nothing_and_is_logged_once(
    client: httpx.Client, path: Path, events: list[EventDict]
) -> None:
    replace(path, "basic_auth_users: {prometheus: hunter2}")
    answers = [client.get("/metrics", auth=("prometheus", "hunter2")).status_code for _ in range(3)]

    assert answers == [200, 200, 200]
    [event] = events
    assert event["log_level"] == "error"
    assert str(path) in event["error"]
    assert "hunter2" not in str(event)


def test_a_file_that_vanishes_changes_nothing(client: httpx.Client, path: Path, events: list[EventDict]) -> None:
    path.unlink()

    assert client.get("/metrics").status_code == 401
    assert "cannot be read: No such file" in events[0]["error"]


def test_a_broken_file_cannot_be_started_with(path: Path) -> None:
    replace(path, "basic_auth_users: hunter2")

    with pytest.raises(WebConfigError, match=r"web\.yml:1: basic_auth_users must be a mapping"):
        WebConfigFile(path)


def test_a_configuration_waits_for_its_new_certificate(
    tmp_path: Path, authority: Identity, events: list[EventDict]
) -> None:
    server_identity(authority).written(tmp_path, "server")
    path = tmp_path / "web.yml"
    path.write_text("tls_server_config: {cert_file: server.crt, key_file: server.key}")
    file = WebConfigFile(path)
    first = file.current()

    replace(path, "tls_server_config: {cert_file: new.crt, key_file: new.key}")
    meanwhile = file.current()
    server_identity(authority).written(tmp_path, "new")
    second = file.current()

    assert meanwhile is first
    assert second is not first
    assert [event["log_level"] for event in events] == ["error", "info"]


def test_an_expired_certificate_is_logged_as_an_error_and_served(
    tmp_path: Path, authority: Identity, events: list[EventDict]
) -> None:
    server_identity(authority).written(tmp_path, "server")
    path = tmp_path / "web.yml"
    path.write_text("tls_server_config: {cert_file: server.crt, key_file: server.key}")

    file = WebConfigFile(path, lambda: datetime.now(UTC) + timedelta(days=2))

    assert file.current().tls is not None
    [event] = events
    assert (event["log_level"], event["event"][:28]) == ("error", "the certificate has expired ")


def test_tls_cannot_be_switched_off_while_running(tmp_path: Path, authority: Identity, events: list[EventDict]) -> None:
    server_identity(authority).written(tmp_path, "server")
    path = tmp_path / "web.yml"
    path.write_text("tls_server_config: {cert_file: server.crt, key_file: server.key}")
    file = WebConfigFile(path)
    before = file.current()

    replace(path, "")

    assert file.current() is before
    assert "needs a restart" in events[0]["event"]


def test_http2_is_accepted_with_a_log_line(path: Path, events: list[EventDict]) -> None:
    replace(path, "http_server_config: {http2: true}")

    WebConfigFile(path)

    assert [event["log_level"] for event in events] == ["warning"]


def test_configured_headers_replace_the_usual_ones(path: Path) -> None:
    policy = "default-src 'self'"
    replace(path, f'http_server_config: {{headers: {{Content-Security-Policy: "{policy}", X-Frame-Options: deny}}}}')

    with serving(ExampleState(), web_config=WebConfigFile(path)) as server:
        answers = [httpx.get(f"{server.url}{route}") for route in ("/", "/metrics", "/healthz", "/nothing")]

    for answer in answers:
        assert answer.headers.get_list("content-security-policy") == [policy]
        assert answer.headers["x-frame-options"] == "deny"


class _Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def _ok(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})


def asked(guard: Guard, path_asked: str = "/metrics") -> int:
    """The status that one request gets."""
    statuses: list[int] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": path_asked, "headers": []}
    asyncio.run(guard(scope, receive, send))
    return statuses[0]


def test_the_rate_limit_lets_a_burst_pass_and_then_one_an_interval(path: Path) -> None:
    replace(path, "rate_limit: {interval: 2s, burst: 3}")
    clock = _Clock()
    guard = Guard(_ok, WebConfigFile(path), Refusals(), clock)

    burst = [asked(guard) for _ in range(4)]
    clock.now += 2
    later = [asked(guard) for _ in range(2)]
    clock.now += 3600
    much_later = [asked(guard) for _ in range(4)]

    assert burst == [200, 200, 200, 429]
    assert later == [200, 429]
    assert much_later == [200, 200, 200, 429]
    assert asked(guard, "/healthz") == 200


def test_a_new_rate_limit_begins_with_a_full_burst(path: Path) -> None:
    replace(path, "rate_limit: {interval: 1h, burst: 1}")
    guard = Guard(_ok, WebConfigFile(path), Refusals(), _Clock())

    before = [asked(guard) for _ in range(2)]
    replace(path, "rate_limit: {interval: 1h, burst: 2}")
    after = [asked(guard) for _ in range(3)]

    assert (before, after) == ([200, 429], [200, 200, 429])


def test_a_flood_of_passwords_is_refused_before_it_costs_time() -> None:
    users = {"prometheus": hashed("hunter2").encode()}
    auth = BasicAuth()

    async def flood() -> list[bool | BaseException]:
        guesses = [auth.admits(basic("prometheus", f"guess {n}"), users) for n in range(40)]
        return await asyncio.gather(*guesses, return_exceptions=True)

    outcomes = asyncio.run(flood())

    assert outcomes.count(False) == 4
    assert sum(isinstance(outcome, BusyError) for outcome in outcomes) == 36


def test_a_busy_answer_has_retry_after(path: Path) -> None:
    replace(path, f"basic_auth_users: {{prometheus: {bcrypt.hashpw(b'hunter2', bcrypt.gensalt(8)).decode()}}}")

    async def flood(url: str) -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=url) as client:
            return await asyncio.gather(*(client.get("/metrics", auth=("prometheus", f"{n}")) for n in range(60)))

    with serving(ExampleState(), web_config=WebConfigFile(path)) as server:
        answers = asyncio.run(flood(server.url))

    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.status_code for answer in answers} == {401, 429}
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}


def test_many_with_the_same_password_cost_one_check() -> None:
    users = {"prometheus": bcrypt.hashpw(b"hunter2", bcrypt.gensalt(4))}
    auth = BasicAuth()

    async def together() -> list[bool]:
        return await asyncio.gather(*(auth.admits(basic("prometheus", "hunter2"), users) for _ in range(16)))

    assert asyncio.run(together()) == [True] * 16


def test_the_password_cache_is_bounded() -> None:
    users = {f"user{n}": bcrypt.hashpw(b"x", bcrypt.gensalt(4)) for n in range(140)}
    auth = BasicAuth()

    async def one_after_the_other() -> list[bool]:
        return [await auth.admits(basic(user, "x"), users) for user in [*users, "user0"]]

    assert all(asyncio.run(one_after_the_other()))

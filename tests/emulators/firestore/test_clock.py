"""The server in simulated time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from google.cloud import firestore
from google.cloud.firestore import SERVER_TIMESTAMP
from hypothesis import given
from hypothesis import strategies as st

from exporter.emulators.firestore import FirestoreServer, close
from tests.conformance.listener import Listener

_START = datetime(2026, 2, 1, 18, 0, tzinfo=UTC)


class _Clock:
    def __init__(self) -> None:
        self.now = _START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    """A clock that stands still until it is set."""
    return _Clock()


@pytest.fixture
def simulated(clock: _Clock) -> Iterator[FirestoreServer]:
    """A server that lives by that clock."""
    with FirestoreServer(clock=clock) as server:
        yield server


@pytest.fixture
def client(simulated: FirestoreServer) -> Iterator[firestore.Client]:
    """A client of that server."""
    made = simulated.client()
    yield made
    close(made)


def test_times_are_the_clocks(client: firestore.Client, clock: _Clock) -> None:
    document = client.document("a/b")
    document.set({"at": SERVER_TIMESTAMP})
    clock.now += timedelta(minutes=5)
    document.update({"n": 1})
    clock.now += timedelta(minutes=5)

    found = document.get()

    assert found.create_time == found.get("at") == _START
    assert found.update_time == _START + timedelta(minutes=5)
    assert found.read_time == _START + timedelta(minutes=10)


def test_a_direct_write_is_of_the_clocks_time(
    simulated: FirestoreServer, client: firestore.Client, clock: _Clock
) -> None:
    clock.now = datetime(2026, 2, 1, 13, 30, tzinfo=timezone(timedelta(hours=-5)))

    simulated.put("a/b", {"n": 1})

    assert client.document("a/b").get().create_time == datetime(2026, 2, 1, 18, 30, tzinfo=UTC)


def test_a_clock_that_stands_still_or_jumps_back_leaves_times_growing(client: firestore.Client, clock: _Clock) -> None:
    document = client.document("a/b")
    times = []
    for number, jump in enumerate((0, 0, -3600, -3600, 7200)):
        clock.now = _START + timedelta(seconds=jump)
        document.set({"n": number})
        times.append(document.get().update_time)
        assert document.get().read_time >= times[-1]

    microsecond = timedelta(microseconds=1)
    assert times == [
        *(_START + microsecond * number for number in range(4)),
        _START + timedelta(hours=2),
    ]


def test_a_listener_is_told_the_clocks_time(
    simulated: FirestoreServer, client: firestore.Client, clock: _Clock
) -> None:
    listener = Listener(client.collection("a"))
    assert listener.next().read_time == _START

    clock.now += timedelta(hours=1)
    simulated.put("a/b", {"n": 1})
    assert listener.next().read_time == _START + timedelta(hours=1)
    listener.watch.unsubscribe()


def test_a_clock_without_a_zone_is_an_error() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        FirestoreServer(clock=lambda: _START.replace(tzinfo=None)).put("a/b", {})


@given(st.lists(st.integers(-10, 10), min_size=1, max_size=20))
def test_commit_times_grow_whatever_the_clock_does(steps: list[int]) -> None:
    clock = _Clock()
    seen: list[datetime] = []
    server = FirestoreServer(clock=clock)
    for number, step in enumerate(steps):
        clock.now += timedelta(microseconds=step)
        server.put("a/b", {"n": number})
        seen.append(_update_time(server))

    assert seen == sorted(set(seen))


def test_after_a_reset_times_begin_again_at_the_clock() -> None:
    clock = _Clock()
    server = FirestoreServer(clock=clock)
    server.put("a/b", {})
    clock.now -= timedelta(days=1)
    server.put("a/b", {"n": 1})
    before = _update_time(server)

    server.reset()
    server.put("a/b", {})

    assert before > clock.now
    assert _update_time(server) == clock.now


def _update_time(server: FirestoreServer) -> datetime:
    store = server._store  # noqa: SLF001 - spares a thousand calls over the wire
    document: Any = store.view().get("projects/local-project/databases/(default)/documents/a/b")
    time: datetime = document.update_time.ToDatetime(tzinfo=UTC)
    return time

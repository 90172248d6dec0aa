from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

import pytest

from exporter.model import ErrorKind
from exporter.sources.calls import Calls, ended, retry
from exporter.sources.errors import CallFailed, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

TRANSIENT = CallFailed(Fault(ErrorKind.UNREACHABLE, "away", transient=True))
FINAL = CallFailed(Fault(ErrorKind.PERMISSION_DENIED, "no"))


@pytest.fixture
def calls() -> Iterator[Calls]:
    calls = Calls("test-call")
    yield calls
    calls.close()


def test_a_call_gives_what_it_returns(calls: Calls) -> None:
    assert calls.run(lambda: 3, 10) == 3


def test_a_call_raises_what_it_raises_time_outs_of_its_own_included(calls: Calls) -> None:
    def late() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        calls.run(late, 10)


def test_a_call_that_takes_too_long_is_given_up_and_its_result_thrown_away(calls: Calls) -> None:
    go_on, over = threading.Event(), threading.Event()

    def hang() -> int:
        go_on.wait(10)
        over.set()
        return 3

    with pytest.raises(CallFailed, match="timeout: no answer in time"):
        calls.run(hang, 0.01)

    go_on.set()
    assert over.wait(10)
    assert calls.run(lambda: 4, 10) == 4


def test_an_error_after_the_call_was_given_up_is_ignored(calls: Calls) -> None:
    go_on = threading.Event()
    threads: list[threading.Thread] = []

    def hang() -> None:
        threads.append(threading.current_thread())
        go_on.wait(10)
        raise ValueError("too late")

    with pytest.raises(CallFailed):
        calls.run(hang, 0.01)

    go_on.set()
    threads[0].join(10)
    assert not threads[0].is_alive()


def test_closing_ends_calls_that_hang_and_refuses_later_ones(calls: Calls) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def close() -> None:
        begun.wait(10)
        calls.close()

    closer = threading.Thread(target=close)
    closer.start()

    def hang() -> None:
        begun.set()
        go_on.wait(60)

    with pytest.raises(CallFailed, match="the exporter is stopping"):
        calls.run(hang, 60)
    with pytest.raises(CallFailed, match="the exporter is stopping"):
        calls.run(lambda: 3, 60)

    assert calls.closed
    go_on.set()
    closer.join(10)


@pytest.mark.parametrize(("failure", "attempts"), [(TRANSIENT, 5), (FINAL, 1)])
def test_only_transient_errors_are_retried_and_not_without_limit(failure: CallFailed, attempts: int) -> None:
    made = []

    def fail() -> None:
        made.append(1)
        raise failure

    with pytest.raises(CallFailed):
        retry(60, 0.001)(fail)()

    assert len(made) == attempts


def test_a_call_that_recovers_gives_its_result() -> None:
    failures = [TRANSIENT, TRANSIENT]

    def recover() -> int:
        if failures:
            raise failures.pop()
        return 3

    assert retry(60, 0.001)(recover)() == 3


def test_ended_calls_are_distinguished_from_running_ones() -> None:
    done: Future[int] = Future()
    done.set_result(1)

    assert ended([done])
    assert ended([], 0)
    assert not ended([done, Future()], 0)

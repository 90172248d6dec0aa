"""Receives signals on the main thread, which does nothing else; the command runs on a thread of its own.

Python runs a signal handler between two instructions of the main thread, wherever that is: a handler that takes a lock
waits for ever if the main thread holds it, and an exception from it can land in the middle of a library. So no handler
here does anything. The number of each signal arrives through a socket, and the main thread, which waits for it there,
calls the answer as ordinary code.
"""

from __future__ import annotations

import atexit
import os
import select
import signal
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

    Answer = Callable[[int], object]

HEARD: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

ABORT_SECONDS: Final = 1.0
"""Seconds for what is left to do when the process ends: a signal's removal of folders, the command's thread."""

REAP_SECONDS: Final = 5.0
"""How often the first process of a container looks for ended processes that nobody else waits for."""

_answers: list[Mapping[int, Answer]] = []


@contextmanager
def answering(answers: Mapping[int, Answer]) -> Iterator[None]:
    """Answer these signals so, by number, until the block ends. Other signals end the process.

    An answer is called on the main thread and may take locks, but must not wait for long.
    """
    _answers.append(answers)
    try:
        yield
    finally:
        _answers.remove(answers)


def abort(number: int) -> None:
    """End the process at once, as a signal without an answer does. Temporary folders are removed, nobody is awaited."""
    # `tempfile` removes its folders at the end of the process, which os._exit leaves out.
    cleaning = threading.Thread(target=atexit._run_exitfuncs, name="cleaning", daemon=True)  # noqa: SLF001 - no other way
    cleaning.start()
    cleaning.join(ABORT_SECONDS)
    os._exit(128 + number)


def supervise(work: Callable[[], object]) -> None:
    """Run `work` on a thread of its own, and answer signals meanwhile. Raises what `work` raises.

    As the first process of a container it also reaps processes that were left to it.
    """
    outcome: list[BaseException] = []
    ours, theirs = socket.socketpair()

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - it is raised again on the main thread
            outcome.append(error)
        finally:
            theirs.send(b"\0")

    hangup = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    with ours, theirs:
        theirs.settimeout(0)
        signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        for heard in HEARD:
            signal.signal(heard, _heard)
        command = threading.Thread(target=run, name="command", daemon=True)
        command.start()
        orphans = _Orphans() if os.getpid() == 1 else None
        ended = False
        while not ended:
            if not select.select([ours], [], [], REAP_SECONDS if orphans else None)[0]:
                if orphans:
                    orphans.reap()
                continue
            for number in ours.recv(4096):
                if number:
                    _answer(number, hangup=hangup)
                ended = ended or not number
        signal.set_wakeup_fd(-1)
    # A thread in its last instructions while the interpreter ends can abort the process.
    command.join(ABORT_SECONDS)
    if outcome:
        raise outcome[0]


def _heard(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the signal's number is in the socket already."""


def _answer(number: int, *, hangup: bool) -> None:
    answer = next((answers[number] for answers in reversed(_answers) if number in answers), None)
    if answer is not None:
        answer(number)
    elif number != signal.SIGHUP or hangup:  # With `nohup`, a closed terminal does not end the command.
        abort(number)


class _Orphans:
    """Ended processes that have this one as their parent, although it did not start them.

    One is reaped when it was there at the last look too: whoever started a process waits for it without delay.
    """

    def __init__(self) -> None:
        self._seen: int | None = None

    def reap(self) -> None:
        """Reap one that was left since the last look."""
        try:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            found = None
        process = found.si_pid if found else None
        if process is not None and process == self._seen:
            os.waitpid(process, os.WNOHANG)
            process = None
        self._seen = process

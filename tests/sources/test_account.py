"""The account of what BigQuery billed: shared through its file by threads, processes and restarts."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
import structlog

from exporter.sources.account import DAYS_KEPT, SUFFIX, Account
from testing.processes import Process

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path
    from typing import Any

DAY = date(2026, 2, 1)


@pytest.fixture(name="ledger")
def _ledger(tmp_path: Path) -> str:
    return str(tmp_path / "ledger.sqlite")


def add(account: Account, size: int, day: date = DAY, project: str = "p") -> None:
    account.change(project, day, lambda _: size)


def refusing(limit: int, size: int, used: int) -> int:
    if used + size > limit:
        raise ValueError(used)
    return size


def test_used_bytes_are_known_to_the_next_process_on_the_same_ledger(ledger: str) -> None:
    add(Account(ledger), 5)

    later = Account(ledger)
    add(later, 2)

    assert later.used("p", DAY) == 7


def test_another_ledger_another_project_and_another_day_have_accounts_of_their_own(ledger: str) -> None:
    account = Account(ledger)
    add(account, 5)

    assert account.used("other", DAY) == 0
    assert account.used("p", DAY + timedelta(days=1)) == 0
    assert Account(f"{ledger}2").used("p", DAY) == 0
    assert Account().used("p", DAY) == 0


def test_two_at_the_same_time_see_each_other_s_changes(ledger: str) -> None:
    one, other = Account(ledger), Account(ledger)
    add(one, 5)
    add(other, 3)
    add(one, -2)

    assert one.used("p", DAY) == other.used("p", DAY) == 6


def test_a_refused_change_changes_nothing(ledger: str) -> None:
    for account in (Account(ledger), Account()):
        add(account, 5)

        with pytest.raises(ValueError, match="5"):
            account.change("p", DAY, lambda used: refusing(6, 2, used))

        assert account.used("p", DAY) == 5


def test_reading_creates_no_file(ledger: str, tmp_path: Path) -> None:
    assert Account(ledger).used("p", DAY) == 0

    assert list(tmp_path.iterdir()) == []


TAKER = """
import sys
from datetime import date
from exporter.sources.account import Account

def take(used):
    if used + 10 > 200:
        raise SystemExit
    return 10

account = Account(sys.argv[1])
while True:
    account.change("p", date(2026, 2, 1), take)
    print("taken", flush=True)
"""


def test_processes_at_the_same_time_never_take_more_than_there_is(ledger: str) -> None:
    command = [sys.executable, "-c", TAKER, ledger]
    with contextlib.ExitStack() as stack:
        takers = [stack.enter_context(Process(command, stdout=subprocess.PIPE, text=True)) for _ in range(4)]

        taken = sum(taker.communicate(timeout=60)[0].count("taken") for taker in takers)

    assert taken == 20
    assert Account(ledger).used("p", DAY) == 200


def test_threads_at_the_same_time_never_take_more_than_there_is(ledger: str) -> None:
    for account in (Account(ledger), Account()):

        def take(number: int, account: Account = account) -> bool:
            try:
                account.change("p", DAY, lambda used: refusing(30, 1, used))
            except ValueError:
                return False
            return number >= 0

        with ThreadPoolExecutor(4) as pool:
            taken = sum(pool.map(take, range(50)))

        assert taken == account.used("p", DAY) == 30


HOLDER = """
import sys
from datetime import date
from exporter.sources.account import Account

Account(sys.argv[1]).change("p", date(2026, 2, 1), lambda used: 10)
print("held", flush=True)
sys.stdin.read()
"""


def test_a_process_that_is_killed_leaves_behind_what_it_had_set_aside(ledger: str) -> None:
    command = [sys.executable, "-c", HOLDER, ledger]
    with Process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"

        os.kill(holder.pid, signal.SIGKILL)
        holder.communicate()

    assert Account(ledger).used("p", DAY) == 10


KILLED = """
import os, random, signal, sys
from datetime import date
from exporter.sources.account import Account

def take(account, taken):
    account.change("p", date(2026, 2, 1), lambda used: 1)
    os.write(taken, b".")

chance = random.Random(1)
for _ in range(30):
    life = chance.uniform(0.0001, 0.03)
    reader, writer = os.pipe()
    if os.fork() == 0:
        account = Account(sys.argv[1])
        take(account, writer)
        # The system ends it so many seconds later, wherever it is then.
        signal.setitimer(signal.ITIMER_REAL, life)
        while True:
            take(account, writer)
    os.close(writer)
    _, status = os.wait()
    assert os.WTERMSIG(status) == signal.SIGALRM
    with os.fdopen(reader, "rb") as said:
        print(len(said.read()))
"""


def test_thirty_processes_that_are_ended_at_any_moment_lose_nothing_and_damage_nothing(ledger: str) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, ledger], capture_output=True, text=True, check=True)

    said = [int(line) for line in ended.stdout.split()]
    assert len(said) == 30
    # The last change of each may have been made and not yet said.
    assert sum(said) <= Account(ledger).used("p", DAY) <= sum(said) + 30
    with closing(sqlite3.connect(ledger + SUFFIX)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_the_latest_days_are_kept_and_the_one_that_is_used_whatever_the_clock_says(ledger: str) -> None:
    for account in (Account(ledger), Account()):
        for days in range(8):
            add(account, 5, DAY + timedelta(days=days))

        add(account, 1, DAY)

        kept = [days for days in range(8) if account.used("p", DAY + timedelta(days=days))]
        assert kept == [0, *range(8 - DAYS_KEPT, 8)]


def test_what_this_process_used_goes_with_it_to_another_ledger(ledger: str) -> None:
    account = Account()
    add(account, 5)
    add(Account(ledger), 2)

    account.belong_to(ledger)
    before_the_first_change = account.used("p", DAY)
    add(account, 1)
    account.belong_to(ledger)
    add(account, 1)

    assert before_the_first_change == 7
    assert Account(ledger).used("p", DAY) == 9


def test_a_deleted_file_does_not_reset_this_processs_use(ledger: str, tmp_path: Path) -> None:
    account = Account(ledger)
    add(account, 5)

    (tmp_path / "ledger.sqlite.budget").unlink()
    add(account, 1)

    assert Account(ledger).used("p", DAY) == 6


def test_a_bill_never_makes_the_account_negative(ledger: str) -> None:
    for account in (Account(ledger), Account()):
        add(account, -5)

        assert account.used("p", DAY) == 0


# --- a file that cannot be used -----------------------------------------------------------------------------------


def damaged(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE used (something TEXT)")


def a_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("damage", [damaged, foreign, a_folder])
def test_an_unusable_file_is_reported_once_and_the_process_counts_meanwhile(
    ledger: str, tmp_path: Path, damage: object
) -> None:
    path = tmp_path / "ledger.sqlite.budget"
    assert callable(damage)
    damage(path)
    account = Account(ledger)

    with structlog.testing.capture_logs() as logs:
        add(account, 5)
        add(account, 2)
        alone = account.used("p", DAY)
        path.rename(tmp_path / "away")
        add(Account(ledger), 10)
        add(account, 1)

    assert alone == 7
    assert account.used("p", DAY) == Account(ledger).used("p", DAY) == 18
    assert [_said(entry) for entry in logs] == [
        ("error", "the budget file cannot be used; until it can, this process counts for itself alone", str(path)),
        ("info", "the budget file is used again", str(path)),
    ]


def _said(entry: MutableMapping[str, Any]) -> tuple[object, object, object]:
    return entry["log_level"], entry["event"], entry["path"]


def test_an_empty_file_is_a_file_in_which_nothing_is_used_yet(ledger: str, tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite.budget").touch()

    account = Account(ledger)

    assert account.used("p", DAY) == 0
    add(account, 1)
    assert Account(ledger).used("p", DAY) == 1

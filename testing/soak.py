"""The whole exporter over simulated days: `python -m testing.soak DAYS` (three stretches of so many).

Schedule, Firestore client and listener, ledger file and web server are the real ones; the warehouse is in memory. Each
stretch has one of what calendars and clocks do: summer time ends, the year turns, summer time begins. Between two
stretches the clock jumps by weeks.
"""

from __future__ import annotations

import contextlib
import gc
import os
import random
import re
import sys
import tempfile
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import httpx
import pytest
import time_machine

from exporter.config.load import load
from exporter.emulators.firestore.server import FirestoreServer
from exporter.incidents.local import DATABASE
from exporter.incidents.promtool import Rules
from exporter.incidents.watch import History, Watched, fired
from exporter.memory.ledger import Ledger
from exporter.messages.logs import configure
from exporter.metrics.samples import Family
from exporter.model import ErrorKind, Verdict
from exporter.present.history import Subject
from exporter.run import schedule
from exporter.run.service import Service
from exporter.shipped.alerts import alert_of
from exporter.sources.factory import firestore_of
from exporter.sources.ports import Sources
from exporter.web.app import create_app
from exporter.web.server import WebServer
from testing.clockwork import Clockwork
from testing.collecting import COLLECTORS
from testing.memory import MemoryWarehouse
from testing.soak_days import MINUTE, ONE_DAY, VERDICTS, Days, Fault
from testing.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.config.load import Loaded
    from exporter.metrics.telemetry import Telemetry

RULES: Final = Path(__file__).parents[1] / "alerts" / "rules"
ZONE: Final = ZoneInfo("America/New_York")
CALENDAR: Final = (date(2030, 11, 3), date(2031, 1, 1), date(2031, 3, 9))
"""The days of the stretches: summer time ends, the year turns, summer time begins.

They are in the future, because gRPC makes a deadline of the wall clock: in the past, every call would be too late."""
KEEP: Final = 35
PAST: Final = 2
HOUR: Final = timedelta(hours=1)
OUTAGE: Final = 50 * MINUTE
WATCH: Final = (-10 * MINUTE, 30 * MINUTE)
"""Around the first deadline of a day: when its rules are evaluated every minute."""

THREADS: Final = 6
HANDLES: Final = 12
MEBIBYTES: Final = 32
LEDGER_MEBIBYTES: Final = 8
"""The bounds of growth since the first midnight; the ledger's with its log, which SQLite empties at 4 MiB."""

_SAMPLE: Final = re.compile(r"^(?P<name>\w+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$", re.MULTILINE)
_RUN_DATES: Final = re.compile(r'^orchestration_processor_due_timestamp_seconds\{[^}]*run_date="([^"]+)"', re.MULTILINE)


class Watchable(Service):
    """A service that says which entries its memory holds."""

    def remembered(self) -> dict[tuple[str, date], frozenset[str]]:
        """The names of the entries, by document."""
        watched = self._memory.now.watched
        return {(key.collection, key.run_date): frozenset(seen.entries) for key, seen in watched.items()}


@dataclass
class Usage:
    """What the process holds at one midnight."""

    threads: int
    handles: int
    mebibytes: float
    series: int
    ledger: int

    def __str__(self) -> str:
        return (
            f"{self.threads} threads, {self.handles} handles, {self.mebibytes:.0f} MiB, {self.series} series,"
            f" ledger {self.ledger // 1024} KiB"
        )


@dataclass
class Soak:
    """The exporter, its sources and its clock."""

    folder: Path
    clockwork: Clockwork
    firestore: FirestoreServer
    chance: random.Random
    every: timedelta
    rules: Rules | None
    warehouse: MemoryWarehouse = field(default_factory=MemoryWarehouse)
    usages: list[Usage] = field(default_factory=list)
    served: dict[tuple[str, str], str] = field(default_factory=dict)
    judges: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    judged: list[Future[None]] = field(default_factory=list)
    scrapes: int = 0
    alerts: int = 0

    def __post_init__(self) -> None:
        self.config = self._load().config
        self.days = Days(self.config, self.firestore, self.warehouse)
        self.client = httpx.Client(timeout=60)

    def _load(self) -> Loaded:
        minutes = f"{self.every // MINUTE}m"
        overlay: dict[str, Any] = {
            "documents": {"past": PAST},
            "collect": {name: {"every": minutes} for name in COLLECTORS},
            "ledger": {"path": str(self.folder / "ledger.sqlite"), "keep": f"{KEEP}d"},
        }
        loaded = load(preset="nba", overlay=overlay, environ={})
        return replace(loaded, config=replace(loaded.config, database=DATABASE))

    def _open(self, loaded: Loaded, telemetry: Telemetry) -> Sources:
        return Sources(firestore_of(loaded.config, telemetry, self.firestore.address), self.warehouse)

    def start(self) -> None:
        """Start the exporter, and wait until it has read everything once."""
        self.service = Watchable(self._load, self._open, lambda: self.clockwork.now)
        self.server = WebServer(create_app(self.service, lifecycle=True, version="0"), "127.0.0.1:0")
        self.server.start()
        self.service.start()
        self.clockwork.settle()
        assert self.service.ready() == ()

    def stop(self) -> None:
        """Stop it."""
        self.service.stop()
        self.server.stop()

    def stretch(self, middle: date, count: int) -> None:
        """Let days pass around this one; the clock jumps to the first of them."""
        first = middle - (count // 2) * ONE_DAY
        self.days.plan(first, count, self.chance)
        begin = datetime.combine(first, datetime.min.time(), ZONE).astimezone(UTC)
        self._jump(begin - 2 * HOUR)
        self._pass(begin)
        for number in range(count):
            self._day(first + number * ONE_DAY)

    def _jump(self, to: datetime) -> None:
        for _ in self.days.write_until(to - 1 * MINUTE):
            pass
        before = self._runs()
        self.clockwork.jump(to - self.clockwork.now)
        assert all(after - before[name] <= 1 for name, after in self._runs().items()), "a jump cost more than one run"

    def _runs(self) -> dict[str, int]:
        return {name: state.runs for name, state in self.service.telemetry.collectors().items()}

    def _day(self, day: date) -> None:
        """One day of the zone, which can have 23 or 25 hours."""
        midnight, end = (
            datetime.combine(day + number * ONE_DAY, datetime.min.time(), ZONE).astimezone(UTC) for number in (0, 1)
        )
        fault = self.days.faults[day][0]
        noon = datetime.combine(day, datetime.min.time().replace(hour=11, minute=30), ZONE).astimezone(UTC)
        moment = midnight + HOUR / 2
        while moment < end:
            if moment == noon and fault in {Fault.FIRESTORE, Fault.BIGQUERY, Fault.RESTART, Fault.RELOAD}:
                self._disturb(fault)
            elif self.rules and moment == noon - HOUR and fault in {Fault.NONE, *VERDICTS}:
                self._watch(day, noon)
            self._pass(moment)
            self._look(moment)
            moment += HOUR
        self._judge(day)
        self._pass(end)
        self._measure()

    def _pass(self, to: datetime) -> None:
        """Let the time pass until then, with everything that is written and read meanwhile."""
        for moment in self.days.write_until(to):
            self.clockwork.advance(max(moment - self.clockwork.now, timedelta()))
        if to > self.clockwork.now:
            self._heard()
            self.clockwork.advance(to - self.clockwork.now)

    def _heard(self) -> None:
        """Wait for the listener, which reports in real time."""
        if not self.service.telemetry.value("listener_connected"):
            return
        watched = self.service.remembered()
        wanted = {
            (key.collection, key.run_date): frozenset(names)
            for key, names in self.days.entries.items()
            if (key.collection, key.run_date) in watched
        }
        until(
            lambda: (
                wanted.items() <= self.service.remembered().items()
                or not self.service.telemetry.value("listener_connected")
            ),
            "the listener",
        )

    def _disturb(self, fault: Fault) -> None:
        """Have a fault for a while, or restart, or reload."""
        match fault:
            case Fault.FIRESTORE:
                self.firestore.faults.fail("PERMISSION_DENIED")
                self.firestore.faults.break_streams("PERMISSION_DENIED")
            case Fault.BIGQUERY:
                for orders in self.warehouse.orders.values():
                    orders.fail(ErrorKind.QUOTA)
            case Fault.RESTART:
                self.stop()
                self.start()
            case _:
                answer = self.client.post(f"{self.server.url}/-/reload")
                assert answer.status_code == httpx.codes.OK, answer.text
                self.clockwork.settle()
        if fault in {Fault.FIRESTORE, Fault.BIGQUERY}:
            self._pass(self.clockwork.now + OUTAGE)
            self.firestore.faults.clear()
            for orders in self.warehouse.orders.values():
                orders.error = None

    def _scrape(self) -> str:
        self.scrapes += 1
        answer = self.client.get(f"{self.server.url}/metrics")
        assert answer.status_code == httpx.codes.OK
        return answer.text

    def _look(self, now: datetime) -> None:
        """The exposed dates are the configured ones, and nothing that was served is forgotten."""
        today = now.astimezone(ZONE).date()
        exposed = {date.fromisoformat(day) for day in _RUN_DATES.findall(self._scrape())}
        assert exposed == {today - ago * ONE_DAY for ago in range(PAST + 1)}, f"{now}: {sorted(exposed)}"
        status = self.client.get(f"{self.server.url}/api/v1/status").json()
        kept = set()
        for subject, states in status["history"].items():
            for state in states:
                kept.add((subject, state["at"]))
                self.served.setdefault((subject, state["at"]), state["state"])
        gone = {key for key in self.served.keys() - kept if self._day_of(key) in exposed}
        assert not gone, f"{now}: forgotten {sorted(gone)[:3]}"

    @staticmethod
    def _day_of(key: tuple[str, str]) -> date:
        return date.fromisoformat(key[0].split("/")[2])

    def _judge(self, day: date) -> None:
        """By the evening every verdict is the one that the day's fault makes."""
        fault, faulty = self.days.faults[day]
        wrong = {
            item.processor: item.verdict
            for item in self.service.report.processors
            if item.run_date == day and item.verdict is not Verdict.OK
        }
        wanted = {faulty.name: VERDICTS[fault]} if fault in VERDICTS else {}
        assert wrong == wanted, f"{day}, {fault}: {wrong}"

    def _watch(self, day: date, noon: datetime) -> None:
        """Scrape every minute around the day's first deadline, and evaluate the rules over it."""
        start, end = noon + WATCH[0], noon + WATCH[1]
        self._pass(start)
        history, families = History(start), dict[str, Family]()
        minutes = (end - start) // MINUTE
        for minute in range(minutes + 1):
            self._pass(start + minute * MINUTE)
            samples: dict[Family, list[tuple[str, float]]] = {}
            for found in _SAMPLE.finditer(self._scrape()):
                family = families.setdefault(found["name"], Family(found["name"], "gauge", "", ()))
                samples.setdefault(family, []).append((found["labels"] or "", float(found["value"])))
            history.add(minute, samples)
        watched = Watched(start, minutes, history.series(minutes + 1))
        self.judged = [one for one in self.judged if not one.done() or one.result()]
        self.judged.append(self.judges.submit(self._judge_alerts, day, watched))
        self.alerts += 1

    def _judge_alerts(self, day: date, watched: Watched) -> None:
        """The rules fire for the day's fault alone. Promtool takes its time on another processor."""
        assert self.rules
        alerts = fired(watched, self.rules)
        names = {alert.name for alert in alerts if alert.labels.get("run_date", str(day)) == str(day)}
        fault = self.days.faults[day][0]
        wanted = {alert_of("watchdog").name} | ({alert_of(VERDICTS[fault].value).name} if fault in VERDICTS else set())
        assert names == wanted, f"{day}, {fault}: {alerts}"

    def _measure(self) -> None:
        gc.collect()
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        resident = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        self.usages.append(
            Usage(
                threading.active_count(),
                len(list(Path("/proc/self/fd").iterdir())),
                int(resident.split()[1]) / 1024,
                self._scrape().count("\n"),
                sum(file.stat().st_size for file in self.folder.glob("ledger.sqlite*")),
            )
        )

    def judge_alerts(self) -> None:
        """Wait for the alerts of the days that were watched last."""
        for one in self.judged:
            one.result()

    def judge_growth(self) -> None:
        """Nothing grows beyond the stated bounds between the first midnight and any later one."""
        first = self.usages[0]
        for usage in self.usages[1:]:
            assert usage.threads <= first.threads + THREADS, usage
            assert usage.handles <= first.handles + HANDLES, usage
            assert usage.mebibytes <= first.mebibytes + MEBIBYTES, usage
            assert usage.ledger <= LEDGER_MEBIBYTES * 2**20, usage

    def judge_ledger(self) -> None:
        """Every state that was ever served is in the ledger, unless its date is older than the ledger keeps."""
        ledger = Ledger(str(self.folder / "ledger.sqlite"), read_only=True)
        try:
            held = {Subject(*row[:4]).key: row.run_date for row in ledger.states()}
        finally:
            ledger.close()
        oldest = (self.clockwork.now - KEEP * ONE_DAY).date()
        missing = {key[0] for key in self.served if self._day_of(key) > oldest} - held.keys()
        older = {subject for subject, day in held.items() if day < oldest}
        assert not missing, sorted(missing)[:3]
        assert not older, sorted(older)[:3]


@contextlib.contextmanager
def soaking(folder: Path, *, seed: int, every: timedelta, rules: Rules | None) -> Iterator[Soak]:
    """The exporter on a clock of its own, before the first of the stretches."""
    begin = datetime.combine(CALENDAR[0] - 10 * ONE_DAY, datetime.min.time(), ZONE)
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        # Before the clock is set: a server of gRPC that starts waits for the wall clock.
        firestore = stack.enter_context(FirestoreServer(clock=lambda: datetime.now(UTC)))
        clockwork = Clockwork(stack.enter_context(time_machine.travel(begin, tick=False)))
        patch.setattr(schedule, "BackgroundScheduler", clockwork.make_scheduler)
        # A clock that stands still falls behind the monotonic one.
        patch.setattr(schedule, "WATCH_SECONDS", 3600.0)
        soak = Soak(folder, clockwork, firestore, random.Random(seed), every, rules)  # noqa: S311 - no secret
        stack.callback(soak.client.close)
        stack.enter_context(soak.judges)
        soak.start()
        stack.callback(soak.stop)
        yield soak


def run(soak: Soak, days: int) -> None:
    """All stretches, so many days each. Raises AssertionError."""
    for middle in CALENDAR:
        soak.stretch(middle, days)
    soak.judge_alerts()
    soak.judge_growth()
    soak.judge_ledger()


def main(days: int) -> None:
    """Print what was done and what the process held."""
    began = time.monotonic()
    with (
        Path(os.devnull).open("w", encoding="utf-8") as log,
        tempfile.TemporaryDirectory(prefix="orchestration-exporter-soak-") as name,
        soaking(Path(name), seed=days, every=30 * MINUTE, rules=Rules(RULES)) as soak,
    ):
        configure("error", "logfmt", log)
        run(soak, days)
    faults = sorted(str(fault) for fault, _ in soak.days.faults.values() if fault is not Fault.NONE)
    sys.stdout.write(
        f"{len(soak.usages)} days in {time.monotonic() - began:.0f} s: {soak.scrapes} scrapes,"
        f" {len(soak.served)} states served, rules evaluated around {soak.alerts} deadlines\n"
        f"faults: {', '.join(f'{name} {faults.count(name)}' for name in dict.fromkeys(faults))}\n"
        f"first midnight: {soak.usages[0]}\nlast midnight: {soak.usages[-1]}\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))

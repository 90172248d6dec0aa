"""Evaluates alert rules over the series of a watch with promtool: which alerts fire at which minute.

It queries `ALERTS` at every minute; promtool answers in the form of failed expectations. The files are checked as they
are, but evaluated without annotations, whose texts would be rendered at every minute for every active alert.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exporter.config.parsing import parse_yaml
from exporter.messages.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TIMEOUT_SECONDS = 120
TIMEOUT_SECONDS_PER_DAY = 240
"""Every rule is evaluated at every simulated minute, so an outage of days takes long, especially on a busy machine."""
ALERTS = 'ALERTS{alertstate="firing"}'

_ENVIRONMENT = {"GOGC": "400"}
"""promtool ends soon, so it needs fewer garbage collections than a server. The environment can override this."""

_ANSWER = re.compile(r'expr: "ALERTS[^\n]*time: (?P<time>[^,]+),\s*\n\s*exp:[^\n]*\n\s*got:(?P<got>[^\n]*)')
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_DURATION = re.compile(r"(\d+)([dhms])")
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


class WatchError(UnavailableError):
    """promtool could not be run, or failed. The message contains its output."""


class Rules:
    """The rule files (`*.yml`) of a folder. Raises WatchError if there are none or promtool refuses them."""

    def __init__(self, folder: Path) -> None:
        files = sorted(folder.glob("*.yml"))
        if not files:
            raise WatchError(f"{folder}: no rule files (*.yml)")
        checked = _promtool("check", "rules", "--lint=none", *map(str, files))
        if checked.returncode:
            raise WatchError(f"promtool failed: {_said(checked)[:2000]}")
        self._files = {file.name: _evaluated(file) for file in files}

    def firing(self, series: Mapping[str, str], minutes: int) -> dict[int, list[dict[str, str]]]:
        """By minute from 0 to `minutes`, the labels of every alert that fires.

        `series`: values in promtool's notation, one a minute. Raises WatchError.
        """
        test = {
            "rule_files": list(self._files),
            "evaluation_interval": "1m",
            "tests": [
                {
                    "interval": "1m",
                    "input_series": [{"series": name, "values": values} for name, values in series.items()],
                    "promql_expr_test": [
                        {"expr": ALERTS, "eval_time": f"{minute}m", "exp_samples": []} for minute in range(minutes + 1)
                    ],
                }
            ],
        }
        with tempfile.TemporaryDirectory(prefix="orchestration-exporter-watch-") as name:
            # JSON is valid YAML and faster to write.
            for file, content in {**self._files, "watch.json": test}.items():
                (Path(name) / file).write_text(json.dumps(content), encoding="utf-8")
            days = minutes / (24 * 60)
            done = _promtool(
                "test",
                "rules",
                str(Path(name) / "watch.json"),
                seconds=TIMEOUT_SECONDS + TIMEOUT_SECONDS_PER_DAY * days,
            )
        said = _said(done)
        firing = {_minute(answer["time"]): list(_labels(answer["got"])) for answer in _ANSWER.finditer(said)}
        if not firing and done.returncode:
            raise WatchError(f"promtool failed: {said[:2000]}")
        return firing


def _evaluated(file: Path) -> Any:  # noqa: ANN401 - YAML
    """A checked rule file without its annotations."""
    content = parse_yaml(file.read_text(encoding="utf-8"))
    for group in (content or {}).get("groups") or ():
        for rule in group.get("rules") or ():
            rule.pop("annotations", None)
    return content


def _promtool(*arguments: str, seconds: float = TIMEOUT_SECONDS) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["promtool", *arguments],  # noqa: S607 - found on the path, where the package puts it
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
            env=_ENVIRONMENT | os.environ,
        )
    except FileNotFoundError:
        raise WatchError("promtool is not installed: apt-get install prometheus") from None
    except subprocess.TimeoutExpired:
        raise WatchError(f"promtool did not end within {seconds:.0f} s") from None


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stdout + done.stderr).strip()


def _minute(text: str) -> int:
    return sum(int(count) * _SECONDS[unit] for count, unit in _DURATION.findall(text)) // 60


def _labels(text: str) -> Iterator[dict[str, str]]:
    for found in re.finditer(r"\{((?:[^{}\"]|\"(?:[^\"\\]|\\.)*\")*)\}", text):
        labels = {name: json.loads(f'"{value}"') for name, value in _LABEL.findall(found[1])}
        if labels.get("alertstate") == "firing":
            yield labels

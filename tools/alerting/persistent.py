"""Rules that wait and go on over stored samples, so that a restart of Prometheus ends no alert and begins none again.

`alerts/source` says with `for` and `keep_firing_for` how long an alert waits and how long it outlasts its cause.
Prometheus keeps both in memory. After a restart an alert with `for` of less than ten minutes waits again, which
Alertmanager takes for its end after four minutes, and `keep_firing_for` is forgotten. So `alerts/rules`, which is
shipped, records the same as series. `python -m tools.alerting.persistent` writes it, and a test fails when it
is not current.

Every alert that waits or goes on becomes four series. Their labels are the alert's, and `wait` and `keep`:

- `condition`: the rule's expression.
- `since`: the time since which the condition has held without a break, carried from one evaluation to the next.
- `ended`: of an alert that fires, the time since which its condition has not held.
- `active`: an alert that fires. It begins when `since` is what it was `for` ago. It is carried until `ended` is what it
  was `keep_firing_for` ago.

The value of `active` is the condition's when it last held. Where a text queries, that is the time of that evaluation,
and the queries ask for that time: an alert that goes on says what it said last, also after a restart.

A selector looks back for five minutes, so the rules do not see a restart that takes less than that.
"""

from __future__ import annotations

import re
import sys
from itertools import islice
from textwrap import indent
from typing import TYPE_CHECKING, Any, Final

from exporter.shipped.manifests import dumped
from tools.alerting.rulefiles import RULES, load_rules
from tools.alerting.vectors import Reader, with_recorded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tools.alerting.rulefiles import Rule

LEVELS: Final = {
    "orchestration-calendar": "calendar",
    "orchestration-coverage": "check",
    "orchestration-exporter": "exporter",
    "orchestration-heartbeats": "pipeline",
    "orchestration-phases": "phase",
    "orchestration-processors": "processor",
}
"""By group, the first part of its recorded series' names."""

STATES: Final = ("condition", "since", "ended", "active")
"""The last part of their names."""
HEADER: Final = "# Generated from alerts/source: python -m tools.alerting.persistent\n"
_ALERTS: Final = re.compile(r"\bALERTS\{([^}]*)\}")
_QUERIED: Final = re.compile(r'printf (?P<text>"(?:[^"\\]|\\.)*"|`[^`]*`) (?P<arguments>[^|}]*) \| query')
_ASKED: Final = re.compile(r"(\{[^}]*\}|time\(\))")
_STATE: Final = re.compile(r'alertstate="firing",?|,alertstate="firing"')
_IDENTITY: Final = ("pipeline", "phase", "run_date", "processor", "check", "collector", "source", "reason", "bound")


def series(group: str, state: str) -> str:
    """The name of one of the four series of a group's alerts."""
    return f"{LEVELS[group]}:orchestration_alerts:{state}"


def waits(rule: Rule) -> bool:
    """Whether the alerting rule has anything to remember."""
    return rule.alert is not None and not {"for", "keep_firing_for"}.isdisjoint(rule.fields)


def persistent(rules: Sequence[Rule], reader: Reader) -> dict[str, Any]:
    """The content of a rule file with these rules of one group, in the form that survives a restart."""
    group = rules[0].group
    lasting = [rule for rule in rules if waits(rule)]
    members = [
        *({**rule.fields, "expr": _own(rule)} for rule in rules if rule.alert is None),
        *(_condition(rule) for rule in lasting),
        *_states(group, lasting),
        *(_alert(rule, reader) if waits(rule) else dict(rule.fields) for rule in rules if rule.alert),
    ]
    return {"groups": [{"name": group, "rules": members}]}


def _own(rule: Rule) -> str:
    """The expression, which asks `active` what fires: after a start Prometheus writes no ALERTS for two evaluations."""
    active = series(rule.group, "active")
    return _ALERTS.sub(lambda found: f"{active}{{{_STATE.sub('', found[1])}}}".replace("{}", ""), rule.fields["expr"])


def _condition(rule: Rule) -> dict[str, Any]:
    expression = f"0 * (\n{indent(_own(rule), '  ')}) + time()\n" if _keeps_texts(rule) else _own(rule)
    return {
        "record": series(rule.group, "condition"),
        "expr": expression,
        "labels": {"alertname": rule.name, **_told(rule)},
    }


def _keeps_texts(rule: Rule) -> bool:
    """Whether the alert may outlast its condition with texts that query: those keep what they said last."""
    return "keep_firing_for" in rule.fields and any("| query" in text for text in rule.annotations.values())


def _told(rule: Rule) -> dict[str, str]:
    """What tells the rule's series from those of others, and how long it waits and goes on."""
    lengths = {"wait": rule.fields.get("for"), "keep": rule.fields.get("keep_firing_for")}
    return {**rule.labels, **{label: length for label, length in lengths.items() if length}}


def _states(group: str, lasting: Iterable[Rule]) -> Iterator[dict[str, str]]:
    condition, since, ended, active = (series(group, state) for state in STATES)
    told = [_told(rule) for rule in lasting]
    waited = [
        f'{since}{{wait="{wait}"}} == {since}{{wait="{wait}"}} offset {wait}' if wait else f'{since}{{wait=""}}'
        for wait in dict.fromkeys(labels.get("wait", "") for labels in told)
    ]
    kept = [keep for keep in dict.fromkeys(labels.get("keep", "") for labels in told) if keep]
    yield {"record": since, "expr": f"{since} and {condition}\nor\n0 * {condition} + time()\n"}
    if kept:
        yield {
            "record": ended,
            "expr": f'({ended} or 0 * {active} + time())\nand {active}{{keep!=""}}\nunless {condition}\n',
        }
        waited.append(f"{since} and {active}")
    holds = "\n  or\n".join(f"  {one}" for one in waited)
    lasts = [f'unless\n{ended}{{keep="{keep}"}} == {ended}{{keep="{keep}"}} offset {keep}' for keep in kept]
    goes_on = "\n".join(["or", f'{active}{{keep!=""}}', *lasts, ""]) if kept else ""
    yield {"record": active, "expr": f"{condition}\nand (\n{holds}\n)\n{goes_on}"}


def _alert(rule: Rule, reader: Reader) -> dict[str, Any]:
    labels = reader.labels(rule.expression)
    identity = ", ".join(label for label in _IDENTITY if label in labels)
    own = ",".join(f'{label}="{value}"' for label, value in {"alertname": rule.name, **rule.labels}.items())
    fields = {name: value for name, value in rule.fields.items() if name not in {"for", "keep_firing_for"}}
    if _keeps_texts(rule):
        fields["annotations"] = {name: _QUERIED.sub(_as_it_was, text) for name, text in rule.annotations.items()}
    return {**fields, "expr": f"max by ({identity}) ({series(rule.group, 'active')}{{{own}}})"}


def _as_it_was(printed: re.Match[str]) -> str:
    """A template's query, asked at the time that is the alert's value: while the condition holds, now."""
    arguments = iter(printed["arguments"].split())
    pieces, given = [], []
    for piece in _ASKED.split(printed["text"]):
        if piece == "time()":
            pieces.append("%f")
            given.append("$value")
        elif piece.startswith("{"):
            pieces.append(f"{piece} @ %f")
            given += [*islice(arguments, piece.count("%")), "$value"]
        else:
            pieces.append(piece)
            given += islice(arguments, piece.count("%"))
    return f"printf {''.join(pieces)} {' '.join(given)} | query"


def files(rules: Sequence[Rule]) -> Mapping[str, str]:
    """By name, the text of every file of `alerts/rules`."""
    reader = Reader(with_recorded(rules))
    by_file: dict[str, list[Rule]] = {}
    for rule in rules:
        by_file.setdefault(rule.file, []).append(rule)
    return {name: HEADER + dumped(persistent(members, reader)) for name, members in by_file.items()}


def main() -> int:
    """Write the rule files."""
    for name, text in files(load_rules()).items():
        (RULES / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

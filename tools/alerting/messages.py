"""Makes Alertmanager's message template from `messages.tmpl.j2` and the register of alerts.

Go's templates have neither functions of one's own nor a way to keep what a template says. So what each of them needs,
the worst alert of a group above all, is written out in each.
"""

from __future__ import annotations

import re
from calendar import month_abbr
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import jinja2

from exporter.metrics.clock import NO_DEADLINE
from exporter.present.words import CONDITIONS, ELSEWHERE, NOTES, TRIGGERS, WORDS
from exporter.reconcile import DISCREPANCIES
from exporter.shipped.alerts import alert_of, alerts
from tools.alerting.rulefiles import load_rules

if TYPE_CHECKING:
    from exporter.shipped.alerts import Alert

SOURCE: Final = Path(__file__).with_name("messages.tmpl.j2")
SHOWN: Final = 8
"""The most alerts that a message lists besides the worst; of more, it says how many."""
LONGEST: Final = {"bare": 60, "description": 1000}
"""The most characters of a name or number in a title, and of a description. No expression of Go repeats more often."""
WAITS: Final = {
    "critical": "It cannot wait until morning.",
    "warning": "It can wait until morning.",
    "info": "Nobody has to act.",
}
"""By severity, whether it can wait."""

_PRINTED: Final = r"\x{A1}-\x{2027}\x{202A}-\x{D7FF}\x{E000}-\x{FEFE}\x{FF00}-\x{FFFD}\x{10000}-\x{10FFFF}"
_BARE: Final = r"!-%'-;=?-~" + _PRINTED
"""What a title can hold: it stands in mail, chats and pages alike, so no character of markup."""
_BARED: Final = (
    f'reReplaceAll `[^{_BARE}]+` " " | reReplaceAll "^ +| +$" ""'
    f' | reReplaceAll "^(.{{{LONGEST["bare"]}}}).+$" "${{1}}…"'
)
_NO_YAML: Final = r'''reReplaceAll ":( |$)" ":\u00a0" | reReplaceAll "(^| )#" "\u00a0#"'''
"""Puts no-break spaces where YAML would see a key or a comment."""
_SOURCES: Final = 'reReplaceAll "^firestore$" "Firestore" | reReplaceAll "^bigquery$" "BigQuery"'
"""The sources' names, as people write them."""
_SINCE: Final = r", since (?:a moment between [-\d]+ [:\d]+ UTC(?: \([^()]*\))? and )?([-\d]+ [:\d]+)"
"""How a description says since when the fault has been there, where the register names nothing else."""
_BETWEEN: Final = r", since a moment between ([-\d]+ [:\d]+ UTC(?: \(\d[^()]*\))?) and "
"""How a description says that nobody knows it more exactly, and when the fault was not there yet."""
_LOCAL: Final = r"(?: \+0000 UTC)?(?: \((\d[^()]*)\))?"
"""What can follow a time in a description: the same time where the pipeline is."""
_THEN: Final = rf"; ({NO_DEADLINE}|[\w.-]+ (?:is|was) due at [-\d]+ [:\d]+ UTC(?: \(\d[^()]*\))?)"
"""How a description says when the next phase is due, or that none is."""
_LASTING: Final = (
    r'reReplaceAll `\b(\d+)m \d+s\b` "${1} min" | reReplaceAll `\b(\d+)h (\d+ min)\b` "${1} h ${2}"'
    r' | reReplaceAll `\b(\d+)d (\d+ h)\b` "${1} d ${2}" | reReplaceAll ` 0 (h|min)\b` ""'
)
"""Prometheus's `1d 0h 0m 0s` as `1 d`, its `1h 5m 30s` as `1 h 5 min`."""
_COUNTED: Final = (
    r'reReplaceAll `\b1 (row|transition|unit)s\b` "1 ${1}"'
    r' | reReplaceAll `\b(1 of \d+ expected processors) are\b` "${1} is"'
)
"""One of a thing in the singular: the texts of the rules cannot tell numbers apart."""
_CUT: Final = (
    f'reReplaceAll `{_THEN}` "" | reReplaceAll " \\\\+0000 UTC" " UTC" | {_LASTING} | {_COUNTED}'
    f' | reReplaceAll "^(.{{{LONGEST["description"]}}}).+$" "${{1}}…"'
)
"""What a message shows of a description: not all of a long one, nor when the next phase is due, which it has said."""
_SUBJECT: Final = (
    'printf "%s, %s" (or .processor .check .collector .source .phase .pipeline "exporter") .reason'
    ' | reReplaceAll ", $" "" | reReplaceAll "^(.{100}).+$" "${1}…"'
)
"""What an alert is about: of its labels the narrowest, and the reason, by which two alerts can be told apart."""
_ROWS: Final = r", rows of (\d{4}-\d\d-\d\d)"
"""How a description says which rows it is about, where that is not the run date."""
_OWN: Final = r"/runbooks/Orchestration\w+(\?[^/]*)?$"
"""How the address of a runbook ends that an exporter serves."""


@dataclass(frozen=True, slots=True)
class Line:
    """A push line: the pattern that has to be found in the description (empty: none), and the line as a template."""

    found: str
    said: str


def template() -> str:
    """The message template."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="[%",
        block_end_string="%]",
        comment_start_string="[#",
        comment_end_string="#]",
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - a template of Go's, made from our own register
    )
    return environment.from_string(SOURCE.read_text(encoding="utf-8")).render(
        alerts=alerts(),
        said=[alert for alert in alerts() if alert.says != "firing"],
        lines=lines,
        saying=lambda label: "|".join(
            alert.name for alert in alerts() if any(f"{{{label}}}" in text for text in alert.push)
        ),
        months=[(f"{number:02}", month_abbr[number]) for number in range(1, 13)],
        first=first,
        as_template=as_template,
        mended=mended(),
        waits=WAITS.items(),
        order=order(),
        severities=[*WAITS],
        shown=SHOWN,
        BAD=f"[^{_BARE}]",
        BARE=_BARED,
        CUT=_CUT,
        LASTING=_LASTING,
        SUBJECT=_SUBJECT,
        SINCE=_SINCE,
        LOCAL=_LOCAL,
        BETWEEN=_BETWEEN,
        THEN=_THEN,
        ROWS=_ROWS,
        NO_YAML=_NO_YAML,
        UNPRINTED=f"[^!-~{_PRINTED}]",
        OWN=_OWN,
    )


def mended() -> list[tuple[list[str], str]]:
    """What becomes of an alert after the repair, and for which kinds (severity, name and source): as all say it."""
    from tools.alerting.reference import said, shipped_times  # it needs the parts that these messages belong to

    times = shipped_times()
    found: dict[str, list[str]] = {}
    for rule in load_rules():
        if rule.alert and rule.labels["severity"] in WAITS:
            kind = f"{rule.labels['severity']} {rule.alert} {rule.labels.get('source', '.*')}"
            found.setdefault(said(rule, times), []).append(kind)
    return [(list(dict.fromkeys(kinds)), text) for text, kinds in found.items()]


def first(alert: Alert) -> str:
    """What to do first, in the words of the status page; empty for the sign of life."""
    tables = (WORDS, TRIGGERS, CONDITIONS, NOTES, ELSEWHERE)
    words = {str(key): words for table in tables for key, words in table.items()}
    return words[alert.key].first if alert.key in words else ""


def as_template(text: str) -> str:
    """A text of ours as a template, without a colon that YAML would see."""
    return text.replace(": ", '{{ template "orchestration.plain.colon" }}')


def lines(alert: Alert) -> list[Line]:
    """The push lines of an alert, in the order in which they are tried."""
    return [Line(found, _said(text, found)) for text, found in alert.push.items()]


def _said(text: str, found: str) -> str:
    """A push line of the register as a template."""
    parts = re.split(r"\{(\w+)\}", text.replace(": ", "{colon}"))
    for place in range(1, len(parts), 2):
        name = parts[place]
        if name == "colon":
            parts[place] = '{{ template "orchestration.plain.colon" }}'
        elif name.isdigit():
            number = f"(reReplaceAll `^.*?{found}.*$` `${{{name}}}` $text)"
            parts[place] = f'{{{{ template "orchestration.number" {number} }}}}'
            plural = f' row{{{{ if ne {number} "1" }}}}s{{{{ end }}}}'
            parts[place + 1] = parts[place + 1].replace(" rows", plural)
        else:
            value = f"(.Labels.source | {_SOURCES})" if name == "source" else f".Labels.{name}"
            parts[place] = f'{{{{ template "orchestration.bare" {value} }}}}'
    return "".join(parts)


def order() -> list[Alert]:
    """Every alert, the worst first, as the page has them: what hides all else, triggers, verdicts, conditions."""
    keys = ("exporter_down", "source_unreachable", "blocked", "stuck", *DISCREPANCIES, *CONDITIONS)
    found = [alert_of(key) for key in keys]
    return [*found, *(alert for alert in alerts() if alert not in found)]

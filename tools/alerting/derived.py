"""Writes the parts of hand-written files that follow from the register of alerts: `make docs`.

Alertmanager's inhibition, its messages (tools/alerting/messages.py), the tables of the runbooks' overview, and where
the links between runbooks lead: a page links to `[text][stuck#mitigation]`, by what the other alert is about. Each
part stands below a mark, up to an end mark or the end of the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import jinja2

from exporter.collect.collectors import COLLECTORS
from exporter.shipped.alerts import PREFIX, alert_of, alerts
from tools.alerting.messages import first, template
from tools.alerting.rulefiles import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from exporter.shipped.alerts import Alert

INHIBITION = ROOT / "tools" / "alerting" / "inhibition.yml.j2"

SECTIONS = {"phase": "A phase", "processor": "A processor", "pipeline": "A pipeline", "exporter": "The exporter"}
"""The headings of the runbooks' overview, by the register's sections."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file: the line above it, the line below it (none: to the end of the file), and its content."""

    path: Path
    mark: str
    end: str
    make: Callable[[], str]

    def renewed(self) -> str:
        """The file with this part as the register has it now. Raises ValueError for a file without the mark."""
        text = self.path.read_text(encoding="utf-8")
        before, mark, after = text.partition(self.mark)
        _, end, rest = after.partition(self.end) if self.end else ("", "", "")
        if not mark or (self.end and not end):
            raise ValueError(f"{self.path}: has no line {self.end if mark else self.mark}")
        return f"{before}{mark}\n{self.make()}{end}{rest}"

    def by_hand(self, text: str) -> str:
        """The file's text without this part."""
        before, _, after = text.partition(self.mark)
        return before + (after.partition(self.end)[2] if self.end else "")


def inhibition() -> str:
    """The rules by which one alert mutes another, as Alertmanager reads them."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - YAML, made from our own register
    )
    template = environment.from_string(INHIBITION.read_text(encoding="utf-8"))
    return template.render(
        prefix=PREFIX,
        name=lambda key: alert_of(key).name,
        any=lambda *keys: _any(alert_of(key) for key in keys),
        reading=lambda source: "|".join(kind.name for kind in COLLECTORS if kind.source == source),
        needing=lambda source: _any(alert for alert in alerts() if source in alert.needs),
    )


def _any(wanted: Iterable[Alert]) -> str:
    return f"{PREFIX}({'|'.join(alert.short_name for alert in wanted)})"


def overview() -> str:
    """The tables of all runbooks."""
    return "".join(_table(section, title) for section, title in SECTIONS.items())


def _table(section: str, title: str) -> str:
    here = [alert for alert in alerts() if alert.section == section]
    verdicts = any(alert.about == "verdict" for alert in here)
    head = "| alert | verdict | in short |\n|---|---|---|" if verdicts else "| alert | in short |\n|---|---|"
    rows = [
        " | ".join(
            [
                f"| [{alert.name}]({alert.runbook})",
                *([_verdict(alert)] if verdicts else []),
                f"{alert.short} |",
            ]
        )
        for alert in here
    ]
    return "\n".join(["", f"## {title}", "", head, *rows, ""])


def _verdict(alert: Alert) -> str:
    own = f"`{alert.key}`" if alert.about == "verdict" else ""
    beside = "or any" if alert.beside == "any" else f"`{alert.beside}`" if alert.beside else ""
    return ", ".join(filter(None, (own, beside)))


def links(page: Path) -> str:
    """The targets of a runbook's links to other runbooks. Raises KeyError for a link to an unknown subject."""
    written = page.read_text(encoding="utf-8").partition(LINKS)[0]
    labels = dict.fromkeys(re.findall(r"\]\[([\w#-]+)\]", written))
    return "\n" + "".join(f"[{label}]: {address(label)}\n" for label in sorted(labels))


def address(label: str) -> str:
    """The page that a link's label stands for: `stuck#mitigation` is a heading of the page about a stuck trigger."""
    key, anchor, heading = label.partition("#")
    return f"{alert_of(key).runbook}{anchor}{heading}"


LINKS = "<!-- Links to other runbooks, from the register of alerts (alerts/catalogue.yaml), by `make docs`. -->"
LINKING = tuple(
    path for path in sorted((ROOT / "alerts" / "runbooks").glob("*.md")) if LINKS in path.read_text(encoding="utf-8")
)
"""The runbooks that link to others."""


def over(name: str) -> str:
    """When this alert is over."""
    from tools.alerting.reference import over as computed  # it needs the addresses above

    return computed(name)


def short(alert: Alert) -> str:
    """What its message says: what to do first, when it is over, what happens if nobody acts."""
    from tools.alerting.reference import shortly  # likewise

    return f"\n**First:** {first(alert)}.\n\n{shortly(alert.name)}\n\n**If nobody acts:** {alert.left}.\n\n"


SHORT = "<!-- In short, as the message says it, by `make docs`. -->"
OVER = "<!-- When it is over, from the rules and Alertmanager's configuration, by `make docs`. -->"

PARTS = (
    Part(
        ROOT / "alerts" / "alertmanager" / "alertmanager.yml",
        "# All below follows from the register of alerts (alerts/catalogue.yaml), by `make docs`.",
        "",
        inhibition,
    ),
    Part(
        ROOT / "alerts" / "alertmanager" / "templates" / "orchestration.tmpl",
        "{{- /* Made by `make docs` from tools/alerting/messages.tmpl.j2 and the register of alerts.",
        "",
        template,
    ),
    Part(
        ROOT / "alerts" / "runbooks" / "README.md",
        "<!-- The tables of the register of alerts (alerts/catalogue.yaml), by `make docs`. -->",
        "<!-- Until here. -->",
        overview,
    ),
    *(Part(path, LINKS, "", partial(links, path)) for path in LINKING),
    *(
        Part(ROOT / "alerts" / "runbooks" / alert.runbook, SHORT, "<!-- Until here. -->", partial(short, alert))
        for alert in alerts()
        if alert.key != "watchdog"
    ),
    *(
        Part(ROOT / "alerts" / "runbooks" / alert.runbook, OVER, "<!-- Until here. -->", partial(over, alert.name))
        for alert in alerts()
        if alert.key != "watchdog"
    ),
)

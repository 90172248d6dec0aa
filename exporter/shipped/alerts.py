"""The register of alerts, `alerts/catalogue.yaml`: what everything but rules and runbooks knows about an alert."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from exporter.config.parsing import parse_yaml
from exporter.shipped.assets import assets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PREFIX = "Orchestration"
"""What every alert's name begins with."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of alert that the rules can raise: its severity, its labels, and those of them that have one value."""

    severity: str
    labels: tuple[str, ...]
    fixed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as the register has it; the head of the file explains each field.

    `section` is the heading that it stands under, `about` the kind of thing it is about (`verdict`, `trigger`,
    `condition`), `key` that thing.
    """

    name: str
    section: str
    about: str
    key: str
    short: str
    push: Mapping[str, str]
    unattended: str
    when: str
    since: str
    says: str
    beside: str
    pending: str | None
    raises: tuple[Kind, ...]
    needs: tuple[str, ...]
    collector: str | None
    dashboard: str
    panels: Mapping[str, tuple[str, ...]]
    not_provoked: str

    @property
    def short_name(self) -> str:
        """The name as people say it."""
        return self.name.removeprefix(PREFIX)

    @property
    def runbook(self) -> str:
        """The file of its runbook, in alerts/runbooks."""
        return f"{self.name}.md"

    @property
    def left(self) -> str:
        """What happens if nobody acts, and by when as far as that does not depend on the day."""
        return "; ".join(filter(None, (self.unattended, self.when)))

    @property
    def severities(self) -> frozenset[str]:
        """All that it can have."""
        return frozenset(kind.severity for kind in self.raises)


@cache
def alerts() -> tuple[Alert, ...]:
    """Every alert, in the order of the register. Raises AssetsError."""
    return read(assets("alerts") / "catalogue.yaml")


def alert_of(key: str) -> Alert:
    """The alert about this verdict, trigger state or condition. Raises KeyError for one that has none."""
    return _by_key()[key]


@cache
def _by_key() -> Mapping[str, Alert]:
    return {alert.key: alert for alert in alerts()}


def read(path: Path) -> tuple[Alert, ...]:
    """The alerts of a register. Raises KeyError or ValueError for a field that is missing or unknown."""
    content: Mapping[str, Mapping[str, Mapping[str, Any]]] = parse_yaml(path.read_text(encoding="utf-8"))
    return tuple(
        _alert(section, name, dict(fields)) for section, named in content.items() for name, fields in named.items()
    )


def _alert(section: str, name: str, fields: dict[str, Any]) -> Alert:
    (about,) = fields.keys() & {"verdict", "trigger", "condition"}
    key = fields.pop(about)
    words = {"verdict": key, "trigger": f"trigger {key}", "condition": "firing"}
    found = Alert(
        name=name,
        section=section,
        about=about,
        key=key,
        short=fields.pop("short"),
        push=fields.pop("push"),
        unattended=fields.pop("unattended", ""),
        when=fields.pop("when", ""),
        since=fields.pop("since", ""),
        says=fields.pop("says", words[about]),
        beside=fields.pop("beside", ""),
        pending=fields.pop("for", None),
        raises=tuple(_kind(dict(kind)) for kind in fields.pop("raises")),
        needs=tuple(fields.pop("needs", ())),
        collector=fields.pop("collector", None),
        dashboard=fields.pop("dashboard"),
        panels={uid: tuple(titles) for uid, titles in fields.pop("panels", {}).items()},
        not_provoked=fields.pop("not_provoked", ""),
    )
    if fields:
        raise ValueError(f"{name}: the register has no field {min(fields)}")
    return found


def _kind(fields: dict[str, Any]) -> Kind:
    return Kind(severity=fields.pop("severity"), labels=tuple(fields.pop("labels", ())), fixed=fields)

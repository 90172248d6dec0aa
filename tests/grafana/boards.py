"""The committed dashboards as Grafana reads them: panels, queries, variables; and what Grafana does to them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.alerting.promql import Node, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FOLDER = Path(__file__).parents[2] / "grafana" / "dashboards"
ALL = ".+"
RATE_INTERVAL, RANGE = "4s", "1m"

_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))")


@dataclass(frozen=True, slots=True)
class Target:
    """One query of a panel."""

    panel: Panel
    raw: Mapping[str, Any]

    @property
    def expr(self) -> str:
        """As it is written."""
        return str(self.raw["expr"])

    @property
    def tree(self) -> Node:
        """Parsed, with the variables left in the matchers' values."""
        return parse(self.expr.replace("$__rate_interval", RATE_INTERVAL).replace("$__range", RANGE))

    @property
    def name(self) -> str:
        """Where it stands."""
        return f"{self.panel.name} {self.raw['refId']}"


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel."""

    board: str
    raw: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Where it stands."""
        return f"{self.board}: {self.raw['title']}"

    @property
    def title(self) -> str:
        """Its title."""
        return str(self.raw["title"])

    @property
    def kind(self) -> str:
        """Its type."""
        return str(self.raw["type"])

    @property
    def defaults(self) -> Mapping[str, Any]:
        """How all of its fields are shown."""
        found: Mapping[str, Any] = self.raw["fieldConfig"]["defaults"]
        return found

    @property
    def targets(self) -> list[Target]:
        """Its queries."""
        return [Target(self, raw) for raw in self.raw.get("targets") or []]

    @property
    def settings(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The field settings of the whole panel (under no name), then of each field that has some of its own."""
        yield "", self.defaults
        for override in self.raw["fieldConfig"]["overrides"]:
            yield override["matcher"]["options"], {item["id"]: item["value"] for item in override["properties"]}


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard."""

    raw: Mapping[str, Any]

    @property
    def uid(self) -> str:
        """Its address."""
        return str(self.raw["uid"])

    @property
    def panels(self) -> list[Panel]:
        """Its panels, in the order of the file."""
        return [Panel(self.uid, raw) for raw in self.raw["panels"]]

    @property
    def targets(self) -> list[Target]:
        """The queries of all of its panels."""
        return [target for panel in self.panels for target in panel.targets]

    @property
    def variables(self) -> dict[str, Mapping[str, Any]]:
        """Its variables by name."""
        return {variable["name"]: variable for variable in self.raw["templating"]["list"]}

    @property
    def annotations(self) -> dict[str, Mapping[str, Any]]:
        """Its annotations that ask Prometheus, by name."""
        listed = self.raw["annotations"]["list"]
        return {item["name"]: item for item in listed if item["datasource"]["type"] == "prometheus"}


_READ = [Board(json.loads(path.read_text("utf-8"))) for path in sorted(FOLDER.iterdir())]
BOARDS = {board.uid: board for board in _READ}


def panel_of(board: str, title: str) -> Panel:
    """The panel of this title."""
    (found,) = [item for item in BOARDS[board].panels if item.title == title]
    return found


def strings(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Every text inside."""
    match value:
        case str():
            yield value
        case dict():
            for item in value.values():
                yield from strings(item)
        case list():
            for item in value:
                yield from strings(item)
        case _:
            return


def variables_in(text: str) -> set[str]:
    """The variables that a text uses."""
    return {braced or bare for braced, bare in _VARIABLE.findall(text)}


def interpolated(text: str, values: Mapping[str, tuple[str, ...]]) -> str:
    """The text as it reaches Prometheus: All (no values) as `.+`, one value escaped, several as `(a|b)`."""

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name in {"__rate_interval", "__range"}:
            return RATE_INTERVAL if name == "__rate_interval" else RANGE
        chosen = [re.sub(r"([\\.*+?^${}()|\[\]])", r"\\\\\1", item) for item in values.get(name, ())]
        return chosen[0] if len(chosen) == 1 else f"({'|'.join(chosen)})" if chosen else ALL

    return _VARIABLE.sub(value, text)


def label_values(variable: Mapping[str, Any]) -> tuple[str, str]:
    """The selector and the label of a `label_values(selector, label)`."""
    found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"])
    assert found, variable["query"]
    return found[1], found[2]

"""Reads the templates of annotations: the labels of the alert that they print, and their queries."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tools.alerting.promql import Matcher, Node, parse

_LABEL: Final = re.compile(r"\$labels\.(\w+)")
_WHERE: Final = re.compile(r'\$where := printf "([^"]*)"((?: \$labels\.\w+)*)')
_PRINTED: Final = re.compile(r'printf (?:"((?:[^"\\]|\\.)*)"|`([^`]*)`)(?: \$labels\.\w+| \$where| \$value)* \| query')
_LITERAL: Final = re.compile(r'query "((?:[^"\\]|\\.)*)"')
_QUERY: Final = re.compile(r"\bquery\b")
_ACTION: Final = re.compile(r"\{\{(.*?)\}\}")


@dataclass(frozen=True, slots=True)
class Template:
    """What one annotation refers to. `queries` are as Prometheus gets them for an alert whose labels are all `x`."""

    labels: frozenset[str]
    queries: tuple[Node, ...]
    faults: tuple[str, ...]


def read_template(text: str) -> Template:
    """Parse a template. Raises PromqlError if a query in it cannot be parsed."""
    where = _WHERE.search(text)
    faults = []
    selector = ""
    if where:
        selector = where[1].replace("%q", '"x"')
        if re.findall(r"(\w+)=%q", where[1]) != _LABEL.findall(where[2]):
            faults.append(f"labels are out of step: {where[0]}")
    queries = [
        parse(_filled((printed[1] or "").replace(r"\"", '"') or printed[2], selector))
        for printed in _PRINTED.finditer(text)
    ]
    queries += [parse(literal.replace(r"\"", '"')) for literal in _LITERAL.findall(text)]
    asked = sum(len(_QUERY.findall(action)) for action in _ACTION.findall(text))
    if asked != len(queries):
        faults.append(f"{asked} queries, of which {len(queries)} can be read: {text}")
    return Template(frozenset(_LABEL.findall(text)), tuple(queries), tuple(faults))


def _filled(text: str, selector: str) -> str:
    """The text with its labels, and without the time for which a shipped text asks."""
    return text.replace(" @ %f", "").replace("%s", selector).replace("%q", '"x"').replace("%f", "0")


def own_matchers(matchers: tuple[Matcher, ...]) -> frozenset[str]:
    """The labels by which a query asks for the alert's own series."""
    return frozenset(matcher.label for matcher in matchers if matcher.operator == "=" and matcher.value == "x")

"""Environment variables that override single keys: `ORCHESTRATION_EXPORTER_COLLECT__WAREHOUSE__EVERY=5m`.

The parts of a key's path are joined with `__` and matched without regard to case; a `-` in a key is a `_` in the
variable. The value is YAML. A variable with the prefix that matches no key is a fault. So is a mistyped variable of the
command line: without `WEB_CONFIG_FILE`, everything would be served to anybody.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exporter.config.errors import ConfigError, Fault
from exporter.config.keys import is_map, section_at
from exporter.config.text import read_value
from exporter.config.tree import Mark, Place, Tree, merge
from exporter.config.wording import Path, did_you_mean, listed, path_text, quote

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "ORCHESTRATION_EXPORTER_"
SEPARATOR = "__"
COMMAND_LINE = (
    *("CONFIG_FILE", "PRESET", "LOG_LEVEL", "LOG_FORMAT"),
    *("FROM", "HTTP_CONFIG_FILE"),
    *("WEB_CONFIG_FILE", "WEB_LISTEN_ADDRESS", "WEB_ENABLE_LIFECYCLE", "WEB_RUNBOOKS"),
)
"""The variables of the command line's options, without the prefix."""
# Kubernetes sets these in every container of a namespace with a service whose name begins with
# `orchestration-exporter`. Only the value tells its `WEB_PORT` from a mistyped option.
SERVICE_LINK = re.compile(
    r"(.+_)?(SERVICE_HOST=.*|SERVICE_PORT(_[^=]*)?=.*|PORT=(tcp|udp|sctp)://.*"
    r"|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?=.*)",
    re.IGNORECASE | re.DOTALL,
)


def override(tree: Tree, environ: Mapping[str, str]) -> tuple[Tree, list[Fault]]:
    """The tree, overridden by the environment's variables, the more specific ones last."""
    faults: list[Fault] = []
    setters: dict[Path, str] = {}
    for name in sorted(_named(environ), key=lambda name: (name.count(SEPARATOR), name)):
        try:
            path = _path(name[len(PREFIX) :].split(SEPARATOR), tree)
        except ValueError as error:
            faults.append(Fault("", str(error), name))
            continue
        if path in setters:
            faults.append(Fault(path_text(path), f"is set by {setters[path]} already: unset one of them", name))
            continue
        setters[path] = name
        try:
            layer, found = _layer(path, environ[name], name)
        except ConfigError as error:
            faults.extend(Fault(path_text(path), fault.message, name) for fault in error.faults)
            continue
        faults += found
        tree = merge(tree, layer)
    return tree, faults


def _named(environ: Mapping[str, str]) -> list[str]:
    return [
        name
        for name in environ
        if name.upper().startswith(PREFIX)
        and name[len(PREFIX) :].upper() not in COMMAND_LINE
        and not SERVICE_LINK.fullmatch(f"{name[len(PREFIX) :]}={environ[name]}")
    ]


def _path(parts: list[str], tree: Tree) -> Path:
    path: Path = ()
    value: object = tree.root
    for part in parts:
        if is_map(path):
            known = list(value) if isinstance(value, dict) else []
        else:
            section = section_at(path)
            if section is None:
                raise ValueError(f"matches no key: {path_text(path)} is a value and has no keys of its own")
            known = list(section.model_fields)
        matches = [key for key in known if _variable(key) == part.casefold()]
        if not matches:
            place = path_text(path) or "the configuration"
            others = () if path else COMMAND_LINE
            meant = did_you_mean(part, [*(_variable(key).upper() for key in known), *others])
            raise ValueError(f"matches no key: {place} has no {quote(part)}{meant}, but {listed(known)}")
        if len(matches) > 1:
            raise ValueError(f"matches more than one key: {listed(path_text((*path, key)) for key in matches)}")
        path = (*path, matches[0])
        value = value.get(matches[0]) if isinstance(value, dict) else None
    return path


def _variable(key: str) -> str:
    return key.casefold().replace("-", "_")


def _layer(path: Path, text: str, name: str) -> tuple[Tree, list[Fault]]:
    value, paths, faults = read_value(text, path, name)
    root: dict[str, object] = {str(path[-1]): value}
    for parent in reversed(path[:-1]):
        root = {str(parent): root}
    return Tree((name,), root, dict.fromkeys(paths, Place(Mark(name), Mark(name)))), faults

"""Merges the layers (preset, file, overlay and environment, in this order) into one checked configuration."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cache, reduce
from importlib import resources
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from exporter.config.environment import override
from exporter.config.errors import ConfigError, Fault
from exporter.config.reading import read_file
from exporter.config.relations import contradictions
from exporter.config.resolve import resolve
from exporter.config.text import Unreadable, read_text
from exporter.config.tree import Tree, merge, tree_of
from exporter.config.validation import validate
from exporter.config.wording import describe, did_you_mean, listed
from exporter.messages.secrets import Masked, masked_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from exporter.config.resolved import Config

LARGEST_FILE = 4 * 1024 * 1024

_PRESETS = resources.files("exporter.config") / "presets"
_SUFFIX = ".yaml"
PRESET_KEY = "preset"
STATE_DIRECTORY = "STATE_DIRECTORY"
"""The variable with a service's folder for state, as systemd sets it; the container image sets it too."""

Presets: TypeAlias = "str | Sequence[str] | None"
"""A preset, or several, the later merged over the earlier: a list, or a text with commas."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that passed every check.

    `raw`: its wire form, merged and with defaults, as plain YAML values; it can be loaded again to the same `config`.
    `source`: what it was made from; `presets`: the presets at the bottom. `digest`: a SHA-256 in hexadecimal, which
    does not depend on comments, the order of keys or the spelling of a duration.
    """

    config: Config
    raw: dict[str, Any]
    source: str
    digest: str
    presets: tuple[str, ...] = ()


def preset_names() -> tuple[str, ...]:
    """The shipped presets."""
    return tuple(sorted(item.name.removesuffix(_SUFFIX) for item in _PRESETS.iterdir() if item.name.endswith(_SUFFIX)))


def preset_text(name: str) -> str:
    """The YAML of a shipped preset."""
    return (_PRESETS / f"{name}{_SUFFIX}").read_text(encoding="utf-8")


def load(
    *,
    file: Path | None = None,
    preset: Presets = None,
    overlay: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] = os.environ,
    overlay_name: str = "overlay",
) -> Loaded:
    """The configuration from a file, presets, or a file over presets (like `preset: nba` in the file).

    `overlay` is merged over these or used alone. The `ORCHESTRATION_EXPORTER_*` variables in `environ` are merged last.
    Raises ConfigError with every fault of every layer at once.
    """
    faults: list[Fault] = []
    layers: list[Tree] = []
    presets = _split(preset)
    if file is not None:
        tree, found = _read_file(file)
        faults += found
        presets, tree = _named_presets(tree, presets, faults)
        layers.append(tree)
    layers = [*(_preset(name, faults) for name in presets), *layers]
    base = _state_directory(environ)
    if not layers and not overlay:
        message = f"none is given: name a file, or a preset ({listed(preset_names())})"
        raise ConfigError((Fault("", message, "configuration"),))
    if overlay:
        tree, found = tree_of(overlay, overlay_name)
        faults += found
        layers.append(tree)
    sources = [layer.sources[-1] for layer in layers]
    layered = reduce(merge, [*base, *layers])
    merged, found = override(layered, environ)
    faults += found
    if merged is not layered:
        sources.append("environment")
    wire, found = validate(merged)
    faults += found
    faults += map(merged.newest, contradictions(merged.root))
    if wire is None or faults:
        raise ConfigError(_in_order(faults, merged.sources))
    raw = wire.model_dump(mode="json", exclude_none=True)
    return Loaded(resolve(wire), raw, source=" + ".join(sources), digest=_digest(raw), presets=presets)


def _state_directory(environ: Mapping[str, str]) -> list[Tree]:
    """The layer under all others: where the place that it runs in has a folder for state, the ledger is there."""
    folder = environ.get(STATE_DIRECTORY, "").split(":")[0]
    return [tree_of({"ledger": {"path": f"{folder}/ledger.sqlite"}}, STATE_DIRECTORY)[0]] if folder else []


def to_yaml(raw: Mapping[str, Any]) -> Masked:
    """The wire form as YAML text that `load` reads back, without secrets."""
    return Masked(yaml.safe_dump(masked_data(dict(raw)), sort_keys=False, allow_unicode=True, width=120))


def _split(preset: Presets) -> tuple[str, ...]:
    if preset is None:
        return ()
    names = preset.split(",") if isinstance(preset, str) else preset
    return tuple(name.strip() for name in names)


def _named_presets(tree: Tree, asked: tuple[str, ...], faults: list[Fault]) -> tuple[tuple[str, ...], Tree]:
    """The presets under a file, and the file without the key that names them."""
    if PRESET_KEY not in tree.root:
        return asked, tree
    rest = {key: value for key, value in tree.root.items() if key != PRESET_KEY}
    written = tree.root[PRESET_KEY]
    named = written if isinstance(written, list) and written else [written]
    for index, name in enumerate(named):
        if name not in preset_names():
            meant = did_you_mean(name, preset_names()) if isinstance(name, str) else ""
            message = f"{describe(name)} is no preset{meant}: write one of {listed(preset_names())}, or a list of them"
            path = (PRESET_KEY, index) if named is written else (PRESET_KEY,)
            # What cannot be read is named already.
            more = [] if isinstance(name, Unreadable) else [tree.fault(path, message)]
            # Without the preset below it, everything that the file leaves out would look missing.
            raise ConfigError(_in_order([*faults, *more]))
    presets = tuple(map(str, named))
    if asked and asked != presets:
        message = f"is {listed(presets)}, and {listed(asked)} was asked for: name one of them"
        faults.append(tree.fault((PRESET_KEY,), message))
    return presets, Tree(tree.sources, rest, tree.places)


@cache
def _preset_tree(name: str) -> Tree:
    tree, _ = read_text(preset_text(name), f"preset {name}")
    bases, over = _named_presets(tree, (), [])
    return reduce(merge, [*map(_preset_tree, bases), over])


def _preset(name: str, faults: list[Fault]) -> Tree:
    if name not in preset_names():
        message = f"there is none of this name{did_you_mean(name, preset_names())}: use {listed(preset_names())}"
        raise ConfigError(_in_order([*faults, Fault("", message, f"preset {name}")]))
    return _preset_tree(name)


def _read_file(file: Path) -> tuple[Tree, list[Fault]]:
    source = str(file)
    try:
        content = read_file(file, LARGEST_FILE)
    except OSError as error:
        raise ConfigError((Fault("", f"cannot be read: {error.strerror or error}", source),)) from error
    try:
        return read_text(content.decode("utf-8-sig"), source)
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
        message = f"is not UTF-8: the byte 0x{content[error.start]:02X} is out of place; save the file as UTF-8"
        raise ConfigError((Fault("", message, source, line, column),)) from error


def _in_order(faults: Iterable[Fault], sources: Sequence[str] = ()) -> tuple[Fault, ...]:
    """The faults, each once: layer by layer, in the order of the text."""

    def position(fault: Fault) -> tuple[int, int, int]:
        layer = sources.index(fault.source) if fault.source in sources else len(sources)
        return layer, fault.line or 0, fault.column or 0

    return tuple(sorted(dict.fromkeys(faults), key=position))


def _digest(raw: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest()

"""Entries under names that no processor has, and the processor whose new name each of them may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.config.likeness import bare, likeness
from exporter.config.wording import named
from exporter.model import Hint, HintKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from exporter.model import Document
    from exporter.reconcile.trigger import Judged

WITHOUT_ENTRY: Final = frozenset({Verdict.UNREGISTERED, Verdict.MISSING})
"""Verdicts of work that may have registered under another name."""
RENAMED: Final = 0.6
"""How alike an old and a new name are at least."""
_MOST: Final = 20
"""Processors, and names of a document, that are compared letter by letter: there can be thousands of each."""


def renamed(document: Document | None, known: Collection[str], judged: Sequence[Judged]) -> Mapping[str, Hint]:
    """By processor without an entry the hint that names the entry that may be its own. `known`: names in use."""
    lacking = [item.evidence.obligation.processor.name for item in judged if item.verdict in WITHOUT_ENTRY]
    strangers = [name for name in document.entries if name not in known] if document and lacking else []
    spelled = {bare(stranger): stranger for stranger in strangers}
    found = {name: (1.0, spelled[bare(name)]) for name in lacking if bare(name) in spelled}
    used = {stranger for _, stranger in found.values()}
    lacking = [name for name in lacking if name not in found][:_MOST]
    for stranger in [name for name in strangers if name not in used][:_MOST]:
        alike = {name: likeness(name, stranger) for name in lacking}
        nearest = max(alike.values(), default=0.0)
        if nearest >= RENAMED:
            # Of two processors that were merged into one, both may have the new name.
            for name in (name for name in lacking if alike[name] == nearest):
                found[name] = max(found.get(name, (0.0, "")), (nearest, stranger))
    return {name: Hint(HintKind.ENTRY, _said(*nearest)) for name, nearest in found.items()}


def _said(alike: float, stranger: str) -> str:
    why = "this one in another spelling" if alike == 1 else "perhaps this one under a new name"
    return f"the document's entry {named(stranger)} is of no known processor: {why}"

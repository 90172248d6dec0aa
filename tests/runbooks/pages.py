"""The runbooks as their readers use them: sections, links, and blocks to copy."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

RUNBOOKS = Path(__file__).parents[2] / "alerts" / "runbooks"
SECTIONS = ("Meaning", "Impact", "Diagnosis", "Mitigation")

_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$", re.MULTILINE)


def blocks(text: str, language: str) -> list[str]:
    """The blocks of a Markdown text in one language, without the indentation of a list they stand in."""
    return [textwrap.dedent(block) for _, found, block in _BLOCK.findall(text) if found == language]


@dataclass(frozen=True)
class Page:
    """One page."""

    path: Path

    @cached_property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def prose(self) -> str:
        """What is not in a block."""
        return _BLOCK.sub("", self.text)

    @property
    def headings(self) -> list[tuple[int, str]]:
        """Every heading and its level."""
        return [(len(marks), title) for marks, title in _HEADING.findall(self.prose)]

    @property
    def anchors(self) -> set[str]:
        """What a link can end in after `#`, as GitHub makes it."""
        return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for _, title in self.headings}

    @property
    def links(self) -> list[str]:
        """Every link's target."""
        return [target or defined for target, defined in _LINK.findall(self.prose)]

    @property
    def code(self) -> list[str]:
        """What stands in single backticks."""
        return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", self.prose)

    def blocks(self, language: str) -> list[str]:
        """The blocks in one language, without the indentation of a list they stand in."""
        return blocks(self.text, language)

    def section(self, title: str) -> str:
        """The text under a heading of the second level."""
        _, _, rest = self.text.partition(f"\n## {title}\n")
        return re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0]


PAGES = {path.name: Page(path) for path in sorted(RUNBOOKS.glob("*.md"))}
ALERTS = {name.removesuffix(".md"): page for name, page in PAGES.items() if name.startswith("Orchestration")}

"""The documentation as a site (`make site`): mkdocs.yml names this file as a hook, so MkDocs calls its `on_` functions.

The pages stay where GitHub shows them, and their links work in both places. README.md's section "Read on" gives the
order of the site.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
# Beside every page: what the pages show or link to, and a reader may want as a file.
FILES = ("*.md", "docs/**/*.*", "alerts/**/*.md", "findings/*.md")
RUNBOOKS = "alerts/runbooks/README.md"
GROUP = re.compile(r"^- \*\*(.+?)\*\*: (.+?)(?=^- |\Z)", re.MULTILINE | re.DOTALL)
# Python's Markdown wants a block in a list indented by four, and shows the backslash of a pipe in a cell's code.
BLOCK_IN_LIST = re.compile(r"^( {2,3})```.*?^\1```$", re.MULTILINE | re.DOTALL)
CODE_IN_CELL = re.compile(r"(?<=[| ])`[^`\n]*\\\|[^`\n]*`")
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s#]+)(#[^)\s]*)?\)")


def anchor(heading: str, _: str) -> str:
    """The end of a link to a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def on_config(config: MkDocsConfig) -> None:
    """Give the site README's groups of links, and every runbook below the page that lists them."""
    _, _, groups = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Read on\n")
    runbooks = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / RUNBOOKS).parent.glob("*.md"))]
    config.nav = [{"Overview": "README.md"}]
    for group, links in GROUP.findall(groups):
        pages = [(title, target) for title, target, _ in LINK.findall(links)]
        config.nav.append({group: [{title: runbooks if target == RUNBOOKS else target} for title, target in pages]})
    config.mdx_configs["toc"]["slugify"] = anchor


def on_files(_: Files, config: MkDocsConfig) -> Files:
    """Take the pages from the whole repository, by their paths in it."""
    found = sorted({path for pattern in FILES for path in ROOT.glob(pattern) if path.is_file()})
    return Files(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)) for path in found)


def on_page_markdown(markdown: str, page: Page, files: Files, **_: object) -> str:
    """Write the page as MkDocs reads it."""
    folder = (ROOT / page.file.src_uri).parent

    def linked(link: re.Match[str]) -> str:
        """Replace a link to a file of the repository that is not part of the site by its text."""
        target = (folder / link[2]).resolve()
        inside = target.exists() and target.is_relative_to(ROOT)
        return link[1] if inside and target.relative_to(ROOT).as_posix() not in files.src_uris else link[0]

    markdown = LINK.sub(linked, markdown)
    markdown = CODE_IN_CELL.sub(lambda code: code[0].replace("\\|", "|"), markdown)
    return BLOCK_IN_LIST.sub(lambda block: "\n" + textwrap.indent(textwrap.dedent(block[0]), "    "), markdown)

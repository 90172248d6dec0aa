"""`.gitattributes` marks everything that a tool writes, and nothing else."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from grafana.build import FOLDER as DASHBOARDS
from tests._records import FOLDER as RECORDS
from tools.alerting import detection, manifest, mutate, scorecard
from tools.alerting.reference import OVER_FILE
from tools.alerting.rulefiles import RULES
from tools.gendocs import DOCS, PAGES
from tools.pictures import IMAGES

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[1]
PARTLY = "permissions.md"
"""Written by hand, but for one table."""
HEAD = re.compile(r"(?i)\b(?:auto)?generated (?:from|by) |\bwritten by `make |\bwrites this page\b")


def git(*command: str) -> list[str]:
    listing = ["git", "-c", "safe.directory=*", *command]
    return subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True, timeout=30).stdout.splitlines()


def names(paths: Iterable[Path]) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in paths}


FILES = git("ls-files", "--cached", "--others", "--exclude-standard")


def marked() -> set[str]:
    said = git("check-attr", "linguist-generated", "--", *FILES)
    return {line.split(": linguist-generated: ")[0] for line in said if line.endswith(": set")}


def test_what_a_tool_writes_is_marked_and_nothing_else_is() -> None:
    pages = [DOCS / name for name in PAGES if name != PARTLY]
    single = [
        detection.MEASURED,
        detection.PAGE,
        manifest.GOOGLE_MANIFEST,
        manifest.MANIFEST,
        OVER_FILE,
        mutate.REPORT,
        scorecard.PAGE,
        DOCS / "benchmarks.md",
    ]
    many = [
        *DASHBOARDS.glob("*.json"),
        *RECORDS.glob("*.json"),
        *RULES.glob("*.yml"),
        *IMAGES.glob("*.png"),
        *ROOT.glob("requirements/*.txt"),
    ]

    assert marked() == names([*pages, *single, *many])


def test_a_file_that_says_that_it_is_generated_is_marked() -> None:
    text = [name for name in FILES if Path(name).suffix in {".md", ".yml", ".yaml", ".txt", ".json", ".toml"}]
    saying = {name for name in text if HEAD.search("\n".join((ROOT / name).read_text("utf-8").splitlines()[:6]))}

    assert saying
    assert saying - marked() == set()

"""The documentation as a site: what `make site` builds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.shipped.alerts import alert_of

ROOT = Path(__file__).parents[1]
# What a browser fetches by itself, in contrast to a link that a reader follows.
FETCHED = re.compile(
    r"""<(?:script|img|source|iframe)\b[^>]*\bsrc(?:set)?=["']?(?:https?:)?//"""
    r"""|<link\b[^>]*\brel="?(?:stylesheet|icon|preload|preconnect)\b[^>]*\bhref="?(?:https?:)?//"""
    r"""|@import|url\(["']?(?:https?:)?//"""
)


def _build(folder: Path, config: Path = ROOT / "mkdocs.yml") -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--config-file",
        str(config),
        "--site-dir",
        str(folder),
    ]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=100, env=environment)


@pytest.fixture(name="site", scope="module")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = _build(folder)
    assert done.returncode == 0, done.stderr
    return folder


def _page(site: Path, source: str) -> str:
    return (site / source.removesuffix(".md") / "index.html").read_text(encoding="utf-8")


def test_every_page_of_the_documentation_is_in_the_site_and_its_navigation(site: Path) -> None:
    sources = [*ROOT.glob("docs/*.md"), *ROOT.glob("alerts/runbooks/Orchestration*.md"), ROOT / "CONTRIBUTING.md"]
    names = [source.relative_to(ROOT).with_suffix("").as_posix() for source in sources]
    overview = (site / "index.html").read_text(encoding="utf-8")

    assert [name for name in names if not (site / name / "index.html").is_file()] == []
    assert [name for name in names if f'<a href="{name}/" class="md-nav__link"' not in overview] == []


def test_a_page_loads_nothing_from_another_host(site: Path) -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in [*site.rglob("*.html"), *site.rglob("*.css")]}

    assert texts
    assert {path.name: FETCHED.findall(text) for path, text in texts.items() if FETCHED.search(text)} == {}


def test_a_block_stays_in_its_list(site: Path) -> None:
    runbook = _page(site, f"alerts/runbooks/{alert_of('stuck').runbook}")
    mitigation = runbook.partition('<h2 id="mitigation">')[2]

    assert mitigation.partition("</ol>")[0].count("<pre>") > 1
    assert "```" not in runbook


def test_a_pipe_in_a_cells_code_is_a_pipe(site: Path) -> None:
    assert "[--format table|json|metrics]" in (site / "index.html").read_text(encoding="utf-8")


def test_a_link_to_a_file_outside_the_site_is_text(site: Path) -> None:
    assert 'href="../../alerts/rules"' not in _page(site, "docs/alerts.md")
    assert "../alerts/rules" in (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("link", ["[a](no-such-page.md)", "[a](web.md#no-such-heading)"], ids=["page", "heading"])
def test_a_broken_link_fails_the_build(link: str, tmp_path: Path) -> None:
    for name in ("mkdocs.yml", "README.md", "tools/site.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "README.md").write_text(
        "# R\n\n## Read on\n\n- **Use**: [A](docs/a.md) · [Web](docs/web.md)\n", "utf-8"
    )
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/web.md").write_text("# Web\n", "utf-8")
    (tmp_path / "docs/a.md").write_text(f"# A\n\n{link}\n", "utf-8")

    done = _build(tmp_path / "site", tmp_path / "mkdocs.yml")

    assert done.returncode == 1
    assert "Aborted with 1 warnings in strict mode" in done.stdout + done.stderr

"""Write the pages under docs/ that follow from the code, and what follows from the register of alerts: `make docs`."""

from __future__ import annotations

from pathlib import Path

from exporter.config.reference import reference_markdown
from exporter.metrics.reference import markdown
from exporter.sources.refusals import markdown as refusals_markdown
from tools.alerting.derived import PARTS
from tools.alerting.detection import page as notifications_markdown
from tools.alerting.reference import OVER_FILE, alerts_markdown, over_yaml
from tools.alerting.scorecard import current_page
from tools.records_page import records_markdown
from tools.types_page import types_markdown

DOCS = Path(__file__).parents[1] / "docs"
REFUSALS = "<!-- The table of exporter/sources/refusals.py, by `make docs`. -->"


def permissions_markdown() -> str:
    """The page about permissions as it is written by hand, with the table of refusals below its mark."""
    written, mark, _ = (DOCS / "permissions.md").read_text(encoding="utf-8").partition(REFUSALS)
    return f"{written}{mark}\n\n{refusals_markdown()}\n"


PAGES = {
    "alerts.md": alerts_markdown,
    "configuration.md": reference_markdown,
    "metrics.md": markdown,
    "notifications.md": notifications_markdown,
    "permissions.md": permissions_markdown,
    "records.md": records_markdown,
    "scorecard.md": current_page,
    "types.md": types_markdown,
}


def main() -> None:
    """Write every page and part, and say which changed. The parts first: docs/alerts.md reads the runbooks."""
    OVER_FILE.write_text(over_yaml(), encoding="utf-8")
    for part in PARTS:
        text = part.renewed()
        if part.path.read_text(encoding="utf-8") != text:
            part.path.write_text(text, encoding="utf-8")
            print(f"wrote {part.path.relative_to(DOCS.parent)}")
    for name, make in PAGES.items():
        page, text = DOCS / name, make()
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")
            print(f"wrote docs/{name}")


if __name__ == "__main__":
    main()

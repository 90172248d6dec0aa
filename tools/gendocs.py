"""Write the pages under docs/ that follow from the code: `make docs`."""

from __future__ import annotations

from pathlib import Path

from exporter.config.reference import reference_markdown
from exporter.metrics import markdown
from tools.alerting.detection import page as notifications_markdown
from tools.alerting.reference import alerts_markdown
from tools.alerting.scorecard import current_page

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {
    "alerts.md": alerts_markdown,
    "configuration.md": reference_markdown,
    "metrics.md": markdown,
    "notifications.md": notifications_markdown,
    "scorecard.md": current_page,
}


def main() -> None:
    """Write every page, and say which changed."""
    for name, make in PAGES.items():
        page, text = DOCS / name, make()
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")
            print(f"wrote docs/{name}")


if __name__ == "__main__":
    main()

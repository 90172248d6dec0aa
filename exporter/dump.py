"""Writing out what comes with the exporter, its links pointed at where the reader's runbooks and dashboards are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.assets import assets
from exporter.errors import RefusedError
from exporter.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RUNBOOK_BASE = "https://runbooks.example.com/orchestration-exporter"
DASHBOARD_BASE = "https://grafana.example.com"
"""What the shipped files say, to be replaced; `bases` does."""

KINDS: Mapping[str, str] = {
    "rules": "alerts/rules",
    "runbooks": "alerts/runbooks",
    "alertmanager": "alerts/alertmanager",
    "dashboards": "grafana/dashboards",
}


class DumpError(RefusedError):
    """The files cannot be written; the message names what is in the way, and what to do."""


@dataclass(frozen=True, slots=True)
class Bases:
    """Where runbooks and dashboards are served; None leaves the shipped placeholder."""

    runbooks: str | None = None
    dashboards: str | None = None

    def apply(self, text: str) -> str:
        """The text with its links pointed there."""
        for placeholder, base in ((RUNBOOK_BASE, self.runbooks), (DASHBOARD_BASE, self.dashboards)):
            if base is not None:
                text = text.replace(placeholder, base.rstrip("/"))
        return text


def dump(kind: str, folder: Path, bases: Bases, *, force: bool) -> tuple[Path, ...]:
    """Write the files of this kind (a key of KINDS) below `folder`, and say which.

    Without `force`, files that are there already are left alone and nothing is written. Raises DumpError, AssetsError.
    """
    source = assets(KINDS[kind])
    files = {folder / file.relative_to(source): file for file in sorted(source.rglob("*")) if file.is_file()}
    present = [target for target in files if target.exists()]
    if present and not force:
        raise DumpError(f"{present[0]}: is there already; take an empty folder, or --force to replace what is there")
    try:
        for target, file in files.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(target, bases.apply(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise DumpError(f"{error.filename or folder}: cannot be written: {error.strerror or error}") from error
    return tuple(files)

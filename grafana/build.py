"""The dashboards' source: `python -m grafana.build` writes grafana/dashboards/*.json, `--check` says what is stale."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.exporter_itself import exporter_itself
from grafana.frame import dashboard
from grafana.overview import overview
from grafana.phase import phase
from grafana.reconciliation import reconciliation

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER: Final = Path(__file__).parent / "dashboards"


def built() -> Mapping[str, str]:
    """Every dashboard's file name and JSON."""
    boards = (overview(), phase(), reconciliation(), exporter_itself())
    return {
        f"{board.uid}.json": json.dumps(dashboard(board), cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"
        for board in boards
    }


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file is not what would be written.")
def main(*, check: bool) -> None:
    """Write grafana/dashboards/*.json."""
    files = built()
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    stale = sorted(name for name in files.keys() | there.keys() if files.get(name) != there.get(name))
    for name in stale:
        click.echo(f"{'stale' if check else 'wrote'} grafana/dashboards/{name}")
        if check:
            continue
        if name in files:
            (FOLDER / name).write_text(files[name], encoding="utf-8")
        else:
            (FOLDER / name).unlink()
    if check and stale:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

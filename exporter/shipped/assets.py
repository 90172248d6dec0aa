"""The files that come with the exporter beside its code: rules, runbooks, Alertmanager configuration, dashboards."""

from __future__ import annotations

from pathlib import Path

from exporter.messages.errors import RefusedError

PACKAGE = Path(__file__).parents[1]


class AssetsError(RefusedError):
    """A folder that should have been shipped is not there; the message names it."""


def assets(name: str) -> Path:
    """The folder of that name (`alerts/rules`): in the installed package, or in the checkout it is run from.

    Raises AssetsError.
    """
    for folder in (PACKAGE / "_assets" / name, PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise AssetsError(f"{name} did not come with this installation; install it again, or name a folder")

"""The link to a processor's logs: a template of an address, with placeholders for what differs.

The configuration fills in what is known when it is loaded; the time window (`WINDOW`) is known when somebody asks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from exporter.config.wording import describe, did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

OF_JOB: Final = ("job", "region")
"""Placeholders that only a processor with a `job` can fill."""
WINDOW: Final = ("from", "to")
"""Placeholders of the time window, filled with RFC 3339 times in UTC."""
PLACES: Final = ("project", "pipeline", "phase", "processor", *OF_JOB, *WINDOW)

_PLACE = re.compile(r"\{([^{}]*)\}")


def cloud_logging(kind: str) -> str:
    """The template of the link to the logs of a Cloud Run `service` or `job` in Cloud Logging."""
    resource, label = ("cloud_run_revision", "service_name") if kind == "service" else ("cloud_run_job", "job_name")
    return (
        "https://console.cloud.google.com/logs/query;query="
        f"resource.type%3D%22{resource}%22%0Aresource.labels.{label}%3D%22{{job}}%22%0A"
        "timestamp%3E%3D%22{from}%22%0Atimestamp%3C%3D%22{to}%22?project={project}"
    )


def parse_link(value: object) -> str:
    """A template of a link. Raises ValueError."""
    if not isinstance(value, str) or not re.match(r"https?://\S", value):
        raise ValueError(f"must be an address that begins with https:// or http://, not {describe(value)}")
    for name in places_of(value):
        if name not in PLACES:
            meant = did_you_mean(name, PLACES)
            raise ValueError(f"{describe(f'{{{name}}}')} is no placeholder{meant}: use {listed(_braced(PLACES))}")
    if re.search(r"[{}]", _PLACE.sub("", value)):
        raise ValueError(f"{describe(value)} has a brace without its counterpart: write other braces as %7B and %7D")
    if re.search(r"[\s\x00-\x1f\x7f]", value):
        raise ValueError(f"{describe(value)} has white space: write it as %20 or %0A")
    return value


def places_of(template: str) -> list[str]:
    """The names in braces of a template."""
    return _PLACE.findall(template)


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with these values, escaped for an address; other placeholders stay."""
    return _PLACE.sub(
        lambda found: quote(values[found[1]], safe="", errors="replace") if found[1] in values else found[0], template
    )


def _braced(names: tuple[str, ...]) -> list[str]:
    return [f"{{{name}}}" for name in names]

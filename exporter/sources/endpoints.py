"""Reads the environment variables that name local servers in place of Google's.

`FIRESTORE_EMULATOR_HOST` is `host:port` and `BIGQUERY_EMULATOR_HOST` a URL, as Google's own tools read them. Each may
also have the other's form; an ambiguous value is a configuration error.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from exporter.config.errors import ConfigError, Fault
from exporter.config.wording import quote

if TYPE_CHECKING:
    from urllib.parse import SplitResult

FIRESTORE: Final = "FIRESTORE_EMULATOR_HOST"
BIGQUERY: Final = "BIGQUERY_EMULATOR_HOST"

_SCHEMED: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HOST: Final = re.compile(r"[A-Za-z0-9_.-]+|[0-9A-Fa-f:.]+")


def firestore_endpoint() -> str | None:
    """The `host:port` of the local Firestore, if one is named. Raises ConfigError."""
    found = _read(FIRESTORE, "host:port, as in 127.0.0.1:8080")
    if found is None:
        return None
    if found.scheme == "https":
        raise _fault(FIRESTORE, "names https, and a local Firestore is spoken to without encryption: write host:port")
    if found.path:
        raise _fault(FIRESTORE, f"has a path, {quote(found.path)}: write host:port, as in 127.0.0.1:8080")
    return found.netloc


def bigquery_endpoint() -> str | None:
    """The URL of the local BigQuery, without a slash at its end, if one is named. Raises ConfigError."""
    found = _read(BIGQUERY, "a URL, as in http://127.0.0.1:9050")
    return None if found is None else f"{found.scheme}://{found.netloc}{found.path}"


def _read(name: str, form: str) -> SplitResult | None:
    text = os.environ.get(name, "").strip()
    if not text:
        return None
    schemed = _SCHEMED.match(text)
    try:
        found = urlsplit((text if schemed else f"http://{text}").rstrip("/"))
        port = found.port
    except ValueError:
        raise _fault(name, f"has no port that can be used: write {form}") from None
    if found.username is not None:
        raise _fault(name, f"holds a user or a password, and a local server takes none: write {form}")
    if found.scheme not in {"http", "https"}:
        raise _fault(name, f"names the scheme {quote(found.scheme)}: write {form}")
    if not found.hostname or not _HOST.fullmatch(found.hostname) or found.query or found.fragment:
        raise _fault(name, f"names no host: {quote(text)}; write {form}")
    if port is None and not (schemed and name == BIGQUERY):
        raise _fault(name, f"has no port: {quote(text)}; write {form}")
    return found


def _fault(name: str, message: str) -> ConfigError:
    return ConfigError((Fault("", message, name),))

"""`python -m exporter.health [URL]`: a container's health check, which needs no shell, no curl, only the stdlib."""

from __future__ import annotations

import http.client
import ssl
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from exporter.messages.secrets import masked

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_URL = "http://127.0.0.1:9189/-/healthy"
TIMEOUT_SECONDS = 4.0


def problem(url: str, timeout: float = TIMEOUT_SECONDS) -> str | None:
    """What is wrong with the exporter at `url`, or None if it answers 200 within `timeout` seconds."""
    try:
        connection, path = _connection(url, timeout)
    except ValueError as error:
        return str(error)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except (OSError, ValueError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
    return None if status == http.HTTPStatus.OK else f"status {status}"


def _connection(url: str, timeout: float) -> tuple[http.client.HTTPConnection, str]:
    parts = urlsplit(url)
    if parts.hostname is None or parts.scheme not in {"http", "https"}:
        raise ValueError("not an http or https address")
    path = parts.path or "/"
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout), path
    # Any certificate will do: the exporter asks itself, and its certificate names the host, not the loopback.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout, context=context), path


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 if the exporter is healthy, 1 if not, with the reason on standard error."""
    url = next(iter(sys.argv[1:] if arguments is None else arguments), DEFAULT_URL)
    reason = problem(url)
    if reason is not None:
        sys.stderr.write(masked(f"{url}: {reason}\n"))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

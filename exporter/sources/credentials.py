"""Finds and refreshes the credentials of this machine or its user, at a place where errors still have their type.

By default the transports refresh credentials in the middle of a call. gRPC then turns google-auth's error into a text
that contains the token endpoint's answer, and does so only after it has connected. A credentials file that google-auth
cannot read then looks like a broken connection or a senseless answer.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import google.auth
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from exporter.sources.errors import CallFailed, fault_of_credentials

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.auth.credentials import Credentials

_SECONDS: Final = 10.0
"""Seconds for one request for a token; the library's own default is two minutes."""


def find(scopes: Sequence[str], *, self_signed: bool = False) -> Credentials:
    """The Application Default Credentials. Raises CallFailed, whose fault says what is wrong with them.

    `self_signed`: with a key, sign the tokens here instead of asking for them (https://google.aip.dev/auth/4111).
    """
    try:
        found: Credentials = google.auth.default(scopes=list(scopes), request=_request())[0]
    except Exception as error:
        raise CallFailed(fault_of_credentials(error)) from error
    if self_signed and isinstance(found, service_account.Credentials):
        found = found.with_always_use_jwt_access(True)  # noqa: FBT003 - the library's signature
    return found


def refresh(credentials: Credentials) -> None:
    """Get a token, unless there is one that is valid for some minutes more. Raises CallFailed with the reason."""
    if credentials.valid:
        return
    try:
        credentials.refresh(_request())
    except Exception as error:
        raise CallFailed(fault_of_credentials(error)) from error


def _request() -> Any:  # noqa: ANN401 - a Request, as far as google-auth is concerned
    return partial(Request(), timeout=_SECONDS)

"""Credentials of this machine or its user, found and kept fresh where an error can still be told by its type.

Left to themselves, the transports refresh credentials in the middle of a call. gRPC then makes a text of google-auth's
error, with the token endpoint's answer in it, and only once it is connected. An error of a file that google-auth cannot
read looks like a broken connection or a senseless answer there.
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
"""For one request for a token; the library's own default is two minutes."""


def find(scopes: Sequence[str], *, self_signed: bool = False) -> Credentials:
    """The Application Default Credentials. Raises CallFailed, which says what is wrong with them.

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
    """Get a token, if there is none that is good for some minutes more. Raises CallFailed, which says why not."""
    if credentials.valid:
        return
    try:
        credentials.refresh(_request())
    except Exception as error:
        raise CallFailed(fault_of_credentials(error)) from error


def _request() -> Any:  # noqa: ANN401 - a Request, as far as google-auth is concerned
    return partial(Request(), timeout=_SECONDS)

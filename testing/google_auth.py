"""Real credentials files for Google's library, and a local server in place of the token endpoints."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Self

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from exporter.emulators.bigquery.loopback import Answer, Call, LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

PROVIDER = "//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/pool/providers/provider"
SECRET = "s3cr3t-that-nobody-may-see"
"""Secrets that tests search for in messages."""
CLOSED = "http://127.0.0.1:1"


class TokenServer:
    """Gives each path the requested answer, and an empty 404 otherwise. A context manager."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self._server = LoopbackServer(self._answer)

    @property
    def address(self) -> str:
        return self._server.address

    def answer(self, path: str, status: int, content: object, **headers: str) -> str:
        """Set the answer of this path, and return its URL. A mapping is sent as JSON."""
        body = content if isinstance(content, str) else json.dumps(content)
        kind = "text/plain" if isinstance(content, str) else "application/json"
        self.answers[path] = Answer(status, body.encode(), kind, headers)
        return f"{self.address}{path}"

    def _answer(self, call: Call) -> Answer:
        return self.answers.get(call.target.partition("?")[0], Answer(404, b"", "text/plain"))

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.stop()


@cache
def private_key() -> str:
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def service_account(token_url: str, **more: object) -> dict[str, Any]:
    """The content of a service account's key file."""
    return {
        "type": "service_account",
        "project_id": "test-project",
        "private_key_id": "1",
        "private_key": private_key(),
        "client_email": "exporter@test-project.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": token_url,
        **more,
    }


def federation(source: Mapping[str, Any], token_url: str = CLOSED, **more: object) -> dict[str, Any]:
    """The content of a workload identity federation's configuration file."""
    return {
        "type": "external_account",
        "audience": PROVIDER,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": token_url,
        "credential_source": source,
        **more,
    }


def error_info(reason: str, domain: str = "googleapis.com", **metadata: str) -> dict[str, Any]:
    """A `google.rpc.ErrorInfo` as the REST APIs write it."""
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": domain,
        "metadata": metadata,
    }


def rest_error(status: int, message: str, details: list[Any], *, reason: str = "forbidden") -> dict[str, Any]:
    """The body of an error of Google's REST APIs."""
    error = {"message": message, "domain": "global", "reason": reason}
    name = "UNAUTHENTICATED" if status == 401 else "PERMISSION_DENIED"
    return {"error": {"code": status, "message": message, "errors": [error], "status": name, "details": details}}

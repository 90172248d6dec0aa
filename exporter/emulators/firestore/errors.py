"""The one error that ends a call: a gRPC status code and a message for whoever made it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from grpc import StatusCode

if TYPE_CHECKING:
    from exporter.emulators.firestore.messages import Message


class CallError(Exception):
    """The call ends with this status.

    Attributes:
        code: the client library turns it into its own exception (`NOT_FOUND` becomes
            `google.api_core.exceptions.NotFound`).
        message: names what is wrong.
        details: messages of google.rpc that say more, such as an `ErrorInfo`.

    """

    def __init__(self, code: StatusCode, message: str, details: Sequence["Message"] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details


def invalid(message: str) -> CallError:
    """The request itself is wrong, whatever is stored."""
    return CallError(StatusCode.INVALID_ARGUMENT, message)


def unimplemented(what: str) -> CallError:
    """The request needs a feature of Firestore that this server lacks."""
    return CallError(StatusCode.UNIMPLEMENTED, f"the local Firestore does not implement {what}")

"""Asks a running exporter for its report, as `check --from URL` does."""

from __future__ import annotations

import threading
import warnings
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth
from urllib3.exceptions import InsecureRequestWarning

from exporter import __version__
from exporter.messages.errors import UnavailableError
from exporter.present.transfer import TransferError, read_report

if TYPE_CHECKING:
    from exporter.present.transfer import Transferred
    from exporter.web.http_config import HttpConfig

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 30.0
"""Seconds without a byte."""

WHOLE_SECONDS: Final = 60.0
"""Seconds for all of it: what answers a byte at a time would be waited for without end."""

MOST_BYTES: Final = 256 * 1024 * 1024
"""The longest answer, unpacked: a thousand processors make 30 MiB."""

_OK: Final = 200
_HELP: Final = {
    401: "it asks for a user: give `basic_auth` in the file of --http.config.file",
    403: "this user may not read the report, or something on the way forbids it",
    404: f"it has no /api/v1/report: it is no exporter, or one older than this command ({__version__})",
    429: "too many requests: ask again in a minute",
}


class ExporterError(UnavailableError):
    """The exporter cannot be asked. The message names its address, what happened and what to do."""


class _Header(AuthBase):
    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._value
        return request


class _NamedAdapter(HTTPAdapter):
    """Expects this name in the server's certificate, whatever the address says."""

    def __init__(self, name: str) -> None:
        self._name = name
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - handed on as they are
        """The pool of connections, which sends the name and compares it."""
        super().init_poolmanager(*args, **kwargs, server_hostname=self._name, assert_hostname=self._name)


def ask(url: str, config: HttpConfig) -> Transferred:
    """The report of the exporter at `url`. Raises ExporterError, and HttpConfigError for a file that it names."""
    try:
        return read_report(_in_time(url, config))
    except TransferError as error:
        if error.version is None:
            raise ExporterError(f"{url}: what answers is no orchestration-exporter: is the address right?") from error
        message = (
            f"{url}: the exporter has version {error.version} and this command {__version__}, and their reports differ:"
            " use the command of the exporter's own version, for example in its container"
        )
        raise ExporterError(message) from error


def _in_time(url: str, config: HttpConfig) -> bytes:
    answer: Future[bytes] = Future()

    def fetch() -> None:
        try:
            answer.set_result(_fetched(url, config))
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is awaited
            answer.set_exception(error)

    threading.Thread(target=fetch, name="ask", daemon=True).start()
    try:
        return answer.result(WHOLE_SECONDS)
    except TimeoutError:
        raise ExporterError(f"{url}: no whole answer in {WHOLE_SECONDS:g} s: is that the exporter's address?") from None


def _fetched(url: str, config: HttpConfig) -> bytes:
    tls = config.tls_config
    with requests.Session() as session, warnings.catch_warnings():
        # The user asked for it with insecure_skip_verify.
        warnings.simplefilter("ignore", InsecureRequestWarning)
        if tls.server_name:
            session.mount("https://", _NamedAdapter(tls.server_name))
        try:
            with session.get(
                f"{url.rstrip('/')}/api/v1/report",
                auth=_auth(config),
                verify=tls.trusted,
                cert=tls.certificate,
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
                allow_redirects=False,
                stream=True,
            ) as answer:
                return _content(url, answer)
        except requests.exceptions.SSLError as error:
            message = f"{url}: no trust: {_reason(error)}; see `tls_config` in docs/web.md (--http.config.file)"
            raise ExporterError(message) from error
        except requests.exceptions.Timeout as error:
            raise ExporterError(f"{url}: no answer in time: does the exporter run there?") from error
        except (requests.exceptions.RequestException, OSError) as error:
            raise ExporterError(f"{url}: unreachable: {_reason(error)}: does the exporter run there?") from error


def _content(url: str, answer: requests.Response) -> bytes:
    if answer.status_code != _OK:
        said = _HELP.get(answer.status_code, "is that the exporter's address?")
        raise ExporterError(f"{url}: refused with status {answer.status_code}: {said}")
    content = bytearray()
    for piece in answer.iter_content(1024 * 1024):
        content += piece
        if len(content) > MOST_BYTES:
            raise ExporterError(f"{url}: it answers more than {MOST_BYTES} bytes: is that the exporter's address?")
    return bytes(content)


def _reason(error: BaseException) -> str:
    """The innermost reason: urllib3 wraps it in errors that repeat the address."""
    while isinstance(inner := _inside(error), BaseException):
        error = inner
    return str(inner or getattr(error, "strerror", None) or error)


def _inside(error: BaseException) -> object:
    first = error.args[0] if error.args else None
    return getattr(error, "reason", None) or (first if isinstance(first, BaseException) else error.__context__)


def _auth(config: HttpConfig) -> AuthBase | None:
    if config.basic_auth:
        return HTTPBasicAuth(config.basic_auth.username, config.basic_auth.secret)
    return _Header(config.authorization.header) if config.authorization else None

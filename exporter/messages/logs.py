"""Logs: one line for each event, logfmt or JSON, on standard error, for libraries' logs as well.

Logged texts can come from outside (a document's text, an error that quotes a request). So control characters are
escaped, which keeps each event on one line, long texts are cut, and secrets are hidden (`secrets.py`).
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import re
import sys
import threading
from typing import TYPE_CHECKING, Any, Final, Literal, TextIO

import structlog

from exporter.messages.printable import escaped
from exporter.messages.secrets import HIDDEN, masked, names_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from structlog.typing import EventDict, Processor, WrappedLogger

Format = Literal["logfmt", "json"]

LEVELS: Final[Mapping[str, int]] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}

_LIBRARIES: Final = ("apscheduler", "asyncio", "google", "grpc", "urllib3", "uvicorn")
"""Libraries whose info messages are meant for their own developers; they are shown at debug level only."""

_MOST_CHARACTERS: Final = 16 * 1024
_DEEPEST: Final = 6

_BARE: Final = re.compile(r'[^\s="\\]+')
_LOGFMT_KEY: Final = re.compile(r"[^\w.-]", re.ASCII)
_ORDER: Final = ("timestamp", "level", "logger", "event")


def configure(level: str, log_format: Format, stream: TextIO | None = None) -> None:
    """Send all logs of the process from `level` (see LEVELS) on to `stream` (standard error), in this format.

    An uncaught exception of any thread is such a line as well.
    """
    shared: list[Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _render(_RENDERERS[log_format])],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    quiet = logging.INFO if level == "debug" else max(LEVELS[level], logging.WARNING)
    for name in _LIBRARIES:
        library = logging.getLogger(name)
        library.setLevel(quiet)
        # Google's libraries suppress their logs unless a level is set when they are imported.
        library.propagate = True
    logging.captureWarnings(capture=True)
    # Replace only Python's own hooks: a program around this one may have set others.
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _uncaught
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _uncaught_elsewhere
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _uncaught_elsewhere


class _Handler(logging.StreamHandler[TextIO]):
    """A handler that only names a record that it cannot write; the standard one prints all its arguments."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Report which call of the logger failed, and how."""
        kind, error, _ = sys.exc_info()
        with contextlib.suppress(OSError, ValueError):
            said = masked(f"{kind and kind.__name__}: {error}", _MOST_CHARACTERS)
            line = f"log record of {record.pathname}:{record.lineno} cannot be written: {said}"
            self.stream.write(f"{escaped(line)}\n")


def _uncaught(kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None) -> None:
    """The hook that Python calls with an uncaught exception, instead of printing it."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error or kind(), traceback)
        return
    structlog.get_logger(__name__).critical("exception that nothing caught", exc_info=(kind, error, traceback))


def _uncaught_elsewhere(failed: threading.ExceptHookArgs | sys.UnraisableHookArgs) -> None:
    """The hook for a thread's uncaught exception, and for one that is raised while an object is destroyed."""
    _uncaught(failed.exc_type, failed.exc_value, failed.exc_traceback)


def _render(write: Callable[[dict[str, Any]], str]) -> Processor:
    def render(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
        ordered = {key: event[key] for key in _ORDER if key in event} | dict(event)
        return write({str(key): _safe(str(key), value) for key, value in ordered.items()})

    return render


def _json(event: Mapping[str, Any]) -> str:
    return escaped(json.dumps(event, ensure_ascii=False))


def _logfmt(event: Mapping[str, Any]) -> str:
    return " ".join(f"{_LOGFMT_KEY.sub('_', key)}={_logfmt_value(value)}" for key, value in event.items())


def _logfmt_value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if _BARE.fullmatch(text) and text.isprintable():
        return text
    return escaped(json.dumps(text, ensure_ascii=False))


_RENDERERS: Final[Mapping[Format, Callable[[Mapping[str, Any]], str]]] = {"logfmt": _logfmt, "json": _json}


def _safe(key: str, value: object, depth: int = 0) -> object:
    """The value in a form that JSON can express, with secrets masked by the key's name or by their own form."""
    if value is not None and not isinstance(value, bool) and names_secret(key):
        return HIDDEN
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth < _DEEPEST:
        if isinstance(value, dict):
            return {masked(str(name)): _safe(str(name), item, depth + 1) for name, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [_safe(key, item, depth + 1) for item in value]
    return masked(str(value), _MOST_CHARACTERS)

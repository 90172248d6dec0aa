"""Logs: one line an event, logfmt or JSON, on standard error; libraries' logs take the same way.

What is logged can come from outside (a document's text, an error that quotes a request). So control characters are
escaped, which keeps one event on one line, long texts are cut, and what looks like a secret is masked.
"""

from __future__ import annotations

import json
import logging
import math
import re
import sys
from typing import TYPE_CHECKING, Any, Final, Literal, TextIO

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from structlog.typing import EventDict, Processor, WrappedLogger

Format = Literal["logfmt", "json"]

LEVELS: Final[Mapping[str, int]] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}

_LIBRARIES: Final = ("apscheduler", "asyncio", "google", "grpc", "urllib3", "uvicorn")
"""Libraries that tell at info level what is of use to their own developers; at debug level, they may say it."""

_MASK: Final = "***"
_MOST_CHARACTERS: Final = 16 * 1024
_DEEPEST: Final = 6

_NAMES: Final = "passw(?:or)?d|passphrase|secret|token|authorization|cookie|private[_-]?key|api[_-]?key|credential"
_SECRET_KEY: Final = re.compile(_NAMES, re.IGNORECASE)
_SECRETS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), _MASK),
    (
        re.compile(r"(authorization[\"']?\s*[:=]\s*[\"']?)(?:(?:basic|bearer)\s+)?[^\s\"',;]+", re.IGNORECASE),
        rf"\1{_MASK}",
    ),
    (re.compile(r"\b(bearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1{_MASK}"),
    (
        re.compile(
            rf"((?:{_NAMES})[\w.-]{{0,40}}[\"']?\s{{0,4}}[:=]\s{{0,4}})"
            r"(?:b?\"[^\"]*\"|b?'[^']*'|\{[^{}]*\}|\[[^\[\]]*\]|\([^()]*\)|[^\s,;&\"')\]}]+)",
            re.IGNORECASE,
        ),
        rf"\1{_MASK}",
    ),
    (re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"), _MASK),
    (re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), _MASK),
    (re.compile(r"\bya29\.[\w-]+"), _MASK),
    (re.compile(r"\bAIza[\w-]{30,}"), _MASK),
    (re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{20,}"), _MASK),
)
"""Private keys, credentials as HTTP sends them, settings by name, users in addresses; tokens, hashes by their form."""

_BARE: Final = re.compile(r'[^\s="\\]+')
_LOGFMT_KEY: Final = re.compile(r"[^\w.-]", re.ASCII)
_ORDER: Final = ("timestamp", "level", "logger", "event")


def configure(level: str, log_format: Format, stream: TextIO | None = None) -> None:
    """Send all logs of the process to `stream` (standard error): of `level` (see LEVELS) and above, in this format."""
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
    handler = logging.StreamHandler(stream or sys.stderr)
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
        # Google's libraries cut their logs off unless they find a level when they are imported.
        library.propagate = True
    logging.captureWarnings(capture=True)


def _render(write: Callable[[dict[str, Any]], str]) -> Processor:
    def render(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
        ordered = {key: event[key] for key in _ORDER if key in event} | dict(event)
        return write({str(key): _safe(str(key), value) for key, value in ordered.items()})

    return render


def _json(event: Mapping[str, Any]) -> str:
    return _escaped(json.dumps(event, ensure_ascii=False))


def _logfmt(event: Mapping[str, Any]) -> str:
    return " ".join(f"{_LOGFMT_KEY.sub('_', key)}={_logfmt_value(value)}" for key, value in event.items())


def _logfmt_value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if _BARE.fullmatch(text) and text.isprintable():
        return text
    return _escaped(json.dumps(text, ensure_ascii=False))


_RENDERERS: Final[Mapping[Format, Callable[[Mapping[str, Any]], str]]] = {"logfmt": _logfmt, "json": _json}


def _escaped(text: str) -> str:
    """JSON without what a terminal acts on, hides, or shows in another order than it is written."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else json.dumps(character)[1:-1] for character in text)


def _safe(key: str, value: object, depth: int = 0) -> object:
    """A value that JSON can express, secrets masked by the key's name or by their own form."""
    if value is not None and _SECRET_KEY.search(key):
        return _MASK
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth < _DEEPEST:
        if isinstance(value, dict):
            return {str(name): _safe(str(name), item, depth + 1) for name, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [_safe(key, item, depth + 1) for item in value]
    return masked(str(value))


def masked(text: str) -> str:
    """The text without what looks like a secret, and not longer than a log line bears."""
    cut = len(text) - _MOST_CHARACTERS
    shown = text[:_MOST_CHARACTERS]
    for pattern, replacement in _SECRETS:
        shown = pattern.sub(replacement, shown)
    return f"{shown}... ({cut} more characters)" if cut > 0 else shown

"""The web configuration file: TLS, users and headers, in the format of Prometheus's own exporters.

docs/web.md lists the keys. All faults of a file are reported at once, each with its line. No message repeats a value of
the file, because a typing error can put a password anywhere.
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

import yaml

from exporter.messages.errors import RefusedError
from exporter.web.tls import TlsError, TlsSettings, outside_validity, server_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

_KEYS: Final = {
    "": ("tls_server_config", "http_server_config", "basic_auth_users", "rate_limit"),
    "tls_server_config": (
        "cert", "cert_file", "key", "key_file", "client_ca", "client_ca_file", "client_auth_type",
        "client_allowed_sans", "min_version", "max_version", "cipher_suites", "curve_preferences",
        "prefer_server_cipher_suites",
    ),
    "http_server_config": ("http2", "headers"),
    "rate_limit": ("interval", "burst"),
}  # fmt: skip

_HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
    "Content-Security-Policy": (),
}
"""The headers that the format allows, and their valid values where these are limited."""

_BCRYPT: Final = re.compile(r"\$2[aby]\$(?:0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}")
_DURATION: Final = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h))+")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_MOST_BYTES: Final = 1024 * 1024


class WebConfigError(RefusedError):
    """The file cannot be used. The message names the file and line of every fault, and the remedy.

    `files` are those whose change may fix it.
    """

    def __init__(self, message: str, files: tuple[Path, ...]) -> None:
        super().__init__(message)
        self.files = files


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One request every `interval` seconds, `burst` of them at once."""

    interval: float
    burst: int


@dataclass(frozen=True, slots=True)
class WebConfig:
    """A web configuration, ready for use. `users` maps names to bcrypt hashes; `files` are those that it came from.

    `certificate_fault`: what is wrong with the certificate's dates.
    """

    users: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    headers: tuple[tuple[bytes, bytes], ...] = ()
    rate_limit: RateLimit | None = None
    tls: ssl.SSLContext | None = None
    http2_wanted: bool = False
    certificate_fault: str | None = None
    files: tuple[Path, ...] = ()


def load(path: Path, now: datetime | None = None) -> WebConfig:
    """Read the file and the files that it names, relative to its folder. Raises WebConfigError.

    With `now`, the certificate's dates are looked at.
    """
    try:
        content = _content(path)
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror or error}; see --web.config.file"
        raise WebConfigError(message, (path,)) from None
    except ValueError as error:
        raise WebConfigError(f"{path}: {error}", (path,)) from None
    return _Reader(path, now).config(content)


def _content(path: Path) -> bytes:
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise ValueError("is not a regular file; a pipe or a device cannot be read again when it changes")
    with path.open("rb") as stream:
        content = stream.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ValueError("is larger than 1 MiB; is it the right file?")
    return content


@dataclass(frozen=True, slots=True)
class _Entry:
    line: int
    node: yaml.Node


class _Reader:
    """Reads the file once, and collects its settings and faults."""

    def __init__(self, path: Path, now: datetime | None) -> None:
        self._path = path
        self._now = now
        self._faults: list[tuple[int, str]] = []
        self._files: list[Path] = [path]
        self._certificate_fault: str | None = None

    def config(self, content: bytes) -> WebConfig:
        """The configuration, or WebConfigError with every fault."""
        top = self._section(_Entry(1, self._parsed(content)), "")
        http = self._known(top, "http_server_config")
        config = WebConfig(
            users=self._users(top.get("basic_auth_users")),
            headers=self._headers(http.get("headers")),
            rate_limit=self._rate_limit(self._known(top, "rate_limit")),
            tls=self._tls(top.get("tls_server_config"), self._known(top, "tls_server_config")),
            http2_wanted=self._flag(http, "http2", default=True) and "http2" in http,
            certificate_fault=self._certificate_fault,
            files=tuple(self._files),
        )
        if self._faults:
            lines = [f"{self._path}:{line}: {message}" for line, message in sorted(self._faults)]
            raise WebConfigError("\n".join(lines), config.files)
        return config

    def _parsed(self, content: bytes) -> yaml.Node:
        try:
            node = yaml.compose(content, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            # PyYAML quotes the file in its messages.
            reason = re.sub(r"['\"].*['\"]", "...", error.problem or "damaged")
            raise WebConfigError(f"{self._path}:{line}: not valid YAML: {reason}", (self._path,)) from None
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
            message = f"{self._path}: not valid YAML, or not UTF-8; is it the right file?"
            raise WebConfigError(message, (self._path,)) from None
        return node or yaml.MappingNode("tag:yaml.org,2002:map", [])

    def _fault(self, line: int, message: str) -> None:
        self._faults.append((line, message))

    def _section(self, entry: _Entry | None, where: str) -> dict[str, _Entry]:
        """A mapping's entries; null or an absent key is an empty mapping."""
        if entry is None or entry.node.tag == "tag:yaml.org,2002:null":
            return {}
        if not isinstance(entry.node, yaml.MappingNode):
            self._fault(entry.line, f"{where or 'the file'} must be a mapping (key: value)")
            return {}
        entries: dict[str, _Entry] = {}
        for key, value in entry.node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self._fault(line, f"a key in {where or 'the file'} is not text")
            elif key.value in entries:
                first = entries[key.value].line
                self._fault(line, f"a key in {where or 'the file'} is there twice, first on line {first}")
            else:
                entries[key.value] = _Entry(line, value)
        if where in _KEYS:
            self._refuse_unknown(entries, where)
        return entries

    def _refuse_unknown(self, entries: Mapping[str, _Entry], where: str) -> None:
        for name, entry in entries.items():
            if name not in _KEYS[where]:
                likely = get_close_matches(name, _KEYS[where], n=1)
                hint = f"did you mean {likely[0]}?" if likely else f"known are: {', '.join(_KEYS[where])}"
                self._fault(entry.line, f"unknown key in {where or 'the file'}; {hint}")

    def _known(self, top: Mapping[str, _Entry], name: str) -> dict[str, _Entry]:
        return self._section(top.get(name), name)

    def _text(self, entries: Mapping[str, _Entry], key: str, default: str = "") -> str:
        entry = entries.get(key)
        if entry is None:
            return default
        if not isinstance(entry.node, yaml.ScalarNode):
            self._fault(entry.line, f"{key} must be text")
            return default
        return str(entry.node.value)

    def _texts(self, entries: Mapping[str, _Entry], key: str) -> tuple[str, ...]:
        entry = entries.get(key)
        if entry is None:
            return ()
        node = entry.node
        if not isinstance(node, yaml.SequenceNode) or not all(isinstance(item, yaml.ScalarNode) for item in node.value):
            self._fault(entry.line, f"{key} must be a list of texts")
            return ()
        return tuple(str(item.value) for item in node.value)

    def _flag(self, entries: Mapping[str, _Entry], key: str, *, default: bool) -> bool:
        entry = entries.get(key)
        if entry is None:
            return default
        if entry.node.tag != "tag:yaml.org,2002:bool":
            self._fault(entry.line, f"{key} must be true or false")
            return default
        return yaml.SafeLoader.bool_values[str(entry.node.value).lower()]

    def _users(self, entry: _Entry | None) -> dict[str, bytes]:
        users = self._section(entry, "basic_auth_users")
        for name, user in users.items():
            if ":" in name or not name:
                self._fault(user.line, "a user's name in basic_auth_users is empty or has a colon: choose another")
            if not isinstance(user.node, yaml.ScalarNode) or not _BCRYPT.fullmatch(str(user.node.value)):
                remedy = "make one with: htpasswd -nBC 10 ''"
                self._fault(user.line, f"a user's value in basic_auth_users is not a bcrypt hash ($2y$...); {remedy}")
        return {name: str(user.node.value).encode("utf-8", "replace") for name, user in users.items()}

    def _headers(self, entry: _Entry | None) -> tuple[tuple[bytes, bytes], ...]:
        headers: list[tuple[bytes, bytes]] = []
        entries = self._section(entry, "headers")
        for name, header in entries.items():
            value, allowed = self._text(entries, name), _HEADERS.get(name)
            if allowed is None:
                self._fault(header.line, f"unknown header; known are: {', '.join(_HEADERS)}")
            elif allowed and value.lower() not in allowed:
                self._fault(header.line, f"{name} takes {' or '.join(allowed)}")
            elif not (value.isascii() and value.isprintable()):
                self._fault(header.line, f"{name} holds characters that HTTP cannot send; use printable ASCII")
            else:
                headers.append((name.lower().encode(), value.encode()))
        return tuple(headers)

    def _rate_limit(self, entries: Mapping[str, _Entry]) -> RateLimit | None:
        text, burst = self._text(entries, "interval", "0s"), self._text(entries, "burst", "0")
        if text != "0" and not _DURATION.fullmatch(text):
            self._fault(entries["interval"].line, "interval must be a duration: 100ms, 1s, 1m30s")
            return None
        if not (burst.isascii() and burst.isdigit()):
            self._fault(entries["burst"].line, "burst must be a whole number")
            return None
        interval = sum(float(n) * _SECONDS[unit] for n, unit in re.findall(r"([\d.]+)(ms|s|m|h)", text))
        if interval and not int(burst):
            self._fault(entries["interval"].line, "an interval without a burst refuses every request; set burst")
        return RateLimit(interval, int(burst)) if interval else None

    def _tls(self, section: _Entry | None, entries: Mapping[str, _Entry]) -> ssl.SSLContext | None:
        if section is None or not entries:
            return None
        before = len(self._faults)
        settings = TlsSettings(
            cert=self._pem(section, entries, "cert", needed=True) or b"",
            key=self._pem(section, entries, "key", needed=True) or b"",
            client_ca=self._pem(section, entries, "client_ca", needed=False),
            client_auth_type=self._text(entries, "client_auth_type", "NoClientCert"),
            client_allowed_sans=self._texts(entries, "client_allowed_sans"),
            min_version=self._text(entries, "min_version", "TLS12"),
            max_version=self._text(entries, "max_version", "TLS13"),
            cipher_suites=self._texts(entries, "cipher_suites"),
            curve_preferences=self._texts(entries, "curve_preferences"),
            prefer_server_cipher_suites=self._flag(entries, "prefer_server_cipher_suites", default=True),
        )
        if len(self._faults) > before:
            return None
        try:
            context = server_context(settings)
            self._certificate_fault = outside_validity(settings, self._now) if self._now else None
        except TlsError as error:
            key = error.key if error.key in entries else f"{error.key}_file"
            line = entries[key].line if key in entries else section.line
            self._fault(line, f"tls_server_config.{key if key in entries else error.key}: {error}")
            return None
        return context

    def _pem(self, section: _Entry, entries: Mapping[str, _Entry], key: str, *, needed: bool) -> bytes | None:
        """The value of `key`, or the content of the file that `key`_file names."""
        inline, file = entries.get(key), entries.get(f"{key}_file")
        if inline and file:
            self._fault(file.line, f"{key} and {key}_file are both there; keep one")
        elif inline:
            return self._text(entries, key).encode("utf-8", "replace")
        elif file:
            return self._file(file.line, f"tls_server_config.{key}_file", self._text(entries, f"{key}_file"))
        elif needed:
            self._fault(section.line, f"tls_server_config needs {key}_file (or {key})")
        return None

    def _file(self, line: int, key: str, name: str) -> bytes | None:
        if "-----" in name or "\n" in name:
            self._fault(line, f"{key} holds a certificate or key itself; move it to {key.removesuffix('_file')}")
            return None
        path = self._path.parent / name
        self._files.append(path)
        try:
            return _content(path)
        except OSError as error:
            self._fault(line, f"{key}: {path} cannot be read: {error.strerror or error}")
        except ValueError as error:
            self._fault(line, f"{key}: {path} {error}")
        return None


def signature(files: Iterable[Path]) -> tuple[tuple[int, int, int] | None, ...]:
    """A value that changes if one of the files is changed or replaced, also by another target of a link."""
    return tuple(_signature(file) for file in files)


def _signature(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino

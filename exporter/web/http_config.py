"""The file of `--http.config.file`: how a command speaks to a running exporter.

It has the form that promtool and amtool take: `basic_auth`, `authorization`, `tls_config`. No message repeats a value
of the file, because a typing error can put a password anywhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from exporter.config.parsing import parse_yaml
from exporter.config.reading import read_file, read_text_file
from exporter.messages.errors import RefusedError


class HttpConfigError(RefusedError):
    """The file, or one that it names, cannot be used. The message lists every fault."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BasicAuth(_Strict):
    """User and password."""

    username: str
    password: str | None = None
    password_file: Path | None = None

    @property
    def secret(self) -> str:
        """The password. Raises HttpConfigError."""
        return _secret(self.password, self.password_file, "basic_auth.password")


class Authorization(_Strict):
    """Any other `Authorization` header."""

    type: str = "Bearer"
    credentials: str | None = None
    credentials_file: Path | None = None

    @property
    def header(self) -> str:
        """The header's value. Raises HttpConfigError."""
        return f"{self.type} {_secret(self.credentials, self.credentials_file, 'authorization.credentials')}"


class TlsConfig(_Strict):
    """What to trust, and the client's own certificate."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    server_name: str | None = None
    insecure_skip_verify: bool = False

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.cert_file is None) is not (self.key_file is None):
            raise ValueError("cert_file and key_file belong together: give both or neither")
        return self

    @property
    def trusted(self) -> bool | str:
        """The file of trusted authorities; True: the system's; False: anybody. Raises HttpConfigError."""
        if self.insecure_skip_verify:
            return False
        return _readable(self.ca_file, "tls_config.ca_file") if self.ca_file else True

    @property
    def certificate(self) -> tuple[str, str] | None:
        """The files of the client's certificate and key, if it has one. Raises HttpConfigError."""
        if self.cert_file is None or self.key_file is None:
            return None
        return _readable(self.cert_file, "tls_config.cert_file"), _readable(self.key_file, "tls_config.key_file")


class HttpConfig(_Strict):
    """How to speak to the exporter."""

    basic_auth: BasicAuth | None = None
    authorization: Authorization | None = None
    tls_config: TlsConfig = TlsConfig()

    @model_validator(mode="after")
    def _one_user(self) -> Self:
        if self.basic_auth and self.authorization:
            raise ValueError("basic_auth and authorization exclude each other: give one of them")
        return self


def config_of(path: Path | None) -> HttpConfig:
    """The configuration in the file, or the default without one. Raises HttpConfigError."""
    return read_http_config(path) if path else HttpConfig()


def read_http_config(path: Path) -> HttpConfig:
    """Read the file; other files that it names are relative to its folder. Raises HttpConfigError."""
    try:
        config = HttpConfig.model_validate(parse_yaml(read_text_file(path)) or {})
    except OSError as error:
        raise HttpConfigError(f"{path}: cannot be read: {error.strerror}; see --http.config.file") from error
    except (UnicodeDecodeError, yaml.YAMLError):
        raise HttpConfigError(f"{path}: no valid YAML; see --http.config.file") from None
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        said = [f"{path}: {'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}" for fault in faults]
        raise HttpConfigError("\n".join(said)) from None
    return _resolved(config, path.parent)


def _resolved(config: HttpConfig, folder: Path) -> HttpConfig:
    """The configuration with every path below the folder of its file."""
    changed = {
        name: section.model_copy(update={key: folder / value for key, value in section if isinstance(value, Path)})
        for name, section in config
        if isinstance(section, BaseModel)
    }
    return config.model_copy(update=changed)


def _secret(value: str | None, file: Path | None, name: str) -> str:
    if value is not None:
        return value
    if file is None:
        raise HttpConfigError(f"--http.config.file: give {name} or {name}_file")
    try:
        return read_text_file(Path(_readable(file, f"{name}_file"))).strip()
    except UnicodeDecodeError as error:
        raise HttpConfigError(f"--http.config.file: {name}_file: {file} is not UTF-8") from error


def _readable(file: Path, name: str) -> str:
    try:
        read_file(file)
    except OSError as error:
        raise HttpConfigError(f"--http.config.file: {name}: {file} cannot be read: {error.strerror}") from error
    return str(file)

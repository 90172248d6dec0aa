"""The two kinds of errors that end a command, each with its exit code. Their message is for the user.

RefusedError        64: what was asked for, or a file it names, cannot be used
├── AssetsError, ConfigError, DumpError, IncidentError, WebConfigError
UnavailableError    69: it cannot be done here and now
└── EmulatorError, LedgerInUseError, ListenError, LocalSourcesError, WatchError
"""

from __future__ import annotations


class RefusedError(Exception):
    """The request, or a file that it names, cannot be used."""


class UnavailableError(Exception):
    """The request cannot be done now: something is missing, taken or broken on this machine."""

"""Limits the number of connections, in total and for each client address.

A connection that waits for a client gives way to a new one: the oldest of the same address, or of the address that has
the most. So a client that only opens connections cannot keep others out.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Final, Protocol

from exporter.metrics.telemetry import Refusal

if TYPE_CHECKING:
    from exporter.web.refusals import Refusals

MOST: Final = 768
"""Connections in all. Under a limit of open files below the usual 1024 there are fewer (handles.py)."""

MOST_OF_A_CLIENT: Final = 256
"""Connections from one address; behind a proxy, all clients have its address."""

RESERVE: Final = 32
"""Further connections while all others are being answered: only health and readiness are answered on them."""


class Connection(Protocol):
    """A connection that can be cut."""

    @property
    def address(self) -> str:
        """The client's address."""

    def cut(self) -> None:
        """End it at once."""


class Connections:
    """The open connections. Use it on the event loop's thread only."""

    def __init__(self, refusals: Refusals, share: float = 1.0) -> None:
        """`share`: how much of each limit holds, from 0 to 1."""
        self._share = share
        self._refusals = refusals
        self._open: defaultdict[str, int] = defaultdict(int)
        # Of each address, the connections that wait for the client; the one that has waited longest comes first.
        self._waiting: defaultdict[str, dict[Connection, None]] = defaultdict(dict)
        self._counted: set[Connection] = set()

    @property
    def count(self) -> int:
        """How many there are. One that was cut no longer counts, though its socket may be open for a moment."""
        return len(self._counted)

    @property
    def full(self) -> bool:
        """Whether only health and readiness are answered."""
        return self.count > self._limit(MOST)

    def admit(self, connection: Connection) -> bool:
        """Take in a new connection, which waits for its client; for it another may be cut. False: there is no room."""
        address = connection.address
        if self._open[address] >= self._limit(MOST_OF_A_CLIENT) and not self._cut_one(address, Refusal.CLIENT_LIMIT):
            self._refusals.add(Refusal.CLIENT_LIMIT, address)
            return False
        if self.count >= self._limit(MOST):
            largest = max(self._waiting, key=lambda client: len(self._waiting[client]), default=None)
            if largest is None:
                self._refusals.add(Refusal.SERVER_LIMIT, address)
                if self.count >= self._limit(MOST) + self._limit(RESERVE):
                    return False
            else:
                self._cut_one(largest, Refusal.SERVER_LIMIT)
        self._counted.add(connection)
        self._open[address] += 1
        self._waiting[address][connection] = None
        return True

    def waits(self, connection: Connection) -> None:
        """The connection was answered and waits for its client's next request."""
        if connection in self._counted:
            self._waiting[connection.address][connection] = None

    def works(self, connection: Connection) -> None:
        """The connection's request is being answered."""
        self._forget(connection)

    def left(self, connection: Connection) -> None:
        """A connection has ended. It may have been cut, or never admitted."""
        if connection not in self._counted:
            return
        self._counted.remove(connection)
        address = connection.address
        self._forget(connection)
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]

    def _limit(self, most: int) -> int:
        return math.ceil(most * self._share)

    def _forget(self, connection: Connection) -> None:
        waiting = self._waiting.get(connection.address)
        if waiting is not None:
            waiting.pop(connection, None)
            if not waiting:
                del self._waiting[connection.address]

    def _cut_one(self, address: str, reason: Refusal) -> bool:
        """Cut the connection of this address that has waited longest, if one waits."""
        connection = next(iter(self._waiting.get(address, ())), None)
        if connection is None:
            return False
        self.left(connection)
        self._refusals.add(reason, address)
        connection.cut()
        return True

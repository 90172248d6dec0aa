"""Counts the calls by method, and the document reads as Firestore bills them."""

import threading
from collections import Counter
from collections.abc import Mapping


class Calls:
    """Counters since the start or the last `reset`; safe to read and reset at any time.

    A document that was asked for by name and is missing costs a read; so does a query without results. A count costs
    one read for every 1,000 documents or part of it: https://firebase.google.com/docs/firestore/pricing
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._methods: Counter[str] = Counter()
        self._read = 0

    def __getitem__(self, method: str) -> int:
        """The calls of one method, such as `RunQuery`."""
        with self._lock:
            return self._methods[method]

    def by_method(self) -> Mapping[str, int]:
        """The calls of every method that was called."""
        with self._lock:
            return dict(self._methods)

    @property
    def total(self) -> int:
        """The calls of all methods together."""
        with self._lock:
            return self._methods.total()

    @property
    def documents_read(self) -> int:
        """The document reads that Firestore would bill."""
        with self._lock:
            return self._read

    def reset(self) -> None:
        """Count from zero again."""
        with self._lock:
            self._methods.clear()
            self._read = 0

    def called(self, method: str) -> None:
        """Count a call."""
        with self._lock:
            self._methods[method] += 1

    def read(self, documents: int) -> None:
        """Count document reads."""
        with self._lock:
            self._read += documents

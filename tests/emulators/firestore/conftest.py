"""A local Firestore for each test."""

from collections.abc import Iterator

import pytest
from google.cloud import firestore

from exporter.emulators.firestore import FirestoreServer, close


@pytest.fixture
def server() -> Iterator[FirestoreServer]:
    """A running server without documents."""
    with FirestoreServer() as running:
        yield running


@pytest.fixture
def client(server: FirestoreServer) -> Iterator[firestore.Client]:
    """A real client connected to it."""
    made = server.client()
    yield made
    close(made)

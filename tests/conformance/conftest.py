"""Two servers, one suite: our local Firestore, and Google's emulator where it is there."""

import uuid
from collections.abc import Callable, Iterator
from typing import Final

import pytest
from google.cloud import firestore

from exporter.scenario.firestore import FirestoreServer, close, connect
from tests import _reference

_SERVERS: Final = ("local", "reference") if _reference.missing() is None else ("local",)


@pytest.fixture(scope="session")
def reference_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One emulator for all tests of a process; it starts with the first of them."""
    with _reference.ReferenceServer(tmp_path_factory.mktemp("reference") / "log") as server:
        yield server.address


@pytest.fixture(scope="session")
def local_address() -> Iterator[str]:
    """One local Firestore for all tests of a process."""
    with FirestoreServer() as server:
        yield server.address


@pytest.fixture(params=_SERVERS, scope="session")
def address(request: pytest.FixtureRequest) -> str:
    """Where the server under test listens."""
    found: str = request.getfixturevalue(f"{request.param}_address")
    return found


@pytest.fixture
def new_client(address: str) -> Iterator[Callable[[], firestore.Client]]:
    """Makes clients of one project that no other test uses."""
    project = f"conformance-{uuid.uuid4().hex[:16]}"
    clients: list[firestore.Client] = []

    def make() -> firestore.Client:
        clients.append(connect(address, project))
        return clients[-1]

    yield make
    for client in clients:
        close(client)


@pytest.fixture
def client(new_client: Callable[[], firestore.Client]) -> firestore.Client:
    """A client of a project without documents."""
    return new_client()

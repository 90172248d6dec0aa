"""Two servers, one suite: our local Firestore, and Google's emulator where it is there.

Both are held against what Google's answered when it was last recorded (tests/_records.py).
"""

import uuid
from collections.abc import Callable, Iterator

import pytest
from google.cloud import firestore

from exporter.emulators.firestore import FirestoreServer, close, connect
from testing.answers import Answers
from tests import _records


@pytest.fixture(scope="session")
def local_address() -> Iterator[str]:
    """One local Firestore for all tests of a process."""
    with FirestoreServer() as server:
        yield server.address


@pytest.fixture(params=_records.servers(), scope="session")
def address(request: pytest.FixtureRequest) -> str:
    """Where the server under test listens."""
    found: str = request.getfixturevalue(f"{request.param}_address")
    return found


@pytest.fixture
def new_client(
    address: str,
    answers: Answers,  # noqa: ARG001 - it looks on at what the clients are answered
) -> Iterator[Callable[[], firestore.Client]]:
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

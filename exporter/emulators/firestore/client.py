"""The real Firestore client, connected to a local server."""

import grpc
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport


def connect(address: str, project: str) -> firestore.Client:
    """A client, without credentials or TLS, for a local Firestore (this one or Google's emulator) at `HOST:PORT`.

    It ignores the environment: FIRESTORE_EMULATOR_HOST, which would apply to the whole process, and proxies. Close it
    with `close(client)` after its listeners have unsubscribed.
    """
    options = [
        ("grpc.enable_http_proxy", 0),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_receive_message_length", -1),
        # Reconnect quickly: a local server restarts at once.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1000),
    ]
    transport = FirestoreGrpcTransport(host=address, channel=grpc.insecure_channel(address, options=options))
    client = firestore.Client(project=project, credentials=AnonymousCredentials())
    # The client has no argument for a transport. The host makes it send the header that Google's emulator asks of an
    # administrator.
    client._emulator_host = address  # noqa: SLF001 - see above
    client._firestore_api_internal = FirestoreClient(transport=transport)  # noqa: SLF001 - see above
    return client


def close(client: firestore.Client) -> None:
    """Close a client's channel."""
    client._firestore_api.transport.close()  # noqa: SLF001 - the client's own close() leaves the channel open

"""A local Firestore: the real google-cloud-firestore client talks to it over loopback. No Java, no cloud.

    with FirestoreServer(project="demo") as server:
        server.put("phase3_completion/2026-02-01", {"player_game_summary": {"status": "success"}})
        server.faults.fail("PERMISSION_DENIED", method="Commit")
        client = server.client()

It serves what the exporter and its tests use of Firestore, with the semantics of the real one (tests/conformance
holds it against Google's emulator), and answers UNIMPLEMENTED, by name, to everything else. The parts, from the
outside in:

server.py        starting and stopping, and putting documents in directly; client.py: the real client for it
rpc.py           gRPC: decoding, counting (calls.py), faults (faults.py), refusing what is not supported (supported.py)
service.py       requests and responses
listen.py        listeners' streams; targets.py: what one listens to
transactions.py  snapshots and conflicts
query.py         queries; filters.py: their filters
store.py         documents and the commits to them; writes.py, transforms.py: one write
values.py, fields.py, names.py   values, field paths, resource names; messages.py, errors.py: protobuf and gRPC's codes
"""

from exporter.emulators.firestore.client import close, connect
from exporter.emulators.firestore.errors import CallError
from exporter.emulators.firestore.server import FirestoreServer
from exporter.emulators.firestore.values import Reference

__all__ = ["CallError", "FirestoreServer", "Reference", "close", "connect"]

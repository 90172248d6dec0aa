#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'google-cloud-firestore==2.34.1' 'grpcio==1.85.1'
"$folder/venv/bin/python" -I - <<'PYTHON'
import contextlib
import io
import logging
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

import grpc
from google.cloud.firestore_v1 import types

print("FINDING: BulkWriter tries a write that may never succeed 16 times and then drops it: no exception, nothing logged")
print(f"VERSIONS: google-cloud-firestore {version('google-cloud-firestore')}")
print("EXPECTED BY MOST: flush() or close() raises what the server answered, here PERMISSION_DENIED, after one attempt")

attempts = []


def refuse(request, _context):
    attempts.append(len(request.writes))
    denied = {"code": grpc.StatusCode.PERMISSION_DENIED.value[0], "message": "no right to write"}
    return types.BatchWriteResponse(write_results=[{}] * len(request.writes), status=[denied] * len(request.writes))


method = grpc.unary_unary_rpc_method_handler(refuse, types.BatchWriteRequest.deserialize, types.BatchWriteResponse.serialize)
server = grpc.server(ThreadPoolExecutor(1))
server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("google.firestore.v1.Firestore", {"BatchWrite": method})])
os.environ["FIRESTORE_EMULATOR_HOST"] = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
server.start()

from google.cloud import firestore
from google.cloud.firestore_v1.bulk_writer import BulkRetry, BulkWriterOptions

said = io.StringIO()
logging.basicConfig(stream=said, level=logging.INFO)
# The default waits between attempts, two minutes in all; the rest is the same.
options = BulkWriterOptions(retry=BulkRetry.immediate)
with contextlib.redirect_stderr(said):
    writer = firestore.Client(project="demo").bulk_writer(options=options)
    writer.create(firestore.Client(project="demo").document("games/1"), {"points": 112})
    writer.flush()
    writer.close()
server.stop(None)

print(f"SEEN: {len(attempts)} attempts, then flush() and close() returned; logged: {said.getvalue()!r}")
if len(attempts) != 16 or said.getvalue():
    sys.exit("CHANGED: the writes are tried less often, or somebody is told")
print("OK: unchanged")
PYTHON

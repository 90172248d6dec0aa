#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'google-cloud-firestore==2.34.1' 'grpcio==1.85.1'
"$folder/venv/bin/python" -I - <<'PYTHON'
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

import grpc
from google.cloud.firestore_v1 import types

print("FINDING: set({'entries': {}}, merge=True) tells the server to replace the whole map `entries`")
print(f"VERSIONS: google-cloud-firestore {version('google-cloud-firestore')}")
print("EXPECTED BY MOST: merging an empty map adds nothing, as merging {'entries': {'b': 1}} adds only `b`")

requests = []


def commit(request, _context):
    requests.append(request)
    return types.CommitResponse(write_results=[types.WriteResult()], commit_time={"seconds": 1_769_904_000})


method = grpc.unary_unary_rpc_method_handler(
    commit, types.CommitRequest.deserialize, types.CommitResponse.serialize
)
server = grpc.server(ThreadPoolExecutor(1))
server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("google.firestore.v1.Firestore", {"Commit": method})])
os.environ["FIRESTORE_EMULATOR_HOST"] = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
server.start()

from google.cloud import firestore

document = firestore.Client(project="demo").document("completion/2026-02-01")
document.set({"entries": {"b": 1}}, merge=True)
document.set({"entries": {}}, merge=True)
server.stop(None)

# The API's contract: a field path in the mask is replaced by what the document in the request holds there.
seen = [list(request.writes[0].update_mask.field_paths) for request in requests]
print(f"SEEN: update masks of the two writes: {seen[0]} and {seen[1]}")
if seen != [["entries.b"], ["entries"]]:
    sys.exit("CHANGED: the masks are others")
print("OK: unchanged")
PYTHON

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

print("FINDING: an aggregation whose result is the integer 0 arrives as the float 0.0")
print(f"VERSIONS: google-cloud-firestore {version('google-cloud-firestore')}")
print("EXPECTED BY MOST: count() gives an int, whatever the count is")

counts = iter([3, 0])


def aggregate(_request, _context):
    result = types.AggregationResult(aggregate_fields={"documents": types.Value(integer_value=next(counts))})
    yield types.RunAggregationQueryResponse(result=result, read_time={"seconds": 1_769_904_000})


method = grpc.unary_stream_rpc_method_handler(
    aggregate, types.RunAggregationQueryRequest.deserialize, types.RunAggregationQueryResponse.serialize
)
server = grpc.server(ThreadPoolExecutor(1))
server.add_generic_rpc_handlers(
    [grpc.method_handlers_generic_handler("google.firestore.v1.Firestore", {"RunAggregationQuery": method})]
)
os.environ["FIRESTORE_EMULATOR_HOST"] = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
server.start()

from google.cloud import firestore

query = firestore.Client(project="demo").collection("heartbeats").count(alias="documents")
seen = [repr(query.get()[0][0].value) for _ in range(2)]
server.stop(None)

print(f"SEEN: for the integers 3 and 0 from the server: {seen[0]} and {seen[1]}")
if seen != ["3", "0.0"]:
    sys.exit("CHANGED: the values are others")
print("OK: unchanged")
PYTHON

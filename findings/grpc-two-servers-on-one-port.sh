#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'grpcio==1.85.1'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

import grpc

print("FINDING: two gRPC servers can listen on one port; connections are split between them at random")
print(f"VERSIONS: grpcio {version('grpcio')}")
print("EXPECTED BY MOST: the second server fails with `address already in use`")


def served(name):
    """A server that answers every call with its own name."""

    class Handler(grpc.GenericRpcHandler):
        def service(self, _details):
            return grpc.unary_unary_rpc_method_handler(lambda _request, _context: name)

    server = grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers([Handler()])
    return server


first, second = served(b"first"), served(b"second")
port = first.add_insecure_port("127.0.0.1:0")
again = second.add_insecure_port(f"127.0.0.1:{port}")
first.start()
second.start()
answers = set()
for _ in range(40):
    options = [("grpc.use_local_subchannel_pool", 1)]  # a connection of its own for every channel
    with grpc.insecure_channel(f"127.0.0.1:{port}", options) as channel:
        answers.add(channel.unary_unary("/demo.Names/Get")(b"", timeout=5).decode())
first.stop(None)
second.stop(None)

print(f"SEEN: the second server got port {'the same' if again == port else again}; 40 connections reached {sorted(answers)}")
if again != port or answers != {"first", "second"}:
    sys.exit("CHANGED: the port belongs to one server")
print("OK: unchanged")
PYTHON

#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'grpcio==1.85.3'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

import grpc

print("FINDING: after an outage a channel goes on to refuse calls, without trying, although its server is back")
print(f"VERSIONS: grpcio {version('grpcio')}")
print("EXPECTED BY MOST: every call tries to connect, so the first one after the server's return succeeds")


class Handler(grpc.GenericRpcHandler):
    def service(self, _details):
        return grpc.unary_unary_rpc_method_handler(lambda _request, _context: b"")


def serve(address):
    """A server, and the port that it listens on."""
    server = grpc.server(ThreadPoolExecutor(1), [Handler()])
    port = server.add_insecure_port(address)
    server.start()
    return server, port


def answered(channel):
    try:
        channel.unary_unary("/demo.Games/Get")(b"", timeout=5)
    except grpc.RpcError as error:
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        return False
    return True


server, port = serve("127.0.0.1:0")
channel = grpc.insecure_channel(f"127.0.0.1:{port}")
assert answered(channel)
server.stop(None).wait()
for _ in range(120):  # an outage of twelve seconds
    answered(channel)
    time.sleep(0.1)
server, _ = serve(f"127.0.0.1:{port}")
with grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.use_local_subchannel_pool", 1)]) as other:
    new = answered(other)
begin, refused = time.monotonic(), 0
while not answered(channel) and time.monotonic() - begin < 60:
    refused += 1
    time.sleep(0.1)
seconds = time.monotonic() - begin
server.stop(None)

print(f"SEEN: a new channel was answered: {new}; the old one refused {refused} calls over {seconds:.1f} s after an outage of 12 s")
if not new or refused < 3:
    sys.exit("CHANGED: calls connect at once")
print("OK: unchanged")
PYTHON

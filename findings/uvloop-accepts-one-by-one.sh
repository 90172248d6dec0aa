#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'uvloop==0.23.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import asyncio
import os
import socket
import sys
from importlib.metadata import version

import uvloop

print("FINDING: a server that closes every connection as it is made holds one at a time on uvloop, and a whole backlog on asyncio")
print(f"VERSIONS: uvloop {version('uvloop')}, Python {sys.version.split()[0]}")
print("EXPECTED BY MOST: uvloop stands in for asyncio, so a limit that connection_made keeps bounds the handles on both, or on none")

CLIENTS = 100


def handles():
    return len(os.listdir("/proc/self/fd"))


class Closing(asyncio.Protocol):
    seen = []

    def connection_made(self, transport):
        self.seen.append(handles())
        transport.close()


async def most():
    Closing.seen.clear()
    server = await asyncio.get_running_loop().create_server(Closing, "127.0.0.1", 0, backlog=CLIENTS)
    clients = [socket.create_connection(server.sockets[0].getsockname()) for _ in range(CLIENTS)]
    before = handles()
    while len(Closing.seen) < CLIENTS:
        await asyncio.sleep(0.01)
    for client in clients:
        client.close()
    server.close()
    return max(Closing.seen) - before


with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
    plain = runner.run(most())
with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    fast = runner.run(most())
print(f"SEEN: of {CLIENTS} connections that wait, the server held {plain} at once on asyncio, {fast} on uvloop")
if not (plain >= CLIENTS - 1 and fast <= 2):
    sys.exit("CHANGED: both accept in the same way")
print("OK: unchanged")
PYTHON

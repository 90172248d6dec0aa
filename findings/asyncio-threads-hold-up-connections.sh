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
import threading
from importlib.metadata import version

import uvloop

print("FINDING: while asyncio.to_thread() keeps all threads of the pool busy, no connection by name is made; uvloop makes it")
print(f"VERSIONS: uvloop {version('uvloop')}, Python {sys.version.split()[0]}")
print("EXPECTED BY MOST: slow work in threads holds up other work in threads, and not the loop's own network calls")


async def connect():
    """Whether a connection to this machine is made within two seconds, while a default pool's worth of calls waits."""
    released = threading.Event()
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    busy = [asyncio.create_task(asyncio.to_thread(released.wait)) for _ in range(min(32, (os.cpu_count() or 1) + 4))]
    await asyncio.sleep(0.1)
    try:
        async with asyncio.timeout(2):
            _, writer = await asyncio.open_connection("localhost", port, family=socket.AF_INET)
            writer.close()
            return "connected"
    except TimeoutError:
        return "timed out"
    finally:
        released.set()
        await asyncio.gather(*busy)
        server.close()


seen = asyncio.run(connect()), uvloop.run(connect())

print(f"SEEN: asyncio {seen[0]}, uvloop {seen[1]}")
if seen != ("timed out", "connected"):
    sys.exit("CHANGED: names are looked up in other threads")
print("OK: unchanged")
PYTHON

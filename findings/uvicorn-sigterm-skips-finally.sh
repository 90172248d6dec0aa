#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'uvicorn==0.54.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import signal
import subprocess
import sys
from importlib.metadata import version

SERVER = """
import atexit, uvicorn

async def app(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    print("lifespan's shutdown ran", flush=True)
    await send({"type": "lifespan.shutdown.complete"})

atexit.register(lambda: print("atexit ran", flush=True))
try:
    uvicorn.run(app, host="127.0.0.1", port=0)
finally:
    print("finally ran", flush=True)
"""

print("FINDING: nothing after uvicorn.run() runs when SIGTERM stops the server: no finally, no atexit")
print(f"VERSIONS: uvicorn {version('uvicorn')}, Python {sys.version.split()[0]}")
print("EXPECTED BY MOST: uvicorn.run() returns after its graceful shutdown, `finally` and atexit run, exit code 0")

process = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
for line in process.stderr:
    if "Uvicorn running" in line:
        break
process.send_signal(signal.SIGTERM)
output, log = process.communicate(timeout=30)
seen = (output.splitlines(), process.returncode, "Finished server process" in log)

print(f"SEEN: printed {seen[0]}, exit code {seen[1]}, log says that the server finished: {seen[2]}")
if seen != (["lifespan's shutdown ran"], -signal.SIGTERM, True):
    sys.exit("CHANGED: the process went on after uvicorn.run(), or ended in another way")
print("OK: unchanged")
PYTHON

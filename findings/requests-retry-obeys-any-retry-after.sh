#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'requests==2.34.2' 'urllib3==2.8.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version

import requests
from requests.adapters import HTTPAdapter

print("FINDING: `HTTPAdapter(max_retries=3)` retries a 503 that has Retry-After, and sleeps as it says, up to six hours")
print(f"VERSIONS: requests {version('requests')}, urllib3 {version('urllib3')}")
print("EXPECTED BY MOST: without status_forcelist a 503 is returned at once; timeout=1 ends the call within seconds")


class Overloaded(BaseHTTPRequestHandler):
    """Answers 503 once, with the header that a server under maintenance sends, and 200 after that."""

    answers = iter([503, 200])

    def do_GET(self):
        status = next(self.answers)
        self.send_response(status)
        self.send_header("Retry-After", "86400")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Overloaded)
threading.Thread(target=server.serve_forever, daemon=True).start()
slept = []
time.sleep = slept.append  # urllib3 calls it; nobody waits here
address = f"http://127.0.0.1:{server.server_port}/"
with requests.Session() as session:
    session.mount(address, HTTPAdapter(max_retries=3))
    status = session.get(address, timeout=1).status_code
server.shutdown()

print(f"SEEN: status {status} after sleeping {slept} seconds")
if (status, slept) != (200, [21600]):
    sys.exit("CHANGED: the answer is returned at once, or after another wait")
print("OK: unchanged")
PYTHON

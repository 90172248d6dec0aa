#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'google-cloud-bigquery==3.47.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

HELD = 12

print("FINDING: QueryJob.result(timeout=2) lets each answer of getQueryResults take 120 s")
print(f"VERSIONS: google-cloud-bigquery {version('google-cloud-bigquery')}")
print("EXPECTED BY MOST: result(timeout=2) raises after about 2 s, whatever the server does")


class Server(BaseHTTPRequestHandler):
    """A job that runs for ever; whoever waits for its rows is held for HELD seconds, as BigQuery holds for longer."""

    def do_GET(self):
        self.answer(HELD if "/queries/" in self.path else 0)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(0)

    def answer(self, seconds):
        time.sleep(seconds)
        reference = {"projectId": "demo", "jobId": "job", "location": "US"}
        configuration = {"jobType": "QUERY", "query": {"query": "SELECT 1"}}
        body = {"jobReference": reference, "jobComplete": False, "status": {"state": "RUNNING"}, "configuration": configuration}
        payload = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}"
client = bigquery.Client("demo", AnonymousCredentials(), client_options={"api_endpoint": address})
job = client.query("SELECT 1")
begun = time.monotonic()
try:
    job.result(timeout=2)
    seen = "rows"
except Exception as error:
    seen = type(error).__name__
elapsed = time.monotonic() - begun

print(f"SEEN: {seen} after {elapsed:.0f} s from a server that held the request for {HELD} s")
if seen != "TimeoutError" or elapsed < HELD:
    sys.exit("CHANGED: the call ended before the server let it go, or in another way")
print("OK: unchanged")
PYTHON

#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'httpx==0.28.1'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version

import httpx

print("FINDING: `params` replaces what the URL's query says, an empty dict as well; so do the params of the client")
print(f"VERSIONS: httpx {version('httpx')}")
print("EXPECTED BY MOST: the parameters are added to those in the URL, as requests does")

url = "http://127.0.0.1/api/v1/query?project=demo"
with httpx.Client() as plain, httpx.Client(params={"key": "k"}) as client:
    seen = {
        "params={'limit': 5}": plain.build_request("GET", url, params={"limit": 5}).url.query.decode(),
        "params={}": plain.build_request("GET", url, params={}).url.query.decode(),
        "client with {'key': 'k'}": client.build_request("GET", url).url.query.decode(),
    }

print(f"SEEN: for ?project=demo: {seen}")
if list(seen.values()) != ["limit=5", "", "key=k"]:
    sys.exit("CHANGED: the query is made in another way")
print("OK: unchanged")
PYTHON

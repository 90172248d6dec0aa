#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'mkdocs==1.6.1'
"$folder/venv/bin/python" -I - "$folder" <<'PYTHON'
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

print("FINDING: mkdocs build --strict --quiet takes broken links")
print(f"VERSIONS: mkdocs {version('mkdocs')}")
print("EXPECTED BY MOST: --quiet hides messages, and --strict still fails for what they say")
folder = Path(sys.argv[1])
(folder / "docs").mkdir()
(folder / "mkdocs.yml").write_text("site_name: Links\n")
(folder / "docs" / "links.md").write_text("# Links\n\n[a page that is not there](gone.md)\n")
build = [sys.executable, "-m", "mkdocs", "build", "--strict"]
seen = [
    subprocess.run([*build, *more], cwd=folder, capture_output=True, check=False).returncode for more in ([], ["--quiet"])
]
print(f"SEEN: --strict ends with {seen[0]}, --strict --quiet with {seen[1]}")
if seen != [1, 0]:
    sys.exit("CHANGED: the two end otherwise")
print("OK: unchanged")
PYTHON

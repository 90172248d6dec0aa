#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'mkdocs==1.6.1'
mkdir "$folder/docs"
printf 'site_name: Links\nstrict: false\n' >"$folder/mkdocs.yml"
printf '# Links\n\n[a page that is not there](gone.md)\n' >"$folder/docs/index.md"
cd "$folder"
echo "FINDING: mkdocs build --strict --quiet takes broken links"
echo "VERSIONS: $("$folder/venv/bin/mkdocs" --version | sed 's/,//; s/ from.*//')"
echo "EXPECTED BY MOST: --quiet hides messages, and --strict still fails for what they say"
loud=0 && "$folder/venv/bin/mkdocs" build --strict --site-dir one >one.log 2>&1 || loud=$?
quiet=0 && "$folder/venv/bin/mkdocs" build --strict --quiet --site-dir two >two.log 2>&1 || quiet=$?
echo "SEEN: --strict ends with $loud, --strict --quiet with $quiet"
if [ "$loud" -ne 1 ] || [ "$quiet" -ne 0 ]; then
  echo "CHANGED: the two end alike" >&2
  exit 1
fi
echo "OK: unchanged"

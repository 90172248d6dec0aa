#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'click==8.5.1'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version

import click

print("FINDING: commands made with a group's own decorator do not get a class that follows from the group's")
print(f"VERSIONS: click {version('click')}")
print("EXPECTED BY MOST: a Group subclass with an invoke() of its own also wraps what its commands do on errors of usage")


class Group(click.Group):
    pass


@click.group(cls=Group)
def main():
    pass


@main.command()
def leaf():
    pass


@main.group()
def inner():
    pass


seen = type(leaf) is click.Command, type(inner) is click.Group
print(f"SEEN: the command is a plain click.Command: {seen[0]}; the nested group a plain click.Group: {seen[1]}")
if seen != (True, True):
    sys.exit("CHANGED: the classes follow from the group's")
print("OK: unchanged")
PYTHON

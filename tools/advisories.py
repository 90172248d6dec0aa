"""Looks the pinned versions up in a list of advisories: `python -m tools.advisories ARCHIVE [LOCK...] [--accept ID]`.

ARCHIVE is a zip file of records of the OSV schema, such as the `PyPI/all.zip` that osv.dev offers. Nothing is asked of
any server. Ends with 1 if a pin is affected, with 2 if the archive says nothing.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

ROOT: Final = Path(__file__).parents[1]
LOCKS: Final = tuple(sorted((ROOT / "requirements").glob("*.txt")))
_PIN: Final = re.compile(r"^([a-z0-9-]+)==([^\s;]+)", re.MULTILINE)


class ArchiveError(Exception):
    """The archive cannot be used. The message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Found:
    """A pin that an advisory is about."""

    lock: str
    name: str
    version: str
    advisory: str
    said: str

    def __str__(self) -> str:
        return f"{self.lock}: {self.name} {self.version}: {self.advisory}: {self.said}"


def read_archive(path: Path) -> dict[str, list[Mapping[str, Any]]]:
    """The records in force, by the package that they are about. Raises ArchiveError."""
    records: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(".json"):
                    record = json.loads(archive.read(name))
                    if "withdrawn" not in record:
                        for package in _packages(record):
                            records[package].append(record)
    except (OSError, zipfile.BadZipFile, ValueError, AttributeError, TypeError, KeyError) as error:
        raise ArchiveError(f"{path}: is no archive of OSV records ({error}); download it again") from error
    if not records:
        raise ArchiveError(f"{path}: has no record about PyPI; it takes OSV's archive of that ecosystem")
    return dict(records)


def _packages(record: Mapping[str, Any]) -> set[str]:
    packages = [affected["package"] for affected in record.get("affected", ()) if "package" in affected]
    return {canonicalize_name(package["name"]) for package in packages if package["ecosystem"] == "PyPI"}


def affected(record: Mapping[str, Any], name: str, version: Version) -> bool:
    """Whether the record is about this version of the package, as the OSV schema evaluates it.

    A range in versions that cannot be compared counts: better one look too many.
    """
    for part in record["affected"]:
        package = part.get("package", {})
        if package.get("ecosystem") != "PyPI" or canonicalize_name(package["name"]) != name:
            continue
        if str(version) in {_normal(listed) for listed in part.get("versions", ())}:
            return True
        ranges = [found["events"] for found in part.get("ranges", ()) if found["type"] != "GIT"]
        if any(_within(events, version) for events in ranges):
            return True
    return False


def _normal(text: str) -> str:
    try:
        return str(Version(text))
    except InvalidVersion:
        return text


def _within(events: Sequence[Mapping[str, str]], version: Version) -> bool:
    try:
        changes = [(Version(text), kind) for event in events for kind, text in event.items() if kind != "limit"]
    except InvalidVersion:
        return True
    inside = False
    for at, kind in sorted(changes, key=lambda change: change[0]):
        if kind == "introduced" and version >= at:
            inside = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            inside = False
    return inside


def search(
    records: Mapping[str, Sequence[Mapping[str, Any]]], locks: Iterable[Path], accepted: set[str]
) -> Iterator[Found]:
    """Every pin of the locks that a record is about, except for accepted ones."""
    for lock in locks:
        for name, version in _PIN.findall(lock.read_text(encoding="utf-8")):
            for record in records.get(name, ()):
                ids = {record["id"], *record.get("aliases", ())}
                if not ids & accepted and affected(record, name, Version(version)):
                    yield Found(lock.name, name, version, ", ".join(sorted(ids)), record.get("summary", "no summary"))


def main(arguments: Sequence[str]) -> int:
    """Print what was found. The exit code."""
    parser = argparse.ArgumentParser(prog="advisories", description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("locks", type=Path, nargs="*", default=LOCKS)
    parser.add_argument("--accept", action="append", default=[], help="an advisory that is known to be harmless here")
    given = parser.parse_args(arguments)
    try:
        records = read_archive(given.archive)
    except ArchiveError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    found = list(search(records, given.locks, set(given.accept)))
    newest = max(record.get("modified", "") for several in records.values() for record in several)
    sys.stdout.write("".join(f"{one}\n" for one in found))
    sys.stdout.write(f"{len(found)} advisories about {len(given.locks)} lock files; the newest record is of {newest}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

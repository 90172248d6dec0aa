"""Resource names: `projects/P/databases/D/documents/COLLECTION/ID[/COLLECTION/ID...]`."""

import re
from typing import Final

from exporter.config.identifiers import is_reserved
from exporter.emulators.firestore.errors import invalid

DEFAULT_DATABASE: Final = "(default)"
_LONGEST_ID: Final = 1500  # bytes, https://firebase.google.com/docs/firestore/quotas#limits
_ROOT: Final = re.compile(r"projects/[^/]+/databases/[^/]+/documents")
_DATABASE: Final = re.compile(r"projects/[^/]+/databases/[^/]+")


def root(project: str, database: str = DEFAULT_DATABASE) -> str:
    """The parent name of all documents of a project's database."""
    return f"projects/{project}/databases/{database}/documents"


def document_name(project: str, path: str) -> str:
    """The full name of `collection/id[/collection/id...]`; raises ValueError where the path names no document."""
    segments = path.split("/")
    if len(segments) % 2 or not all(segments):
        raise ValueError(f"{path!r} is no document path: expected COLLECTION/ID, optionally followed by further pairs")
    return f"{root(project)}/{path}"


def document_path(name: str) -> str:
    """The name without project and database, as `document_name` takes it."""
    return name.split("/", 5)[5]


def collection_of(name: str) -> str:
    """The full name of the collection a document is in."""
    return name.rpartition("/")[0]


def check_document(name: str) -> None:
    """Refuse (INVALID_ARGUMENT) an impossible document name."""
    match = _ROOT.match(name)
    segments = name[match.end() + 1 :].split("/") if match and name[match.end() : match.end() + 1] == "/" else []
    if not segments or len(segments) % 2:
        raise invalid(f"{name!r} names no document")
    for segment in segments:
        _check_id(segment, name)


def check_parent(name: str) -> None:
    """Refuse (INVALID_ARGUMENT) a parent without collections: anything except a database's root or a document."""
    if not _ROOT.fullmatch(name):
        check_document(name)


def check_database(name: str) -> None:
    """Refuse (INVALID_ARGUMENT) an impossible database name."""
    if not _DATABASE.fullmatch(name):
        raise invalid(f"{name!r} names no database: expected projects/PROJECT/databases/DATABASE")


def _check_id(segment: str, name: str) -> None:
    if segment in {"", ".", ".."}:
        raise invalid(f"{name!r} contains the id {segment!r}")
    if is_reserved(segment):
        raise invalid(f"{name!r} contains the reserved id {segment!r}")
    if len(segment.encode()) > _LONGEST_ID:
        raise invalid(f"{name[:80]!r}... contains an id of more than {_LONGEST_ID} bytes")

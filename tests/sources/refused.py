"""Asking both sources with credentials that are refused, and what the error must be."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from exporter.metrics.telemetry import Telemetry
from exporter.model import DocumentId
from exporter.sources.firestore import FirestoreStore
from exporter.sources.ports import Deadline, SourceError
from exporter.sources.refusals import named
from testing.google_auth import (
    SECRET,
    federation,
    private_key,
)
from tests.sources.asking import PLAYERS, WINDOW, warehouse_at

if TYPE_CHECKING:
    from pathlib import Path

SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
PHASE3 = DocumentId("phase3_completion", date(2026, 2, 1))


def firestore_error() -> SourceError:
    """What Google's Firestore gives with the credentials at hand."""
    store = FirestoreStore(project="test-project", database="(default)", telemetry=Telemetry())
    try:
        with pytest.raises(SourceError) as caught:
            store.documents([PHASE3], Deadline(20))
    finally:
        store.close()
    return caught.value


def bigquery_error() -> SourceError:
    """What Google's BigQuery gives with the credentials at hand."""
    with warehouse_at(None) as warehouse, pytest.raises(SourceError) as caught:
        warehouse.row_counts([PLAYERS], WINDOW, Deadline(20))
    return caught.value


def use_file(path: Path, monkeypatch: pytest.MonkeyPatch, content: object) -> None:
    """Make this the credentials file; None: it is not there."""
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))


def expect(error: SourceError, row: str, **said: str) -> None:
    """The error has this row's remedy, names no role but there, and shows nothing secret."""
    assert error.detail.endswith(named(row).remedy(said)), error.detail
    assert error.kind is named(row).kind
    assert "\n" not in error.detail
    for secret in (SECRET, "PRIVATE KEY", private_key().splitlines()[1], "ya29", "eyJ"):
        assert secret not in str(error)


def token_file(folder: Path, content: bytes) -> str:
    """A file with this token, or what is in its place."""
    path = folder / "token"
    path.write_bytes(content)
    return str(path)


def json_token(folder: Path, content: bytes) -> dict[str, Any]:
    """Credentials of a federation whose token is a field of a JSON file."""
    how = {"type": "json", "subject_token_field_name": "token"}
    return federation({"file": token_file(folder, content), "format": how})

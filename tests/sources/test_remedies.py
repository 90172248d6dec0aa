from __future__ import annotations

import pytest

from exporter.model import ErrorKind
from exporter.sources.errors import STOPPING, Fault
from exporter.sources.remedies import BIGQUERY_REMEDIES, FIRESTORE_REMEDIES, TABLE_REMEDIES, source_error


def test_an_error_names_the_thing_what_was_said_and_what_to_do() -> None:
    error = source_error("table nba_x.y", Fault(ErrorKind.NOT_FOUND, "Not found: Table p:nba_x.y"), TABLE_REMEDIES)

    assert error.kind is ErrorKind.NOT_FOUND
    assert error.detail == (
        "table nba_x.y: Not found: Table p:nba_x.y; check its name and the BigQuery location in the configuration"
    )


def test_a_remedy_that_the_error_itself_gives_goes_before_that_of_its_kind() -> None:
    fault = Fault(ErrorKind.PERMISSION_DENIED, "no token", remedy="the clock is wrong: `timedatectl`")

    assert source_error("BigQuery", fault, BIGQUERY_REMEDIES).detail == "BigQuery: no token; " + fault.remedy


@pytest.mark.parametrize(
    ("remedies", "role"),
    [
        (FIRESTORE_REMEDIES, "roles/datastore.viewer"),
        (BIGQUERY_REMEDIES, "roles/bigquery.jobUser"),
        (TABLE_REMEDIES, "roles/bigquery.dataViewer"),
    ],
)
def test_a_refusal_names_the_role(remedies: dict[ErrorKind, str], role: str) -> None:
    assert role in source_error("x", Fault(ErrorKind.PERMISSION_DENIED, "no"), remedies).detail


def test_every_kind_has_a_remedy_for_every_source() -> None:
    assert set(BIGQUERY_REMEDIES) == set(TABLE_REMEDIES) == set(ErrorKind)
    assert set(FIRESTORE_REMEDIES) == set(ErrorKind) - {ErrorKind.BUDGET}


def test_a_long_or_odd_subject_stays_one_bounded_line() -> None:
    error = source_error("collection\n" + "x" * 1000, Fault(ErrorKind.QUOTA, "enough"), FIRESTORE_REMEDIES)

    assert "\n" not in error.detail
    assert len(error.detail) < 400


def test_an_error_at_the_stop_has_no_remedy() -> None:
    assert source_error("BigQuery", STOPPING, BIGQUERY_REMEDIES).detail == "BigQuery: the exporter is stopping"

from __future__ import annotations

import pytest

from exporter.emulators.bigquery.calls import OTHER, name_of


@pytest.mark.parametrize(
    ("method", "target", "name"),
    [
        ("POST", "/bigquery/v2/projects/p/jobs?prettyPrint=false", "jobs.insert"),
        ("POST", "/bigquery/v2/projects/p/queries", "jobs.query"),
        ("GET", "/bigquery/v2/projects/p/queries/job-1?maxResults=0&location=US", "jobs.getQueryResults"),
        ("GET", "/bigquery/v2/projects/p/jobs/job-1", "jobs.get"),
        ("POST", "/bigquery/v2/projects/p/jobs/job-1/cancel", "jobs.cancel"),
        ("POST", "/bigquery/v2/projects/p/datasets/d/tables/t/insertAll", "tabledata.insertAll"),
    ],
)
def test_a_call_is_named_as_in_the_rest_reference(method: str, target: str, name: str) -> None:
    assert name_of(method, target) == name


@pytest.mark.parametrize(
    ("method", "target"), [("GET", "/healthz"), ("PATCH", "/bigquery/v2/projects/p/jobs"), ("POST", "/projects/jobs")]
)
def test_a_call_that_is_not_in_the_table_has_no_name(method: str, target: str) -> None:
    assert name_of(method, target) == OTHER

"""The names of the calls of BigQuery's REST API in its own reference: "jobs.insert", "tables.get"."""

from __future__ import annotations

import re

OTHER = "other"
"""A call without an entry in the table below."""

_PROJECT = r"(?:/bigquery/v2)?/projects/[^/]+"
_CALLS = tuple(
    (method, re.compile(f"{_PROJECT}{path}"), name)
    for method, path, name in (
        ("POST", r"/jobs", "jobs.insert"),
        ("GET", r"/jobs", "jobs.list"),
        ("GET", r"/jobs/[^/]+", "jobs.get"),
        ("POST", r"/jobs/[^/]+/cancel", "jobs.cancel"),
        ("POST", r"/queries", "jobs.query"),
        ("GET", r"/queries/[^/]+", "jobs.getQueryResults"),
        ("POST", r"/datasets", "datasets.insert"),
        ("GET", r"/datasets", "datasets.list"),
        ("DELETE", r"/datasets/[^/]+", "datasets.delete"),
        ("POST", r"/datasets/[^/]+/tables", "tables.insert"),
        ("GET", r"/datasets/[^/]+/tables", "tables.list"),
        ("GET", r"/datasets/[^/]+/tables/[^/]+", "tables.get"),
        ("DELETE", r"/datasets/[^/]+/tables/[^/]+", "tables.delete"),
        ("POST", r"/datasets/[^/]+/tables/[^/]+/insertAll", "tabledata.insertAll"),
    )
)


def name_of(method: str, target: str) -> str:
    """The name of the call with this method and path. `target` may contain a query string."""
    path = target.partition("?")[0]
    for known_method, pattern, name in _CALLS:
        if method == known_method and pattern.fullmatch(path):
            return name
    return OTHER

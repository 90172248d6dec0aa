"""The table of statistics: all that is read of a job, absent or of any other type, and that nothing else is read."""

from __future__ import annotations

import ast
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from google.cloud.bigquery import QueryJob
from hypothesis import given
from hypothesis import strategies as st

import exporter
from exporter.emulators.bigquery.emulator import local_client
from exporter.model import RowCount
from exporter.sources import statistics
from exporter.sources.ports import SourceError
from exporter.sources.statistics import STATISTICS, Statistic
from testing.bigquery_rest import BigQueryRest, Rows, With, Without
from tests.sources.asking import FRIDAY, MIB, NOON, SATURDAY, SUNDAY, outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exporter.metrics.telemetry import Telemetry
    from exporter.sources.bigquery import BigQueryWarehouse

CLIENT = local_client("http://127.0.0.1:9", "p")
"""It is asked nothing."""
PACKAGE = Path(exporter.__file__).parent
PROCESSED, BILLED, MOST = 3 * MIB, 20 * MIB, 512 * MIB
ESTIMATED = PROCESSED + 10 * MIB
PATHS = tuple(statistic.path for statistic in STATISTICS)

# --- the table is complete ----------------------------------------------------------------------------------------


def looks_into_a_job(source: str) -> Iterator[str]:
    """What this source reads of a job by itself; a job is whatever is called one, and nothing else may hold one."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(attr="_properties"):
                yield "_properties"
            case ast.Attribute(value=ast.Name(id="job"), attr=name) if name != "result":
                yield f"job.{name}"
            case ast.arg(arg=name, annotation=ast.Name(id="QueryJob")) if name != "job":
                yield f"{name}: QueryJob"
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name != "job" and _makes_a_job(value):
                yield f"{name} = {ast.unparse(value)}"
            case ast.Attribute(value=value, attr=name) if _makes_a_job(value):
                yield f"{ast.unparse(value)}.{name}"
            case _:
                pass


def _makes_a_job(value: ast.expr) -> bool:
    match value:
        case ast.Call(func=ast.Name(id="cast"), args=[ast.Constant(value="QueryJob"), _]):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id="client") | ast.Attribute(attr="client"), attr="query")):
            return True
        case _:
            return False


def test_nothing_is_read_of_a_job_that_the_table_of_statistics_lacks() -> None:
    found = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        source = file.read_text(encoding="utf-8")
        if "google.cloud" in source and file != Path(statistics.__file__):
            found[file.relative_to(PACKAGE).as_posix()] = [*looks_into_a_job(source)]

    assert {"sources/jobs.py", "sources/costs.py", "incidents/rows.py"} <= found.keys()
    assert not any(found.values()), found
    assert tuple(value for value in vars(statistics).values() if isinstance(value, Statistic)) == STATISTICS
    assert len(set(PATHS)) == len(PATHS)


@pytest.mark.parametrize(
    "source",
    [
        "job.cache_hit",
        "job._properties",
        "answer._properties['statistics']",
        "def bill(done: QueryJob): ...",
        "found = self.client.query(sql)",
        "found = cast('QueryJob', something)",
        "client.query(sql).slot_millis",
    ],
)
def test_another_statistic_would_be_found(source: str) -> None:
    assert [*looks_into_a_job(source)]


# --- each of them, absent or odd ----------------------------------------------------------------------------------

COUNTS = {FRIDAY: RowCount(0), SATURDAY: RowCount(212, NOON), SUNDAY: RowCount(0)}
ODD: Final[tuple[object, ...]] = (None, True, "many", -1, 1.5, [], {}, ["PRECISE"])
CHANGES: Final[dict[str, Callable[[str], With | Without]]] = {
    "absent": lambda path: Without((path,)),
    **{repr(value): partial(With, value=value) for value in ODD},
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("path", PATHS)
def test_a_statistic_that_is_absent_or_odd_is_never_taken_for_zero(
    server: BigQueryRest, warehouse: BigQueryWarehouse, telemetry: Telemetry, path: str, change: str
) -> None:
    server.answer(Rows({"part": "INT64"}, [[1]]), when="SELECT 1 AS part")
    server.interfere("jobs.insert", CHANGES[change](path))

    found = outcome(warehouse, seconds=0.5)

    assert isinstance(found, SourceError) or found == COUNTS
    counted = 2**30 - int(telemetry.value("budget_remaining") or 0)
    assert counted in {BILLED, ESTIMATED, MOST}
    assert telemetry.total("bytes_processed") in {PROCESSED, counted} or isinstance(found, SourceError)


ANY: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.integers().map(str),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["reason", "fields", "name", "type", "mode", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("statistic", STATISTICS, ids=lambda statistic: statistic.path)
@given(value=ANY)
def test_a_statistic_of_any_type_is_what_it_says_or_as_good_as_absent(
    statistic: Statistic[object], value: object
) -> None:
    resource: dict[str, Any] = {"jobReference": {"projectId": "p", "jobId": "j"}, "configuration": {"query": {}}}
    inner, (*steps, last) = resource, statistic.path.split(".")
    for step in steps:
        inner = inner.setdefault(step, {})
    inner[last] = value

    found = statistic.of(QueryJob.from_api_repr(resource, CLIENT))

    if value is None:
        assert found is None
    match found:
        case bool() | None:
            pass
        case int():
            assert str(found) == str(value).lstrip("0") or not found
            assert not isinstance(value, bool)
        case str():
            assert found == value
        case _:
            assert [column.name for column in found] == [field["name"] for field in value["fields"]]  # type: ignore[attr-defined, index]  # columns


@pytest.mark.parametrize(
    ("statistic", "value", "found"),
    [
        (statistics.DONE, "DONE", True),
        (statistics.DONE, "RUNNING", False),
        (statistics.FAILURE, {"reason": "invalidQuery"}, False),
        (statistics.FAILURE, {"reason": "stopped"}, True),
        (statistics.FAILURE, {}, True),
        (statistics.EXACT, "UPPER_BOUND", True),
        (statistics.EXACT, "LOWER_BOUND", False),
        (statistics.EXACT, "of a kind that comes later", False),
        (statistics.HIDES_ROWS, False, False),
        (statistics.HIDES_ROWS, "false", True),
        (statistics.BILLED, "007", 7),
        (statistics.BILLED, "1e9", None),
        (statistics.BILLED, True, None),
    ],
)
def test_a_statistic_is_read_as_the_service_writes_it(
    statistic: Statistic[object], value: object, found: object
) -> None:
    assert statistic.read(value) is found or statistic.read(value) == found

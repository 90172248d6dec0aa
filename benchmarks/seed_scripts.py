"""What people did before: scripts that stream all heartbeats and count every table with a query of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.world import PIPELINE, processors

if TYPE_CHECKING:
    from datetime import date

    from google.cloud.bigquery import Client as BigQueryClient
    from google.cloud.firestore import Client as FirestoreClient

    from exporter.config.resolved import Config


@dataclass(frozen=True, slots=True)
class Seen:
    """What the scripts found out."""

    registered: int
    heartbeats: int
    rows: int


def look(found: Config, run_dates: tuple[date, ...], firestore: FirestoreClient, bigquery: BigQueryClient) -> Seen:
    """One pass: every document by itself, all heartbeats, one count a table and the run date before today's."""
    pipeline = found.pipelines[PIPELINE]
    registered = 0
    for phase in pipeline.phases.values():
        for day in run_dates:
            document = firestore.collection(str(phase.collection)).document(day.isoformat()).get()
            registered += sum(not key.startswith("_") for key in document.to_dict() or {})
    assert pipeline.heartbeats is not None
    wanted = {name for _, one in processors(found) for name in one.heartbeats}
    beats = [
        snapshot for snapshot in firestore.collection(pipeline.heartbeats.collection).stream() if snapshot.id in wanted
    ]
    rows = 0
    for table in dict.fromkeys(one.table for _, one in processors(found)):
        query = f"SELECT COUNT(*) AS n FROM `{table.name}` WHERE {table.day_column} = '{run_dates[-2]}'"
        rows += sum(row["n"] for row in bigquery.query(query).result())
    return Seen(registered, len(beats), rows)

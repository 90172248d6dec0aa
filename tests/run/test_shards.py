"""A running exporter that is one of several, with and without a pipeline of its own."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

from exporter.metrics.catalogue import LAST_SUCCESS
from exporter.shipped.alerts import alert_of
from exporter.web.app import create_app
from exporter.web.server import WebServer
from testing.collecting import COLLECTORS
from tests.run.serving import OVERLAY, Scene

if TYPE_CHECKING:
    from collections.abc import Iterator

# Of three shards the first has no pipeline, the second nba and the third mlb.
NONE, NBA = "0/3", "1/3"
RUNBOOK = f"/runbooks/{alert_of('stuck').name}"


@contextmanager
def served(scene: Scene, shard: str) -> Iterator[httpx.Client]:
    """A client of the exporter as this shard of both presets, after its first pass."""
    scene.write(OVERLAY.replace("preset: nba", f"preset: [nba, mlb]\nshard: {shard}"))
    scene.reload()
    server = WebServer(create_app(scene.service, lifecycle=False, version="1"), "127.0.0.1:0")
    server.start()
    try:
        with httpx.Client(base_url=server.url, timeout=30) as client:
            yield client
    finally:
        server.stop()


def test_a_shard_exports_its_own_pipelines_and_says_where_the_others_are(scene: Scene) -> None:
    with served(scene, NBA) as client:
        metrics = client.get("/metrics").text
        own, other = (client.get(RUNBOOK, params={"pipeline": name}) for name in ("nba", "mlb"))

    assert 'pipeline="nba"' in metrics
    assert 'pipeline="mlb"' not in metrics
    assert own.status_code == 200
    assert (other.status_code, other.text.strip()) == (
        404,
        "Pipeline mlb is exported by shard 2/3; this is shard 1/3.",
    )


def test_a_shard_without_a_pipeline_is_up_and_well_and_reads_nothing(scene: Scene) -> None:
    with served(scene, NONE) as client:
        metrics, page, ready = (client.get(path) for path in ("/metrics", "/", "/-/ready"))
        runbook, status = client.get(RUNBOOK), client.get("/api/v1/status")

    assert "pipeline=" not in metrics.text
    assert (page.status_code, ready.status_code, status.status_code) == (200, 200, 200)
    assert "No pipeline belongs to this shard, so it checks nothing." in page.text
    assert (runbook.status_code, runbook.text.strip()) == (404, "This is shard 0/3, which exports no pipeline.")
    assert [dict(scene.service.live()[LAST_SUCCESS])[f'collector="{name}"'] for name in COLLECTORS] == [
        scene.clock.now.timestamp()
    ] * len(COLLECTORS)
    assert {name: orders.calls for name, orders in scene.memory.store.orders.items()} == {
        "documents": 0,
        "heartbeats": 0,
        "count": 0,
    }

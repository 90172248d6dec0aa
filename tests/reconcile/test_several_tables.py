"""Processors that write several tables: the worst of them decides."""

from __future__ import annotations

from datetime import timedelta

import pytest

from exporter.model import (
    RowCount,
    Verdict,
)
from exporter.reconcile.trigger import WORST
from tests.reconcile.shop import (
    FRIDAY,
    NOON,
    SATURDAY,
    judged,
    one,
    shop,
    table,
)
from tests.reconcile.world import World, clock

LINES = {"lines": table("lines", rows_per_unit=[20, 30])}


def two_tables(orders: int, lines: int, *, registered: int | None = None) -> World:
    """A processor that writes orders and their lines: so many rows of each, and an entry with this record count."""
    bill = {
        "collection": "bill_done",
        "due": "06:00",
        "processors": {"orders": {"table": table("orders", rows_per_unit=10), "more_tables": LINES}},
    }
    world = World(shop(SATURDAY, phases={"bill": bill}))
    at = clock(SATURDAY, "05:00:00")
    for name, rows in (("orders", orders), ("lines", lines)):
        world.rows[f"shop.{name}", FRIDAY] = RowCount(rows, at)
    if registered is not None:
        world.register("orders", SATURDAY, at + timedelta(minutes=1), registered)
    return world


@pytest.mark.parametrize(
    ("world", "verdict", "named"),
    [
        (two_tables(10, 20, registered=10), Verdict.OK, "shop.orders"),
        (two_tables(10, 20, registered=30), Verdict.OK, "shop.orders"),
        (two_tables(10, 20), Verdict.UNREGISTERED, "shop.orders"),
        (two_tables(10, 0), Verdict.MISSING, "shop.lines"),
        (two_tables(0, 20), Verdict.MISSING, "shop.orders"),
        (two_tables(10, 0, registered=10), Verdict.PHANTOM, "shop.lines"),
        (two_tables(10, 19, registered=10), Verdict.PARTIAL, "shop.lines"),
        (two_tables(9, 31, registered=10), Verdict.PARTIAL, "shop.orders"),
        (two_tables(10, 31, registered=10), Verdict.DUPLICATED, "shop.lines"),
    ],
)
def test_the_worst_of_several_tables_decides_and_is_named(world: World, verdict: Verdict, named: str) -> None:
    orders = one(judged(world, clock(SATURDAY, NOON)), "orders")

    assert (orders.verdict, orders.table) == (verdict, named)
    said = [hint.text for hint in orders.hints if "of its 2 tables" in hint.text]
    assert said == ([] if verdict is Verdict.OK else [f"of its 2 tables, this is of {named}"])


def test_work_has_finished_once_every_table_has_rows() -> None:
    early = clock(SATURDAY, "05:30:00")

    assert one(judged(two_tables(10, 0), early), "orders").verdict is Verdict.NOT_DUE
    assert one(judged(two_tables(10, 20), early), "orders").verdict is Verdict.UNREGISTERED


def test_a_table_that_cannot_be_read_leaves_unknown_whether_the_work_has_finished() -> None:
    world, now = two_tables(10, 20), clock(SATURDAY, NOON)
    rows = {table: reading for table, reading in world.snapshot(now).rows.items() if table.name != "shop.lines"}

    assert one(judged(world, now, rows=rows), "orders").verdict is Verdict.UNKNOWN


def test_every_verdict_has_its_place_among_those_of_several_tables() -> None:
    assert sorted(WORST) == sorted(Verdict)

from __future__ import annotations

from exporter.config.errors import Fault
from exporter.config.tree import Tree, merge, tree_of


def layer(source: str, **values: object) -> Tree:
    tree, faults = tree_of(values, source)
    assert not faults
    return tree


def test_mappings_merge_and_everything_else_replaces() -> None:
    base = layer("base", a={"x": 1, "y": [1, 2]}, b="text", c={"z": 1})
    over = layer("over", a={"y": [3], "w": 4}, b={"now": "a mapping"}, c=5)

    assert merge(base, over).root == {"a": {"x": 1, "y": [3], "w": 4}, "b": {"now": "a mapping"}, "c": 5}


def test_null_removes_the_key_and_nothing_else() -> None:
    base = layer("base", a={"x": 1, "y": 2})

    merged = merge(base, layer("over", a={"x": None, "z": None}))

    assert merged.root == {"a": {"y": 2, "z": None}}
    assert base.root == {"a": {"x": 1, "y": 2}}


def test_a_fault_is_placed_where_its_value_was_written() -> None:
    merged = merge(layer("base", a={"x": 1, "y": 2}), layer("over", a={"y": 3}))

    assert merged.fault(("a", "x"), "m") == Fault("a.x", "m", "base")
    assert merged.fault(("a", "y"), "m") == Fault("a.y", "m", "over")
    assert merged.fault(("a", "missing"), "m") == Fault("a.missing", "m", "over")
    assert Tree(("nothing",)).fault(("a",), "m") == Fault("a", "m", "nothing")


def test_of_keys_that_contradict_each_other_the_one_written_last_is_reported() -> None:
    merged = merge(layer("base", a=1, b=2), layer("over", b=3))

    assert merged.newest([(("a",), "first"), (("b",), "second")]) == Fault("b", "second", "over")
    assert merged.newest([(("a",), "first"), (("nowhere",), "second")]) == Fault("a", "first", "base")


def test_an_overlay_with_keys_that_are_no_text_is_reported() -> None:
    _, faults = tree_of({"a": {1: "x", "b": ({2: "y"},)}}, "overlay")

    assert faults == [
        Fault("a", 'the key "1" is not text: put it in quotes', "overlay"),
        Fault("a.b[0]", 'the key "2" is not text: put it in quotes', "overlay"),
    ]


def test_a_path_with_odd_keys_can_be_printed() -> None:
    fault = layer("over").fault(("a b", "c\nd", 0, "e" * 100), "m")

    assert fault.path == f'"a b"."c\\nd"[0].{"e" * 100}'

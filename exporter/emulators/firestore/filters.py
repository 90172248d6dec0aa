"""A query's filter as a predicate on documents.

A comparison holds only between values of one type (all numbers are one), a missing field passes no filter at all, and
`!=` and `not in` do not pass null: https://firebase.google.com/docs/firestore/query-data/queries
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from exporter.emulators.firestore import fields, values
from exporter.emulators.firestore.errors import invalid
from exporter.emulators.firestore.fields import FieldPath
from exporter.emulators.firestore.messages import Message, StructuredQuery
from exporter.emulators.firestore.values import NAN_KEY, NULL_KEY, SortKey

Predicate: TypeAlias = Callable[[Message], bool]
_Test: TypeAlias = Callable[[SortKey], bool]

_MOST_ALTERNATIVES: Final = 30  # https://firebase.google.com/docs/firestore/query-data/queries#limits_on_or_queries
_MOST_EXCLUSIONS: Final = 10  # the same page
_INEQUALITIES: Final = frozenset(
    {
        *("LESS_THAN", "LESS_THAN_OR_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL"),
        *("NOT_EQUAL", "NOT_IN", "IS_NOT_NULL", "IS_NOT_NAN"),
    }
)
_NEGATIONS: Final = frozenset({"NOT_EQUAL", "NOT_IN", "IS_NOT_NULL", "IS_NOT_NAN"})


def predicate(where: Message) -> Predicate:
    """The predicate of a query's `where`. Raises CallError (INVALID_ARGUMENT) for a filter that Firestore refuses."""
    negations = [name for name, _ in _leaves(where) if name in _NEGATIONS]
    if len(negations) > 1:
        raise invalid(f"a query takes one of {', '.join(sorted(_NEGATIONS))}, this one has {len(negations)}")
    return _compile(where)


def inequality_fields(where: Message) -> list[FieldPath]:
    """The fields by which a query is implicitly ordered, in the order of their names."""
    return sorted({fields.parse(path) for name, path in _leaves(where) if name in _INEQUALITIES})


def key_at(document: Message, path: FieldPath) -> SortKey | None:
    """The sort key of a document's field (or of its name), None where it has none."""
    if path == fields.NAME:
        return values.name_key(document.name)
    value = fields.lookup(document.fields, path)
    return None if value is None else values.sort_key(value)


def _leaves(where: Message) -> Iterator[tuple[str, str]]:
    """Every comparison's operator and field path."""
    match where.WhichOneof("filter_type"):
        case "composite_filter":
            for part in where.composite_filter.filters:
                yield from _leaves(part)
        case "field_filter":
            yield _name(StructuredQuery.FieldFilter, where.field_filter.op), where.field_filter.field.field_path
        case "unary_filter":
            yield _name(StructuredQuery.UnaryFilter, where.unary_filter.op), where.unary_filter.field.field_path
        case _:
            raise invalid("a filter is empty")


def _name(message: Message, number: int) -> str:
    name: str = message.Operator.Name(number)
    return name


def _compile(where: Message) -> Predicate:
    match where.WhichOneof("filter_type"):
        case "composite_filter":
            return _composite(where.composite_filter)
        case "field_filter":
            return _field(where.field_filter)
        case _:
            path = fields.parse(where.unary_filter.field.field_path)
            return _on_field(path, _unary_test(_name(StructuredQuery.UnaryFilter, where.unary_filter.op)))


def _composite(composite: Message) -> Predicate:
    parts = [_compile(part) for part in composite.filters]
    match _name(StructuredQuery.CompositeFilter, composite.op):
        case "AND" if parts:
            return lambda document: all(part(document) for part in parts)
        case "OR" if parts:
            return lambda document: any(part(document) for part in parts)
        case name:
            raise invalid(f"a composite filter {name} has {len(parts)} parts")


def _field(field_filter: Message) -> Predicate:
    name = _name(StructuredQuery.FieldFilter, field_filter.op)
    if name not in _TESTS:
        raise invalid(f"a filter on {field_filter.field.field_path} has no operator")
    path = fields.parse(field_filter.field.field_path)
    operand = field_filter.value
    if name in _MOST_OPERANDS:
        _check_operands(name, operand, _MOST_OPERANDS[name])
    if path == fields.NAME:
        for value in operand.array_value.values if name in _MOST_OPERANDS else [operand]:
            if value.WhichOneof("value_type") != "reference_value":
                raise invalid("a filter on __name__ compares with references")
    return _on_field(path, _TESTS[name](operand))


def _check_operands(name: str, operand: Message, most: int) -> None:
    if operand.WhichOneof("value_type") != "array_value" or not operand.array_value.values:
        raise invalid(f"{name} takes a list of at least one value")
    if len(operand.array_value.values) > most:
        raise invalid(f"{name} takes up to {most} values, not {len(operand.array_value.values)}")


def _on_field(path: FieldPath, test: _Test) -> Predicate:
    def holds(document: Message) -> bool:
        key = key_at(document, path)
        return key is not None and test(key)

    return holds


def _unary_test(name: str) -> _Test:
    match name:
        case "IS_NULL":
            return lambda key: key == NULL_KEY
        case "IS_NAN":
            return lambda key: key == NAN_KEY
        case "IS_NOT_NULL":
            return lambda key: key != NULL_KEY
        case "IS_NOT_NAN":
            return lambda key: key not in (NAN_KEY, NULL_KEY)
        case _:
            raise invalid(f"a filter has the unary operator {name}")


def _comparison(compare: Callable[[Any, Any], bool]) -> Callable[[Message], _Test]:
    def make(operand: Message) -> _Test:
        wanted = values.sort_key(operand)
        return lambda key: key[0] == wanted[0] and compare(key, wanted)

    return make


def _not_equal(operand: Message) -> _Test:
    unwanted = values.sort_key(operand)
    return lambda key: key not in (NULL_KEY, unwanted)


def _keys(operand: Message) -> set[SortKey]:
    return {values.sort_key(value) for value in operand.array_value.values}


def _in(operand: Message) -> _Test:
    wanted = _keys(operand) - {NULL_KEY, NAN_KEY}
    return lambda key: key in wanted


def _not_in(operand: Message) -> _Test:
    unwanted = _keys(operand) - {NAN_KEY}
    if NULL_KEY in unwanted:
        return lambda _: False
    return lambda key: key != NULL_KEY and key not in unwanted


def _elements(key: SortKey) -> tuple[SortKey, ...]:
    rank, part = key
    return part if rank == values.ARRAY_RANK and isinstance(part, tuple) else ()


def _contains(operand: Message) -> _Test:
    wanted = values.sort_key(operand)
    return lambda key: wanted in _elements(key)


def _contains_any(operand: Message) -> _Test:
    wanted = _keys(operand)
    return lambda key: not wanted.isdisjoint(_elements(key))


_TESTS: Final[Mapping[str, Callable[[Message], _Test]]] = {
    "LESS_THAN": _comparison(operator.lt),
    "LESS_THAN_OR_EQUAL": _comparison(operator.le),
    "GREATER_THAN": _comparison(operator.gt),
    "GREATER_THAN_OR_EQUAL": _comparison(operator.ge),
    "EQUAL": _comparison(operator.eq),
    "NOT_EQUAL": _not_equal,
    "ARRAY_CONTAINS": _contains,
    "ARRAY_CONTAINS_ANY": _contains_any,
    "IN": _in,
    "NOT_IN": _not_in,
}
_MOST_OPERANDS: Final[Mapping[str, int]] = {
    "ARRAY_CONTAINS_ANY": _MOST_ALTERNATIVES,
    "IN": _MOST_ALTERNATIVES,
    "NOT_IN": _MOST_EXCLUSIONS,
}

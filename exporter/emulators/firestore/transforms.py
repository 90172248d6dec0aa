"""Field transforms that the server computes: server time, increment, maximum, minimum, array union and removal."""

import math
from collections.abc import Callable, Mapping
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from exporter.emulators.firestore import fields, values
from exporter.emulators.firestore.errors import invalid, unimplemented
from exporter.emulators.firestore.messages import Message, Value

_REQUEST_TIME: Final = 1  # DocumentTransform.FieldTransform.ServerValue.REQUEST_TIME


def apply(transform: Message, into: Message, at: Timestamp) -> Message:
    """Change one field of `into` as a FieldTransform says, and return what its WriteResult tells the client."""
    path = fields.parse(transform.field_path)
    kind = transform.WhichOneof("transform_type")
    stored = fields.lookup(into, path)
    if kind == "set_to_server_value":
        if transform.set_to_server_value != _REQUEST_TIME:
            raise invalid(f"{transform.field_path}: the server value is not specified")
        # Milliseconds, as the reference of ServerValue says.
        value = answer = Value(timestamp_value=Timestamp(seconds=at.seconds, nanos=at.nanos - at.nanos % 1_000_000))
    elif kind in _NUMERIC:
        operand = getattr(transform, kind)
        if not values.is_number(operand):
            raise invalid(f"{transform.field_path}: {kind} takes a number")
        value = answer = operand if stored is None or not values.is_number(stored) else _NUMERIC[kind](stored, operand)
    elif kind in _ARRAYS:
        elements = stored.array_value.values if stored is not None else ()
        value, answer = Value(), Value(null_value=0)
        value.array_value.SetInParent()
        value.array_value.values.extend(_ARRAYS[kind](elements, getattr(transform, kind).values))
    else:
        raise unimplemented(f"the transform {kind or 'nothing'}")
    fields.assign(into, path, value)
    return answer


def _number(value: Message) -> int | float:
    number: int | float = getattr(value, value.WhichOneof("value_type"))
    return number


def _increment(stored: Message, operand: Message) -> Message:
    total = _number(stored) + _number(operand)
    if isinstance(total, float):
        return Value(double_value=total)
    return Value(integer_value=min(max(total, values.LOWEST_INTEGER), values.HIGHEST_INTEGER))


def _extreme(operand_wins: Callable[[int | float, int | float], bool]) -> Callable[[Message, Message], Message]:
    def choose(stored: Message, operand: Message) -> Message:
        # Equal numbers of different types leave the stored one; with NaN on either side the answer is NaN.
        mine, theirs = _number(stored), _number(operand)
        return operand if math.isnan(theirs) or operand_wins(theirs, mine) else stored

    return choose


def _union(stored: Message, elements: Message) -> list[Message]:
    united = list(stored)
    seen = {values.sort_key(element) for element in stored}
    for element in elements:
        key = values.sort_key(element)
        if key not in seen:
            seen.add(key)
            united.append(element)
    return united


def _without(stored: Message, elements: Message) -> list[Message]:
    removed = {values.sort_key(element) for element in elements}
    return [element for element in stored if values.sort_key(element) not in removed]


_NUMERIC: Final[Mapping[str, Callable[[Message, Message], Message]]] = {
    "increment": _increment,
    "maximum": _extreme(lambda theirs, mine: theirs > mine),
    "minimum": _extreme(lambda theirs, mine: theirs < mine),
}
_ARRAYS: Final[Mapping[str, Callable[[Message, Message], list[Message]]]] = {
    "append_missing_elements": _union,
    "remove_all_from_array": _without,
}

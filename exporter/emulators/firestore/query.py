"""A structured query: its result documents in a view, their order, and the returned fields."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from exporter.emulators.firestore import fields, filters, names
from exporter.emulators.firestore.errors import invalid, unimplemented
from exporter.emulators.firestore.fields import FieldPath
from exporter.emulators.firestore.filters import Predicate
from exporter.emulators.firestore.messages import Message, StructuredQuery
from exporter.emulators.firestore.store import View
from exporter.emulators.firestore.values import SortKey, sort_key


@dataclass(frozen=True, slots=True)
class Order:
    """One field by which results are ordered."""

    path: FieldPath
    descending: bool


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position between results: just before or just after those that begin with these keys."""

    keys: tuple[SortKey, ...]
    before: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A query as Firestore runs it, implicit orders included.

    Attributes:
        parent: the document or root whose collections are queried.
        collection_id: the id of the collection.
        everywhere: all collections of that id at any depth below the parent, not only its own.
        where: None keeps every document.
        orders: ends with the document's name.
        projection: the fields that are returned; None returns all.

    """

    parent: str
    collection_id: str
    everywhere: bool
    where: Predicate | None
    orders: tuple[Order, ...]
    start: Cursor | None
    end: Cursor | None
    offset: int
    limit: int | None
    projection: tuple[FieldPath, ...] | None

    @property
    def windowed(self) -> bool:
        """Whether a document's position among the others decides if it is a result."""
        return self.offset > 0 or self.limit is not None

    @property
    def whole(self) -> bool:
        """Whether every document of the collection is a result."""
        return self.where is None and len(self.orders) == 1 and self.start is None and self.end is None

    def selects(self, document: Message) -> bool:
        """Whether the document is a result, ignoring offset and limit."""
        return self._is_in_scope(names.collection_of(document.name)) and self._keys(document) is not None

    def results(self, view: View) -> list[Message]:
        """The whole documents in their order, with offset and limit applied."""
        rows = [
            (*keys, document)
            for home in self._scope(view)
            for document in view.collection(home)
            if (keys := self._keys(document)) is not None
        ]
        for place, order in reversed([*enumerate(self.orders)]):
            rows.sort(key=itemgetter(place), reverse=order.descending)
        end = None if self.limit is None else self.offset + self.limit
        return [row[-1] for row in rows[self.offset : end]]

    def count(self, view: View) -> int:
        """The number of results."""
        if not self.whole:
            return len(self.results(view))
        total = sum(view.size(home) for home in self._scope(view)) - self.offset
        return max(total if self.limit is None else min(total, self.limit), 0)

    def projected(self, document: Message) -> Message:
        """The returned part of a result."""
        return document if self.projection is None else fields.project(document, self.projection)

    def _scope(self, view: View) -> Iterator[str]:
        if not self.everywhere:
            yield f"{self.parent}/{self.collection_id}"
            return
        yield from filter(self._is_in_scope, view.collections(self.parent))

    def _is_in_scope(self, collection: str) -> bool:
        above, _, identifier = collection.rpartition("/")
        if identifier != self.collection_id:
            return False
        return above == self.parent or (self.everywhere and above.startswith(f"{self.parent}/"))

    def _keys(self, document: Message) -> list[SortKey] | None:
        """The sort keys of the document, or None if it is no result."""
        if self.where is not None and not self.where(document):
            return None
        keys: list[SortKey] = []
        for order in self.orders:
            key = filters.key_at(document, order.path)
            if key is None:
                return None
            keys.append(key)
        return keys if self._is_between_cursors(keys) else None

    def _is_between_cursors(self, keys: Sequence[SortKey]) -> bool:
        if self.start is not None:
            side = self._compare(keys, self.start)
            if side < 0 or (side == 0 and not self.start.before):
                return False
        if self.end is not None:
            side = self._compare(keys, self.end)
            return side < 0 or (side == 0 and not self.end.before)
        return True

    def _compare(self, keys: Sequence[SortKey], cursor: Cursor) -> int:
        for order, key, wanted in zip(self.orders, keys, cursor.keys, strict=False):
            if key != wanted:
                return 1 if (key > wanted) != order.descending else -1
        return 0


def compile_query(parent: str, query: Message) -> Query:
    """A StructuredQuery below a parent, ready to run.

    Raises CallError: INVALID_ARGUMENT where Firestore refuses the query, UNIMPLEMENTED for a query over all
    collections.
    """
    names.check_parent(parent)
    if len(query.from_) != 1 or not query.from_[0].collection_id:
        raise unimplemented("a query that does not name one collection in StructuredQuery.from")
    for number, what in ((query.offset, "offset"), (query.limit.value, "limit")):
        if number < 0:
            raise invalid(f"the {what} {number} is negative")
    orders = _orders(query)
    return Query(
        parent=parent,
        collection_id=query.from_[0].collection_id,
        everywhere=query.from_[0].all_descendants,
        where=filters.predicate(query.where) if query.HasField("where") else None,
        orders=orders,
        start=_cursor(query, "start_at"),
        end=_cursor(query, "end_at"),
        offset=query.offset,
        limit=query.limit.value if query.HasField("limit") else None,
        projection=_projection(query),
    )


def _orders(query: Message) -> tuple[Order, ...]:
    orders = [
        Order(fields.parse(order.field.field_path), order.direction == StructuredQuery.Direction.Value("DESCENDING"))
        for order in query.order_by
    ]
    implied = filters.inequality_fields(query.where) if query.HasField("where") else []
    descending = bool(orders) and orders[-1].descending
    for path in (*implied, fields.NAME):
        if all(order.path != path for order in orders):
            orders.append(Order(path, descending))
    return tuple(orders)


def _cursor(query: Message, side: str) -> Cursor | None:
    if not query.HasField(side):
        return None
    cursor = getattr(query, side)
    if len(cursor.values) > len(query.order_by):
        raise invalid(f"{side} has {len(cursor.values)} values for {len(query.order_by)} fields in order_by")
    return Cursor(tuple(sort_key(value) for value in cursor.values), cursor.before)


def _projection(query: Message) -> tuple[FieldPath, ...] | None:
    if not query.select.fields:
        return None
    paths = [fields.parse(field.field_path) for field in query.select.fields]
    return tuple(path for path in paths if path != fields.NAME)

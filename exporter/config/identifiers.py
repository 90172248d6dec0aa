"""Names that the configuration may use: for labels, Google Cloud projects, Firestore and BigQuery.

These names are put into requests and queries unchanged, so the rules also keep a name from being read as something
else. Every reader takes a value of any type from the YAML, and raises ValueError with a sentence that says what to
write.
"""

from __future__ import annotations

import re
import unicodedata
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from exporter.config.sql import parse_sql
from exporter.config.wording import describe, did_you_mean

NAME_PATTERN = r"^[A-Za-z0-9_-]+$"
PHASE_PATTERN = r"^([A-Za-z0-9_-]+/)?[A-Za-z0-9_-]+$"
PROCESSOR_PATTERN = r"^[A-Za-z0-9-][A-Za-z0-9_-]*$"
COLUMN_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"
PATH_PATTERN = r"^[^\u0000]+$"
PROJECT_PATTERN = r"^([a-z]([a-z0-9.-]*[a-z0-9])?:)?[a-z]([a-z0-9-]*[a-z0-9])?$"
TABLE_PATTERN = r"^(([a-z]([a-z0-9.-]*[a-z0-9])?:)?[a-z]([a-z0-9-]*[a-z0-9])?\.)?[A-Za-z0-9_]+\.[^.`\\]+$"
DATABASE_PATTERN = r"^(\(default\)|[a-z]([a-z0-9-]*[a-z0-9])?)$"
RESOURCE_PATTERN = r"^[a-z]([a-z0-9-]*[a-z0-9])?$"
LOCATION_PATTERN = r"^[A-Za-z][A-Za-z0-9-]*$"
DOCUMENT_PATTERN = r"^(?!\.{1,2}$)(?!__.*__$)[^/]+$"
COLLECTION_PATTERN = r"^[^/]+(/[^/]+/[^/]+)*$"

EVERYTHING = "all"

# BigQuery: Unicode letters, marks, numbers, connectors, dashes and spaces, 1,024 bytes in all.
_TABLE_CATEGORIES = ("L", "M", "N", "Pc", "Pd", "Zs")
_LONGEST_TABLE = 1_024
_LONGEST_COLUMN = 300
# Firestore: collection and document ids, in bytes of UTF-8.
_LONGEST_ID = 1_500


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"must be {what}, not {describe(value)}")
    return value


def _matching(value: object, pattern: str, what: str, rule: str) -> str:
    text = _text(value, what)
    if not re.fullmatch(pattern, text):
        raise ValueError(f"{describe(text)} cannot be {what}: {rule}")
    return text


def parse_name(value: object) -> str:
    """A name that becomes a metric label: of a pipeline, a phase, a mode, a check, a reason."""
    return _matching(value, NAME_PATTERN, "a name", "use letters, digits, _ and - only")


def parse_phase(value: object) -> str:
    """A phase of the same pipeline (`report`), or of another one (`shop/report`)."""
    rule = "use letters, digits, _ and - only, and pipeline/phase for a phase of another pipeline"
    return _matching(value, PHASE_PATTERN, "the name of a phase", rule)


def parse_processor_name(value: object) -> str:
    """A processor's name, which is also its key in the completion documents."""
    name = parse_name(value)
    if name.startswith("_"):
        raise ValueError(
            f"{describe(name)} cannot name a processor: in a completion document keys that begin with _ are metadata"
        )
    return name


def parse_text(value: object) -> str:
    """Any text that is compared with what the sources hold."""
    return _text(value, "text")


def parse_path(value: object) -> str:
    """The path of a file."""
    return _matching(value, PATH_PATTERN, "the path of a file", "leave out the character U+0000, which no path has")


def parse_project(value: object) -> str:
    """A Google Cloud project id. Emulators take shorter ones than Google does, so the length is not checked."""
    return _matching(
        value, PROJECT_PATTERN, "a project id", "use lower-case letters, digits and -, beginning with a letter"
    )


def parse_column(value: object) -> str:
    """A BigQuery column."""
    column = _matching(value, COLUMN_PATTERN, "a column", "use letters, digits and _, not beginning with a digit")
    if len(column) > _LONGEST_COLUMN:
        raise ValueError(f"{describe(column)} cannot be a column: at most {_LONGEST_COLUMN} characters")
    return column


def parse_date_column(value: object) -> str:
    """A column, or an SQL expression that gives a row's date."""
    if isinstance(value, str) and re.search(r"[(.]", value):
        return parse_sql(value)
    try:
        return parse_column(value)
    except ValueError as error:
        raise ValueError(f"{error}; or write an expression such as DATE(event_ts)") from error


def is_column(text: str) -> bool:
    """Whether the text is a column's name, and no expression."""
    return re.fullmatch(COLUMN_PATTERN, text) is not None


def parse_table(value: object) -> str:
    """A BigQuery table: `dataset.table` or `project.dataset.table`."""
    text = _text(value, "a table (dataset.table)")
    parts = text.rsplit(".", 2)
    if len(parts) == 1 or not all(parts):
        raise ValueError(f"{describe(text)} is not a table: write dataset.table or project.dataset.table, no backticks")
    *project, dataset, table = parts
    for name in project:
        parse_project(name)
    if not re.fullmatch(r"[A-Za-z0-9_]+", dataset):
        raise ValueError(f"{describe(dataset)} cannot be a dataset: use letters, digits and _")
    if table.endswith("*"):
        raise ValueError(f"{describe(table)} stands for many tables: name a view that has their rows, with their date")
    if any(not unicodedata.category(character).startswith(_TABLE_CATEGORIES) for character in table):
        raise ValueError(f"{describe(table)} cannot be a table: use letters, digits, _, - and spaces, no backticks")
    if len(table.encode()) > _LONGEST_TABLE:
        raise ValueError(f"{describe(table)} cannot be a table: at most {_LONGEST_TABLE} bytes")
    return text


def parse_collection(value: object) -> str:
    """A Firestore collection: at the root of the database, or below a document (`ops/prod/ingest_done`)."""
    text = _text(value, "a collection")
    parts = text.split("/")
    if len(parts) % 2 == 0:
        raise ValueError(
            f"{describe(text)} cannot be a collection: it names a document; write collection, or"
            " collection/document/collection"
        )
    for part in parts:
        _firestore_id(part, "a collection")
    return text


def parse_document(value: object) -> str:
    """A Firestore document id."""
    return _firestore_id(value, "a document id")


def _firestore_id(value: object, what: str) -> str:
    text = _text(value, what)
    if "/" in text:
        raise ValueError(f"{describe(text)} cannot be {what}: it must not contain /")
    if not re.fullmatch(DOCUMENT_PATTERN, text, re.DOTALL):
        raise ValueError(f"{describe(text)} cannot be {what}: Firestore keeps ., .. and __...__ for itself")
    if len(text.encode()) > _LONGEST_ID:
        raise ValueError(f"{describe(text)} cannot be {what}: at most {_LONGEST_ID} bytes")
    return text


def parse_field(value: object) -> str:
    """The name of a field of a document."""
    text = _text(value, "the name of a field")
    if is_reserved(text):
        raise ValueError(f"{describe(text)} cannot be a field: Firestore keeps __...__ for itself")
    return text


def parse_fields(value: object) -> tuple[str, ...]:
    """The names that a field may have, the preferred one first; none if the documents have no such field."""
    match value:
        case str():
            return (parse_field(value),)
        case list() | tuple():
            return tuple(map(parse_field, value))
        case _:
            raise ValueError(
                f"must be the name of a field, a list of names, or [] where there is none, not {describe(value)}"
            )


def parse_columns(value: object) -> tuple[str, ...]:
    """The name that a column has, or none if the table has no such column."""
    match value:
        case str():
            return (parse_column(value),)
        case list() | tuple() if len(value) < len(("one", "too many")):
            return tuple(map(parse_column, value))
        case _:
            raise ValueError(f"must be a column, or [] where the table has none, not {describe(value)}")


def parse_words(value: object) -> tuple[str, ...]:
    """Words of a status, in small letters."""
    match value:
        case str():
            return (_word(value),)
        case list() | tuple():
            return tuple(map(_word, value))
        case _:
            raise ValueError(f"must be a word, or a list of words, not {describe(value)}")


def _word(value: object) -> str:
    word = _text(value, "a word of a status").strip().lower()
    if not word:
        raise ValueError("must be a word of a status, not empty text")
    return word


def parse_database(value: object) -> str:
    """A Firestore database."""
    return _matching(
        value, DATABASE_PATTERN, "a database", 'write "(default)" or a name of lower-case letters, digits and -'
    )


def parse_location(value: object) -> str:
    """A BigQuery location, such as `US` or `europe-west1`."""
    return _matching(value, LOCATION_PATTERN, "a location", "write one such as US or europe-west1")


def parse_resource(value: object) -> str:
    """The name of a Cloud Run service or job, or of a region."""
    return _matching(
        value, RESOURCE_PATTERN, "a name in Cloud Run", "use lower-case letters, digits and -, beginning with a letter"
    )


def parse_zone(value: object) -> ZoneInfo:
    """An IANA time zone."""
    text = _text(value, "a time zone such as America/New_York")
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # a folder of zones, such as America, is an OSError
        meant = did_you_mean(text, available_timezones())
        raise ValueError(
            f"{describe(text)} is not a time zone{meant}: write an IANA name such as America/New_York"
        ) from error


def parse_expected(value: object) -> str | tuple[str, ...]:
    """The processors that a mode expects: `all`, or a list of names, which may be empty."""
    match value:
        case str() if value == EVERYTHING:
            return value
        case list() | tuple():
            return tuple(parse_processor_name(name) for name in value)
        case _:
            raise ValueError(f"must be `all` or a list of processors, not {describe(value)}")


def is_reserved(text: str) -> bool:
    """Ids and field names like `__this__` belong to Firestore."""
    return len(text) > len("___") and text.startswith("__") and text.endswith("__")

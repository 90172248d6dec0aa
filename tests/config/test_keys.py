"""A key is declared once, with its meaning, unit and default; every other place that names it is held to that."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from exporter.config.json_schema import json_schema
from exporter.config.keys import section_at
from exporter.config.records import RecordNames
from exporter.config.reference import reference_markdown
from exporter.config.schema import Wire
from exporter.config.section import ABSENT, Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "exporter" / "config"
# The wire form in three files, the table of fields, and the resolved form.
DECLARED = {"schema.py", "records.py", "schedule_schema.py", "fields.py", "resolved.py"}
# Where a value is made of several keys, compared with another one, or explained.
MADE = {
    "resolve.py": {
        "bigquery_location",
        "daily_budget",
        "applies_to",
        "date_column",
        "dated_by",
        "days_ahead",
        "firestore_database",
        "max_staleness",
        "maximum_bytes_billed",
        "more_tables",
        "run_history_names",
        "state_sets",
        "written_column",
    },
    "reference.py": {"applies_to", "data_date_offset", "dated_by", "days_ahead", "phase_log"},
    "expected.py": {"data_date_offset"},
    "relations.py": {"applies_to", "data_date_offset", "run_history"},
}
FILES = (".py", ".jsonl")
PATH = re.compile(r"(?<![\w./])(?:collect|documents|heartbeats)\.[a-z_]+(?:\.[a-z_]+)*")
SECTIONS = [*Section.__subclasses__(), *(deeper for one in Section.__subclasses__() for deeper in one.__subclasses__())]
KEYS = {f"{section.__name__}.{key}": field for section in SECTIONS for key, field in section.model_fields.items()}


def has_unit(value: dict[str, Any]) -> bool:
    """Whether a schema says what its values are: a kind, a choice, a section, or a list or mapping of such."""
    if {"$comment", "$ref", "const", "enum"} & set(value) or value.get("type") in {"boolean", "null"}:
        return True
    inner = value.get("anyOf") or [value.get("items") or value.get("additionalProperties")]
    return all(isinstance(one, dict) and has_unit(one) for one in inner)


def paths(section: type[Section], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every key of the YAML; `*` is a name of the operator's own."""
    for key in section.model_fields:
        yield (*path, key)
        for below in ((*path, key), (*path, key, "*")):
            inner = section_at(below)
            if inner:
                yield from paths(inner, below)


def test_keys_are_found() -> None:
    assert len(KEYS) > 70


@pytest.mark.parametrize(("key", "field"), KEYS.items(), ids=KEYS)
def test_a_key_states_its_meaning_and_its_default(key: str, field: FieldInfo) -> None:
    meaning, _, absent = (field.description or "").partition(ABSENT)

    assert meaning.endswith("."), f"{key} has no meaning: write one sentence or more in exporter/config/schema.py"
    assert field.is_required() or field.default is not None or absent, f"{key}: say what holds without it (`_optional`)"


def test_every_key_states_its_unit() -> None:
    without = [
        f"{name}.{key}"
        for name, definition in json_schema()["$defs"].items()
        for key, value in definition["properties"].items()
        if not has_unit(value)
    ]

    assert without == []


def test_the_reference_has_every_key_in_its_section() -> None:
    rows: dict[str, set[str]] = {}
    for section in re.split(r"^### ", reference_markdown(), flags=re.MULTILINE)[1:]:
        heading, _, table = section.partition("\n")
        for name in re.findall(r"`([^`]+)`", heading) or [""]:
            rows[re.sub(r"<\w+>", "*", name)] = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    missing = [path for path in paths(Wire) if path[-1] not in rows.get(".".join(path[:-1]), set())]

    assert missing == []


def of_two_words() -> set[str]:
    """Keys of two words. Those of fields are also the names of what the program makes of them."""
    return {key for one in SECTIONS if not issubclass(one, RecordNames) for key in one.model_fields if "_" in key}


def test_a_key_of_two_words_is_spelled_where_it_is_declared_and_where_a_value_is_made_of_it() -> None:
    names = of_two_words()

    spelled = {
        file.name: found
        for file in CONFIG.glob("*.py")
        if file.name not in DECLARED and (found := names & set(re.findall(r"\w+", file.read_text(encoding="utf-8"))))
    }

    assert spelled == MADE


BESIDE = {"config/records.py", "config/fields.py", "cli/proposal.py", "cli/init.py"}
"""Files that declare keys beside schema.py, and those that write a configuration."""
MOST = 4
"""Files that may spell one key. Elsewhere the resolved objects have names of their own for what the values do."""
RUNBOOKS = ("present/runbooks.py", "present/runbook_records.py", "present/runbook_tables.py")
# Words that are also something else: BigQuery's own field, and records that model, metrics and page speak of.
OTHER_MEANINGS = {
    "maximum_bytes_billed": {"incidents/rows.py", "sources/datasets.py", "sources/jobs.py"},
    "phase_log": {
        "model",
        "metrics",
        "web",
        "collect",
        "sources",
        "incidents",
        "reconcile",
        *RUNBOOKS,
        "cli/connect.py",
    },
    # Pages and messages that explain the key.
    "data_date_offset": {"config/reference.py", "config/expected.py", "reconcile/dating.py"},
    # Placeholders of the runbooks have the keys' names.
    "date_column": {*RUNBOOKS},
    "written_column": {*RUNBOOKS},
    "run_history": {"model", "cli/connect.py", "collect", "sources", "incidents", "reconcile", *RUNBOOKS},
    "rows_per_unit": {"model"},
}


def test_a_key_is_spelled_in_at_most_four_files() -> None:
    names = of_two_words()
    files: dict[str, set[str]] = {key: set() for key in names}
    for file in sorted((ROOT / "exporter").rglob("*.py")):
        name = file.relative_to(ROOT / "exporter").as_posix()
        if name in BESIDE:
            continue
        for key in names & set(re.findall(r"\w+", file.read_text(encoding="utf-8"))):
            if not {name, name.partition("/")[0]} & OTHER_MEANINGS.get(key, set()):
                files[key].add(name.replace("schedule_schema", "schema"))

    assert {key: found for key, found in files.items() if len(found) > MOST} == {}


def known(path: str) -> bool:
    """Whether a path, whole or from some section on, leads to a key."""
    return any(".".join(key).endswith(path) for key in paths(Wire))


def texts() -> Iterator[tuple[str, str]]:
    """What operators read: the pages, the runbooks, and the texts in the code."""
    for file in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("alerts/runbooks/*.md")]:
        for quoted in re.findall(r"`([^`\n]+)`", file.read_text(encoding="utf-8")):
            yield str(file.relative_to(ROOT)), quoted
    for file in ROOT.glob("exporter/**/*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield str(file.relative_to(ROOT)), node.value


def test_every_key_that_a_text_names_with_its_path_exists() -> None:
    named = {(file, path) for file, text in texts() for path in PATH.findall(text) if not path.endswith(FILES)}

    assert len(named) > 5
    assert {(file, path) for file, path in named if not known(path)} == set()

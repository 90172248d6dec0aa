"""docs/records.md: every field that is read of a pipeline's own records, from the table that the code reads by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.config.fields import DOCUMENTS, ENTRIES, FIELDS, HEARTBEATS, PHASE_LOG, RUN_HISTORY, WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

_INTRODUCTION = """\
# What your pipeline writes

Every field that the exporter reads of your pipeline's own records: its key in the configuration, the name under which
it is looked for unless you say otherwise, what it decides, and what holds without it. Generated from
`exporter/config/fields.py`, by which the code reads the fields; `make docs` writes it and a test keeps it the same.

Nothing is required but a table or completion documents, and a deadline for each processor. Each record that you have
makes the verdicts sharper: rows alone tell `missing`; completion documents tell `unregistered` and `phantom`;
heartbeats tell `running` and `stalled`; a run history tells `failed` and `backfill`.

Where your names are other ones, say so:

```yaml
pipelines:
  shop:
    completion:
      entries: steps                 # the entries are a map in the field `steps` of each document
      fields: {status: state, completed_at: finished, record_count: rows_written}
      statuses: {success: [ok], failed: [broken]}
    heartbeats:
      collection: beats
      fields: {last_heartbeat: seen, status: [], data_date: []}   # a beat carries neither a status nor a date
    run_history:
      table: ops.job_runs
      columns: {processor_name: job, status: outcome, backfill_mode: []}
```

A key takes one name, or a list: the first whose value can be used counts. `[]` says that your records have no such
field. `config check --connect` reads a sample of what is there and says which names do not fit.
"""

_HEADINGS = {
    DOCUMENTS: ("Completion documents", "completion.document_fields"),
    ENTRIES: ("Entries of completion documents", "completion.fields"),
    HEARTBEATS: ("Heartbeats", "heartbeats.fields"),
    RUN_HISTORY: ("Run history", "run_history.columns"),
    PHASE_LOG: ("Phase log", "phase_log.columns"),
}
_TEXTS = {
    DOCUMENTS: """\
One document a run date and phase (`collection`), whose id is the date: `2026-02-01`. The collection can lie below a
document (`ops/prod/ingest_done`), and phases of one pipeline can share it: then each takes the entries of its own
processors.""",
    ENTRIES: """\
A map for each processor, under the processor's name: a field of the document itself, or of the map that
`completion.entries` names. Fields whose names begin with `_`, and those that `completion.metadata` lists, are no
entries. An entry may also be a word of a status alone, `true` (it is done) or `false` (it is not done yet), or the time
at which the work was finished.""",
    HEARTBEATS: """\
One document a processor in `heartbeats.collection`, whose id is one of the processor's `heartbeats`. It is written
again with every beat.""",
    RUN_HISTORY: """\
A table with a row for each run, or several (begun, ended), dated by `date_column`; `written_column` says when a run
ended.""",
    PHASE_LOG: "A table with a row for each transition from one phase to the next, dated by `date_column`.",
}


def records_markdown() -> str:
    """The page."""
    parts = [_INTRODUCTION]
    for record, (heading, path) in _HEADINGS.items():
        section = [f"## {heading}", "", _TEXTS[record], "", *_fields(record, path), *_words(record, path)]
        parts.append("\n".join(section))
    return "\n".join(parts)


def _fields(record: str, path: str) -> Iterator[str]:
    yield from (
        f"| key in `{path}` | looked for as | [type](types.md) | decides | if it is missing | if it is unusable |",
        "|---|---|---|---|---|---|",
    )
    for field in FIELDS:
        if field.record == record:
            names = ", ".join(f"`{name}`" for name in field.names)
            said = field.decides.rstrip(".")
            yield f"| `{field.key}` | {names} | {field.kind} | {said} | {field.missing} | {field.otherwise} |"
    yield ""


def _words(record: str, path: str) -> Iterator[str]:
    words = {meaning: found for (of, meaning), found in WORDS.items() if of == record}
    if words:
        yield from (
            f"| key in `{path.partition('.')[0]}.statuses` | words, in any case | mean |",
            "|---|---|---|",
        )
    for meaning, (known, means) in words.items():
        yield f"| `{meaning}` | {', '.join(f'`{word}`' for word in known)} | {means} |"
    if words:
        yield ""

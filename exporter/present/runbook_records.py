"""What stands in the runbooks for the placeholders about documents, heartbeats, run history and phase log.

Their fields and columns have the names of the configuration; a block that needs one that there is not is left out.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from exporter.config.sql import sql_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from exporter.config.resolved import RunHistoryConfig
    from exporter.present.runbooks import Subject


def records_of(subject: Subject) -> dict[str, str | None]:
    """What stands for the placeholders about records; None: the configuration does not say."""
    pipeline, one = subject.pipeline, subject.processor_report
    completion, log = subject.phase.completion, pipeline.phase_log
    own, entry, beat = completion.document_fields, completion.fields, pipeline.heartbeats
    count = _first(entry, "record_count")
    return {
        "completed_count": _literal(_first(own, "completed_count")),
        "entry_names": _entry_names(completion.entries, [*completion.metadata, *_all(own.values())]),
        "set_triggered": _literal(_triggered(own)),
        "set_count": _literal(_within(completion.entries, {subject.processor.name: {count: one.table_rows}}))
        if count and one and one.table_rows is not None
        else None,
        "beat_time": _literal(_first(beat.fields, "last_heartbeat")) if beat else None,
        "phase_log_name": sql_name(_first(log.columns, "phase_name") or "") if log else None,
    }


def runs(history: RunHistoryConfig | None, day: str, names: Sequence[str], *, running: bool = False) -> str | None:
    """A query of the runs of these names, the newest first; with `running`, of those of any name that have not ended.

    The rows of one run are one: success decides, as in the exporter's own reading (docs/verdicts.md).
    """
    if history is None or not (names or running):
        return None
    columns = _columns(history)
    name, run, status = columns["processor_name"], columns.get("run_id"), columns["status"]
    reads = {
        "succeeded": f"LOGICAL_OR({_means(status, history.statuses['success'])})",
        "statuses": f"STRING_AGG(DISTINCT {status})",
        "backfill": f"LOGICAL_OR({columns['backfill_mode']})" if "backfill_mode" in columns else "",
        "started": f"MIN({columns['started_at']})" if "started_at" in columns else "",
        "ended": f"MAX({sql_name(history.finished_column)})",
    }
    selected = ", ".join(f"{sql} AS {column}" for column, sql in reads.items() if sql)
    # Rows without an id are runs of their own.
    times = [columns.get("started_at"), sql_name(history.finished_column)]
    groups = [name, *([run] if run else filter(None, times))]
    listed = ", ".join([name, *([run] if run else [])])
    condition = "" if running else f" AND {name} IN ({quoted(names)})"
    having = f"\nHAVING LOGICAL_AND({_means(status, history.statuses['running'])})" if running else ""
    return (
        f"SELECT {listed}, {selected}\nFROM `{history.table.name}`\n"
        f"WHERE {sql_name(history.table.day_column)} = '{day}'{condition}\n"
        f"GROUP BY {', '.join(groups)}{having}\nORDER BY {'started' if reads['started'] else 'ended'} DESC"
    )


def phases_run(history: RunHistoryConfig | None, day: str) -> str | None:
    """A query of the processors that succeeded on a day, by phase where the run history says which."""
    if history is None:
        return None
    columns = _columns(history)
    phase = columns.get("phase")
    succeeded = _means(columns["status"], history.statuses["success"])
    return (
        f"SELECT {f'{phase} AS phase, ' if phase else ''}COUNT(DISTINCT {columns['processor_name']}) AS processors\n"
        f"FROM `{history.table.name}`\n"
        f"WHERE {sql_name(history.table.day_column)} = '{day}' AND {succeeded}"
        + ("\nGROUP BY phase\nORDER BY phase" if phase else "")
    )


def quoted(found: Iterable[str]) -> str | None:
    """Names for SQL's IN; None for none."""
    escaped = (name.replace("\\", "\\\\").replace("'", "\\'") for name in dict.fromkeys(found))
    return ", ".join(f"'{name}'" for name in escaped) or None


def _triggered(own: Mapping[str, tuple[str, ...]]) -> dict[str, object] | None:
    """The fields that say that the next phase was started, by hand."""
    flag, reason = _first(own, "triggered"), _first(own, "trigger_reason")
    said: dict[str, object] = {reason: "manual_fix: started by hand"} if reason else {}
    return {flag: True, **said} if flag else None


def _columns(history: RunHistoryConfig) -> dict[str, str]:
    return {key: sql_name(found[0]) for key, found in history.columns.items() if found}


def _means(status: str, words: Iterable[str]) -> str:
    """The condition that a status is one of these words, which are in small letters."""
    return f"LOWER({status}) IN ({quoted(words) or 'NULL'})"


def _entry_names(entries: str | None, others: Sequence[str]) -> str:
    """Python that lists the names of a document's entries."""
    if entries is not None:
        return f"list(fields.get({_literal(entries)}) or ())"
    beside = [name for name in others if not name.startswith("_")]
    more = f" and name not in {_literal(beside)}" if beside else ""
    return f'[name for name in fields if not name.startswith("_"){more}]'


def _within(entries: str | None, entry: Mapping[str, object]) -> object:
    return entry if entries is None else {entries: entry}


def _first(names: Mapping[str, tuple[str, ...]], key: str) -> str | None:
    return next(iter(names[key]), None)


def _all(found: Iterable[tuple[str, ...]]) -> list[str]:
    return [name for names in found for name in names]


def _literal(value: object) -> str | None:
    """A value as Python writes it; None stays none."""
    return None if value is None else _python(value)


def _python(value: object) -> str:
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False)
        case dict():
            return f"{{{', '.join(f'{_python(key)}: {_python(item)}' for key, item in value.items())}}}"
        case list():
            return f"({', '.join(map(_python, value))},)"
        case _:
            return repr(value)

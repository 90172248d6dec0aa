"""The whole report as JSON and back: what `/api/v1/report` sends to `check`, `explain` and `repair` with `--from`.

Unlike `/api/v1/status` it is no stable interface: it follows the types of the report, and `form` tells apart versions
whose types differ. Secrets are hidden, also those in the content of lost entries.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import MAXYEAR, MINYEAR, date, datetime, timedelta
from enum import EnumType
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final
from zoneinfo import ZoneInfo

from google.cloud.firestore_v1.types import Value
from google.protobuf.json_format import MessageToDict, ParseDict
from pydantic import AfterValidator, TypeAdapter, ValidationError

from exporter import model
from exporter.config.care import Care, CloudRun
from exporter.config.resolved import CompletionConfig, CoverageConfig, TableRef
from exporter.messages.secrets import masked_data, masked_json
from exporter.model import LOST, Report
from exporter.present.history import History, State, Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exporter.model import Removal

Json = dict[str, Any]


def _placed(moment: datetime) -> datetime:
    """A moment that every zone has a date for."""
    if moment.tzinfo is None or not MINYEAR < moment.year < MAXYEAR:
        raise ValueError("is no moment of a report")
    return moment


_Moment = Annotated[datetime, AfterValidator(_placed)]
_OTHERS: Final = (Mapping, date, timedelta, Care, CloudRun, CompletionConfig, CoverageConfig, TableRef)
_TYPES: Final = {
    **vars(model),
    **{kind.__name__: kind for kind in _OTHERS},
    "datetime": _Moment,
}
"""What the annotations of the report's types name."""


class TransferError(Exception):
    """The text is no report of this form. `version`: what the exporter that wrote it says of itself, if anything."""

    def __init__(self, version: str | None) -> None:
        super().__init__(f"no report of this form; written by version {version or 'unknown'}")
        self.version = version


@dataclass(frozen=True, slots=True)
class Transferred:
    """A report, the collectors that could not read everything, each with the reasons, and the history."""

    report: Report
    unread: Mapping[str, str]
    history: History


@cache
def _adapter() -> TypeAdapter[Report]:
    adapter = TypeAdapter(Report)
    adapter.rebuild(_types_namespace=_TYPES)
    return adapter


@cache
def form() -> str:
    """A short name for the types of the report: the same for two versions that understand each other."""
    types: dict[str, list[str]] = {}
    for name, kind in _TYPES.items():
        if is_dataclass(kind):
            types[name] = [f"{one.name}: {one.type}" for one in fields(kind)]
        elif isinstance(kind, EnumType):
            types[name] = list(kind.__members__)
    return hashlib.sha256(json.dumps(types, sort_keys=True).encode()).hexdigest()[:16]


def report_json(report: Report, unread: Mapping[str, str], version: str, history: History | None = None) -> bytes:
    """The report and the history as UTF-8 JSON, without secrets."""
    said = masked_data(_adapter().dump_python(_without_content(report), mode="json"))
    for removal, there in zip(_removals(said), _removals_of(report), strict=True):
        removal["sighting"]["content"] = _content(there)
    body = {"version": version, "form": form(), "unread": dict(unread), "report": said}
    body["history"] = [[_plain(subject), [_plain(state) for state in states]] for subject, states in _states(history)]
    return masked_json(body, indent=None).encode("utf-8", "replace")


def read_report(body: bytes) -> Transferred:
    """What `report_json` wrote. Raises TransferError."""
    version = None
    try:
        said = json.loads(body)
        version = str(said["version"])
        if said["form"] != form():
            raise TransferError(version)
        contents = []
        for removal in _removals(said["report"]):
            contents.append(_serialized(removal["sighting"]["content"]))
            removal["sighting"]["content"] = ""
        report = _adapter().validate_python(said["report"])
        ZoneInfo(report.timezone)
        history = History.restored(
            (_subject(subject), _state(state)) for subject, states in said["history"] for state in states
        )
        return Transferred(_with_content(report, iter(contents)), dict(said["unread"]), history)
    except (ValueError, TypeError, LookupError, RecursionError, ValidationError) as error:
        raise TransferError(version) from error


def _states(history: History | None) -> list[tuple[Subject, tuple[State, ...]]]:
    return list(history.states.items()) if history else []


def _plain(values: Iterable[object]) -> list[object]:
    return [value.isoformat() if isinstance(value, date) else value for value in values]


def _subject(values: list[str]) -> Subject:
    return Subject(date.fromisoformat(values[0]), *values[1:])


def _state(values: list[str]) -> State:
    at, state, since, how = values
    return State(datetime.fromisoformat(at), state, datetime.fromisoformat(since) if since else None, how)


def _removals(report: Json) -> Iterator[Json]:
    for pipeline in report["pipelines"]:
        for phase in pipeline["phases"]:
            yield from phase["removals"]


def _removals_of(report: Report) -> Iterator[Removal]:
    for phase in report.phases:
        yield from phase.removals


def _content(removal: Removal) -> Json | None:
    """What an entry held that is lost and not restored, as `repair` prints it; None for all others."""
    if removal.kind not in LOST or removal.ended_at is not None:
        return None
    hidden: Json = masked_data(MessageToDict(Value.pb(Value.deserialize(removal.sighting.content))), names=True)
    return hidden


def _serialized(content: Json | None) -> bytes:
    return b"" if content is None else ParseDict(content, Value.pb(Value())).SerializeToString()


def _without_content(report: Report) -> Report:
    return _with_content(report, iter([b""] * sum(1 for _ in _removals_of(report))))


def _with_content(report: Report, contents: Iterator[bytes]) -> Report:
    """The report with these contents of removed entries, in the order of `_removals_of`."""
    return replace(
        report,
        pipelines=tuple(
            replace(
                pipeline,
                phases=tuple(
                    replace(
                        phase,
                        removals=tuple(
                            replace(removal, sighting=replace(removal.sighting, content=next(contents)))
                            for removal in phase.removals
                        ),
                    )
                    for phase in pipeline.phases
                ),
            )
            for pipeline in report.pipelines
        ),
    )


def of_date(report: Report, run_date: date) -> Report:
    """What the report says of one run date."""
    return replace(
        report,
        pipelines=tuple(
            replace(
                pipeline,
                phases=tuple(one for one in pipeline.phases if one.run_date == run_date),
                coverage=tuple(one for one in pipeline.coverage if one.run_date == run_date),
                phase_log=tuple(one for one in pipeline.phase_log if one.run_date == run_date),
                conditions=tuple(
                    one
                    for one in pipeline.conditions
                    if one.labels.get("run_date", run_date.isoformat()) == run_date.isoformat()
                ),
            )
            for pipeline in report.pipelines
        ),
    )

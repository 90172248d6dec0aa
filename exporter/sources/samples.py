"""Compares a sample of records with the names and words by which the configuration reads them. Pure.

A record whose fields have other names than those that are looked for is read as one without these fields. Here the
fields that are there say which of them could be meant: a text with words of a status, a time, a whole number.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from exporter.config.fields import DATA_DATE, ENTRIES, FIELDS, HEARTBEATS, STATUS, WORDS, Kind, meaning_of
from exporter.config.wording import did_you_mean, listed
from exporter.messages.secrets import masked
from exporter.sources.fields import count, day, moment, word

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from exporter.config.resolved import CompletionConfig, HeartbeatsConfig
    from exporter.sources.fields import Names

    Record = Mapping[str, object]

MOST_NAMES: Final = 6
"""How many names a message lists."""

# What the names of a field contain; of several fields that fit, the first hint decides, and then the latest time.
_HINTS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    (ENTRIES, STATUS): ("status", "state", "result", "outcome"),
    (ENTRIES, "completed_at"): ("complet", "finish", "end", "done", "success", "time", "_at"),
    (ENTRIES, "record_count"): ("record", "row", "count"),
    (HEARTBEATS, STATUS): ("status", "state"),
    (HEARTBEATS, "last_heartbeat"): ("beat", "seen", "ping", "alive", "updat", "last", "time", "_at"),
    (HEARTBEATS, DATA_DATE): ("date", "day", "for"),
    (HEARTBEATS, "started_at"): ("start", "beg"),
}
_NEEDED: Final = {ENTRIES: (STATUS, "completed_at", "record_count"), HEARTBEATS: ("last_heartbeat", STATUS, DATA_DATE)}
"""The fields of which it is said that they are missing."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A field that may be the one of a key, and what in the sample speaks for it."""

    key: str
    name: str
    evidence: str


def guesses(record: str, sample: Sequence[Record], names: Names) -> Iterator[Guess]:
    """For each needed field that no record of the sample has under its names, the field that could be it."""
    taken = {name for found in names.values() for name in found}
    for key in _NEEDED[record]:
        if not names[key] or any(one.get(name) is not None for one in sample for name in names[key]):
            continue
        fits = _FITS[next(field.kind for field in FIELDS if (field.record, field.key) == (record, key))]
        fitting = {
            name: values
            for name in sorted({name for one in sample for name in one})
            if name not in taken and (values := [one[name] for one in sample if one.get(name) is not None])
            if all(map(fits, values))
        }
        if fitting:
            name = min(fitting, key=lambda name: (_rank(record, key, name), -_latest(fitting[name])))
            if key == STATUS or _rank(record, key, name) < len(_HINTS[record, key]):
                taken.add(name)
                yield Guess(key, name, _evidence(key, name, fitting[name], len(sample)))


def _rank(record: str, key: str, name: str) -> int:
    hints = _HINTS[record, key]
    return next((place for place, hint in enumerate(hints) if hint in name.lower()), len(hints))


def _latest(values: Sequence[object]) -> float:
    return max((found.timestamp() for value in values if (found := moment(value))), default=0.0)


def _status(value: object) -> bool:
    found = word(value) if isinstance(value, str) else None
    return found is not None and any(found in words for words, _ in WORDS.values())


_FITS: Final[Mapping[Kind, Callable[[object], bool]]] = {
    Kind.WORD: _status,
    Kind.MOMENT: lambda value: isinstance(value, datetime | str) and moment(value) is not None,
    Kind.COUNT: lambda value: count(value) is not None,
    Kind.DAY: lambda value: isinstance(value, datetime | str) and day(value) is not None,
}


def _evidence(key: str, name: str, values: Sequence[object], size: int) -> str:
    texts = [masked(value) for value in values if isinstance(value, str) and key == STATUS]
    held = listed(f"{text} ({many})" for text, many in _commonest(texts)[:3]) if texts else ""
    return f"{len(values)} of {size} have {name}{f': {held}' if held else ''}"


def _commonest(texts: Collection[str]) -> list[tuple[str, int]]:
    return sorted(Counter(texts).items(), key=lambda item: (-item[1], item[0]))


def unnamed(record: str, sample: Sequence[Record], names: Names, place: str, what: str) -> Iterator[str]:
    """What the sample lacks under the names that are looked for, with what to write at `place`."""
    for guess in guesses(record, sample, names):
        looked_for = " or ".join(f"`{name}`" for name in names[guess.key])
        remedy = f"set `{place}.{guess.key}: {guess.name}`"
        yield f"{what} carry `{guess.name}`, not {looked_for} ({guess.evidence}): {remedy}"


def unknown_words(sample: Sequence[Record], names: Names, words: Names, place: str, what: str) -> Iterator[str]:
    """Words of a status that mean nothing, with what to write."""
    found = [
        said
        for one in sample
        for name in names[STATUS][:1]
        if isinstance(one.get(name), str) and (said := word(one[name])) and meaning_of(said, words) is None
    ]
    if found:
        said = listed(f"`{text}` ({many})" for text, many in _commonest(found)[:MOST_NAMES])
        meanings = " or ".join(f"`{place}.{meaning}`" for meaning in words)
        yield f"{what} say {said}, which no word of `{place}` has: name them in {meanings}"


def near(names: Collection[str], there: Collection[str]) -> str:
    """`; near: x` for the names that nothing has, with the ones that are there."""
    close = dict.fromkeys(
        hint.removeprefix(" (did you mean ").removesuffix("?)")
        for name in names
        if (hint := did_you_mean(name, [one for one in there if one not in names]))
    )
    if close:
        return f"; near: {listed(f'`{name}`' for name in close)}"
    shown = [f"`{name}`" for name in list(there)[:MOST_NAMES]]
    return f"; there are {listed(shown)}{', ...' if len(there) > len(shown) else ''}" if shown else ""


def misfit_documents(
    collection: str, documents: Mapping[str, Record], shape: CompletionConfig, processors: Collection[str]
) -> Iterator[str]:
    """What of these completion documents (by id) does not fit the configuration, with what to write."""
    if not documents:
        return
    held = [_held(document, shape) for document in documents.values()]
    holder = (
        None
        if shape.entries or any(set(entries) & set(processors) for entries in held)
        else _holder(documents, processors)
    )
    if holder:
        yield f"collection {collection}: the entries are in the map `{holder}`: set `completion.entries: {holder}`"
        shape = replace(shape, entries=holder)
        held = [_held(document, shape) for document in documents.values()]
    there = sorted({name for entries in held for name in entries})
    absent = [name for name in processors if name not in there]
    if len(absent) == len(processors):
        seen = f"0 of {len(processors)} processors have an entry in {len(documents)} documents"
        yield f"collection {collection}: {seen}{near(absent, there)}"
        return
    for name in absent:
        close = did_you_mean(name, [one for one in there if one not in processors])
        if close:
            yield f"collection {collection}: no entry of `{name}` in {len(documents)} documents{close}"
    known = (entry for found in held for name, entry in found.items() if name in processors)
    entries = [entry for entry in known if isinstance(entry, dict)]
    what = f"collection {collection}: entries"
    yield from unnamed(ENTRIES, entries, shape.fields, "completion.fields", what)
    yield from unknown_words(entries, shape.fields, shape.statuses, "completion.statuses", what)


def _held(document: Record, shape: CompletionConfig) -> Record:
    """The entries of a document."""
    entries = document if shape.entries is None else document.get(shape.entries)
    return {name: value for name, value in entries.items() if shape.is_entry(name)} if isinstance(entries, dict) else {}


def _holder(documents: Mapping[str, Record], processors: Collection[str]) -> str | None:
    """The field of these documents that is a map with entries of these processors."""
    return next(
        (
            name
            for document in documents.values()
            for name, value in document.items()
            if isinstance(value, dict) and set(value) & set(processors)
        ),
        None,
    )


def misfit_heartbeats(
    config: HeartbeatsConfig, wanted: Collection[str], found: Collection[str], there: Mapping[str, Record]
) -> Iterator[str]:
    """What of these heartbeats (`there`: a sample of the collection, by id) does not fit, with what to write."""
    absent = [name for name in wanted if name not in found]
    place = f"collection {config.collection}"
    if absent and there:
        yield f"{place}: {len(found)} of {len(wanted)} heartbeat ids exist{near(absent, list(there))}"
    sample = [beat for name, beat in there.items() if name in wanted] or list(there.values())
    if not sample:
        return
    yield from unnamed(HEARTBEATS, sample, config.fields, "heartbeats.fields", f"{place}: heartbeats")
    yield from unknown_words(sample, config.fields, config.statuses, "heartbeats.statuses", f"{place}: heartbeats")
    for key, so in ((DATA_DATE, "judged by their time"), (STATUS, "running while they are fresh")):
        names = config.fields[key]
        if (
            names
            and not any(one.get(name) is not None for one in sample for name in names)
            and not any(guess.key == key for guess in guesses(HEARTBEATS, sample, config.fields))
        ):
            yield f"{place}: heartbeats carry no `{names[0]}`: set `heartbeats.fields.{key}: []`, and they are {so}"

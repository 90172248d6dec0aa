"""The shipped files in other forms: `dump --by`, `--pipeline`, `--job`, `--config.file`, ...

One rule for each kind of text carries a label through. That works because our own files keep to few forms, which
`tools/alerting/strict.py` holds them to:

- In an expression every `by (...)` and `on (...)` names the labels first. `without` and `ignoring` keep what they do
  not name, and what has neither matches on all labels: they carry the labels already.
- In an annotation every selector of a query asks for the alert's own values, and a link to a dashboard fills them in.
- In Alertmanager's configuration `group_by` and `equal` name them first, and a title begins with their values.
- A dashboard has a variable for each label, and every selector asks for its value.

What is of a configuration is words: a unit's name, the arguments of a command, the phases in their order.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from exporter.config.wording import with_noun
from exporter.messages.errors import RefusedError
from exporter.shipped.alerts import alerts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SHIPPED_JOB: Final = "orchestration-exporter"
RUNBOOK_BASE: Final = "https://runbooks.example.com/orchestration-exporter"
"""Where the shipped rules say that the runbooks are."""
OF_RUNBOOKS: Final = ("pipeline", "phase", "run_date", "processor", "check")
"""The labels from which the exporter's own pages of runbooks are filled in."""
FRESH: Final = "instance:orchestration_reports:fresh"
LOST: Final = "pipeline:orchestration_reports:lost"
SWITCH: Final = "dead-mans-switch"

TAKEN: Final = frozenset(
    {
        *("job", "instance", "alertname", "alertstate", "severity", "wait", "keep", "le", "quantile"),
        *(
            "about",
            "after",
            "bound",
            "check",
            "collector",
            "data_date",
            "date",
            "hash",
            "kind",
            "local",
            "logs",
            "mode",
            "owner",
            "phase",
            "pipeline",
            "processor",
            "python",
            "reason",
            "run_date",
            "runs_in",
            "source",
            "state",
            "then",
            "transition",
            "verdict",
            "version",
            "zone",
        ),
    }
)
"""Labels with a meaning of their own here, which cannot be carried through beside it."""
_LABEL: Final = re.compile(r"(?!__)[a-zA-Z_]\w*", re.ASCII)
_NAME: Final = re.compile(r"[\w./:-]+", re.ASCII)

_GROUPING: Final = re.compile(r"\b(by|on) \(([^()]*)\)")
_METRIC: Final = (
    r"(?<![\w:$])(?P<metric>up|scrape_duration_seconds|ALERTS|(?:\w+:)?orchestration_\w+(?::\w+)?)\b(?P<open>\{)?"
)
_SELECTOR: Final = re.compile(_METRIC)
_ASKED: Final = re.compile(rf"(?P<place>%[sqf])|{_METRIC}")
_PRINTED: Final = re.compile(
    r"printf (?P<text>\"(?:[^\"\\]|\\.)*\"|`[^`]*`)(?P<arguments>(?:\s+\$[\w.]+)*)(?=\s*\|\s*query\b)"
)
_LITERAL: Final = re.compile(r'\bquery (?P<text>"(?:[^"\\]|\\.)*")')
_WHERE: Final = re.compile(r'(?<=\$where := printf ")(?P<text>[^"]*)"')
_LINK: Final = re.compile(r"(?<=dashboard_url: )(?P<address>[^\s?]+)\?")
_ADDRESS: Final = re.compile(r"https?://[\w.~:\[\]/-]+", re.ASCII)
_RUNBOOK: Final = re.compile(rf"{re.escape(RUNBOOK_BASE)}/(?P<name>\w+)\.md")
_ASKING: Final = re.compile(r"(?<=action: orchestration-exporter )(?:check|explain)\b")
"""A command that can ask the running exporter."""
_LOST_RULE: Final = re.compile(rf"(?P<head>- record: {LOST}\n(?P<indent> +)expr: \|\n)(?:(?P=indent)  .*\n)+")
_COMMAND: Final = re.compile(
    r"\borchestration-exporter (?:config (?:check|show)|check|explain|repair|capture|history|season|probe-writes)\b"
    r"(?! --(?:from|config|preset))"
)
"""A command that reads a configuration and does not say which."""
_LATER: Final = re.compile(
    r"(?P<head>  - source_matchers:\n      - alertname=.*\n      - severity=\"critical\"\n)      - phase=.*\n"
    r"    target_matchers: \[(?P<target>alertname=\"\w+\"), .*\]\n(?P<equal>    equal: .*\n)"
)
"""An inhibition of what later phases miss, by the alerts of a phase."""
_INHIBITION: Final = re.compile(r"^  - source_matchers:.*\n(?:    .*\n)+", re.MULTILINE)
_SWITCH_ROUTE: Final = re.compile(rf"^    - receiver: {SWITCH}\n(?:      .*\n)+", re.MULTILINE)
_SWITCH_RECEIVER: Final = re.compile(rf"^  - name: {SWITCH}\n(?:    .*\n)+", re.MULTILINE)
_PLACE: Final = '{{- define "orchestration.place" }}{{ end -}}'


class FormError(RefusedError):
    """What was asked for cannot be written. The message names it and says what can be."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A pipeline that has to be exported, with its value of every label that is carried through."""

    pipeline: str
    labels: Mapping[str, str]

    @property
    def matchers(self) -> str:
        """As a selector has them; `absent()` of it gives an alert these labels."""
        return ",".join(
            f"{name}={json.dumps(value)}" for name, value in (*self.labels.items(), ("pipeline", self.pipeline))
        )


def expected(text: str, by: Sequence[str]) -> Expected:
    """A pipeline as it is given: `NAME`, with a value of each label that is carried through: `nba,env=prod`.

    Raises FormError.
    """
    pipeline, *pairs = text.split(",")
    labels = dict(pair.partition("=")[::2] for pair in pairs)
    wrong = [value for value in (pipeline, *labels.values()) if not _NAME.fullmatch(value)]
    if wrong or set(labels) != set(by) or len(labels) != len(pairs):
        example = ",".join(["nba", *(f"{label}=VALUE" for label in by)])
        raise FormError(f"--pipeline {text}: expected a name with one value of each label of --by, such as {example}")
    return Expected(pipeline, {label: labels[label] for label in by})


@dataclass(frozen=True, slots=True)
class Configured:
    """What a configuration has to say in the shipped files.

    `noun`: what its calendars count. `arguments`: the options that name it on a command line. `later`: of every phase,
    as (pipeline, phase), the phases that it starts, and that these start.
    """

    noun: str
    arguments: str
    later: Mapping[tuple[str, str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Form:
    """A form of the shipped files; by default the files as they are."""

    by: tuple[str, ...] = ()
    expected: tuple[Expected, ...] = ()
    job: str = SHIPPED_JOB
    exporter: str | None = None
    configured: Configured | None = None

    def __post_init__(self) -> None:
        """Raise FormError for a label, a job or an address that cannot be written."""
        for label in self.by:
            if not _LABEL.fullmatch(label) or label in TAKEN or self.by.count(label) > 1:
                raise FormError(
                    f"--by {label}: expected, once, a label that tells environments or clusters apart, such as env;"
                    " a label that the exporter, Prometheus or the rules set themselves cannot be one"
                )
        if not _NAME.fullmatch(self.job):
            raise FormError(f"--job {self.job}: expected the name of a scrape job: letters, digits, and . / : _ -")

        if self.exporter is not None and not _ADDRESS.fullmatch(self.exporter):
            raise FormError(
                f"--exporter-url {self.exporter}: expected the exporter's address as people open it,"
                " such as https://exporter.example.com:9189"
            )

    def rules(self, text: str) -> str:
        """A file of rules."""
        if self.by:
            text = "".join(map(self._carrying, text.splitlines(keepends=True)))
            text = _PRINTED.sub(lambda found: self._printed(found["text"], found["arguments"].split()), text)
            text = _LITERAL.sub(lambda found: f"{self._printed(found['text'].replace('%', '%%'), [])} | query", text)
            text = _WHERE.sub(lambda found: f'{self._asked},{found["text"]}" {" ".join(self._values)}', text)
            variables = "".join(
                f"var-{label}={{{{ {value} }}}}&" for label, value in zip(self.by, self._values, strict=True)
            )
            text = _LINK.sub(lambda found: f"{found['address']}?{variables}", text)
        if self.expected:
            text = _LOST_RULE.sub(lambda found: found["head"] + self._missed(f"{found['indent']}  "), text)
        for form, name in (
            ("var-job={}", quote(self.job, safe="")),
            ('job="{}"', self.job),
            ('job=\\"{}\\"', self.job),
            ("job {}", self.job),
        ):
            text = text.replace(form.format(SHIPPED_JOB), form.format(name))
        if self.exporter is not None:
            address = self.exporter.rstrip("/")
            text = _ASKING.sub(lambda found: f"{found[0]} --from {address}", text)
            text = _RUNBOOK.sub(lambda found: f"{address}/runbooks/{found['name']}{_filled_in(found['name'])}", text)
        return self.runbook(text)

    def runbook(self, text: str) -> str:
        """A text with the configuration's noun, in which every command says which configuration it reads."""
        if self.configured is None:
            return text
        arguments = self.configured.arguments
        return with_noun(_COMMAND.sub(lambda found: f"{found[0]} {arguments}", text), self.configured.noun)

    def alertmanager(self, text: str) -> str:
        """A file of Alertmanager's: the configuration, a template, the page about both."""
        if self.configured is not None:
            text = self._after_phases(text, self.configured)
        if not self.by:
            return text
        named = ", ".join(self.by)
        text = _INHIBITION.sub(
            lambda found: found[0] if "    equal: " in found[0] else f"{found[0]}    equal: []\n", text
        )
        text = re.sub(r"\b(group_by|equal): \[(?!\])", rf"\1: [{named}, ", text)
        text = text.replace("equal: []", f"equal: [{named}]")
        text = text.replace(_PLACE, self._place())
        places = list(dict.fromkeys(tuple(item.labels.items()) for item in self.expected))
        text = _SWITCH_ROUTE.sub(
            lambda found: "".join(_own_route(found[0], place) for place in places) + found[0], text
        )
        return _SWITCH_RECEIVER.sub(
            lambda found: "\n".join([*(_own_receiver(found[0], place) for place in places), found[0]]), text
        )

    def dashboard(self, text: str) -> str:
        """A dashboard's JSON."""
        if self.configured is not None:
            text = with_noun(text, self.configured.noun)
        if self.exporter is not None:
            text = text.replace(RUNBOOK_BASE, f"{self.exporter.rstrip('/')}/runbooks")
        if not self.by:
            return text
        content = self._narrowed(json.loads(text))
        variables = content["templating"]["list"]
        job = next(variable for variable in variables if variable["name"] == "job")
        variables[variables.index(job) : variables.index(job)] = list(self._variables(job))
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    def _after_phases(self, text: str, configured: Configured) -> str:
        """Alertmanager's configuration with the phases in place of the shipped ones."""
        shipped = list(_LATER.finditer(text))
        if not shipped:
            return text
        first = shipped[0]
        rules = "".join(
            f'{first["head"]}      - pipeline="{pipeline}"\n      - phase="{phase}"\n'
            f"    target_matchers: [{first['target']}, 'phase=~\"{'|'.join(after)}\"']\n{first['equal']}"
            for (pipeline, phase), after in configured.later.items()
            if after
        )
        return text[: first.start()] + rules + text[shipped[-1].end() :]

    @property
    def _values(self) -> list[str]:
        return [f"$labels.{label}" for label in self.by]

    @property
    def _asked(self) -> str:
        return ",".join(f"{label}=%q" for label in self.by)

    def _carrying(self, line: str) -> str:
        """A line of rules with the labels in every grouping."""
        if line.lstrip().startswith("#"):
            return line
        return _GROUPING.sub(lambda found: f"{found[1]} ({', '.join(filter(None, (*self.by, found[2])))})", line)

    def _printed(self, text: str, arguments: list[str]) -> str:
        """`printf TEXT ARGUMENTS` that asks for the labels in every selector, unless `$where` does."""
        left, given, parts, end = iter(arguments), [], [], 0
        for found in _ASKED.finditer(text):
            if found["place"]:
                given.append(next(left))
            elif not (found["open"] and text.startswith("%s", found.end())):
                parts += [text[end : found.end()], f"{self._asked}," if found["open"] else f"{{{self._asked}}}"]
                given += self._values
                end = found.end()
        return " ".join(["printf", "".join([*parts, text[end:]]), *given])

    def _missed(self, indent: str) -> str:
        """The expression for the expected pipelines that nobody exports."""
        return f"{indent}or\n".join(f"{indent}absent({FRESH}{{{item.matchers}}})\n" for item in self.expected)

    def _narrowed(self, node: Any, key: str = "") -> Any:  # noqa: ANN401 - any JSON
        """The node with queries and links that follow the variables."""
        match node:
            case dict():
                return {name: self._narrowed(value, name) for name, value in node.items()}
            case list():
                return [self._narrowed(item, key) for item in node]
            case str() if key in {"expr", "query"}:
                return _SELECTOR.sub(self._selecting, node)
            case str() if key == "url":
                return node.replace(
                    "${job:queryparam}", "&".join(f"${{{name}:queryparam}}" for name in (*self.by, "job"))
                )
            case _:
                return node

    def _selecting(self, found: re.Match[str]) -> str:
        """A selector of the variables' values; an alert may have none."""
        none = "|" if found["metric"] == "ALERTS" else ""
        matchers = ",".join(f'{label}=~"${label}{none}"' for label in self.by)
        return f"{found['metric']}{{{matchers}," if found["open"] else f"{found['metric']}{{{matchers}}}"

    def _place(self) -> str:
        """Of a message's title, the values of the labels."""
        values = f'printf "{" ".join(["%s"] * len(self.by))}" {" ".join(f".{label}" for label in self.by)}'
        bare = r'reReplaceAll "[<>&\\s]+" " " | reReplaceAll "^ | $" ""'
        return (
            '{{- define "orchestration.place" -}}\n'
            f"{{{{- with {values} | {bare} }}}}"
            '{{ . }}{{ template "orchestration.plain.colon" }}{{ end -}}\n'
            "{{- end -}}"
        )

    def _variables(self, job: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """One for each label, of which one value is chosen: nothing on a panel is then of two."""
        shipped, _, _ = job["query"].partition("{")
        for place, label in enumerate(self.by):
            before = ",".join(f'{name}=~"${name}"' for name in self.by[:place])
            query = f"{shipped}{{{before}}}, {label})" if before else f"{shipped}, {label})"
            kept = {name: value for name, value in job.items() if name != "allValue"}
            yield kept | {"name": label, "label": label, "query": query, "multi": False, "includeAll": False}


def _filled_in(name: str) -> str:
    """The query of a link to the exporter's own page about an alert: the labels that it always has."""
    (alert,) = (one for one in alerts() if one.name == name)
    there = [label for label in OF_RUNBOOKS if all(label in kind.labels for kind in alert.raises)]
    values = "&".join(f"{label}={{{{ $labels.{label} | urlquery }}}}" for label in there)
    return f"?{values}" if values else ""


def _own_route(route: str, place: tuple[tuple[str, str], ...]) -> str:
    """The dead man's switch's route for the watchdog with these labels."""
    matchers = "".join(f", {name}={json.dumps(value)}" for name, value in place)
    return route.replace(SWITCH, _receiver(place), 1).replace('"]\n', f'"{matchers}]\n', 1)


def _own_receiver(receiver: str, place: tuple[tuple[str, str], ...]) -> str:
    """The dead man's switch for the watchdog with these labels, at an address of its own."""
    address = "/".join(quote(value, safe="") for _, value in place)
    named = receiver.replace(f"name: {SWITCH}", f"name: {_receiver(place)}", 1)
    return re.sub(r"(?<=url: )\S+", lambda found: f"{found[0]}/{address}", named, count=1)


def _receiver(place: tuple[tuple[str, str], ...]) -> str:
    return "-".join([SWITCH, *(value for _, value in place)])

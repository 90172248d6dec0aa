"""The command `dump`: writes the shipped files, with the user's own links, words, commands and queries."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exporter.cli.clock import now
from exporter.cli.command import Command
from exporter.cli.files import write_atomically
from exporter.cli.options import config_options, date_option, load_config
from exporter.cli.output import say
from exporter.config.wording import UNIT
from exporter.messages.errors import RefusedError
from exporter.shipped.assets import assets
from exporter.shipped.forms import RUNBOOK_BASE, SHIPPED_JOB, Configured, Form, expected
from exporter.shipped.manifests import google_rules, prometheus_rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date

    from exporter.config.resolved import Config, PhaseConfig


DASHBOARD_BASE = "https://grafana.example.com"
"""Where the shipped files say that Grafana is."""

KINDS: Mapping[str, str] = {
    "rules": "alerts/rules",
    "runbooks": "alerts/runbooks",
    "alertmanager": "alerts/alertmanager",
    "dashboards": "grafana/dashboards",
    "prometheusrule": "alerts/rules",
    "google-rules": "alerts/rules",
}
"""What can be written, and the folder that it comes from."""
_EXAMPLE = re.compile(r"https?://[\w.-]*\bexample\.com\b")
_TO_GIVE: Mapping[str, str] = {
    RUNBOOK_BASE.rpartition("/")[0]: "--runbook-base or --exporter-url",
    DASHBOARD_BASE: "--dashboard-base",
}
"""The options that replace an example address; what has none is to be edited."""
_UNFILLED = ("words and commands are those of any pipeline", "the pages have {{placeholders}}")
_PLAIN_PATH = re.compile(r"[\w./@%+=:,-]+")


class DumpError(RefusedError):
    """The files cannot be written. The message names the obstacle and the remedy."""


@dataclass(frozen=True, slots=True)
class Bases:
    """The addresses of runbooks and dashboards; None keeps the shipped placeholder."""

    runbooks: str | None = None
    dashboards: str | None = None

    def apply(self, text: str) -> str:
        """The text with links to these addresses."""
        for placeholder, base in ((RUNBOOK_BASE, self.runbooks), (DASHBOARD_BASE, self.dashboards)):
            if base is not None:
                text = text.replace(placeholder, base.rstrip("/"))
        return text


def dump(
    kind: str,
    folder: Path,
    bases: Bases,
    form: Form | None = None,
    *,
    release: str | None = None,
    runbooks: Mapping[str, str] | None = None,
    force: bool,
) -> tuple[Path, ...]:
    """Write the files of this kind (a key of KINDS) in this form below `folder`, and return them.

    `release` is the label that a PrometheusRule is selected by; `runbooks` are those of a configuration, in place of
    the shipped ones. Without `force`, existing files are kept and nothing is written. Raises DumpError, AssetsError,
    FormError.
    """
    content = _content(kind, bases, form or Form(), release, runbooks)
    files = {folder / name: text for name, text in content.items()}
    present = [target for target in files if target.exists()]
    if present and not force:
        raise DumpError(f"{present[0]}: is there already; take an empty folder, or --force to replace what is there")
    try:
        for target, text in files.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(target, text)
    except OSError as error:
        raise DumpError(f"{error.filename or folder}: cannot be written: {error.strerror or error}") from error
    return tuple(files)


def _content(
    kind: str, bases: Bases, form: Form, release: str | None, runbooks: Mapping[str, str] | None
) -> dict[str, str]:
    """The files of a kind: name below the folder, and text."""
    if runbooks is not None:
        return {name: form.runbook(bases.apply(text)) for name, text in runbooks.items()}
    source = assets(KINDS[kind])
    forms: Mapping[str, Callable[[str], str]] = {
        "alertmanager": form.alertmanager,
        "dashboards": form.dashboard,
        "runbooks": form.runbook,
    }
    formed = forms.get(kind, form.rules)
    texts = {
        file.relative_to(source).as_posix(): formed(bases.apply(file.read_text(encoding="utf-8")))
        for file in sorted(source.rglob("*"))
        if file.is_file()
    }
    match kind:
        case "prometheusrule":
            return {"prometheusrule.yaml": prometheus_rule(texts.values(), release)}
        case "google-rules":
            return {"rules.yaml": google_rules(texts.values())}
        case _:
            return texts


def configured(config: Config, config_file: Path | None, preset: str | None) -> Configured:
    """What a configuration has to say in the shipped files. Raises DumpError for a path that no command could name."""
    from exporter.reconcile.units import noun_of

    nouns = {
        noun_of(pipeline, processor)
        for pipeline in config.pipelines.values()
        for phase in pipeline.phases.values()
        for processor in phase.processors.values()
    }
    file = None if config_file is None else str(config_file.absolute())
    if file is not None and not _PLAIN_PATH.fullmatch(file):
        raise DumpError(f"{file}: move the file to a path of letters, digits and . / _ - that commands can name")
    named = (("--preset", preset), ("--config.file", file))
    later = {
        (pipeline.name, name): tuple(_started(pipeline.phases, phase))
        for pipeline in config.pipelines.values()
        for name, phase in pipeline.phases.items()
    }
    # Of pipelines that count different things no word is right for all.
    noun = nouns.pop() if len(nouns) == 1 else UNIT
    return Configured(noun, shlex.join(word for option in named if option[1] for word in option if word), later)


def _started(phases: Mapping[str, PhaseConfig], phase: PhaseConfig) -> Iterator[str]:
    """The phases that follow one in its pipeline."""
    seen = {phase.name}
    while (following := phases.get(phase.next or "")) and following.name not in seen:
        phase = following
        seen.add(phase.name)
        yield phase.name


def left_at_defaults(written: Iterable[Path]) -> Iterator[str]:
    """The example addresses in what was written, outside pages of text: how often each, and what replaces it."""
    files = [path for path in written if path.suffix != ".md"]
    found = Counter(address for path in files for address in _EXAMPLE.findall(path.read_text(encoding="utf-8")))
    for address, times in sorted(found.items()):
        yield f"{address} ({times} times; {_TO_GIVE.get(address, 'edit the file')})"


@click.command("dump", cls=Command, epilog="Exit codes: 0 written, 64 usage, or a file in the way.")
@click.argument("kind", type=click.Choice([*KINDS]))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@config_options
@date_option("--run-date", help="The run date in the commands and queries of runbooks; today, unless it is given.")
@click.option("--runbook-base", metavar="URL", help="Where your runbooks are served; goes into every link to one.")
@click.option("--dashboard-base", metavar="URL", help="Where your Grafana is; goes into every link to it.")
@click.option(
    "--exporter-url",
    metavar="URL",
    help="Where people open the exporter: messages link to its page, runbooks and logs, and commands ask it.",
)
@click.option(
    "--by", multiple=True, metavar="LABEL", help="A label of your targets that tells environments or clusters apart."
)
@click.option(
    "--pipeline", "pipelines", multiple=True, metavar="NAME", help="A pipeline that has to be exported, always."
)
@click.option("--job", metavar="NAME", default=SHIPPED_JOB, help="The name of the job that scrapes the exporter.")
@click.option(
    "--release", metavar="NAME", help="The Helm release of kube-prometheus-stack, which selects by this label."
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
def dump_command(  # noqa: PLR0913 - an argument for each option
    kind: str,
    folder: Path,
    *,
    config_file: Path | None,
    preset: str | None,
    run_date: date | None,
    runbook_base: str | None,
    dashboard_base: str | None,
    exporter_url: str | None,
    by: tuple[str, ...],
    pipelines: tuple[str, ...],
    job: str,
    release: str | None,
    force: bool,
) -> None:
    """Write out the alert rules, runbooks, Alertmanager configuration or dashboards that come with the exporter.

    `prometheusrule` and `google-rules` are the rules as a resource of Kubernetes.

    With --by (any number of times) rules, Alertmanager and dashboards tell apart what differs in these labels: give it
    for a label that targets have. A label that only Prometheus's external_labels bring is for Alertmanager alone.
    A pipeline of --pipeline pages while nobody exports it, however long; with --by as NAME,LABEL=VALUE.

    With --exporter-url the first command in a message asks the running exporter, which remembers what was lost, and the
    runbook is the exporter's own with the alert's values, unless --runbook-base names another place.

    With a configuration (--config.file, --preset) texts use its noun, every command names it, Alertmanager's
    inhibition follows its phases, and runbooks have its tables, columns and fields: commands and queries to copy, for
    every processor.
    """
    config = load_config(config_file, preset).config if config_file or preset else None
    said = configured(config, config_file, preset) if config else None
    form = Form(by, tuple(expected(text, by) for text in pipelines), job, exporter_url, said)
    bases = Bases(runbook_base, dashboard_base)
    runbooks = None
    if config and said and kind == "runbooks":
        from exporter.present.runbook_files import runbook_files

        day = run_date or now().astimezone(config.timezone).date()
        runbooks = runbook_files(config, day, now(), said.noun)
    written = dump(kind, folder, bases, form, release=release, runbooks=runbooks, force=force)
    say(f"{len(written)} files written to {folder}")
    if config is None:
        unfilled = (
            "runbooks have {{placeholders}}" if kind == "runbooks" else "commands and texts are those of any pipeline"
        )
        say(f"No configuration was named (--config.file, --preset): {unfilled}.", err=True)
    if left := list(left_at_defaults(written)):
        say(f"Left at examples that lead nowhere: {'; '.join(left)}.", err=True)
    if exporter_url is None and kind in {"rules", "prometheusrule", "google-rules"}:
        say(
            "No --exporter-url: messages have no link to the exporter's page and logs, and commands ask the sources,"
            " which do not know what was lost.",
            err=True,
        )

"""The command `dump`: writes the shipped files, with links to the user's own runbooks and dashboards."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exporter.cli.command import Command
from exporter.cli.files import write_atomically
from exporter.cli.output import say
from exporter.messages.errors import RefusedError
from exporter.shipped.assets import assets
from exporter.shipped.forms import RUNBOOK_BASE, SHIPPED_JOB, Form, expected
from exporter.shipped.manifests import google_rules, prometheus_rule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


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
    kind: str, folder: Path, bases: Bases, form: Form | None = None, *, release: str | None = None, force: bool
) -> tuple[Path, ...]:
    """Write the files of this kind (a key of KINDS) in this form below `folder`, and return them.

    `release` is the label that a PrometheusRule is selected by. Without `force`, existing files are kept and nothing is
    written. Raises DumpError, AssetsError, FormError.
    """
    files = {folder / name: text for name, text in _content(kind, bases, form or Form(), release).items()}
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


def _content(kind: str, bases: Bases, form: Form, release: str | None) -> dict[str, str]:
    """The files of a kind: name below the folder, and text."""
    source = assets(KINDS[kind])
    forms: Mapping[str, Callable[[str], str]] = {
        "alertmanager": form.alertmanager,
        "dashboards": form.dashboard,
        "runbooks": str,
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


@click.command("dump", cls=Command, epilog="Exit codes: 0 written, 64 usage, or a file in the way.")
@click.argument("kind", type=click.Choice([*KINDS]))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
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
    """
    form = Form(by, tuple(expected(text, by) for text in pipelines), job, exporter_url)
    written = dump(kind, folder, Bases(runbook_base, dashboard_base), form, release=release, force=force)
    say(f"{len(written)} files written to {folder}")

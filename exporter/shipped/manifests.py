"""The rules as one resource of Kubernetes: for the Prometheus operator, and for Google Managed Prometheus."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import yaml

from exporter.config.parsing import parse_yaml
from exporter.shipped.forms import FormError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NAME: Final = "orchestration-exporter"
INTERVAL: Final = "1m"
"""Google's own default. The rules are tested at it."""

_LABEL_VALUE: Final = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


class _Dumper(yaml.SafeDumper):
    """Text of several lines as a block; no anchors, which not everything that reads a manifest follows."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the base class's signature
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def dumped(content: Mapping[str, Any]) -> str:
    """Content as YAML, as people read it."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=2**20)


def prometheus_rule(files: Iterable[str], release: str | None = None) -> str:
    """A PrometheusRule with the groups of these rule files.

    `release` is the label by which kube-prometheus-stack selects rules: the name of its Helm release. Raises FormError.
    """
    if release is not None and not _LABEL_VALUE.fullmatch(release):
        raise FormError(f"--release {release}: expected the name of a Helm release, such as kube-prometheus-stack")
    labels = {"release": release} if release else {}
    return dumped(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {
                "name": NAME,
                "labels": {"app.kubernetes.io/name": NAME, "role": "alert-rules", **labels},
            },
            "spec": {"groups": _groups(files)},
        }
    )


def google_rules(files: Iterable[str]) -> str:
    """Rules of Google Managed Prometheus with the groups of these rule files, for the exporter's own namespace."""
    return dumped(
        {
            "apiVersion": "monitoring.googleapis.com/v1",
            "kind": "Rules",
            "metadata": {"name": NAME, "labels": {"app.kubernetes.io/name": NAME}},
            "spec": {"groups": [{"name": group["name"], "interval": INTERVAL, **group} for group in _groups(files)]},
        }
    )


def _groups(files: Iterable[str]) -> list[dict[str, Any]]:
    return [group for text in files for group in parse_yaml(text)["groups"]]

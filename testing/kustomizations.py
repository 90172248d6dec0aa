"""What kustomize builds of the folders in deploy/, which use three of its fields; any other is an error here.

kustomize itself is in no package of Debian 12 that is new enough. `kubectl kustomize` gives the same, but for the hash
at the end of a generated ConfigMap's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = {"apiVersion", "kind", "resources", "labels", "configMapGenerator"}


def read(path: Path) -> list[dict[str, Any]]:
    """The documents of a YAML file."""
    return list(yaml.safe_load_all(path.read_text("utf-8")))


def built(folder: Path) -> list[dict[str, Any]]:
    """The resources of a kustomization. Raises ValueError for a field or a place that it does not know."""
    (kustomization,) = read(folder / "kustomization.yaml")
    if unknown := kustomization.keys() - KNOWN:
        raise ValueError(f"{folder}: {sorted(unknown)}: testing/kustomizations.py does not know these fields")
    resources: list[dict[str, Any]] = []
    for name in kustomization["resources"]:
        path = (folder / name).resolve()
        if path.is_file() and not path.is_relative_to(folder.resolve()):
            raise ValueError(f"{folder}: {name}: kustomize takes a file of another folder only as part of that folder")
        resources += read(path) if path.is_file() else built(path)
    for generated in kustomization.get("configMapGenerator", []):
        data = {name: (folder / name).read_text("utf-8") for name in generated["files"]}
        resources.append(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generated["name"]}, "data": data}
        )
    for added in kustomization.get("labels", []):
        if added.keys() != {"pairs"}:
            raise ValueError(f"{folder}: labels: only `pairs` are known, which go to the resources and to nothing else")
        for resource in resources:
            resource["metadata"].setdefault("labels", {}).update(added["pairs"])
    return resources

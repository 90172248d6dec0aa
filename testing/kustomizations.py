"""What kustomize builds of the folders in deploy/, which use four of its fields; any other is an error here.

kustomize itself is in no package of Debian 12 that is new enough. `kubectl kustomize` gives the same, but for the hash
at the end of a generated ConfigMap's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = {"apiVersion", "kind", "resources", "labels", "configMapGenerator", "patches"}


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
    for patch in kustomization.get("patches", []):
        _patch(resources, patch, folder)
    return resources


def _patch(resources: list[dict[str, Any]], patch: dict[str, Any], folder: Path) -> None:
    """Apply a JSON patch (RFC 6902) of new and of replaced fields to the one resource that is its target."""
    target = patch.get("target", {})
    meant = [each for each in resources if (each["kind"], each["metadata"]["name"]) == tuple(target.values())]
    if list(target) != ["kind", "name"] or len(meant) != 1:
        raise ValueError(f"{folder}: patches: each has one resource as its target, by kind and name")
    for step in yaml.safe_load(patch["patch"]):
        *parents, last = step["path"].removeprefix("/").split("/")
        place: Any = meant[0]
        for name in parents:
            place = place[int(name) if isinstance(place, list) else name]
        if not isinstance(place, dict) or {"add": False, "replace": True}.get(step["op"]) is not (last in place):
            raise ValueError(f"{folder}: patches: {step['op']} {step['path']}: add what is not there, replace what is")
        place[last] = step["value"]

"""The wire form as a JSON Schema, for editors and other tools.

A file that names a preset contains only the differences, and removes keys with null; any other file is complete. The
schema holds both forms and tells them apart by the key `preset`.
"""

from __future__ import annotations

from typing import Any

from exporter.config.load import PRESET_KEY, preset_names
from exporter.config.schema import Wire

_WHOLE, _PARTIAL = "Wire", "Partial"
_NULL = {"type": "null"}


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a configuration file."""
    wire = Wire.model_json_schema(ref_template="#/$defs/{model}")
    definitions: dict[str, Any] = {name: _tidied(definition) for name, definition in wire.pop("$defs").items()}
    definitions[_WHOLE] = _tidied(wire)
    partial = {f"{_PARTIAL}{name}": _partial(definition) for name, definition in definitions.items()}
    name = {"enum": list(preset_names())}
    partial[f"{_PARTIAL}{_WHOLE}"]["properties"][PRESET_KEY] = {
        "anyOf": [name, {"type": "array", "items": name, "minItems": 1}],
        "description": "The shipped preset that this file is merged over, or several: `[nba, mlb]`.",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of orchestration-exporter",
        "type": "object",
        "if": {"required": [PRESET_KEY]},
        "then": {"$ref": f"#/$defs/{_PARTIAL}{_WHOLE}"},
        "else": {"$ref": f"#/$defs/{_WHOLE}"},
        "$defs": {**definitions, **partial},
    }


def _tidied(definition: dict[str, Any]) -> dict[str, Any]:
    """A section without pydantic's additions, its docstring on one line."""
    properties = {key: _plain(schema) for key, schema in definition["properties"].items()}
    return {**definition, "description": " ".join(definition["description"].split()), "properties": properties}


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """A key's schema without the title made from its name; the names in a map become a rule for all its keys."""
    hidden = {"title", "patternProperties", "propertyNames"}
    plain = {key: value for key, value in schema.items() if key not in hidden and (key, value) != ("default", None)}
    if "anyOf" in schema:
        plain["anyOf"] = [_plain(form) for choice in schema["anyOf"] for form in choice.get("oneOf", [choice])]
    for pattern, entries in schema.get("patternProperties", {}).items():
        plain |= {"propertyNames": {"pattern": pattern}, "additionalProperties": entries}
    return plain


def _partial(definition: dict[str, Any]) -> dict[str, Any]:
    """The section in a file of differences: no key is required, and null removes a key."""
    properties = {key: _removable(_repointed(schema)) for key, schema in definition["properties"].items()}
    return {**{key: value for key, value in definition.items() if key != "required"}, "properties": properties}


def _removable(schema: dict[str, Any]) -> dict[str, Any]:
    description = {key: value for key, value in schema.items() if key == "description"}
    # A key that is left out keeps the preset's value, not the default.
    schema = {key: value for key, value in schema.items() if key not in {"description", "default"}}
    choices = schema["anyOf"] if set(schema) == {"anyOf"} else [schema]
    choices = [
        {**choice, "additionalProperties": _removable(choice["additionalProperties"])}
        if "additionalProperties" in choice
        else choice
        for choice in choices
        if choice != _NULL
    ]
    return {**description, "anyOf": [*choices, _NULL]}


def _repointed(schema: Any) -> Any:  # noqa: ANN401 - any part of a JSON Schema
    """The schema, with references to the partial sections."""
    if isinstance(schema, dict):
        return {
            key: value.replace("#/$defs/", f"#/$defs/{_PARTIAL}") if key == "$ref" else _repointed(value)
            for key, value in schema.items()
        }
    if isinstance(schema, list):
        return [_repointed(item) for item in schema]
    return schema

"""Reads the configuration, a YAML file or a shipped preset, into frozen `Config` objects.

resolved.py, care.py            the frozen objects; all that the rest of the program sees
load.py                         layers (preset, file, environment) merged and checked; text.py, tree.py, environment.py
parsing.py                      YAML as plain types, for the other files in YAML; reading.py: files that users name
schema.py, records.py           the wire form that the YAML follows, key by key; section.py, value_types.py
fields.py                       the table of the fields of a pipeline's own records, and of the words of their statuses
identifiers.py, quantities.py, sql.py, keys.py    how values are read, and which keys there are
schedules.py, periods.py        on which run dates something is expected; expected.py: in plain words
schedule_schema.py              its wire form; run_days.py, public_holidays.py: how it is written
shards.py                       which of several exporters has which pipeline
links.py                        the template of a link to a processor's logs
validation.py, relations.py     faults of one key, and between keys; errors.py, wording.py: their texts
likeness.py                     names that are nearly the same
resolve.py                      wire form to frozen objects
reference.py, json_schema.py    docs/configuration.md and the JSON Schema; presets/: the shipped configurations

Only `load` and what it needs import pydantic and a YAML parser, so this package imports neither.
"""

from exporter.config.errors import ConfigError, Fault

__all__ = ["ConfigError", "Fault"]

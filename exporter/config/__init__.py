"""The configuration: a YAML file or a shipped preset in, frozen `Config` objects out.

`resolved` is what the rest of the program sees. `load` reads, merges and checks; `schema` is the wire form that the
YAML follows; `reference` writes the pages about it. Nothing but `load` and what it needs imports pydantic or a YAML
parser, so this package imports none of them.
"""

from exporter.config.errors import ConfigError, Fault

__all__ = ["ConfigError", "Fault"]

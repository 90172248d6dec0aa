"""Texts without what a terminal acts on, hides or shows in another order: control characters, marks of direction."""

from __future__ import annotations

import json


def escaped(text: str, keep: str = "") -> str:
    """JSON that means the same, with escapes for characters that do not print, except those of `keep`."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in keep else json.dumps(char)[1:-1] for char in text)

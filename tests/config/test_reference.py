from __future__ import annotations

import re
from pathlib import Path

from exporter.config.json_schema import json_schema
from exporter.config.load import preset_names, preset_text
from exporter.config.reference import reference_markdown

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
TEXT = reference_markdown()


def test_the_page_is_what_the_schema_and_the_presets_say_today() -> None:
    assert PAGE.read_text(encoding="utf-8") == TEXT, "docs/configuration.md is out of date: run `make docs`"


def test_every_key_has_a_row_with_a_meaning() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \| (.+) \|$", TEXT, re.MULTILINE)
    keys = {
        key
        for name, definition in json_schema()["$defs"].items()
        if not name.startswith("Partial")
        for key in definition["properties"]
    }

    assert {key for key, *_ in rows} == {*keys, "preset"}
    assert [row for row in rows if not all(cell.strip() for cell in row)] == []


def test_sql_of_the_operators_own_is_marked() -> None:
    marked = {key for key, kind in re.findall(r"^\| `(\w+)` \| (.+?) \|", TEXT, re.MULTILINE) if "**SQL**" in kind}

    assert marked == {"date_column", "units", "where", "halted", "eligible", "covered", "excluded"}


def test_every_link_within_the_page_leads_to_a_heading() -> None:
    headings = {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)
    }

    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= headings


def test_every_file_that_the_page_links_exists() -> None:
    linked = [link for link in re.findall(r"\]\(([^)#]+)\)", TEXT) if not link.startswith("https://")]

    assert linked
    assert [link for link in linked if not (PAGE.parent / link).exists()] == []


def test_both_presets_are_printed_whole() -> None:
    assert all(preset_text(name).rstrip() in TEXT for name in preset_names())

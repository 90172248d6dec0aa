"""The table of refusals is complete, and its commands are safe to run."""

from __future__ import annotations

from pathlib import Path

from exporter.sources.refusals import REFUSALS, markdown, named
from tests.sources.test_refused_calls import ANSWERED, JOBS
from tests.sources.test_refused_credentials import FILES
from tests.sources.test_refused_tokens import EXCHANGES, GRANTS, IMPERSONATIONS, LOGINS, METADATA

PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"


def test_every_row_of_the_table_has_a_test() -> None:
    met = {"no_credentials", "token_endpoint_unreachable", "token_url_refused"}
    for cases in (FILES, EXCHANGES, GRANTS, LOGINS, METADATA, IMPERSONATIONS, ANSWERED, JOBS):
        met |= {case[0] for case in cases.values()}

    assert met == {row.name for row in REFUSALS}


def test_an_errors_text_is_in_a_command_only_if_it_is_one_shell_word() -> None:
    row = named("service_disabled")

    for odd in ("x; rm -rf ~", "$(id)", "`id`", "a b", "--project=y", "", "x\ny", "'"):
        assert "enable SERVICE --project PROJECT`" in row.remedy({"service": odd, "project": odd})


def test_the_page_about_permissions_shows_the_table() -> None:
    assert markdown() in PAGE.read_text(encoding="utf-8")

"""The template of a link to logs: what it may hold, who has which, and what is filled in."""

from __future__ import annotations

import re

import pytest

from exporter.config.care import Care, CloudRun
from exporter.config.links import cloud_logging, filled, parse_link
from exporter.config.load import load

TEMPLATE = "https://logs.example.com/{project}/{phase}/{processor}?job={job}&from={from}&to={to}"
REFUSED = {
    "javascript:alert(1)": "must be an address that begins with https:// or http://",
    "https://": "must be an address",
    "https://logs.example.com/{procesor}": '"{procesor}" is no placeholder (did you mean processor?): use {project}',
    "https://logs.example.com/{run date}": "is no placeholder",
    "https://logs.example.com/{}": "is no placeholder",
    "https://logs.example.com/{from": "has a brace without its counterpart",
    "https://logs.example.com/a b": "has white space",
}


def care(processor: str, phase: str = "phase3", **overlay: object) -> Care:
    """What the preset with these keys of a phase says of a processor."""
    config = load(preset="nba", overlay={"pipelines": {"nba": {"phases": {phase: overlay}}}}, environ={}).config
    return config.pipelines["nba"].phases[phase].processors[processor].care


@pytest.mark.parametrize(
    "template", [TEMPLATE, "http://logs.example.com/", cloud_logging("service"), cloud_logging("job")]
)
def test_a_link_may_have_every_placeholder_or_none(template: str) -> None:
    assert parse_link(template) == template


@pytest.mark.parametrize(("template", "message"), REFUSED.items(), ids=REFUSED)
def test_a_link_that_cannot_be_followed_is_refused(template: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_link(template)


def test_values_are_escaped_and_other_placeholders_stay() -> None:
    assert filled("https://x.example/{from}/{phase}", {"phase": "a/b&c"}) == "https://x.example/{from}/a%2Fb%26c"


def test_what_the_phase_says_counts_for_its_processors() -> None:
    found = care("player_game_summary", owner="data team", logs=TEMPLATE)

    assert found.owner == "data team"
    assert found.runs_in == CloudRun("service", "nba-phase3-analytics-processors", "us-west2")
    assert found.log_link == (
        "https://logs.example.com/nba-props-platform/phase3/player_game_summary"
        "?job=nba-phase3-analytics-processors&from={from}&to={to}"
    )


def test_what_a_processor_says_itself_comes_first() -> None:
    own = {"owner": "odds team", "job": {"kind": "job", "name": "odds", "region": "us-east1", "scheduler": "nightly"}}

    found = care("player_game_summary", owner="data team", processors={"player_game_summary": own})

    assert (found.owner, found.runs_in) == ("odds team", CloudRun("job", "odds", "us-east1", "nightly"))
    assert "resource.type%3D%22cloud_run_job%22%0Aresource.labels.job_name%3D%22odds%22" in (found.log_link or "")


def test_without_a_job_there_is_no_link() -> None:
    assert care("player_prop_predictions", "phase5") == Care()

"""Which alert mutes which, asked of a real Alertmanager for every kind of alert beside every other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, product
from typing import TYPE_CHECKING

import pytest
import yaml

from exporter.shipped.alerts import PREFIX, alert_of
from exporter.shipped.forms import Form
from testing.alertmanager import Alertmanager, shipped
from testing.kinds_of_alerts import (
    BY_CRITICALITY,
    GLOBAL,
    KINDS,
    LOCAL,
    MISSING,
    TRIGGER,
    UNREGISTERED,
    Kind,
    Labels,
    all_variants,
    mutes,
    variants,
)
from testing.waiting import until
from tools.alerting.labelled import CARRIED, PLACES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path


@dataclass
class Inhibition:
    """An Alertmanager with the shipped inhibition that sends nothing, asked round by round."""

    alertmanager: Alertmanager
    place: Mapping[str, str]
    """Labels that all alerts have, and that are carried through."""
    _rounds: Iterator[int]

    def muted(self, alerts: Sequence[Labels], elsewhere: Sequence[Labels] = ()) -> list[bool]:
        """Which of these are muted while all of them fire, and those `elsewhere` in another place, if there is one.

        Alertmanager takes up alerts one after another and in order, so once it knows the last cause it knows all; only
        an answer that is begun after that moment says what follows.
        """
        number = str(next(self._rounds))
        marked = [{**labels, **self.place, "round": number, "place": str(place)} for place, labels in enumerate(alerts)]
        marked += [{**labels, **PLACES[1], "round": number} for labels in elsewhere if self.place]
        sentinels = [{"alertname": "Sentinel", "sentinel": part, "round": number} for part in ("effect", "cause")]
        self.alertmanager.post([*marked, *sentinels])
        until(lambda: "sentinel" in self._muted(number), "Alertmanager to know the causes of the round")
        muted = self._muted(number)
        self.alertmanager.resolve([*marked, *sentinels])
        return [str(place) in muted for place in range(len(alerts))]

    def _muted(self, number: str) -> set[str]:
        """The places of the muted alerts of a round, the sentinel's among them."""
        found = self.alertmanager.alerts(f'round="{number}"')
        return {item["labels"].get("place", "sentinel") for item in found if item["status"]["inhibitedBy"]}


@pytest.fixture(scope="module", params=[Form(), CARRIED], ids=["as it is", "by labels"])
def inhibition(
    _programs: None, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Inhibition]:
    folder: Path = tmp_path_factory.mktemp("inhibition")
    form: Form = request.param
    sentinel = {"source_matchers": ['sentinel="cause"'], "target_matchers": ['sentinel="effect"'], "equal": ["round"]}
    config = {
        "route": {"receiver": "nobody", "group_by": ["round"], "group_wait": "1h"},
        "receivers": [{"name": "nobody"}],
        "inhibit_rules": [sentinel, *shipped(form)["inhibit_rules"]],
    }
    path = folder / "config.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    with Alertmanager(folder, path) as alertmanager:
        yield Inhibition(alertmanager, PLACES[0] if form.by else {}, count())


def apart(labels: Labels, number: int) -> Labels:
    """The same in a pipeline of its own, so that the pairs of one round have nothing to do with each other."""
    return {**labels, "pipeline": f"p{number}"}


def told(labels: Labels) -> str:
    return " ".join(f"{name}={value}" for name, value in sorted(labels.items()))


def packed(alerts: Iterable[Labels]) -> list[list[Labels]]:
    """The alerts in as few rounds as will do, so that within a round none mutes another."""
    rounds: list[list[Labels]] = []
    for alert in alerts:
        for others in rounds:
            if not any(mutes(alert, other) or mutes(other, alert) for other in others):
                others.append(alert)
                break
        else:
            rounds.append([alert])
    return rounds


@pytest.mark.parametrize("cause", LOCAL, ids=str)
def test_a_cause_mutes_what_the_design_lets_it_mute_and_nothing_else(inhibition: Inhibition, cause: Kind) -> None:
    alerts = all_variants(LOCAL, cause.example)
    near = [apart(labels, number) for number, labels in enumerate(alerts)]
    causes = [apart(cause.example, number) for number in range(len(alerts))]
    of_other_pipelines = [apart(labels, len(alerts) + number) for number, labels in enumerate(alerts)]
    elsewhere = [apart(cause.example, len(alerts) + number) for number in range(len(alerts))]

    muted = inhibition.muted([*near, *of_other_pipelines, *causes], elsewhere)

    found = dict(zip(map(told, [*near, *of_other_pipelines]), muted, strict=False))
    expected = {told(alert): mutes(by, alert) for by, alert in zip(causes, near, strict=True)}
    assert found == expected | {told(alert): False for alert in of_other_pipelines}


@pytest.mark.parametrize("kind", GLOBAL, ids=str)
def test_a_cause_of_all_pipelines_and_an_alert_of_none_likewise(inhibition: Inhibition, kind: Kind) -> None:
    for example in variants(kind):
        local = [apart(labels, number) for number, labels in enumerate(all_variants(LOCAL, example))]
        others = all_variants(GLOBAL, example)
        muting = [labels for labels in [*local, *others] if mutes(labels, example)]
        rounds = [labels for labels in local if labels not in muting], *packed(o for o in others if o not in muting)
        for beside in [*rounds, *([labels] for labels in muting)]:
            muted = inhibition.muted([example, *beside])

            found = dict(zip(map(told, [example, *beside]), muted, strict=True))
            expected = {told(other): mutes(example, other) for other in beside}
            assert found == {told(example): beside[0] in muting} | expected


def test_no_cause_in_another_place_mutes_an_alert_without_a_pipeline(inhibition: Inhibition) -> None:
    here = all_variants(GLOBAL, {})

    muted = inhibition.muted(here, elsewhere=all_variants(KINDS, {}))

    assert muted == [any(mutes(other, alert) for other in here) for alert in here]


PHASES = tuple(f"phase{number}" for number in range(1, 7))
OF_PHASE = [kind for kind in LOCAL if "phase" in kind.labels]


def across_phases() -> Iterator[tuple[Labels, Labels]]:
    """Causes in a phase beside alerts in another, of one day and of two, of one pipeline and of two."""
    failures = [kind for kind in OF_PHASE if kind.severity == "critical" and kind.name in TRIGGER | BY_CRITICALITY]
    missing = [kind for kind in OF_PHASE if kind.name == MISSING]
    for kind, phase, alert, later in product(failures, PHASES, missing, PHASES):
        yield kind.example | {"phase": phase}, alert.example | {"phase": later}
    for kind, phase, other in product(OF_PHASE, PHASES, OF_PHASE):
        if missing[0] in {kind, other}:
            yield kind.example | {"phase": phase}, other.example | {"phase": "phase6"}
    for phase, later, changed in product(PHASES, PHASES, ({"run_date": "2026-02-02"}, {"pipeline": "mlb"})):
        yield failures[0].example | {"phase": phase}, missing[0].example | {"phase": later} | changed


def test_a_failure_mutes_the_missing_data_of_later_phases_and_of_no_earlier_one(inhibition: Inhibition) -> None:
    pairs = [pair for pair in across_phases() if pair[0] != pair[1]]
    # Two pipelines stay two.
    causes = [apart(cause, number) for number, (cause, _) in enumerate(pairs)]
    alerts = [
        apart(alert, number if alert["pipeline"] == cause["pipeline"] else number + len(pairs))
        for number, (cause, alert) in enumerate(pairs)
    ]

    muted = inhibition.muted([*alerts, *causes])

    found = dict(zip(map(told, alerts), muted, strict=False))
    assert found == {told(alert): mutes(by, alert) for by, alert in zip(causes, alerts, strict=True)}


def test_nothing_mutes_the_watchdog(inhibition: Inhibition) -> None:
    everything = [labels for kind in KINDS for labels in variants(kind)]

    muted = inhibition.muted(everything)

    watched = everything.index({"alertname": alert_of("watchdog").name, "severity": "none"})
    assert not muted[watched]
    assert sum(muted) > len(everything) / 2


def stranger(labels: Labels) -> Labels:
    """An alert with the same labels under a name that is none of ours."""
    return {**labels, "alertname": labels["alertname"].replace(PREFIX, "Other")}


def test_an_alert_of_someone_else_is_left_alone(inhibition: Inhibition) -> None:
    ours = all_variants(KINDS, {})

    muted = inhibition.muted([*map(stranger, ours), *ours])

    assert not any(muted[: len(ours)])


def test_an_alert_of_someone_else_mutes_nothing(inhibition: Inhibition) -> None:
    ours = [apart(kind.example, number) for number, kind in enumerate(LOCAL)]
    near = [stranger(apart(kind.example, number)) for number in range(len(ours)) for kind in LOCAL]

    muted = inhibition.muted([*ours, *near, *(stranger(kind.example) for kind in GLOBAL)])

    assert not any(muted)


def test_once_the_cause_is_over_its_alert_is_heard_again(inhibition: Inhibition) -> None:
    cause, alert = (kind.example for kind in KINDS if kind.name in {alert_of("blocked").short_name, UNREGISTERED})

    before = inhibition.muted([cause, alert])
    after = inhibition.muted([alert])

    assert (before, after) == ([False, True], [False])

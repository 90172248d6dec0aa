"""The status page as a person has it: in a browser, on any screen, with a keyboard, with a reader, without scripts."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from benchmarks.world import config_of, world_of
from exporter.incidents.demo import demo_day
from exporter.incidents.replay import replay
from exporter.model import ErrorKind, Hint, HintKind, RowCount, Verdict
from exporter.present.history import History
from exporter.present.over import after
from exporter.reconcile.season import Season
from exporter.web.page import REFRESH_SECONDS
from exporter.web.sections import MOST_WELL, MOST_WHYS
from exporter.web.state import View
from testing.browser import chromium, visiting
from testing.builders import DAY, OFFENSE, PHASE3, PLAYER, one_phase, processor
from testing.builders import on as on_day
from testing.collecting import Scene
from testing.reports import a_season, changed, explained, reported, seed_like, triggered
from tests.web.example import ExampleState, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from exporter.incidents.local import LocalSources, SimulatedClock
    from exporter.model import Report
    from exporter.web.server import WebServer
    from testing.browser import Scheme

HOSTILE = "\"'><script>window.owned=1</script><img src=x onerror=window.owned=1></td>\x1b[2J\x00\u202eevil\ud800"
SHOWN = "\"'><script>window.owned=1</script><img src=x onerror=window.owned=1></td>\\u001b[2J\\u0000\\u202eevil\\ud800"
OPEN_ALL = "document.querySelectorAll('details').forEach((details) => details.open = true)"
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
TABLE = [
    ("player_game_summary", "not registered", "completed", "212 rows", "unregistered"),
    ("upcoming_team_game_context", "not registered", "completed for 01-31", "20 rows", "unregistered"),
    ("team_offense_game_summary", "registered 0", "completed", "24 rows", "duplicated"),
    ("team_defense_game_summary", "registered 0", "completed", "12 rows", "count_mismatch"),
    ("upcoming_player_game_context", "registered 326", "completed", "326 rows", "ok"),
]


@dataclass(frozen=True)
class Served:
    """A page that is served, and the state behind it."""

    server: WebServer
    state: ExampleState

    @property
    def url(self) -> str:
        return f"{self.server.url}/"

    def show(self, report: Report) -> None:
        """A new report."""
        self.state.shown = View(report, self.state.shown.history.after(report), self.state.shown.unread)


@pytest.fixture(name="browser", scope="module")
def _browser() -> Iterator[Browser]:
    # For this file alone: while it is open, no other event loop can run on this thread.
    with chromium() as browser:
        yield browser


@pytest.fixture(name="seed", scope="module")
def _seed(_running: LocalSources, clock: SimulatedClock) -> Report:
    incident = demo_day()
    clock.now = incident.clock
    return explained(replay(incident, _running, clock).report)


def source_down() -> View:
    scene = seed_like()
    for collector in ("completion", "heartbeats"):
        scene.orders(collector).fail(ErrorKind.PERMISSION_DENIED)
    report = reported(scene)
    unread = {"completion": "permission_denied", "heartbeats": "permission_denied"}
    return View(report, History().after(report), unread)


def one_of_many() -> Scene:
    """A phase of more processors than stand in the open, one of them with a discrepancy."""
    names = [f"processor_{number:02}" for number in range(MOST_WELL + 2)]
    scene = Scene(one_phase(*map(processor, names)))
    scene.register(*names[1:])
    scene.memory.warehouse.rows = {DAY: RowCount(12, on_day("15:00"))}
    scene.memory.warehouse.units = {DAY: 6}
    return scene


def hostile() -> View:
    def spoilt(report: Report) -> Report:
        return changed(
            report,
            of_processor=lambda one: replace(
                one,
                processor=HOSTILE if one.processor == PLAYER else one.processor,
                hints=(Hint(HintKind.HEARTBEAT, HOSTILE),),
                heartbeat=replace(one.heartbeat, status=HOSTILE),
                verdict=Verdict.FAILED,
            ),
            of_phase=lambda phase: replace(
                phase, phase=f"{phase.phase} {HOSTILE}", mode=HOSTILE, trigger_hints=(Hint(HintKind.TRIGGER, HOSTILE),)
            ),
        )

    report = spoilt(explained(reported(seed_like())))
    healed = changed(report, of_processor=lambda one: replace(one, verdict=Verdict.OK))
    unread = {HOSTILE: HOSTILE}
    return View(report, History().after(healed).after(report), unread, Season(report), unread)


def season_beside(report: Report) -> View:
    """Sixty days with every verdict there is, half of them without their documents."""
    verdicts = list(Verdict)
    season = a_season(*PHASE3, verdict=lambda one: verdicts[one.run_date.toordinal() % len(verdicts)], gone=True)
    return View(report, History().after(report), {}, season, {"warehouse": "quota"})


@pytest.fixture(name="views", scope="module")
def _views(seed: Report) -> dict[str, View]:
    fine, some, many = reported(triggered()), reported(one_of_many()), world_of(config_of(500)).report()
    return {
        "seed": View(seed, History().after(seed)),
        "healthy": View(fine, History().after(fine)),
        "down": source_down(),
        "many": View(many, History().after(many)),
        "some": View(some, History().after(some)),
        "hostile": hostile(),
        "season": season_beside(fine),
    }


@pytest.fixture(name="served")
def _served(views: dict[str, View], request: pytest.FixtureRequest) -> Iterator[Served]:
    state = ExampleState(shown=views[getattr(request, "param", "seed")])
    with serving(state) as server:
        yield Served(server, state)


def on(name: str) -> pytest.MarkDecorator:
    """The test is about this page."""
    return pytest.mark.parametrize("served", [name], indirect=True, ids=[name])


@on("some")
def test_where_there_are_many_those_that_are_well_are_folded_away(browser: Browser, served: Served) -> None:
    with visiting(browser, served.url) as visit:
        summary = visit.page.locator("#rest-1 summary").inner_text()
        shown = visit.page.locator("table").first.locator("tbody th").all_inner_texts()

    assert (shown, summary) == (["processor_00"], f"{MOST_WELL + 1} more without discrepancy")


EVERY = pytest.mark.parametrize("served", ["seed", "healthy", "down", "many", "hostile", "season"], indirect=True)


@pytest.mark.parametrize(
    ("served", "width"),
    [
        ("seed", 360),
        ("seed", 1280),
        ("healthy", 360),
        ("down", 1280),
        ("hostile", 360),
        ("some", 1280),
        ("season", 360),
    ],
    indirect=["served"],
)
def test_axe_finds_nothing_in_any_page_folded_open_light_or_dark(browser: Browser, served: Served, width: int) -> None:
    with visiting(browser, served.url, width=width) as visit:
        visit.page.evaluate(OPEN_ALL)
        light = visit.violations()
        visit.page.emulate_media(color_scheme="dark")

        assert (light, visit.violations("color-contrast")) == ([], [])


@EVERY
def test_every_page_fits_any_window(browser: Browser, served: Served) -> None:
    widths = (320, 360, 700, 1280, 2560)
    with visiting(browser, served.url) as visit:
        visit.page.evaluate(OPEN_ALL)
        found = []
        for width in widths:
            visit.page.set_viewport_size({"width": width, "height": 800})
            found.append(visit.width())

    assert found == [(width, width) for width in widths]


def test_light_and_dark_are_what_the_reader_prefers(browser: Browser, served: Served) -> None:
    colours = set()
    for scheme in SCHEMES:
        with visiting(browser, served.url, scheme=scheme) as visit:
            colours.add(visit.page.evaluate("getComputedStyle(document.body).backgroundColor"))

    assert colours == {"rgb(255, 255, 255)", "rgb(13, 17, 23)"}


@EVERY
def test_a_page_is_one_request_and_breaks_nothing(browser: Browser, served: Served) -> None:
    with visiting(browser, served.url) as visit:
        assert visit.requests == [served.url]
        assert visit.faults == []


def test_the_day_of_the_incident_report_says_what_is_wrong_since_when_how_bad_and_what_first(
    browser: Browser, served: Served
) -> None:
    with visiting(browser, served.url) as visit:
        sentence = " ".join((visit.page.locator("#sentence").text_content() or "").split())
        title = visit.page.title()
        bottom = visit.page.evaluate("document.getElementById('sentence').getBoundingClientRect().bottom")

    assert sentence == (
        "Wrong nba phase3 of 2026-02-01 is blocked: 2 of 5 processors finished and never registered"
        " (player_game_summary, upcoming_team_game_context)."
        " For 2 h 55 min, since 15:04:29 UTC (10:04:29 EST)."
        " Critical: the next phase waits, but the data is there."
        " First: register what finished, do not run it again."
        f" After the repair: {after('blocked')}."
        " Besides: 1 left too many rows (team_offense_game_summary),"
        " 1 registered an impossible count (team_defense_game_summary)."
    )
    assert title.startswith("Wrong: nba phase3 of 2026-02-01 is blocked")
    assert bottom < 400


@pytest.mark.parametrize("width", [360, 1280])
def test_the_day_of_the_incident_report_is_its_table_for_a_screen_reader_too(
    browser: Browser, served: Served, width: int
) -> None:
    with visiting(browser, served.url, width=width) as visit:
        table = visit.page.get_by_role("table", name="What each record says")
        headers = table.get_by_role("columnheader").all_inner_texts()
        names = table.get_by_role("rowheader").all_inner_texts()
        cells = [
            (name, *table.get_by_role("row", name=name).first.get_by_role("cell").all_inner_texts()) for name in names
        ]

    assert headers == ["Processor", "Firestore", "Heartbeat", "BigQuery", "Verdict"]
    assert cells == TABLE


def test_explanations_are_a_ranked_list_and_called_hints(browser: Browser, served: Served) -> None:
    with visiting(browser, served.url) as visit:
        summary = visit.page.locator(".why summary").first.inner_text()
        visit.page.evaluate(OPEN_ALL)
        items = visit.page.locator(".why ol").first.locator("> li").all_inner_texts()
        text = visit.page.locator("main").inner_text()

    assert [" ".join(item.split()) for item in items] == [
        (
            "likely: its entry was written and overwritten for: entries of one second stand beside it"
            " against: older entries are still there"
        ),
        "possible: its entry was never written for: no trace of a write",
        "ruled out: it was a backfill, which never registers against: the newest run was no backfill",
    ]
    assert summary == "Why it may be missing: likely, its entry was written and overwritten; explanations: 3"
    assert "none is proof unless it says so" in text


@on("healthy")
def test_what_is_well_is_folded_away_and_opens_with_a_key(browser: Browser, served: Served) -> None:
    with visiting(browser, served.url) as visit:
        first = visit.page.locator("details").first
        before = first.locator("table").is_visible()
        first.locator("summary").focus()
        visit.page.keyboard.press("Enter")
        after = first.locator("table").is_visible()
        summary = first.locator("summary").inner_text()

    assert (before, after) == (False, True)
    assert summary == "nba phase3 of 2026-02-01: 5 of 5 registered; 5 ok, trigger triggered"


@on("down")
def test_a_source_that_is_down_makes_no_all_clear_and_is_named(browser: Browser, served: Served) -> None:
    with visiting(browser, served.url) as visit:
        text = visit.page.locator("main").inner_text()

    assert "Cannot tell" in text
    assert "not all of Firestore could be read (permission_denied)" in text
    assert text.count("completion document unknown") == 1
    assert "heartbeats not yet" in text


@on("hostile")
def test_what_documents_say_is_text_and_acts_on_nobody(browser: Browser, served: Served) -> None:
    with visiting(browser, served.url) as visit:
        visit.page.evaluate(OPEN_ALL)
        text = visit.page.locator("body").inner_text()
        owned = visit.page.evaluate("window.owned")
        images = visit.page.locator("img").count()
        scripts = visit.page.locator("script").count()

    assert (owned, images, scripts) == (None, 0, 1)
    assert SHOWN in text
    assert not UNPRINTABLE.search(text)


@on("many")
def test_five_hundred_processors_are_a_page_that_loads(browser: Browser, served: Served) -> None:
    with visiting(browser, served.url) as visit:
        rows = visit.page.locator("tbody th[scope=row]").count()
        shown = visit.page.locator("tr.why").count()

    assert rows >= 1500
    assert shown == MOST_WHYS


@EVERY
def test_a_keyboard_alone_reaches_everything_and_shows_where_it_is(browser: Browser, served: Served) -> None:
    with visiting(browser, served.url) as visit:
        expected = visit.page.locator("a[href]:visible, summary:visible, [tabindex='0']:visible").count()
        reached, unseen = [], []
        for _ in range(expected):
            visit.page.keyboard.press("Tab")
            [tag, text, outline, height] = visit.page.evaluate(
                "(() => { const at = document.activeElement; const style = getComputedStyle(at);"
                " return [at.tagName, at.textContent, style.outlineStyle, at.getBoundingClientRect().height] })()"
            )
            reached.append((tag, text))
            if outline == "none" or not height:
                unseen.append(text)

    assert reached[0] == ("A", "Skip to the status")
    assert {tag for tag, _ in reached} <= {"A", "SUMMARY", "DIV"}
    assert (len(reached), unseen) == (expected, [])


def test_the_skip_link_leads_to_the_status(browser: Browser, served: Served) -> None:
    with visiting(browser, served.url) as visit:
        visit.page.keyboard.press("Tab")
        visit.page.keyboard.press("Enter")
        focused = visit.page.evaluate("document.activeElement.id")

    assert focused == "status"


def test_without_scripts_everything_is_there_and_the_page_reloads_itself(browser: Browser, served: Served) -> None:
    with visiting(browser, served.url, scripts=False) as visit:
        text = visit.page.locator("main").inner_text()
        refresh = visit.page.locator("meta[http-equiv=refresh]").get_attribute("content")

    assert "1 registered an impossible count" in text
    assert refresh == str(REFRESH_SECONDS)


def test_a_new_report_shows_without_a_jump_and_what_was_open_stays_open(browser: Browser, served: Served) -> None:
    report = served.state.shown.report
    with visiting(browser, served.url, width=360, fake_clock=True) as visit:
        page = visit.page
        details = page.locator("#more-1")
        details.locator("summary").click()
        scrolled = page.evaluate("(scrollTo(0, 300), scrollY)")
        served.show(
            replace(
                changed(report, of_processor=lambda one: replace(one, verdict=Verdict.OK)),
                at=report.at + timedelta(minutes=1),
            )
        )
        page.clock.run_for(REFRESH_SECONDS * 1000)
        page.get_by_text("As of 18:01 UTC (13:01 EST)").wait_for()

        assert scrolled == page.evaluate("scrollY") == 300
        assert details.get_attribute("open") == ""
        assert page.evaluate("document.activeElement.parentElement.id") == "more-1"
        assert "unregistered → ok" in (page.locator("#changes-2026-02-01").text_content() or "")
        assert visit.faults == []


@on("season")
def test_a_new_report_leaves_a_month_where_it_was_scrolled_to(browser: Browser, served: Served) -> None:
    shown = served.state.shown
    with visiting(browser, served.url, width=360, fake_clock=True) as visit:
        page = visit.page
        month = page.locator("#season-2026-01")
        month.evaluate("wide => wide.scrollLeft = 100")
        served.state.shown = replace(shown, report=replace(shown.report, at=shown.report.at + timedelta(minutes=1)))
        page.clock.run_for(REFRESH_SECONDS * 1000)
        page.get_by_text("As of 18:01 UTC (13:01 EST)").wait_for()

        assert month.evaluate("wide => wide.scrollLeft") == 100
        assert visit.faults == []


@on("season")
def test_a_season_is_a_table_for_a_screen_reader_with_each_discrepancy_in_full(
    browser: Browser, served: Served
) -> None:
    with visiting(browser, served.url) as visit:
        month = visit.page.get_by_role("region", name="2026-01").get_by_role("table", name="2026-01")
        row = month.get_by_role("row").filter(has=visit.page.get_by_role("rowheader", name=PLAYER, exact=True))
        wrong = row.get_by_role("cell", name="M", exact=True).first

        assert month.get_by_role("columnheader").count() == 32
        assert row.get_by_role("cell").count() == 31
        assert wrong.get_attribute("title") == "missing"


def test_the_same_report_again_is_not_touched(browser: Browser, served: Served) -> None:
    with visiting(browser, served.url, fake_clock=True) as visit:
        page = visit.page
        for _ in range(2):
            with page.expect_response(served.url):
                page.clock.run_for(REFRESH_SECONDS * 1000)
        page.evaluate("document.getElementById('status').dataset.mine = 'yes'")
        with page.expect_response(served.url):
            page.clock.run_for(REFRESH_SECONDS * 1000)
        page.clock.run_for(1000)

        assert page.evaluate("document.getElementById('status').dataset.mine") == "yes"


def test_a_page_whose_exporter_is_gone_says_so(browser: Browser, served: Served) -> None:
    with visiting(browser, served.url, fake_clock=True) as visit:
        before = visit.page.locator("#fresh").inner_text()
        served.server.stop()
        for _ in range(4):
            visit.page.clock.run_for(REFRESH_SECONDS * 1000)
        fresh = visit.page.locator("#fresh.stale")
        fresh.wait_for()

        assert before == "Refreshes itself."
        assert fresh.inner_text().startswith("The exporter does not answer.")
        assert "is blocked" in visit.page.locator("#sentence").inner_text()


def test_a_page_without_new_reports_says_so(browser: Browser, served: Served) -> None:
    with visiting(browser, served.url, fake_clock=True) as visit:
        for _ in range(12):
            with visit.page.expect_response(served.url):
                visit.page.clock.run_for(REFRESH_SECONDS * 1000)
        fresh = visit.page.locator("#fresh.stale")
        fresh.wait_for()

        assert fresh.inner_text().startswith("The exporter has made no new report for ")


def test_a_page_that_nobody_sees_asks_for_nothing_and_asks_at_once_when_it_is_seen_again(
    browser: Browser, served: Served
) -> None:
    with visiting(browser, served.url, fake_clock=True) as visit:
        page = visit.page
        page.evaluate("Object.defineProperty(document, 'hidden', { configurable: true, value: true })")
        page.clock.run_for(5 * REFRESH_SECONDS * 1000)
        meanwhile = list(visit.requests)
        with page.expect_response(served.url):
            page.evaluate("(delete document.hidden, document.dispatchEvent(new Event('visibilitychange')))")

        assert meanwhile == [served.url]
        assert page.locator("#fresh").inner_text() == "Refreshes itself."


def test_text_that_is_being_copied_is_left_alone(browser: Browser, served: Served) -> None:
    with visiting(browser, served.url, fake_clock=True) as visit:
        page = visit.page
        page.evaluate("getSelection().selectAllChildren(document.getElementById('sentence'))")
        with page.expect_response(served.url):
            page.clock.run_for(REFRESH_SECONDS * 1000)
        page.get_by_text("Waits while text is selected.").wait_for()

        assert "is blocked" in page.evaluate("getSelection().toString()")


@on("healthy")
def test_printed_it_shows_also_what_is_folded_away(browser: Browser, served: Served) -> None:
    with visiting(browser, served.url) as visit:
        visit.page.emulate_media(media="print")

        assert visit.page.get_by_role("rowheader", name=OFFENSE).is_visible()
        assert not visit.page.locator("footer nav").is_visible()


def test_names_are_as_in_the_configuration(browser: Browser, served: Served) -> None:
    with visiting(browser, served.url) as visit:
        names = visit.page.locator("table").first.locator("tbody th").all_inner_texts()

    assert sorted(names) == sorted(PHASE3)

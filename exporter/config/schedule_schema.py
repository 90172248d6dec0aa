"""The wire form of what says when something is expected: schedule, calendar, halts; and of the dates of tables.

It belongs to `schema.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Protocol

from pydantic import Discriminator, Tag

from exporter.config.records import DATE_COLUMN, WRITTEN_TYPES
from exporter.config.schedules import LIMITS
from exporter.config.section import Need, Section, declared, optional_key, whole
from exporter.config.value_types import (
    Column,
    DateColumn,
    Duration,
    Sql,
    TableName,
    Text,
)

if TYPE_CHECKING:
    from datetime import date

    from exporter.config.periods import Period
    from exporter.config.schedules import Days

DAILY: Final = "daily"
MOST_DAYS_AHEAD = 366
DATED_BY = "What a date's rows are of: `week` where each week's rows belong together, on any of its dates."
_APPLIES_TO = (
    "Which date the table's dates are: `data_date`, that of the rows, or `run_date`, that of the document. They differ"
    " where `data_date_offset` is not 0."
)
_INHERITED = "that of the section above"


RUN_DATE: Final = "run_date"
AppliesTo = Literal["data_date", "run_date"]


class Halts(Section):
    """A second calendar, of dates on which nothing is expected: halts, an off-season, a team's holiday.

    A date without a row is an ordinary date.
    """

    table: TableName = declared(..., "The table, with the dataset.")
    date_column: DateColumn = declared(..., DATE_COLUMN)
    written_column: Column | None = optional_key(
        f"The column that says when a row was written: {WRITTEN_TYPES}",
        absent="a table that is no longer written goes unnoticed",
    )
    where: Sql | None = optional_key("Which rows are of this pipeline.", absent="all")
    halted: Sql = declared(..., "A condition: the rows whose date is halted.")
    reason: Column | None = optional_key("The column that says why.", absent="hints give no reason")
    applies_to: AppliesTo = declared("data_date", _APPLIES_TO)
    stale_after: Duration | None = optional_key(
        "How old the newest row may be, by `written_column`, once the table is in use.", absent="any age"
    )
    needs = (
        Need(
            "stale_after",
            "written_column",
            "needs the time of the newest row: write `written_column` too, or remove `stale_after`",
        ),
    )


class Calendar(Section):
    """A table that has the number of units (games, deliveries) of each date. A date without units expects nothing."""

    table: TableName = declared(..., "The schedule, with the dataset.")
    date_column: DateColumn = declared(..., DATE_COLUMN)
    units: Sql = declared(..., "An aggregate over the rows of a date that gives the number of units.")
    where: Sql | None = optional_key("Which rows count.", absent="all")
    unit_column: Column | None = optional_key(
        "The column that identifies a unit. One that has rows on several dates was moved: its last date counts.",
        absent="every row counts on its own date",
    )
    applies_to: AppliesTo = declared("data_date", _APPLIES_TO)
    days_ahead: Annotated[int, whole("days", 1, MOST_DAYS_AHEAD)] | None = optional_key(
        "How many days from today on the table must reach. With fewer the calendar is doubtful, unless the days beyond"
        " its last date are halted.",
        absent="it may end on any day; the end is a fault only if work goes on after it",
    )
    noun: Text = declared(
        "unit",
        "What one unit is called in sentences, in the singular: `game`, `delivery`. `dump` with this configuration"
        " writes it into rules, runbooks and dashboards too, where all pipelines agree.",
    )


def _form_of_calendar(value: Any) -> str:  # noqa: ANN401 - whatever the YAML has
    return DAILY_FORM if isinstance(value, str) else TABLE_FORM


DAILY_FORM, TABLE_FORM = "[daily]", "[table]"
"""The two forms of a calendar, as pydantic names them in the place of a fault."""

CalendarForm = Annotated[
    Annotated[Calendar, Tag(TABLE_FORM)] | Annotated[Literal["daily"], Tag(DAILY_FORM)],
    Discriminator(_form_of_calendar),
]


DAYS = optional_key(
    "The run dates on which something is expected: weekdays (`[mon-fri]`), days of the month (`[1, 15]`, `[last]`).",
    absent=_INHERITED,
)
EVERY = optional_key(
    "How often: `day`, on all of `days`; `week` or `month`, on the first of `days` in it that is no holiday.",
    absent=_INHERITED,
)
HOLIDAYS = optional_key(
    "Run dates on which nothing is expected: dates, and public calendars by name (`DE`, `DE-BE`, `NYSE`).",
    absent=_INHERITED,
)
SINCE = optional_key(
    "The first run date on which something is expected, for work that is added: earlier run dates do not miss it.",
    absent=_INHERITED,
)
UNTIL = optional_key(
    "The last run date on which something is expected, for work that is retired: earlier run dates still judge it.",
    absent=_INHERITED,
)
CALENDAR = optional_key(
    "`daily`: something is expected of every run date, within `days`, `every` and `holidays`. Or a table of units"
    " (games, deliveries): nothing is expected of a data date without units.",
    absent="the one at the top; one of the two is needed",
)
NO_TABLE = optional_key("`daily`: the pipeline's calendar table does not decide here.", absent=_INHERITED)
"""The keys that say on which run dates something is expected. A run date is the date that names the document."""


class Scheduled(Protocol):
    """A section with these keys."""

    @property
    def days(self) -> Days | None:
        """The key `days`."""

    @property
    def every(self) -> Period | None:
        """The key `every`."""

    @property
    def holidays(self) -> tuple[date | str, ...] | None:
        """The key `holidays`."""

    @property
    def since(self) -> date | None:
        """The key `since`."""

    @property
    def until(self) -> date | None:
        """The key `until`."""


SCHEDULE: Final = ("days", "every", "holidays", *LIMITS)

"""How much of exporter/ the tests run, in lines and branches, and the bound that `make test` holds them to.

COUNT_LINES=1 asks for it. slipcover does the counting: it puts probes into the code of exporter/ alone, as that is
imported, where a tracer (coverage.py's) is called for every line of everything that runs. Measured on the tests of
decisions: a tracer doubles their CPU time, the probes add a twentieth. For that this module has to be loaded before
anything imports exporter/: conftest.py names it first.
"""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slipcover import Slipcover

VARIABLE: Final = "COUNT_LINES"
BOUND: Final = 97.0
"""Percent of the lines and branches. Docstrings count as lines here: what coverage.py calls 95 is 95.8."""

_CODE: Final = Path(__file__).parents[1] / "exporter"
_WORKERS: Final = "lines"
_NEVER: Final = 2**30
"""Hits after which a probe is taken out again: slipcover would exchange functions' code while other threads run it."""


def _counting(**files: list[str]) -> Slipcover:
    from slipcover import Slipcover

    return Slipcover(branch=True, d_miss_threshold=_NEVER, **files)


def _start() -> Slipcover:
    """Put probes into all of exporter/ that is imported from now on."""
    from slipcover import FileMatcher, ImportManager

    counter = _counting()
    ImportManager(counter, FileMatcher(sources=[_CODE])).__enter__()
    return counter


_counter = _start() if os.environ.get(VARIABLE) else None
_found = pytest.StashKey[list[dict[str, Any]]]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep what the workers find."""
    config.stash[_found] = []


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """A pytest that a test starts counts for itself: the workers have been started, so nobody needs the variable."""
    os.environ.pop(VARIABLE, None)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:  # noqa: ANN401 - xdist's, which publishes no types
    """Take what a worker found."""
    found = getattr(node, "workeroutput", {}).get(_WORKERS)
    if found:
        node.config.stash[_found].append(json.loads(found))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Give what was counted to the process that started the tests; there, fail them if that is too little."""
    if _counter is None:
        return
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_WORKERS] = json.dumps(_counter.get_coverage())
        return
    found = merged([_counter.get_coverage(), *session.config.stash[_found]])
    # Its modules that nothing imported count as well.
    known = [str(Path(file).absolute()) for file in found["files"]]
    found = merged([found, _counting(source=[str(_CODE)], omit=known).get_coverage()])
    session.config.stash[_found] = [found]
    if not enough(found) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the files of which something was not run, and say whether it is enough."""
    for found in terminalreporter.config.stash[_found]:
        terminalreporter.section("Lines and branches of exporter/ that the tests run", bold=True)
        from slipcover import print_coverage

        table = io.StringIO()
        print_coverage(found, outfile=table, skip_covered=True)
        terminalreporter.write(table.getvalue())
        terminalreporter.line(verdict(found), green=enough(found), red=not enough(found))


def merged(counts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """What was run in any of the processes."""
    from slipcover import merge_coverage

    first, *others = counts
    for other in others:
        merge_coverage(first, other)
    return first


def enough(found: dict[str, Any]) -> bool:
    """Whether the bound is kept."""
    return bool(found["summary"]["percent_covered"] >= BOUND)


def verdict(found: dict[str, Any]) -> str:
    """The last line of what is said."""
    kept = "at least" if enough(found) else "but it has to be at least"
    return f"The tests run {found['summary']['percent_covered']:.1f} % of exporter/, {kept} {BOUND:g} %."

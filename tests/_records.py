"""What Google's Firestore emulator answered to every behaviour: kept in files, compared, and recorded again.

A test that has an `address` (a parameter: which server) and uses `answers` has an entry in
tests/conformance/recorded/NAME_OF_ITS_FILE.json. Both servers are held against it, so that the local one is judged
where Google's is missing, and a new emulator that answers otherwise is noticed. `make record` writes the files.

What is compared is every call of the test and what the server answered (testing/answers.py). A test whose calls
lawfully differ from run to run uses `told` instead, and says itself what must be the same each time.
"""

from __future__ import annotations

import difflib
import functools
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests import _reference

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from testing.answers import Answers

RECORD_VARIABLE: Final = "RECORD_FIRESTORE_EMULATOR"
FOLDER: Final = Path(__file__).parent / "conformance" / "recorded"

_LOCAL, _REFERENCE = "local", "reference"
_RECORDED: Final = pytest.StashKey[dict[str, dict[str, list[str]]]]()
_COLLECTED: Final = pytest.StashKey["Mapping[str, set[str]]"]()


def recording() -> bool:
    """Whether Google's answers are to be written down."""
    return os.environ.get(RECORD_VARIABLE) == "1"


def servers() -> tuple[str, ...]:
    """The servers to hold against the records: the local one, and Google's where it is there."""
    if recording():
        return (_REFERENCE,)
    return (_LOCAL, _REFERENCE) if _reference.missing() is None else (_LOCAL,)


def versions() -> list[str]:
    """The versions of the emulator that the records are from; one, unless somebody mixed them."""
    return sorted({json.loads(path.read_text("utf-8"))["emulator"] for path in FOLDER.glob("*.json")})


@functools.cache
def recorded(file: str) -> Mapping[str, list[str]]:
    """What a file of tests was answered, by test, a line of JSON for each call."""
    path = FOLDER / f"{file}.json"
    if not path.is_file():
        return {}
    answers = json.loads(path.read_text("utf-8"))["answers"]
    return {test: [_line(call) for call in calls] for test, calls in answers.items()}


def collected(config: pytest.Config) -> Mapping[str, set[str]]:
    """The tests with a record, by file; nothing if some were named one by one, so that others are left out."""
    return {} if any("::" in argument for argument in config.args) else config.stash[_COLLECTED]


def without_a_test(tests: Mapping[str, set[str]]) -> list[str]:
    """The records of these files that none of their tests has, and those of files that are gone."""
    files = {path.stem for path in Path(__file__).parent.rglob("test_*.py")}
    strays = [f"{file}: {test}" for file, known in tests.items() for test in recorded(file) if test not in known]
    return sorted({path.stem for path in FOLDER.glob("*.json")} - files) + strays


def difference(file: str, test: str, seen: list[str]) -> str:
    """How what was seen differs from the record; nothing if it is the same."""
    known = recorded(file).get(test)
    if known is None:
        return f"{test} has no record of what Google's emulator answers: `make record` writes one"
    if known == seen:
        return ""
    lines = difflib.unified_diff(known, seen, "Google's emulator, recorded", "this server", lineterm="", n=1)
    return "\n".join((f"{test} was answered otherwise than by Google's emulator {', '.join(versions())}:", *lines))


# --- fixtures ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def answers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Looks on at all channels that the test's clients open, unless the test tells itself what there is to compare."""
    import grpc

    from testing.answers import Answers

    seen = Answers()
    if "told" not in request.fixturenames:
        plain = grpc.insecure_channel
        monkeypatch.setattr(grpc, "insecure_channel", lambda *how, **more: seen.observed(plain(*how, **more)))
    return seen


@pytest.fixture
def told(answers: Answers) -> Callable[[str, Any], None]:
    """Takes down what must be the same each time, in the place of the calls, which are not."""
    return answers.tell


# --- hooks ------------------------------------------------------------------------------------------------------------


def pytest_configure() -> None:
    """Refuse to record nothing."""
    if recording() and (reason := _reference.missing()):
        raise pytest.UsageError(f"there is no Firestore emulator whose answers could be recorded: {reason}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Know all tests that have a record, before some of them are deselected."""
    tests: dict[str, set[str]] = {}
    for item in items:
        if place := _place(item):
            tests.setdefault(place[0], set()).add(place[1])
    config.stash[_COLLECTED] = tests
    config.stash[_RECORDED] = {}
    if recording():
        # The others look at the records, as they were.
        config.hook.pytest_deselected(items=[item for item in items if not _place(item)])
        items[:] = [item for item in items if _place(item)]


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Hold what the server answered against the record, also if the test has failed by itself."""
    place = _place(pyfuncitem)
    if place is None:
        return (yield)
    seen: Any = pyfuncitem.funcargs["answers"]
    try:
        result = yield
    except BaseException:
        if found := difference(*place, seen.lines()):
            pyfuncitem.add_report_section("call", "Google's emulator", found)
        raise
    if recording():
        file, test = place
        pyfuncitem.config.stash[_RECORDED].setdefault(file, {})[test] = seen.lines()
    elif found := difference(*place, seen.lines()):
        pytest.fail(found, pytrace=False)
    return result


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write down what was answered, if all is well."""
    if exitstatus != pytest.ExitCode.OK:
        return
    for file, tests in session.config.stash.get(_RECORDED, {}).items():
        (FOLDER / f"{file}.json").write_text(_file(_reference.version(), tests), encoding="utf-8")


def _place(item: pytest.Item) -> tuple[str, str] | None:
    """The file and the name of a test's record, which is the same for every server; None if it has none."""
    if not isinstance(item, pytest.Function) or not {"address", "answers"} <= set(item.fixturenames):
        return None
    server, _, parameters = item.callspec.id.partition("-")
    assert server in (_LOCAL, _REFERENCE), f"{item.nodeid}: the server is not the first of its parameters"
    return item.path.stem, f"{item.originalname}[{parameters}]" if parameters else item.originalname


def _file(version: str, tests: Mapping[str, list[str]]) -> str:
    """A line for each call, so that a difference shows which it is."""
    entries = [
        f"    {_line(test)}: [" + ",".join(f"\n      {call}" for call in calls) + ("\n    ]" if calls else "]")
        for test, calls in tests.items()
    ]
    return f'{{\n  "emulator": {_line(version)},\n  "answers": {{\n' + ",\n".join(entries) + "\n  }\n}\n"


def _line(tree: Any) -> str:  # noqa: ANN401 - JSON
    return json.dumps(tree, ensure_ascii=False)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
    """Say at the end which of the two judged the local Firestore: Google's emulator, or what it once answered."""
    if recording():
        failed = exitstatus != pytest.ExitCode.OK
        said = "Nothing was recorded, because a test has failed" if failed else "Google's answers are recorded"
        terminalreporter.section(said, red=failed, green=not failed, bold=True)
    elif any(_judged(report) for reports in terminalreporter.stats.values() for report in reports):
        reason = _reference.missing()
        terminalreporter.section(
            "Who judged the local Firestore", bold=True, green=reason is None, yellow=reason is not None
        )
        for line in judge(reason, "" if reason else _reference.version()):
            terminalreporter.line(line, green=reason is None, yellow=reason is not None)


def _judged(report: object) -> bool:
    return isinstance(report, pytest.TestReport) and "[local" in report.nodeid and "/conformance/" in report.nodeid


def judge(reason: str | None, version: str) -> list[str]:
    """Who judged: Google's emulator of this version, or, for this reason, its records."""
    known = ", ".join(versions()) or "no version"
    if reason is None:
        return [f"Google's emulator (version {version}) and its records (of version {known})."]
    return [
        f"Recorded answers of Google's emulator version {known}, since: {reason}.",
        "Google's emulator itself needs Java and gcloud's cloud-firestore-emulator component, or a jar:",
        f"  {_reference.JAR_VARIABLE}=/path/to/cloud-firestore-emulator.jar",
        f"With {_reference.REQUIRED_VARIABLE}=1 a machine without it fails.",
    ]

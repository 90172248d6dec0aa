"""No text leaves the process but through the functions that hide its secrets: every other way out fails here."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import exporter

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(exporter.__file__).parent

ALLOWED: dict[str, tuple[str, ...]] = {
    "click.echo": ("cli.output",),
    # They ask whether it is a terminal, and cli.output gives up one that cannot be written.
    "sys.stdout": ("cli.check", "cli.explain", "cli.history", "cli.output", "cli.replay", "cli.season"),
    "sys.stderr": ("cli.output", "messages.logs", "health"),
    "logging.StreamHandler": ("messages.logs",),
    "sys.__excepthook__": ("messages.logs",),
    # It prints into a text.
    "Console": ("present.table",),
    "Response": ("web.answers",),
    # The files of `--output`, and those of alert rules and the demo's configuration, which come with the package.
    "write_atomically": ("cli.output", "cli.dump"),
    ".write_text": ("cli.files", "cli.demo", "incidents.promtool"),
    # A text that says of itself that it is masked: JSON, YAML and tables of values that are.
    "Masked": (
        "messages.secrets",
        "config.load",
        "cli.output",
        "present.table",
        "present.repairs",
        "present.runbooks",
        "incidents.capture",
    ),
}
"""Ways out that some modules may use, which mask what they send."""

FORBIDDEN = frozenset(
    {
        *("click.secho", "click.echo_via_pager", "click.prompt", "click.confirm", "print", "input", "rich.print"),
        *("logging.FileHandler", "logging.basicConfig", "faulthandler.enable", "traceback.print_exc", "os.system"),
        *("JSONResponse", "HTMLResponse", "PlainTextResponse", "FileResponse", "StreamingResponse"),
        *("RedirectResponse", "HTTPException", ".write_bytes", "subprocess.call", "subprocess.check_call"),
    }
)
"""Ways out that nothing uses."""


def module(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def used(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that is used, as it is written (`click.echo`), and a method's alone (`.write_text`)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield f".{node.attr}", node.lineno
            if isinstance(node.value, ast.Name):
                yield f"{node.value.id}.{node.attr}", node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, node.lineno
        elif isinstance(node, ast.ImportFrom):
            # `from click import echo` is the same way under another name.
            yield from ((f"{node.module}.{name.name}", node.lineno) for name in node.names)


def bodies(tree: ast.AST) -> Iterator[int]:
    """Where a response's body is sent without a `Response`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value == "http.response.body":
            yield node.lineno


def modules() -> dict[str, ast.AST]:
    return {module(path): ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")}


def test_a_text_leaves_by_the_outlets_alone() -> None:
    found = [
        f"{name}:{line}: {way}"
        for name, tree in modules().items()
        for way, line in used(tree)
        if way in FORBIDDEN or name not in ALLOWED.get(way, (name,))
    ]

    assert found == [], "use exporter.cli.output.say, exporter.web.answers or a logger: they hide secrets"


def test_a_module_that_is_allowed_a_way_out_uses_it() -> None:
    using = {(way, name) for name, tree in modules().items() for way, _ in used(tree)}

    assert [(way, name) for way, names in ALLOWED.items() for name in names if (way, name) not in using] == []


def test_a_body_is_sent_by_the_metrics_alone() -> None:
    assert {name for name, tree in modules().items() if any(bodies(tree))} == {"web.metrics"}

"""The process of the local BigQuery: `python serve.py HOME`, started by `emulator.BigQueryEmulator` only.

Its standard input is a socket to the starting process. Through it this process reports its port, and notices when the
other side has ended, for whatever reason; then it ends too.
"""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import os
import shutil
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_EXTENSION = "spatial"
_KEPT = 256
"""Texts whose translation is remembered."""


def link_extension(home: Path) -> None:
    """Link the installed extension to where DuckDB looks for it below this home, so that DuckDB downloads none.

    DuckDB's own installation would copy 80 MB at each start.
    """
    import duckdb

    package = importlib.util.find_spec(f"duckdb_extension_{_EXTENSION}")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError(f"duckdb_extension_{_EXTENSION}")
    with duckdb.connect(":memory:") as connection:
        version, platform = connection.execute(
            "SELECT library_version, (SELECT platform FROM pragma_platform()) FROM pragma_version()"
        ).fetchall()[0]
    file = f"{_EXTENSION}.duckdb_extension"
    link = home / ".duckdb" / "extensions" / version / platform / file
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(Path(package.submodule_search_locations[0]) / "extensions" / version / file)


def call_at_end(link: socket.socket, ended: Callable[[], None]) -> threading.Thread:
    """Start a thread that calls `ended` when the other side of the link is gone."""

    def wait() -> None:
        try:
            while link.recv(64):
                pass
        except OSError:
            pass
        ended()

    thread = threading.Thread(target=wait, name="starter", daemon=True)
    thread.start()
    return thread


def remember_translations() -> None:
    """Let the emulator parse, check and translate each text once: each run of a query parses it sixty times.

    A translation follows from the text, the columns of its tables and who asks. What kind of statement a text is
    follows from the text alone. Measured: a query over twelve
    tables that was asked before takes a seventh of the CPU time.
    """
    import sqlglot
    from bqemulator.catalog import ddl_sync
    from bqemulator.jobs import executor
    from bqemulator.sql.translator import SQLTranslator

    remember = functools.lru_cache(_KEPT)
    parse, translate = remember(sqlglot.parse_one), SQLTranslator.translate
    translations: dict[str, Any] = {}

    def parsed(*text: Any, **dialect: Any) -> Any:  # noqa: ANN401 - sqlglot's
        return parse(*text, **dialect).copy()

    def translated(self: SQLTranslator, sql: str, **context: Any) -> Any:  # noqa: ANN401 - bqemulator's
        key = repr((sql, context))
        if key not in translations:
            if len(translations) >= _KEPT:
                translations.clear()
            translations[key] = translate(self, sql, **context)
        return translations[key]

    @remember
    def reads(text: str) -> bool:
        try:
            return isinstance(parse(text, read="bigquery"), sqlglot.exp.Query)
        except sqlglot.errors.SqlglotError:
            return False

    def unless_read(check: Callable[..., Any], position: int) -> Callable[..., Any]:
        """The same check, which is None for a text that only reads; `position` is the text's among its arguments."""

        def checked(*arguments: Any) -> Any:  # noqa: ANN401 - bqemulator's
            return None if reads(arguments[position]) else check(*arguments)

        return checked

    for owner, name, replacement in (
        (sqlglot, "parse_one", parsed),
        (SQLTranslator, "translate", translated),
        *((executor, name, remember(vars(executor)[name])) for name in ("parse_script", "rewrite_table_refs")),
        *(
            (owner, name, unless_read(vars(owner)[name], position))
            for owner, name, position in (
                (ddl_sync, "_detect_plain_create_table", 0),
                (executor, "_reject_dml_on_immutable", 1),
                (executor, "assert_drop_schema_allowed", 0),
                (executor, "detect_drop_routine", 0),
                (executor, "sync_created_schema", 0),
                (executor, "sync_created_table", 0),
                (executor, "sync_created_view", 0),
                (executor, "sync_dropped_object", 0),
            )
        ),
    ):
        setattr(owner, name, replacement)


async def serve(ready: Callable[[int], None]) -> None:
    """Serve on a free port of 127.0.0.1 until SIGTERM, and report the port when the server answers."""
    from bqemulator.config import LogLevel, PersistenceMode, Settings
    from bqemulator.server import EmulatorServer

    server = EmulatorServer(
        Settings(
            rest_host="127.0.0.1",
            rest_port=0,
            grpc_host="127.0.0.1",
            grpc_port=0,
            persistence_mode=PersistenceMode.EPHEMERAL,
            log_level=LogLevel.ERROR,
            # Otherwise it tries to download DuckDB's avro extension at each start.
            enable_format_extensions=False,
        )
    )
    await server.start()
    # An incident file's configuration contains SQL, possibly a stranger's, so DuckDB may read no file and no address.
    server._engine.execute("SET enable_external_access = false")  # noqa: SLF001 no setting of the emulator says it
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    ready(server.rest_port)
    await stop.wait()


def main() -> None:
    """Serve until SIGTERM, or until the starting process ends. The only argument is the folder for all files."""
    home = Path(sys.argv[1])
    os.chdir(home)
    link = socket.socket(fileno=os.dup(0))

    def leave() -> None:
        # The starter removes the home itself, unless it was killed.
        shutil.rmtree(home, ignore_errors=True)
        os._exit(0)

    call_at_end(link, leave)
    link_extension(home)
    remember_translations()
    asyncio.run(serve(lambda port: link.sendall(b"%d\n" % port)))


if __name__ == "__main__":
    main()

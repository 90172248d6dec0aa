"""The command line: the group, one module a command, and what commands share. Nothing else imports click.

Importing this package must stay fast: the functions that need slow modules (Google's clients, the web server) import
them.

group.py        the group, which joins the commands; command.py: how errors become messages and exit codes
run.py, check.py, season.py, config.py, explain.py, history.py, repair.py, capture.py, replay.py, demo.py, dump.py,
probe_writes.py
connect.py      what `config check --connect` tries
init.py         `config init`; proposal.py: the configuration that it makes of what it finds; columns.py: of tables
options.py      the options that several commands have; exits.py: the exit codes
output.py       the only way to standard output and to the file of `--output`; files.py: writing a file at once
clock.py        the machine's clock, which commands hand on
"""

from exporter.cli.group import main

__all__ = ["main"]

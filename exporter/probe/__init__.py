"""`probe-writes` measures which entries survive when several processors write into one document at the same moment.

The only part of the exporter that writes, and only into a scratch collection (docs/probe-writes.md). Its command is
`exporter.cli.probe_writes`.

measure.py     rounds: writers that meet and then write, what is left of it, and the removal of it all
strategies.py  the ways to write an entry
connection.py  the client, with bounded calls whose failures are counted
outcome.py     what a strategy kept and lost, in numbers and in one sentence; printing.py prints them
"""

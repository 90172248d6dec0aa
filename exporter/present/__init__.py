"""Presents a report to people and programs: in words, as a table, as JSON.

summary.py        the sentence at the top: what is wrong, since when, what to do first
outages.py        what could not be read, each outage once
beside.py         what is wrong beside verdicts and triggers, with what to do first
over.py           when a fault is shown good after its repair, and when its alert is over
care.py           who looks after a processor, what runs it, and its logs at the time of its fault
runbooks.py       a runbook with the values of an alert; opened.py: which one to open first
runbook_tables.py its values about tables; runbook_records.py: about documents, heartbeats and runs
runbook_blocks.py its commands and queries, for one processor or for several; runbook_files.py: what `dump` writes
words.py          the words for verdicts, states and times that table, page and sentence share
status.py         the JSON of `/api/v1/status`, `check --format json` and `replay --format json`
transfer.py       the whole report as JSON and back, for commands that ask a running exporter
table.py          the table of `check`
season.py         the grid of `season`: run dates by processors
faults.py         what `history` prints: when each fault was there, for how long, and what mended it
history.py        the verdicts and trigger states of the last days, and when they changed
explanations.py   what `explain` says; repairs.py: the writes that `repair` prints
"""

"""Reads the sources, keeps what was read and publishes a report after every reading.

Time is an argument or a clock, so the schedule and a replay use the same code.

collector.py    what a collector is, and the snapshot that all of them change
completion.py, heartbeats.py, warehouse.py   the collectors: what each reads, and what it keeps when it fails
collectors.py   runs the collectors: time limits, failures, and the report after each run
priority.py     threads that read and judge give way to scrapes
pace.py         when a collector reads next: the table of rules; planning.py: what they are decided by
pieces.py       how the tables of one reading are shared out among jobs
context.py      the request for calendar, run history, phase log and coverage, and how its answer ended
own.py          what is wrong with the exporter itself, as its alerts say it
following.py    changes to the watched documents, from a listener
season.py       many run dates at once: what `season` reads, and what that costs
once.py         one collection without a schedule: what `check` does
"""

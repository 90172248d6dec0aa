"""Reads the sources, keeps what was read and publishes a report after every reading.

Time comes in as an argument or a clock, so the schedule and a replay drive the same code.

collector.py    what a collector is, and the snapshot that all of them change
completion.py, heartbeats.py, warehouse.py   the collectors: what each reads, and what stays when it fails
collectors.py   all of them at work: runs with a deadline, failures, and the report that follows
context.py      the request for calendar, run history, phase log and coverage, and how its answer ended
following.py    changes to the watched documents, from a listener
season.py       many run dates at once: what `season` reads, and what that costs
once.py         one collection without a schedule: what `check` does
"""

"""Reads the sources, keeps what was read and publishes a report after every reading.

Time comes in as an argument or a clock, so the schedule and a replay drive the same code.

collectors.py   the collectors: what each reads and from which source, how long it may take, what fails
readings.py     new values from what a run brought, and which old ones stay after a failure
context.py      the request for calendar, run history, phase log and coverage, and how its answer ended
following.py    changes to the watched documents, from a listener
once.py         one collection without a schedule: what `check` does
"""

"""The long-running exporter: what `run` and `demo` start.

process.py    the web server, the start and the end
signals.py    how signals reach a command, also the first of a container; every command runs under it
service.py    the configuration in force, its collectors and what is served; a reload replaces them
schedule.py   runs each collector when `collect/pace.py` says, a little later by jitter, and sooner when that changes
season.py     the season on the status page, read at long intervals
tuning.py     the garbage collector and the C library's memory, set up for a process that lives long
"""

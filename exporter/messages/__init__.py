"""Errors, secrets and logs: the rules for every text that leaves the process.

errors.py    the two kinds of errors that end a command, each with its exit code
secrets.py   what is a secret in a text, and the functions that hide it
printable.py what a terminal would act on, escaped
logs.py      the log: one line an event, logfmt or JSON, on standard error
"""

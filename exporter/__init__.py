"""Reconciles the records that a data pipeline keeps of its own work, for Prometheus.

config       reads the configuration
sources      reads Firestore and BigQuery, every call within a time limit
collect      runs the collectors; memory: what they saw before
model        the data: what was observed, and what was concluded
reconcile    decides: verdicts, trigger states, conditions
metrics      names every metric, and renders the samples
present      puts a report into words, tables and JSON; web: serves both
run          the long-running process; cli: the commands
messages     errors, secrets and logs

incidents, emulators, probe and shipped are for replays, local servers, `probe-writes` and the alert rules.
docs/architecture.md has a diagram, the way of an entry and a table of where to look.
"""

__version__ = "0.1.0"

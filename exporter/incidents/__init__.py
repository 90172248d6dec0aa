"""Incident files: a day of the watched pipeline as YAML, with what must be concluded from it (docs/incidents.md).

incident.py            reading a file; demo.py: the file of the demo (demo-day.yaml)
folder.py              tables and documents of one's own as such a file, for the demo
tables.py, kinds.py    tables, rows and types as the files write them; tables.yaml: the presets' tables
derived.py             definitions of tables that follow from a configuration; mentioned.py: columns that queries name
loading.py             tables and rows into a local BigQuery
local.py               both local servers, filled from a file; the only module that imports `exporter.emulators`
replay.py              a file through the same path as a real day; frozen.py: sources that stand still meanwhile
watch.py, promtool.py  every simulated minute of a file, and which alerts fire in which
capture.py             what the sources hold for a day, as a file that replays to the same verdicts; its parts:
rows.py, sayable.py    the rows of the tables, and what a file can say of a value; portable.py: the configuration
pseudonyms.py          names of people and teams in rows, replaced
"""

"""Incident files: a day of the watched pipeline as YAML, with what must be concluded from it (docs/incidents.md).

incident.py            reading a file; demo.py: the file of the demo (demo-day.yaml)
tables.py, loading.py  tables and rows as the files write them (types: tables.yaml), and into a local BigQuery
local.py               both local servers, filled from a file; the only module that imports `exporter.emulators`
replay.py              a file through the same path as a real day; frozen.py: sources that stand still meanwhile
watch.py, promtool.py  every simulated minute of a file, and which alerts fire in which
capture.py, sayable.py what the sources hold for a day, as a file that replays to the same verdicts
"""

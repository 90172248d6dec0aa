"""Prometheus metrics: their names, their samples and their bytes.

catalogue.py    every family with name, type, help and labels, and how a report becomes samples. No other module
                spells a metric's name; reference.py: docs/metrics.md
clock.py        times as texts in labels, for messages
owners.py       who looks after a processor, as labels
live.py         how the exporter's own counts become samples
samples.py      families and samples as data
exposition.py   samples to bytes, in both text formats of Prometheus
rendering.py    one report after another to bytes: what has changed of it; packing.py: those bytes compressed
telemetry.py    the counts that collectors and sources keep; the catalogue names them
process.py      the `process_...` families
"""

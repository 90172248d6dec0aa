"""A local Firestore and a local BigQuery, which the real Google clients talk to: for demo, replay and tests.

Only `exporter.incidents` imports them, and only when they are started; the production image is without them.

firestore/   a server of our own, in this process; tests/conformance holds it against Google's emulator
bigquery/    the package bqemulator in a process of its own (extra `demo`), and a gate that can order faults
"""

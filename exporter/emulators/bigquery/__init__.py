"""The local BigQuery that demo, replay and the integration tests run on; the real client talks to it.

emulator.py   starts and stops the package bqemulator in a process of its own; serve.py is that process
gate.py       a proxy in front of it that forwards calls, or answers them with a requested fault
loopback.py   an HTTP server on loopback that stops at once; calls.py: what BigQuery names its calls
"""

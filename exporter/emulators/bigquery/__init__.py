"""The local BigQuery that demo, replay and the integration tests run on; the real client talks to it.

emulator.py   starts and stops the package bqemulator in a process of its own; serve.py is that process
gate.py       stands before it and lets calls through, or answers them with a fault, as ordered
loopback.py   an HTTP server on loopback that stops at once; calls.py: what BigQuery names its calls
"""

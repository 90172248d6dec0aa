"""Reconciles the records that a data pipeline keeps of its own work, for Prometheus."""

__version__ = "0.1.0"

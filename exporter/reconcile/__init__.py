"""Observed against expected: verdicts, hints and trigger states. Pure: no clock, no network, no metrics."""

from exporter.reconcile.report import DISCREPANCIES, reconcile

__all__ = ["DISCREPANCIES", "reconcile"]

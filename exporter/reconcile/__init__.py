"""Observed against expected: verdicts, hints and trigger states. Pure: no clock, no network, no metrics.

report.py                   snapshot in, report out: every exposed phase and processor at one moment
phase.py                    one phase of one run date: its processors judged, and its trigger
parts.py, moments.py        what is kept from one report to the next, and until when it holds
expectations.py, plan.py     what is expected of each document and processor, and by when; what has to be read
units.py                    how many units are owed, by schedule, halts and calendar table
evidence.py, runs.py        what the records hold about one processor's work for one run date
heartbeat.py                which heartbeat speaks for it, and what it says
verdict.py                  the verdict table: the first row that applies is the answer (docs/verdicts.md)
trigger.py, ran.py          the state of a phase's trigger; which record shows that a phase ran
conditions.py               the table of conditions: faults of a pipeline that no verdict or trigger state shows
since.py, upcoming.py       since when each fault has been there; what is expected next
hints.py, explain.py        the evidence in words; why a registration is missing
season.py                   the same for many run dates, also those whose documents the pipeline has deleted
removals.py, unusable.py    entries that were removed from a document; fields that could not be used
renamed.py                  entries of no known processor, and whose they may be
calendar.py, dating.py      how far the calendar can be relied on; which reading of a date the documents fit
"""

from exporter.reconcile.report import DISCREPANCIES, Reconciler, reconcile

__all__ = ["DISCREPANCIES", "Reconciler", "reconcile"]

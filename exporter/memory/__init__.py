"""What the exporter remembers from one reading to the next, and over a restart.

documents.py   every entry that was seen of the watched documents, and since when; joins the two modules below
losses.py      which entries were removed, and how: what two readings of a document prove (docs/losses.md). Pure
ledger.py      the SQLite file that keeps all of it over a restart
states.py      its table of verdicts and trigger states, for the history
settling.py    values that went missing: unknown until a second reading confirms it
"""

"""Reads the records: two ports, and Firestore and BigQuery behind them.

ports.py          the two ports, their requests and answers, and the one error they raise; factory.py opens them
calls.py          ends every call within its time limit, even if the client library does not
firestore.py      documents and heartbeats; listening.py: changes as they come; endpoints.py: local servers
datasets.py       lists the tables of a project
samples.py        compares what is there with the names that are looked for
documents.py      a document from Firestore's values; fields.py: reads its fields (docs/records.md)
bigquery.py       row counts and context; queries.py, dates.py, isolation.py: the SQL; answers.py: the rows
jobs.py           one query, one job; statistics.py, columns.py, sessions.py: what is read of it, over which connection
budget.py, account.py, costs.py               the daily budget (docs/budget.md) and what a query costs
errors.py, signs.py, refusals.py, remedies.py, credentials.py   what went wrong, and what to do about it
"""

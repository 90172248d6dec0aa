"""Where the records are read: ports, and the Firestore and BigQuery that stand behind them."""

"""The local BigQuery that demo, replay and the integration tests run on; the real client talks to it."""

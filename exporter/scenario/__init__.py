"""Incident files: load, capture, replay; and the local Firestore and BigQuery they run on."""

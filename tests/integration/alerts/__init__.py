"""Alerts, from what a look found to a webhook."""

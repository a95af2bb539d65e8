"""Monitoring, from sealed hours to evaluations and alerts."""

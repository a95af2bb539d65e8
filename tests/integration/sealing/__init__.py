"""Sealing, from hour logs to sealed hours."""

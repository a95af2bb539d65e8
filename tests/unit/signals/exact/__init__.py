"""Comparing rows, held against scipy and against the metrics over counts."""

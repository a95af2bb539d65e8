"""Metrics against independent numbers, and judging."""

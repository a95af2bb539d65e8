"""Scoring with real models out of real storage."""

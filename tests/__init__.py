"""Tests, against the real thing where one can run here."""

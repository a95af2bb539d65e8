"""Tests of telemetry against the local sink."""

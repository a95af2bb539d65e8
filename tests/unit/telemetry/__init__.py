"""Tests of telemetry's rules."""

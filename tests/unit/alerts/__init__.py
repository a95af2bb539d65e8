"""Tests of the alerts' rules."""

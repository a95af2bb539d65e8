"""Tests of the local sinks."""

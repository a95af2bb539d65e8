"""Tests that try to break it."""

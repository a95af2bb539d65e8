"""Tests of what a dataset is checked for."""

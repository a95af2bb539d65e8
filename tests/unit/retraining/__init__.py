"""Tests of the rules of retraining."""

"""Tests of retraining against storage."""

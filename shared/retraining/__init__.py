"""Retraining: when it pays, and what is to be done instead where it does not."""

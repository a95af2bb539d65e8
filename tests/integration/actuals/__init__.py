"""Predictions and actuals, sealed in any order, joined in storage."""

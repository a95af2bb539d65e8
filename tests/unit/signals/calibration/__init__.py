"""Calibration against simulated histories whose truth is known."""

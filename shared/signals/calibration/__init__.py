"""Calibration: from a version's own history, how much surprise is news.

``contrasts`` turns a window into numbers, ``looks`` are windows as such numbers. ``usual`` learns how windows differ where
nothing is wrong, ``surprise`` says how rare a window is, ``tail`` from where on that is news, and ``calibrating`` puts these
together.
"""

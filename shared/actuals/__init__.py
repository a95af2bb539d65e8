"""Actuals: what turned out to be true, joined to the predictions it is about.

``joining`` takes one step after the other for every model, and ``stepping`` is one step: out of its ``sources`` it finds
(``finding``) the predictions of actuals that are new (``wanted``), and of those that stand (``standing``) because their
predictions may still come. ``hours`` adds what was found to joined hours. ``reading`` is for whoever asks what turned out,
``status`` for people, and ``outlived`` says what may go. ``columns``, ``matching``, ``counting``, ``delays`` and
``progress`` are rules.
"""

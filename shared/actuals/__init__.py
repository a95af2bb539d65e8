"""Actuals: what turned out to be true, joined to the predictions it is about.

``joining`` takes one step after the other for every model, ``stepping`` is one step: it finds the predictions (``finding``)
of actuals that are new, and of those that stand (``standing``) because their predictions may still come. ``hours`` adds
what was found to joined hours, ``reading`` is for whoever asks what turned out, and ``outlived`` says what may go. The rules are in ``columns``,
``matching``, ``delays``, ``counting`` and ``progress``.
"""

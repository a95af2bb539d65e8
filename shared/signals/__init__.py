"""What is watched: how far apart two windows are, whether that is sure, and whether it matters.

``drift`` has the metrics over counts, ``exact`` the same over rows; ``measuring``, ``quality`` and ``joint`` make differences
of two profiles by them. ``calibration`` learns what is usual of a version, ``significance`` is for where there is no history,
and either says whether a difference is sure (``sureness``). ``judging`` holds all of it against the budget and the floors, and
``triage`` says what a breach looks like.
"""

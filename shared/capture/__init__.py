"""Capture: from a scored row to a line in its hour's log, once.

``publisher`` encodes records, and ``commits`` gathers those of concurrent requests into events that leave together.
``sending`` decides what becomes of such a commit, with a ``breaker``: it goes to the ``hub`` by one of its ``lanes``, or
waits in the ``spool`` until ``draining`` sends it. The Event Hubs trigger hands what comes back to ``capturing``, which
reads envelopes (``reading``), appends lines to hour logs (``hour_log``) under a fence and then moves the partition's cursor
(``cursor``). What no retry can help goes to dead letters.
"""

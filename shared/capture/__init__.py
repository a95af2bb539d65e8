"""Capture: from a scored row to a line in its hour's log, once.

``publishing`` hands records to the ``hub``, or spools them until it can.

The Event Hubs trigger hands what comes back to ``capturing``. It finds where the partition stands (``position``), has what
is missing before the batch read from the hub (``reading_back``) or recorded as lost (``missing``), and has the events filed
(``filing``): their envelopes are read (``reading``), and lines appended to hour logs (``hour_log``) under a fence. Then the
partition's ``cursor`` moves. What no retry can help goes to dead letters, which ``dead`` reads again; what an attempt that
broke off left above the cursor is found by ``resting``.
"""

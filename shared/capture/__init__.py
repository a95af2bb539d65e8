"""Capture: from a scored row to a line in its hour's log, once.

``publisher`` packs records into events and sends them; the Event Hubs trigger hands what comes back to ``capturing``,
which reads envelopes (``reading``), appends lines to hour logs (``hour_log``) under a fence and then moves the
partition's cursor (``cursor``). What no retry can help goes to dead letters.
"""

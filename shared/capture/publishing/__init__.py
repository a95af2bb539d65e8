"""From a record to an event in the hub, or in the spool.

``publisher`` encodes records, and ``commits`` gathers those of concurrent requests into events that leave together.
``sending`` decides what becomes of such a commit, with a ``breaker``: it goes to the hub by one of its ``lanes``, or waits
in the ``spool`` until ``draining`` sends it.
"""

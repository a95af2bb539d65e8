"""Days whose hours are all sealed: ``day`` is what is stored of one, ``rolling`` makes it, ``finding`` reads it."""

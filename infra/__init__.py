"""Where Driftline runs: ``azure`` describes the cloud, ``local`` is the whole system on one machine."""

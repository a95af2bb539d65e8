"""Models, versions, aliases and baselines."""

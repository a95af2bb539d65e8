"""The stages of Driftline, in the order a record passes them; ``wiring`` puts them together."""
